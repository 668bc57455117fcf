package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// serviceAccountResource maps a service account (JumpCloud API v2, /service-accounts).
func serviceAccountResource(a *jumpcloud.ServiceAccount, now time.Time) (*v2.Resource, error) {
	if err := checkID("service account", a.ID, a.Name); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("id", a.ID)
	p.text("organization", a.Organization)
	p.text("status", a.Status)
	if a.Role != nil {
		p.text("role", a.Role.Name)
		p.text("role_id", a.Role.ID)
	}
	p.time(profileExpires, a.ExpiresAt)
	disabled, _ := serviceStanding(a, now)
	r := &v2.Resource{
		Id:          resourceID(restype.ServiceAccount, a.ID),
		DisplayName: ServiceAccountName(a),
		Profile:     p.message(),
		Status:      accountStatus(disabled),
	}
	return withUserTrait(r, &v2.UserTrait{
		Login: printable.Clip(a.Name, MaxID), AccountType: v2.UserTrait_ACCOUNT_TYPE_SERVICE,
	}), nil
}

// ServiceAccountName is the display name of a service account.
func ServiceAccountName(a *jumpcloud.ServiceAccount) string {
	return printable.Clip(firstText(a.Name, a.ID), MaxDisplayName)
}

// serviceStanding is why a service account cannot sign in, "" for one that can, and whether
// its status is none that is known. One of unknown status is shown as disabled, as a user is.
func serviceStanding(a *jumpcloud.ServiceAccount, now time.Time) (disabled string, unknown bool) {
	switch status := identity.Fold(strings.TrimSpace(a.Status)); status {
	case "", "active", "enabled":
	case "inactive", "disabled", "suspended", "expired", "revoked":
		return status, false
	default:
		return printable.Clip(strings.TrimSpace(a.Status), 100), true
	}
	later := func(c jumpcloud.Credential) bool { return c.Expires.After(now) }
	if !a.ExpiresAt.IsZero() && !a.ExpiresAt.After(now) && !slices.ContainsFunc(a.Credentials, later) {
		return "expired", false
	}
	return "", false
}

// serviceAccountMapping is about service accounts. Their list brings their credentials too.
func serviceAccountMapping() mapping {
	return mapping{
		id: restype.ServiceAccount,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if !has(restype.ServiceAccount) && !has(restype.ServiceCredential) {
				return
			}
			k = k.with(serviceAccounts)
			k.noAccounts, k.noRoles, k.keys = !has(restype.ServiceAccount), !has(restype.Role), has(restype.ServiceCredential)
			page.Lists = append(page.Lists, k.of(syncer.Ref{}))
		},
		target: func(ctx context.Context, s *Source, page *syncer.Page, _ kind, target syncer.Ref) error {
			return s.lookUpServiceAccount(ctx, page, target.ID)
		},
		lookup: func(ctx context.Context, s *Source, page *syncer.Page, id string) error {
			return s.lookUpServiceAccount(ctx, page, id)
		},
		lists: []listing{{id: serviceAccounts, label: "service accounts", open: func(s *Source, k kind, owner syncer.Ref) rows {
			return rowsOf(ServiceAccounts(s.client), func(ctx context.Context, page *syncer.Page, items []jumpcloud.ServiceAccount) error {
				return s.fillServiceAccounts(ctx, page, k, owner, items)
			})
		}}},
	}
}

func (s *Source) lookUpServiceAccount(ctx context.Context, page *syncer.Page, id string) error {
	a, err := s.client.ServiceAccount(ctx, id)
	if err != nil {
		return err
	}
	k := kind{collection: serviceAccounts, noRoles: true, noGrants: true}
	return s.fillServiceAccounts(ctx, page, k, syncer.Ref{}, []jumpcloud.ServiceAccount{*a})
}

