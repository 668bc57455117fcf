package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// adminResource maps an administrator (JumpCloud API v1, /users) to an account of
// its own: JumpCloud keeps administrators apart from directory users, also where
// both are one person, and gives them no attributes of the directory.
func adminResource(a *jumpcloud.Admin) (*v2.Resource, error) {
	if err := checkID("administrator", a.ID, a.Email); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("id", a.ID)
	p.text("user_id", a.ID)
	p.text("organization", a.Organization)
	disabled := unclear(a.Suspended, jumpcloud.Unset)
	if a.Suspended.IsTrue() {
		disabled = "suspended"
	}
	r := &v2.Resource{
		Id: resourceID(restype.User, a.ID),
		DisplayName: printable.Clip(firstText(
			strings.TrimSpace(a.FirstName+" "+a.LastName),
			a.Email,
			a.ID,
		), MaxDisplayName),
		Profile: p.message(),
		Status:  accountStatus(disabled),
	}
	trait := &v2.UserTrait{
		Emails:      emails(a.Email),
		Login:       printable.Clip(a.Email, MaxID),
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN,
	}
	if a.TOTPEnrolled.IsSet() {
		trait.MfaStatus = &v2.UserTrait_MFAStatus{MfaEnabled: a.TOTPEnrolled.IsTrue()}
	}
	return withUserTrait(r, trait), nil
}

// IsAdministrator tells the account of an administrator from that of a user, in an archive
// of this connector: only users have a user name.
func IsAdministrator(account *v2.Resource) bool {
	p := account.GetProfile()
	return account.GetId().GetResourceType() == restype.User && profileText(p, "user_id") != "" && profileText(p, "username") == ""
}

// adminGrants are what an administrator holds: access to the administration app,
// and the roles of these names.
func adminGrants(a *jumpcloud.Admin, roles []string) []*v2.Grant {
	holder := resourceID(restype.User, a.ID)
	console := directGrant(grantedEntitlement(restype.App, restype.AdministrationAppID), holder)
	console.Annotations = Annotations(&v2.GrantImmutable{})
	grants := []*v2.Grant{console}
	for _, name := range roles {
		grants = append(grants, directGrant(grantedEntitlement(restype.Role, roleID(name)), holder))
	}
	return grants
}

// skippedAdmins is the remark of a sync without administrators.
const skippedAdmins = "administrators were left out (--skip-admins): their accounts, their roles " +
	"and their access to " + AdministrationAppName + " are not in this archive"

// startAdmins names the list of administrators, also where accounts are left out: roles
// are known by the administrators who hold them, and the grants that fall with the
// accounts are counted.
func (s *Source) startAdmins(page *syncer.Page, k kind, has func(string) bool) {
	withRoles := has(restype.Role) || (has(restype.App) && !k.resourcesOnly && !k.noGrants)
	if s.options.SkipAdmins {
		if has(restype.User) || withRoles {
			page.Remarks = append(page.Remarks, skippedAdmins)
		}
		if has(restype.AdminAPIKey) {
			page.Remarks = append(page.Remarks, skippedKeys)
		}
		return
	}
	if has(restype.User) || withRoles || has(restype.AdminAPIKey) {
		k = k.with(admins)
		k.noAccounts, k.noRoles, k.keys = !has(restype.User), !has(restype.Role), has(restype.AdminAPIKey)
		k.resourcesOnly = k.resourcesOnly || k.noAccounts && !withRoles
		page.Lists = append(page.Lists, k.of(syncer.Ref{}))
	}
}

// noAdmins is the remark of a sync in which nobody administers the organization.
const noAdmins = "JumpCloud lists no administrators, though an organization has at least one unless a provider " +
	"manages it: check that the credential may read administrators (" + adminsPermission + ")"

