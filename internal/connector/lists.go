package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The page sizes that JumpCloud's lists allow. The client asks for fewer where a
// tenant refuses.
const (
	usersPerPage = 1000
	rowsPerPage  = 100
)

// rows reads and judges one list.
type rows struct {
	read   func(ctx context.Context, token string) (*syncer.Page, error)
	settle func(notes [][]byte, occasion paging.Occasion) (paging.Verdict, error)
}

// rowsOf joins how a list is paged with what is made of its rows.
func rowsOf[T any](l paging.Lister[T], fill func(_ context.Context, page *syncer.Page, items []T) error) rows {
	return rows{
		read: func(ctx context.Context, token string) (*syncer.Page, error) {
			read, err := paging.ReadPage(ctx, l, token)
			if err != nil {
				return nil, err
			}
			page := &syncer.Page{
				Next: read.Next, Note: read.Note, Settled: read.Settled, Total: read.Total, Repeats: read.Repeats,
				Counted: read.Counted, Shown: read.Shown,
			}
			if read.Nulls > 0 && !l.Holes {
				page.Facts = append(page.Facts, nullRows(l.Name, token, read.Nulls))
			}
			if err := fill(ctx, page, read.Items); err != nil {
				return nil, err
			}
			return page, nil
		},
		settle: l.Settle,
	}
}

// rows finds the list of a kind.
func (s *Source) rows(k kind, owner syncer.Ref) (rows, error) {
	switch k.collection {
	case users:
		return rowsOf(paging.Lister[jumpcloud.User]{
			Name: string(users), Limit: usersPerPage, Sorted: true,
			Fetch: s.client.Users,
			ID:    func(u jumpcloud.User) string { return u.ID },
		}, s.fillUsers), nil
	case admins:
		return rowsOf(paging.Lister[jumpcloud.Admin]{
			Name: string(admins), Limit: rowsPerPage, Sorted: true,
			Fetch: s.client.Admins,
			ID:    func(a jumpcloud.Admin) string { return a.ID },
		}, func(ctx context.Context, page *syncer.Page, items []jumpcloud.Admin) error {
			return s.fillAdmins(ctx, page, k, owner, items)
		}), nil
	case groups:
		return rowsOf(paging.Lister[jumpcloud.UserGroup]{
			Name: string(groups), Limit: rowsPerPage, Sorted: true,
			Fetch: s.client.UserGroups,
			ID:    func(g jumpcloud.UserGroup) string { return g.ID },
		}, func(_ context.Context, page *syncer.Page, items []jumpcloud.UserGroup) error {
			return s.fillGroups(page, k, items)
		}), nil
	case apps:
		return rowsOf(paging.Lister[jumpcloud.Application]{
			Name: string(apps), Limit: rowsPerPage, Sorted: true,
			Fetch: s.client.Applications,
			ID:    func(a jumpcloud.Application) string { return a.ID },
		}, func(_ context.Context, page *syncer.Page, items []jumpcloud.Application) error {
			return s.fillApps(page, k, items)
		}), nil
	case members, dynamicMembers:
		return rowsOf(memberEdges(s.client, owner.ID), func(_ context.Context, page *syncer.Page, items []jumpcloud.Connection) error {
			grants, others := memberGrants(owner.ID, k.collection == dynamicMembers, items)
			page.Grants = grants
			remarkOthers(page, owner, others)
			return nil
		}), nil
	case assignments:
		return rowsOf(assignmentEdges(s.client, owner.ID), func(_ context.Context, page *syncer.Page, items []jumpcloud.Connection) error {
			grants, others := assignmentGrants(owner.ID, items)
			page.Grants = grants
			remarkOthers(page, owner, others)
			return nil
		}), nil
	default:
		return rows{}, fmt.Errorf("unknown list %q; the work kept of an interrupted sync is of another version", k)
	}
}

func (s *Source) fillUsers(_ context.Context, page *syncer.Page, items []jumpcloud.User) error {
	for i := range items {
		u := &items[i]
		r, err := userResource(u, s.now)
		if err := errors.Join(err, s.belongs(restype.User, u.ID, u.Organization)); err != nil {
			return err
		}
		page.Resources = append(page.Resources, r)
		page.Facts = append(page.Facts, syncer.Fact{Kind: factUserEmail, Key: u.ID, Value: u.Email})
		page.Facts = append(page.Facts, userDoubts(u)...)
		if s.options.MergeAdmins && u.Admin != nil && u.Admin.ID != "" {
			page.Facts = append(page.Facts, syncer.Fact{Kind: factUserAdmin, Key: u.ID, Value: u.Admin.ID})
		}
	}
	return nil
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

func (s *Source) fillGroups(page *syncer.Page, k kind, items []jumpcloud.UserGroup) error {
	for i := range items {
		if err := s.fillGroup(page, k, &items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) fillGroup(page *syncer.Page, k kind, g *jumpcloud.UserGroup) error {
	r, err := groupResource(g)
	if err := errors.Join(err, s.belongs(restype.Group, g.ID, g.Organization)); err != nil {
		return err
	}
	page.Resources = append(page.Resources, r)
	if !knownMembership(g) {
		page.Facts = append(page.Facts, doubtMembershipMethod.of(g.ID, g.MembershipMethod))
	}
	if k.resourcesOnly {
		return nil
	}
	page.Entitlements = append(page.Entitlements, groupEntitlement(g))
	if !k.noGrants {
		c := members
		if IsDynamic(g) {
			c = dynamicMembers
		}
		page.Lists = append(page.Lists, kind{collection: c}.of(refOf(r.GetId())))
	}
	return nil
}

func (s *Source) fillApps(page *syncer.Page, k kind, items []jumpcloud.Application) error {
	for i := range items {
		if err := s.fillApp(page, k, &items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) fillApp(page *syncer.Page, k kind, a *jumpcloud.Application) error {
	r, err := appResource(a)
	if err := errors.Join(err, s.belongs("application", a.ID, a.Organization)); err != nil {
		return err
	}
	page.Resources = append(page.Resources, r)
	page.Facts = append(page.Facts, oddFlags("application", a.ID, namedFlag{"active", a.Active}, namedFlag{"sso.hidden", a.Hidden})...)
	if k.resourcesOnly {
		return nil
	}
	page.Entitlements = append(page.Entitlements, appEntitlement(a))
	if !k.noGrants {
		page.Lists = append(page.Lists, kind{collection: assignments}.of(refOf(r.GetId())))
	}
	return nil
}

// remarkOthers tells of edges that the model has no word for. JumpCloud has none
// today.
func remarkOthers(page *syncer.Page, owner syncer.Ref, types []string) {
	slices.Sort(types)
	for _, t := range slices.Compact(types) {
		page.Remarks = append(page.Remarks, fmt.Sprintf("%s %s has associations of the unknown type %q, which were left out",
			owner.Type, owner.ID, printable.Clip(t, 100)))
	}
}