// fillServiceAccounts makes accounts, their roles and their credentials. With an owner it is
// about that role or that credential only.
func (s *Source) fillServiceAccounts(ctx context.Context, page *syncer.Page, k kind, owner syncer.Ref, items []jumpcloud.ServiceAccount) error {
	listed := new(listedRoles)
	wantsRoles := !k.noRoles && !k.noAccounts
	if wantsRoles && slices.ContainsFunc(items, func(a jumpcloud.ServiceAccount) bool { return a.Role != nil }) {
		var err error
		if listed, err = s.listRoles(ctx); err != nil {
			return err
		}
	}
	for i := range items {
		a := &items[i]
		r, err := serviceAccountResource(a, s.now)
		if err := errors.Join(err, s.belongs("service account", a.ID, a.Organization)); err != nil {
			return err
		}
		if k.keys {
			if err := s.fillCredentials(page, k, owner, a); err != nil {
				return err
			}
		}
		if k.noAccounts {
			continue
		}
		var names, unresolved []string
		if wantsRoles && a.Role != nil {
			names, unresolved = listed.resolve([]jumpcloud.RoleRef{*a.Role}, nil)
		}
		if owner != (syncer.Ref{}) {
			if names = slices.DeleteFunc(names, func(n string) bool { return roleRef(n) != owner }); len(names) == 0 {
				continue
			}
		}
		for _, id := range unresolved {
			page.Facts = append(page.Facts, doubtServiceRole.of(a.ID, id))
		}
		if _, unknown := serviceStanding(a, s.now); unknown {
			page.Facts = append(page.Facts, doubtServiceStatus.of(a.ID, strings.TrimSpace(a.Status)))
		}
		page.Resources = append(page.Resources, r)
		for _, name := range names {
			page.Hints = append(page.Hints, roleResource(&jumpcloud.Role{Name: name}))
			if k.resourcesOnly {
				continue
			}
			page.Entitlements = append(page.Entitlements, roleEntitlement(name))
			if !k.noGrants {
				g := directGrant(grantedEntitlement(restype.Role, roleID(name)), r.GetId())
				g.Annotations = Annotations(&v2.GrantImmutable{})
				page.Grants = append(page.Grants, g)
			}
		}
	}
	return nil
}

// fillCredentials makes the credentials of a service account, or the one that owner is.
func (s *Source) fillCredentials(page *syncer.Page, k kind, owner syncer.Ref, a *jumpcloud.ServiceAccount) error {
	ids := map[string]int{}
	for i := range a.Credentials {
		c := &a.Credentials[i]
		holder := secretOwner{id: resourceID(restype.ServiceAccount, a.ID), name: ServiceAccountName(a), unsynced: k.noAccounts}
		r, err := credentialResource(a, c, holder, ids)
		if err != nil {
			return err
		}
		if owner == (syncer.Ref{}) || owner == refOf(r.GetId()) {
			page.Resources = append(page.Resources, r)
		}
	}
	return nil
}

// credentialWords are what a credential of a kind is called, and its kind in [v2.SecretTrait].
func credentialWords(authType string) (words, detail string) {
	switch authType {
	case jumpcloud.AuthAPIKey:
		return "API key", "jumpcloud.service_account_api_key"
	case jumpcloud.AuthClientSecret:
		return "client secret", "jumpcloud.service_account_client_secret"
	default:
		return "credential", "jumpcloud.service_account_credential"
	}
}

// credentialResource maps a credential of a service account. One that does not tell when it
// expires does so with its account.
func credentialResource(a *jumpcloud.ServiceAccount, c *jumpcloud.Credential, owner secretOwner, ids map[string]int) (*v2.Resource, error) {
	words, detail := credentialWords(c.Type)
	expires := c.Expires
	if expires.IsZero() {
		expires = a.ExpiresAt
	}
	return secretResource(restype.ServiceCredential, keyID(c.ID, a.ID, c.Type, ids), fmt.Sprintf("%s %s", owner.name, words), owner, credentialFacts{
		created: c.Created, expires: expires, lastUsed: c.LastUsed,
		kind: v2.SecretTrait_CREDENTIAL_TYPE_STATIC_SECRET, detail: detail,
	}, func(p profile) { p.text("auth_type", c.Type) })
}

// ServiceAccounts is the list of the service accounts of an organization.
func ServiceAccounts(client *jumpcloud.Client) paging.Lister[jumpcloud.ServiceAccount] {
	return paging.Lister[jumpcloud.ServiceAccount]{
		Name: serviceAccounts.label(), Limit: rowsPerPage,
		Fetch: client.ServiceAccounts,
		ID:    func(a jumpcloud.ServiceAccount) string { return a.ID },
	}
}
