package connector

import (
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// ResourceTypes names the types that the connector can hold, ordered by id. The
// messages are new with each call and may be changed.
func ResourceTypes() []*v2.ResourceType {
	return []*v2.ResourceType{appType(), groupType(), roleType(), userType()}
}

func userType() *v2.ResourceType {
	return &v2.ResourceType{
		Id:          restype.User,
		DisplayName: "User",
		Traits:      []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER},
		Annotations: Annotations(&v2.SkipEntitlementsAndGrants{}),
	}
}

func groupType() *v2.ResourceType {
	return &v2.ResourceType{
		Id:          restype.Group,
		DisplayName: "Group",
		Traits:      []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP},
	}
}

func appType() *v2.ResourceType {
	return &v2.ResourceType{
		Id:          restype.App,
		DisplayName: "Application",
		Traits:      []v2.ResourceType_Trait{v2.ResourceType_TRAIT_APP},
	}
}

func roleType() *v2.ResourceType {
	return &v2.ResourceType{
		Id:          restype.Role,
		DisplayName: "Role",
		Traits:      []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE},
	}
}