// fillAdmins makes accounts, roles and grants of administrators. With an owner it
// is about that role or the administration app only, and accounts of others are
// left out.
func (s *Source) fillAdmins(ctx context.Context, page *syncer.Page, k kind, owner syncer.Ref, items []jumpcloud.Admin) error {
	if page.Settled && len(items) == 0 {
		page.Remarks = append(page.Remarks, noAdmins)
	}
	listed := new(listedRoles)
	wantsRoles := !k.noRoles && !k.accountsOnly && owner.Type != restype.App
	if wantsRoles && slices.ContainsFunc(items, func(a jumpcloud.Admin) bool { return len(a.Roles) > 0 }) {
		var err error
		if listed, err = s.listRoles(ctx); err != nil {
			return err
		}
	}
	learned := learnRoles(items)
	for i := range items {
		a := &items[i]
		r, err := adminResource(a)
		if err := errors.Join(err, s.adminBelongs(a)); err != nil {
			return err
		}
		if k.keys {
			if err := s.fillAPIKey(page, k, a); err != nil {
				return err
			}
		}
		names, unresolved := listed.resolve(a.Roles, learned)
		if wantsRoles {
			for _, id := range unresolved {
				page.Facts = append(page.Facts, doubtRole.of(a.ID, id))
			}
			for _, field := range a.UnreadRoles {
				page.Facts = append(page.Facts, doubtRoleField.of(a.ID, field))
			}
		}
		grants := adminGrants(a, names)
		if owner != (syncer.Ref{}) {
			grants = slices.DeleteFunc(grants, func(g *v2.Grant) bool {
				return refOf(g.GetEntitlement().GetResource().GetId()) != owner
			})
			if len(grants) == 0 {
				continue
			}
			names = slices.DeleteFunc(names, func(n string) bool { return roleRef(n) != owner })
		}
		page.Facts = append(page.Facts, doubtStanding.odd("administrator", a.ID, namedFlag{"suspended", a.Suspended})...)
		page.Facts = append(page.Facts, oddFlags("administrator", a.ID, namedFlag{"totpEnrolled", a.TOTPEnrolled})...)
		if !k.noAccounts && (owner == (syncer.Ref{}) || (!k.resourcesOnly && !k.noGrants)) {
			page.Resources = append(page.Resources, r)
			page.Facts = append(page.Facts, syncer.Fact{Kind: factAdminEmail, Key: a.ID, Value: a.Email})
		}
		if k.accountsOnly {
			continue
		}
		for _, name := range names {
			page.Hints = append(page.Hints, roleResource(&jumpcloud.Role{Name: name}))
			if !k.resourcesOnly {
				page.Entitlements = append(page.Entitlements, roleEntitlement(name))
			}
		}
		if !k.resourcesOnly && !k.noGrants {
			page.Grants = append(page.Grants, grants...)
		}
	}
	return nil
}

// listHolders names the list of the administrators who hold a role or have access
// to the administration app. With joined accounts, all accounts are needed to know
// who the holders are.
func (s *Source) listHolders(page *syncer.Page, k kind, target syncer.Ref) {
	if s.options.SkipAdmins {
		page.Remarks = append(page.Remarks, skippedAdmins)
		return
	}
	page.Lists = append(page.Lists, k.with(admins).of(target))
	if target.Type == restype.Role && s.synced(restype.ServiceAccount) {
		page.Lists = append(page.Lists, k.with(serviceAccounts).of(target))
	}
	if s.options.MergeAdmins && !k.resourcesOnly && !k.noGrants {
		page.Lists = append(page.Lists, accountLists()...)
	}
}

// accountLists are the lists that joining administrators with users takes.
func accountLists() []syncer.List {
	return []syncer.List{
		kind{collection: users}.of(syncer.Ref{}),
		kind{collection: admins, accountsOnly: true}.of(syncer.Ref{}),
	}
}

// lookupAdmin reads an administrator, nobody where administrators are left out.
func (s *Source) lookupAdmin(ctx context.Context, id string) (*v2.Resource, error) {
	if s.options.SkipAdmins {
		return nil, fmt.Errorf("account %s: %w", id, syncer.ErrNotFound)
	}
	a, err := s.client.Admin(ctx, id)
	if err == nil {
		err = s.adminBelongs(a)
	}
	if err != nil {
		return nil, err
	}
	return adminResource(a)
}

// adminsPermission is what reading administrators takes.
const adminsPermission = "administrators.readonly"
