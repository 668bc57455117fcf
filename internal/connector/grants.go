package connector

import (
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// grantedEntitlement is an entitlement as a grant holds it: its id and that of its
// resource. The grants of one page share it.
func grantedEntitlement(resourceType, id string) *v2.Entitlement {
	return &v2.Entitlement{
		Id:       restype.EntitlementID(resourceType, id),
		Resource: &v2.Resource{Id: resourceID(resourceType, id)},
	}
}

// directGrant is a grant that JumpCloud itself lists.
func directGrant(granted *v2.Entitlement, principal *v2.ResourceId) *v2.Grant {
	of := granted.GetResource().GetId()
	return &v2.Grant{
		Id: restype.GrantID(of.GetResourceType(), of.GetResource(),
			principal.GetResourceType(), principal.GetResource()),
		Entitlement: granted,
		Principal:   &v2.Resource{Id: principal},
	}
}

// DirectGrant is the grant of a resource's only entitlement that a sync would find.
func DirectGrant(resourceType, id string, principal *v2.ResourceId) *v2.Grant {
	return directGrant(grantedEntitlement(resourceType, id), principal)
}
