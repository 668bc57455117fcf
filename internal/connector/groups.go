package connector

import (
	"context"
	"errors"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// groupResource maps a user group (JumpCloud API v2, /usergroups).
func (s *Source) groupResource(g *jumpcloud.UserGroup) (*v2.Resource, error) {
	if err := checkID(restype.Group, g.ID, g.Name); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("type", g.Type)
	p.text("email", g.Email)
	p.text(profileMethod, g.MembershipMethod)
	s.conferred(p, &g.Confers)
	r := &v2.Resource{
		Id:          resourceID(restype.Group, g.ID),
		DisplayName: GroupName(g),
		Description: printable.Clip(g.Description, maxDescription),
		Profile:     p.message(),
	}
	r.Annotations = Annotations(&v2.GroupTrait{Profile: r.GetProfile()}) //nolint:staticcheck // For older readers.
	return r, nil
}

// GroupName is the display name of a group.
func GroupName(g *jumpcloud.UserGroup) string {
	return printable.Clip(firstText(g.Name, g.ID), MaxDisplayName)
}

// groupEntitlement is membership of a group. Nobody can be put into a dynamic
// group or out of it by hand: its rule would undo it.
func groupEntitlement(r *v2.Resource) *v2.Entitlement {
	id, name := r.GetId().GetResource(), r.GetDisplayName()
	e := &v2.Entitlement{
		Resource:    &v2.Resource{Id: resourceID(restype.Group, id), DisplayName: name},
		Id:          restype.EntitlementID(restype.Group, id),
		Slug:        slugMember,
		Purpose:     v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		DisplayName: printable.Clip(name+" member", MaxDisplayName),
		Description: printable.Clip("Member of the JumpCloud group "+name, maxDescription),
		GrantableTo: grantableTo(restype.User),
	}
	if isDynamic(groupMethod(r)) {
		e.Annotations = Annotations(&v2.EntitlementImmutable{})
	}
	return e
}

// IsDynamic reports whether a rule decides who belongs to a group: JumpCloud's
// membership methods DYNAMIC_AUTOMATED and DYNAMIC_REVIEW_REQUIRED.
func IsDynamic(g *jumpcloud.UserGroup) bool { return isDynamic(g.MembershipMethod) }

func isDynamic(method string) bool { return strings.HasPrefix(identity.Fold(method), "dynamic") }

// groupMethod is the membership method of a group that was mapped.
func groupMethod(r *v2.Resource) string { return profileText(r.GetProfile(), profileMethod) }

// groupMembers is the list of the members of a group.
func groupMembers(r *v2.Resource) syncer.List {
	c := members
	if isDynamic(groupMethod(r)) {
		c = dynamicMembers
	}
	return kind{collection: c}.of(refOf(r.GetId()))
}

// knownMembership reports whether a group's membership method is one that JumpCloud
// is known to have. Data older than the field has none.
func knownMembership(g *jumpcloud.UserGroup) bool {
	switch identity.Fold(g.MembershipMethod) {
	case "", "notset", "static", "dynamic_review_required", "dynamic_automated":
		return true
	default:
		return false
	}
}

// memberGrants are the memberships of one page of a group's members (JumpCloud API
// v2, /usergroups/{id}/members). Members of other kinds than users, which
// JumpCloud does not have today, are returned apart.
func memberGrants(k kind, group syncer.Ref, members []jumpcloud.Connection) (grants []*v2.Grant, others []string) {
	granted, dynamic := grantedEntitlement(restype.Group, group.ID), k.collection == dynamicMembers
	grants = make([]*v2.Grant, 0, len(members))
	for _, m := range members {
		if m.Type != jumpcloud.TypeUser {
			others = append(others, m.Type)
			continue
		}
		g := directGrant(granted, resourceID(restype.User, m.ID))
		if dynamic {
			g.Annotations = Annotations(&v2.GrantImmutable{})
		}
		grants = append(grants, g)
	}
	return grants, others
}

// groupMapping is about user groups.
func groupMapping() mapping {
	return mapping{
		id: restype.Group,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if has(restype.Group) {
				page.Lists = append(page.Lists, k.with(groups).of(syncer.Ref{}))
			}
		},
		target: func(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
			return s.readGroup(ctx, page, k, target.ID)
		},
		lookup: func(ctx context.Context, s *Source, page *syncer.Page, id string) error {
			return s.readGroup(ctx, page, kind{}, id)
		},
		entitlements: only(groupEntitlement), holders: only(groupMembers),
		gone: func(ctx context.Context, s *Source, id string) error {
			_, err := s.client.UserGroup(ctx, id)
			return err
		},
		lists: []listing{
			{id: groups, label: "groups", open: func(s *Source, k kind, _ syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.UserGroup]{
					Name: groups.label(), Limit: rowsPerPage, Sorted: true,
					Fetch: s.client.UserGroups,
					ID:    func(g jumpcloud.UserGroup) string { return g.ID },
				}, func(_ context.Context, page *syncer.Page, items []jumpcloud.UserGroup) error {
					return s.fillGroups(page, k, items)
				})
			}},
			{id: members, label: "group members", owned: true, open: openMembers, grants: memberGrants},
			{id: dynamicMembers, label: "members of dynamic groups", owned: true, open: openMembers, grants: memberGrants},
		},
	}
}

// openMembers is the list of a group's members.
func openMembers(s *Source, k kind, group syncer.Ref) rows {
	list := memberEdges(s.client, group.ID)
	return rowsOf(s.among("members", list), grantsFrom(k, group))
}

// readGroup reads one group, and names the list of its members.
func (s *Source) readGroup(ctx context.Context, page *syncer.Page, k kind, id string) error {
	g, err := s.client.UserGroup(ctx, id)
	if err != nil {
		return err
	}
	return s.fillGroup(page, k, g)
}

func (s *Source) fillGroups(page *syncer.Page, k kind, items []jumpcloud.UserGroup) error {
	for i := range items {
		if err := s.fillGroup(page, k, &items[i]); err != nil {
			return err
		}
	}
	return nil
}

// conferred adds what belonging to a group gives beyond what is bound to it, as far as what it
// is about is synced.
func (s *Source) conferred(p profile, g *jumpcloud.GroupAttributes) {
	if s.synced(restype.Device) {
		p.flag(profileSudo, g.Sudo)
		p.flag("sudo_without_password", g.SudoWithoutPassword)
	}
	if !s.synced(restype.Directory) {
		return
	}
	p.texts("ldap_groups", g.LDAPGroups)
	p.texts("posix_groups", g.POSIXGroups)
	p.flag("samba_enabled", g.Samba)
	var reply []string
	for _, a := range g.RADIUSReply {
		value := a.Value
		if name := identity.Fold(a.Name); strings.Contains(name, "password") || strings.Contains(name, "secret") || strings.Contains(name, "key") {
			value = "[redacted]" // Tunnel-Password and its kin
		}
		reply = append(reply, a.Name+"="+value)
	}
	p.texts("radius_reply", reply)
}

func (s *Source) fillGroup(page *syncer.Page, k kind, g *jumpcloud.UserGroup) error {
	r, err := s.groupResource(g)
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
	page.Entitlements = append(page.Entitlements, groupEntitlement(r))
	if !k.noGrants {
		page.Lists = append(page.Lists, groupMembers(r))
	}
	return nil
}
