package connector

import (
	"cmp"
	"context"
	"slices"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// mapping is what the connector does with the objects of a type of the table in
// restype. It stands in the file of the type, beside what is made of its objects.
type mapping struct {
	id string // of the resource type
	// start names the lists of the type that a sync begins with, and what it holds
	// without reading. Has tells which types the sync is about. It sends no request.
	start func(s *Source, page *syncer.Page, k kind, has func(resourceType string) bool)
	// target reads one resource for a partial sync, and names the lists of its grants.
	target func(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error
	// lookup reads one resource that a grant names and no list held. Nil for a type
	// whose resources hold nothing.
	lookup func(ctx context.Context, s *Source, page *syncer.Page, id string) error
	// entitlements are what a resource of the type can be granted, made of the resource
	// alone. Nil for a type without any.
	entitlements func(r *v2.Resource) []*v2.Entitlement
	// holders names the lists of who holds a resource; the zero list where that is among
	// the administrators. Nil for a type whose resources nobody holds.
	holders func(r *v2.Resource) []syncer.List
	// gone asks for a resource whose list was not found: only its own 404 says that it
	// was deleted. Nil for a type whose resources own no lists.
	gone func(ctx context.Context, s *Source, id string) error
	// lists are those that start, target and the pages of other lists name.
	lists []listing
}

// mappings are those of all types, in the order in which a sync begins with them.
func mappings() []mapping {
	return []mapping{
		userMapping(), roleMapping(), groupMapping(), appMapping(),
		directoryMapping(), radiusMapping(), deviceMapping(), deviceGroupMapping(),
		serviceAccountMapping(), apiKeyMapping(), credentialMapping(), sshKeyMapping(),
	}
}

func mappingOf(resourceType string) (mapping, bool) {
	for _, m := range mappings() {
		if m.id == resourceType {
			return m, true
		}
	}
	return mapping{}, false
}

// ResourceTypes names the types that are read where some switches are on, ordered by id.
// The messages are new with each call and may be changed.
func ResourceTypes(switches []string) []*v2.ResourceType {
	var types []*v2.ResourceType
	for _, t := range sortedTypes(switches) {
		types = append(types, typeMessage(t))
	}
	return types
}

// sortedTypes are the rows of the table that are read where some switches are on, ordered
// by id.
func sortedTypes(switches []string) []restype.Type {
	synced := restype.Synced(switches)
	rows := slices.DeleteFunc(restype.All(), func(t restype.Type) bool { return !slices.Contains(synced, t.ID) })
	slices.SortFunc(rows, func(a, b restype.Type) int { return cmp.Compare(a.ID, b.ID) })
	return rows
}

func typeMessage(t restype.Type) *v2.ResourceType {
	m := &v2.ResourceType{Id: t.ID, DisplayName: t.Label}
	if t.Trait != v2.ResourceType_TRAIT_UNSPECIFIED {
		m.Traits = []v2.ResourceType_Trait{t.Trait}
	}
	if t.Grant == "" {
		m.Annotations = Annotations(&v2.SkipEntitlementsAndGrants{})
	}
	return m
}

// grantableTo are the types that an entitlement can be granted to.
func grantableTo(resourceTypes ...string) []*v2.ResourceType {
	var types []*v2.ResourceType
	for _, id := range resourceTypes {
		t, _ := restype.Find(id)
		types = append(types, typeMessage(t))
	}
	return types
}
