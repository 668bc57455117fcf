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

// EntitlementsOf are what a resource can be granted, the same that a sync makes of it:
// none for a resource that cannot be granted. The resource must be whole; see
// [IsWhole].
func EntitlementsOf(r *v2.Resource) []*v2.Entitlement {
	m, _ := mappingOf(r.GetId().GetResourceType())
	if m.entitlements == nil {
		return nil
	}
	return m.entitlements(r)
}

// IsWhole reports whether a resource is one that this connector made, rather than its id
// alone: it carries a trait.
func IsWhole(r *v2.Resource) bool {
	_, known := mappingOf(r.GetId().GetResourceType())
	return known && slices.ContainsFunc(r.GetAnnotations(), func(a *anypb.Any) bool {
		return a.MessageIs((*v2.UserTrait)(nil)) || a.MessageIs((*v2.GroupTrait)(nil)) ||
			a.MessageIs((*v2.AppTrait)(nil)) || a.MessageIs((*v2.RoleTrait)(nil)) ||
			a.MessageIs((*v2.ManagedDeviceTrait)(nil)) || a.MessageIs((*v2.SecretTrait)(nil))
	})
}

// HoldersOf names the lists of who holds a resource: the zero list where they are
// among the administrators, none where nobody can hold the resource. The
// resource must be whole; see [IsWhole].
func HoldersOf(r *v2.Resource) []syncer.List {
	m, _ := mappingOf(r.GetId().GetResourceType())
	if m.holders == nil || len(m.entitlements(r)) == 0 {
		return nil
	}
	return m.holders(r)
}

// IsHeld reports whether somebody can hold resources of a type.
func IsHeld(resourceType string) bool {
	m, _ := mappingOf(resourceType)
	return m.holders != nil
}

// Holder is who a list of [HoldersOf] shows.
type Holder struct {
	ID *v2.ResourceId
	// Sudo says that a holder of a device is administrator there.
	Sudo bool
	// Own says that it is so by the user's own setting, and Reached that nothing else binds
	// the user to the device itself.
	Own, Reached bool
}

// IsSudo reports whether a grant makes an administrator of a device or of the devices of a
// device group.
func IsSudo(g *v2.Grant) bool {
	of := g.GetEntitlement().GetResource().GetId()
	return g.GetEntitlement().GetId() == restype.SlugEntitlementID(of.GetResourceType(), of.GetResource(), slugAdmin)
}

// graphType is the type in JumpCloud's graph of those of a type who can hold something.
func graphType(resourceType string) (graph string, ok bool) {
	switch resourceType {
	case restype.User:
		return jumpcloud.TypeUser, true
	case restype.Group:
		return jumpcloud.TypeUserGroup, true
	case restype.Device:
		return jumpcloud.TypeDevice, true
	default:
		return "", false
	}
}

// GrantsOf makes the grants that a list which [HoldersOf] names would bring for some
// holders, those of each by themselves.
func GrantsOf(list syncer.List, holders []Holder) ([][]*v2.Grant, error) {
	k := parseKind(list.Kind)
	l := k.find()
	if l.grants == nil {
		return nil, fmt.Errorf("the list %q is not one of holders", list.Kind)
	}
	all := make([][]*v2.Grant, len(holders))
	for i, h := range holders {
		kind, ok := graphType(h.ID.GetResourceType())
		if !ok {
			return nil, fmt.Errorf("resources of type %q cannot be granted anything", h.ID.GetResourceType())
		}
		if !h.Reached {
			all[i], _ = l.grants(k, list.Owner, []jumpcloud.Connection{{Type: kind, ID: h.ID.GetResource(), Sudo: h.Sudo && !h.Own}})
		}
		if h.Own {
			all[i] = append(all[i], OwnSudoGrant(list.Owner.ID, h.ID))
		}
	}
	return all, nil
}
