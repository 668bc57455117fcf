package connector

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// BoundKind is a kind of JumpCloud's graph that users and groups are bound to, and the type of
// its resources.
type BoundKind struct{ Graph, Type string }

// BoundKinds are all of them.
func BoundKinds() []BoundKind {
	kinds := []BoundKind{{jumpcloud.TypeApplication, restype.App}}
	for _, k := range directoryKinds() {
		kinds = append(kinds, BoundKind{k.graph, restype.Directory})
	}
	return append(kinds, BoundKind{jumpcloud.TypeRADIUSServer, restype.RADIUSServer}, BoundKind{jumpcloud.TypeDevice, restype.Device}, BoundKind{jumpcloud.TypeDeviceGroup, restype.DeviceGroup})
}

// accessEntitlement is the one shape that the entitlements of all resources have that
// users and groups are bound to, so that a reader can treat them alike.
func accessEntitlement(id *v2.ResourceId, name, description string) *v2.Entitlement {
	return &v2.Entitlement{
		Resource:    &v2.Resource{Id: id, DisplayName: printable.Clip(name, MaxDisplayName)},
		Id:          restype.EntitlementID(id.GetResourceType(), id.GetResource()),
		Slug:        slugAccess,
		Purpose:     v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		DisplayName: printable.Clip(name+" access", MaxDisplayName),
		Description: printable.Clip(description, maxDescription),
		GrantableTo: grantableTo(restype.User, restype.Group),
	}
}

// bindingGrants are the grants of one page of a resource's direct associations (JumpCloud
// API v2, /applications/{id}/associations and the same of other kinds). A group's
// grant expands to the users who are its direct members. Associations of other
// kinds are returned apart.
func bindingGrants(resource syncer.Ref, bound []jumpcloud.Connection) (grants []*v2.Grant, others []string) {
	granted := grantedEntitlement(resource.Type, resource.ID)
	grants = make([]*v2.Grant, 0, len(bound))
	for _, to := range bound {
		switch to.Type {
		case jumpcloud.TypeUser:
			grants = append(grants, directGrant(granted, resourceID(restype.User, to.ID)))
		case jumpcloud.TypeUserGroup:
			g := directGrant(granted, resourceID(restype.Group, to.ID))
			g.Annotations = Annotations(expandsTo(restype.User, restype.EntitlementID(restype.Group, to.ID)))
			grants = append(grants, g)
		default:
			others = append(others, to.Type)
		}
	}
	return grants, others
}

// expandsTo says that a grant reaches the direct holders of an entitlement who are of a
// type.
func expandsTo(resourceType, entitlement string) *v2.GrantExpandable {
	return &v2.GrantExpandable{EntitlementIds: []string{entitlement}, Shallow: true, ResourceTypeIds: []string{resourceType}}
}

// bindingList is the kind of list of who is bound to the resources of a type that are of a
// kind of the graph.
func bindingList(id collection, label, kindOfGraph string) listing {
	return boundList(id, label, kindOfGraph, func(_ kind, owner syncer.Ref, bound []jumpcloud.Connection) ([]*v2.Grant, []string) {
		return bindingGrants(owner, bound)
	})
}

// boundList is the same with grants of another shape.
func boundList(id collection, label, kindOfGraph string, grants func(kind, syncer.Ref, []jumpcloud.Connection) ([]*v2.Grant, []string)) listing {
	return listing{
		id: id, label: label, owned: true, grants: grants,
		open: func(s *Source, k kind, owner syncer.Ref) rows {
			list := bindingEdges(s.client, kindOfGraph, owner.ID)
			return rowsOf(s.among(kindOfGraph, list), grantsFrom(k, owner))
		},
	}
}

// fillAccess adds what a resource can be granted, and names the lists of who holds it.
func (s *Source) fillAccess(page *syncer.Page, k kind, r *v2.Resource) {
	m, _ := mappingOf(r.GetId().GetResourceType())
	entitlements := m.entitlements(r)
	if k.resourcesOnly || len(entitlements) == 0 {
		return
	}
	page.Entitlements = append(page.Entitlements, entitlements...)
	if !k.noGrants {
		page.Lists = append(page.Lists, m.holders(r)...)
	}
}

// only makes several of one.
func only[T any](one func(*v2.Resource) T) func(*v2.Resource) []T {
	return func(r *v2.Resource) []T { return []T{one(r)} }
}

// grantsFrom makes the grants of a page of a list of holders.
func grantsFrom(k kind, owner syncer.Ref) func(context.Context, *syncer.Page, []jumpcloud.Connection) error {
	return func(_ context.Context, page *syncer.Page, items []jumpcloud.Connection) error {
		grants, others := k.find().grants(k, owner, items)
		page.Grants = grants
		remarkOthers(page, owner, others)
		return nil
	}
}
