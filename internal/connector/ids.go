package connector

import (
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The ids of the resource types.
const (
	TypeUser  = "user"
	TypeGroup = "group"
	TypeApp   = "app"
	TypeRole  = "role"
)

// AdministrationAppID is the resource id of the app that stands for the
// administration of the JumpCloud organisation itself. JumpCloud has no such
// object; the id is fixed so that it is the same in every archive.
const AdministrationAppID = "2UjI0eIRo77RGFwi2GKpAa0Til0"

// The slugs of the entitlements, one a type.
const (
	slugMember = "member"
	slugAccess = "access"
)

func resourceID(resourceType, id string) *v2.ResourceId {
	return &v2.ResourceId{ResourceType: resourceType, Resource: id}
}

// entitlementID forms "<type>:<resource>", the id of a resource's only
// entitlement.
func entitlementID(resourceType, id string) string {
	return resourceType + ":" + id
}

// grantID forms the id of a direct grant,
// "<type>-grant:<resource>:<principal type>:<principal>:<resource>".
func grantID(resourceType, id, principalType, principalID string) string {
	return resourceType + "-grant:" + id + ":" + principalType + ":" + principalID + ":" + id
}

func refOf(id *v2.ResourceId) syncer.Ref {
	return syncer.Ref{Type: id.GetResourceType(), ID: id.GetResource()}
}

func roleRef(name string) syncer.Ref {
	return syncer.Ref{Type: TypeRole, ID: roleID(name)}
}
