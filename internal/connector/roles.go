package connector

import (
	"context"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// roleResource maps an administrator role (JumpCloud API v2, /roles). A role that
// is known by its name only has no more than that name set.
func roleResource(role *jumpcloud.Role) *v2.Resource {
	name, builtin := roleName(role.Name)
	p := profile{}
	p.texts("scopes", slices.Compact(slices.Sorted(slices.Values(role.Scopes))))
	p.flag("custom", flagOf(!builtin))
	r := &v2.Resource{
		Id:          resourceID(restype.Role, roleID(name)),
		DisplayName: printable.Clip(name, MaxDisplayName),
		Description: printable.Clip(role.Description, maxDescription),
		Profile:     p.message(),
	}
	r.Annotations = Annotations(&v2.RoleTrait{Profile: r.GetProfile()}) //nolint:staticcheck // For older readers.
	return r
}

// roleEntitlement is being given a role. It depends on the role's name alone, so
// that it is the same whether the role was listed or met on an administrator.
func roleEntitlement(name string) *v2.Entitlement {
	name, _ = roleName(name)
	return heldRole(roleID(name), printable.Clip(name, MaxDisplayName))
}

// heldRole is the entitlement of a role with an id and a display name.
func heldRole(id, name string) *v2.Entitlement {
	return &v2.Entitlement{
		Resource:    &v2.Resource{Id: resourceID(restype.Role, id), DisplayName: name},
		Id:          restype.EntitlementID(restype.Role, id),
		Slug:        slugMember,
		Purpose:     v2.Entitlement_PURPOSE_VALUE_PERMISSION,
		DisplayName: printable.Clip(name+" role member", MaxDisplayName),
		Description: printable.Clip("Holder of the JumpCloud administrator role "+name, maxDescription),
		GrantableTo: grantableTo(restype.User),
	}
}

// roleMapping is about the roles of administrators. The list has one page however long
// it is, and administrators bring the roles that it lacks.
func roleMapping() mapping {
	return mapping{
		id: restype.Role,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if !has(restype.Role) {
				return
			}
			page.Lists = append(page.Lists, k.with(roles).of(syncer.Ref{}))
			for _, name := range builtinRoles() {
				page.Hints = append(page.Hints, roleResource(&jumpcloud.Role{Name: name}))
				if !k.resourcesOnly {
					page.Entitlements = append(page.Entitlements, roleEntitlement(name))
				}
			}
		},
		target: readTargetRole,
		entitlements: only(func(r *v2.Resource) *v2.Entitlement {
			return heldRole(r.GetId().GetResource(), r.GetDisplayName())
		}),
		holders: only(func(*v2.Resource) syncer.List { return syncer.List{} }),
		lists:   []listing{{id: roles, label: "roles"}},
	}
}

// readRoles reads the list of roles, which has one page however long it is.
func (s *Source) readRoles(ctx context.Context, k kind, owner syncer.Ref) (*syncer.Page, error) {
	listed, err := s.listRoles(ctx)
	if err != nil {
		return nil, Coded(err)
	}
	return listed.page(k, owner), nil
}

// readTargetRole finds a role among the built-in ones, those that JumpCloud lists
// and those that administrators hold.
func readTargetRole(_ context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
	for _, name := range builtinRoles() {
		if roleRef(name) == target {
			page.Hints = append(page.Hints, roleResource(&jumpcloud.Role{Name: name}))
			if !k.resourcesOnly {
				page.Entitlements = append(page.Entitlements, roleEntitlement(name))
			}
		}
	}
	page.Lists = append(page.Lists, k.with(roles).of(target))
	s.listHolders(page, k, target)
	return nil
}
