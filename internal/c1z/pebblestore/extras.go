package pebblestore

import (
	"context"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// Extras counts what the database holds and no message of a connector has a field for,
// by what it is.
func (s *Store) Extras(ctx context.Context) (map[string]int64, error) {
	c := extras{}
	for _, err := range []error{
		eachRecord(ctx, s, familyResourceType, c.resourceType), eachRecord(ctx, s, familyResource, c.resource),
		eachRecord(ctx, s, familyEntitlement, c.entitlement), eachRecord(ctx, s, familyGrant, c.grant),
	} {
		if err != nil {
			return nil, err
		}
	}
	err := s.each(ctx, family(familySession), func(_, _ []byte) error {
		c.when(true, "values in the store of sessions")
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.when(len(s.run.GetIngestInvariantCoverage()) > 0 || s.run.GetIngestInvariantMode() != "", "records of checks that another program made")
	c.unknown(s.run, "syncs")
	return c, nil
}

// extras are counts by what is counted.
type extras map[string]int64

func (c extras) when(found bool, what string) {
	if found {
		c[what]++
	}
}

func (c extras) unknown(m proto.Message, of string) {
	c.when(len(m.ProtoReflect().GetUnknown()) > 0, of+" with fields that are not known")
}

func (c extras) resourceType(r *storagev3.ResourceTypeRecord) {
	for _, t := range r.GetTraits() {
		_, known := v2.ResourceType_Trait_value[traitPrefix+t]
		c.when(!known, "traits of resource types that are not known")
	}
	c.unknown(r, "resource types")
}

func (c extras) resource(r *storagev3.ResourceRecord) {
	c.when(r.GetSourceScopeKey() != "", "scopes of the sources of resources")
	c.unknown(r, "resources")
}

func (c extras) entitlement(r *storagev3.EntitlementRecord) {
	_, known := v2.Entitlement_PurposeValue_value[purposePrefix+r.GetPurpose()]
	c.when(!known && r.GetPurpose() != "", "purposes of entitlements that are not known")
	c.when(r.GetSourceScopeKey() != "", "scopes of the sources of entitlements")
	c.unknown(r, "entitlements")
}

func (c extras) grant(r *storagev3.GrantRecord) {
	c.when(r.GetSourceScopeKey() != "", "scopes of the sources of grants")
	c.unknown(r, "grants")
	for _, s := range r.GetSources() {
		c.when(s.GetResourceTypeId()+s.GetResourceId()+s.GetEntitlementId() != "", "ids in the sources of grants")
	}
}

// eachRecord decodes all records of a family.
func eachRecord[T any, M message[T]](ctx context.Context, s *Store, prefix string, see func(M)) error {
	return s.each(ctx, family(prefix), func(key, value []byte) error {
		m, err := decode[T, M](value)
		if err != nil {
			return inRow(key, err)
		}
		see(m)
		return nil
	})
}
