package connector

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// EntitlementOf is what a resource can be granted, the same that a sync makes of it. It
// is nil for a resource that cannot be granted. The resource must be whole; see
// [IsWhole].
func EntitlementOf(r *v2.Resource) *v2.Entitlement {
	m, _ := mappingOf(r.GetId().GetResourceType())
	if m.entitlement == nil {
		return nil
	}
	return m.entitlement(r)
}

// IsWhole reports whether a resource is one that this connector made, rather than its id
// alone: it carries a trait.
func IsWhole(r *v2.Resource) bool {
	_, known := mappingOf(r.GetId().GetResourceType())
	return known && slices.ContainsFunc(r.GetAnnotations(), func(a *anypb.Any) bool {
		return a.MessageIs((*v2.UserTrait)(nil)) || a.MessageIs((*v2.GroupTrait)(nil)) ||
			a.MessageIs((*v2.AppTrait)(nil)) || a.MessageIs((*v2.RoleTrait)(nil))
	})
}

// HoldersOf names the list of who holds a resource. It is the zero list where they are
// among the administrators, and false where nobody can hold the resource. The
// resource must be whole; see [IsWhole].
func HoldersOf(r *v2.Resource) (syncer.List, bool) {
	m, _ := mappingOf(r.GetId().GetResourceType())
	if m.holders == nil || m.entitlement(r) == nil {
		return syncer.List{}, false
	}
	return m.holders(r), true
}

// IsHeld reports whether somebody can hold resources of a type.
func IsHeld(resourceType string) bool {
	m, _ := mappingOf(resourceType)
	return m.holders != nil
}

// GrantsOf makes the grants that a list which [HoldersOf] names would bring for some
// principals.
func GrantsOf(list syncer.List, principals []*v2.ResourceId) ([]*v2.Grant, error) {
	edges := make([]jumpcloud.Connection, len(principals))
	for i, p := range principals {
		switch p.GetResourceType() {
		case restype.User:
			edges[i] = jumpcloud.Connection{Type: jumpcloud.TypeUser, ID: p.GetResource()}
		case restype.Group:
			edges[i] = jumpcloud.Connection{Type: jumpcloud.TypeUserGroup, ID: p.GetResource()}
		default:
			return nil, fmt.Errorf("resources of type %q cannot be granted anything", p.GetResourceType())
		}
	}
	k := parseKind(list.Kind)
	l := k.find()
	if l.grants == nil {
		return nil, fmt.Errorf("the list %q is not one of holders", list.Kind)
	}
	grants, _ := l.grants(k, list.Owner, edges)
	return grants, nil
}
