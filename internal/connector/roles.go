package connector

import (
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
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
	id := roleID(name)
	return &v2.Entitlement{
		Resource:    &v2.Resource{Id: resourceID(restype.Role, id), DisplayName: printable.Clip(name, MaxDisplayName)},
		Id:          restype.EntitlementID(restype.Role, id),
		Slug:        slugMember,
		Purpose:     v2.Entitlement_PURPOSE_VALUE_PERMISSION,
		DisplayName: printable.Clip(name+" role member", MaxDisplayName),
		Description: printable.Clip("Holder of the JumpCloud administrator role "+name, maxDescription),
		GrantableTo: []*v2.ResourceType{userType()},
	}
}
