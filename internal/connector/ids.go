package connector

import (
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The slugs of the entitlements.
const (
	slugMember = "member"
	slugAccess = "access"
	slugUser   = SlugUser
	slugAdmin  = SlugAdmin
)

// The slugs of the entitlements of a device.
const (
	SlugUser  = "user"  // can sign in
	SlugAdmin = "admin" // is administrator, by sudo
)

func resourceID(resourceType, id string) *v2.ResourceId {
	return &v2.ResourceId{ResourceType: resourceType, Resource: id}
}

func refOf(id *v2.ResourceId) syncer.Ref {
	return syncer.Ref{Type: id.GetResourceType(), ID: id.GetResource()}
}

func roleRef(name string) syncer.Ref {
	return syncer.Ref{Type: restype.Role, ID: roleID(name)}
}
