package c1z

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// ResourceKey is a resource without its message.
type ResourceKey struct{ Type, ID string }

// EntitlementKey is an entitlement without its message.
type EntitlementKey struct{ ID, ResourceType, Resource string }

// ResourceKeys lists the same resources as [rows.Resources] without decoding them.
func (r *sqliteRows) ResourceKeys(ctx context.Context, syncID string) iter.Seq2[ResourceKey, error] {
	l := list{source: r.source(&r.schema.resources), columns: []string{"resource_type_id", "external_id"}}
	l.and("+sync_id = ?", syncID)
	return pages(ctx, r, l, scanResourceKey)
}

// EntitlementKeys lists the same entitlements as [rows.Entitlements] without
// decoding them.
func (r *sqliteRows) EntitlementKeys(ctx context.Context, syncID string) iter.Seq2[EntitlementKey, error] {
	l := list{source: r.source(&r.schema.entitlements), columns: []string{"external_id", "resource_type_id", "resource_id"}}
	l.and("+sync_id = ?", syncID)
	return pages(ctx, r, l, func(scan func(...any) error) (EntitlementKey, int, error) {
		var k EntitlementKey
		if err := scan(&k.ID, &k.ResourceType, &k.Resource); err != nil {
			return k, 0, err
		}
		return k, len(k.ID) + len(k.ResourceType) + len(k.Resource), checkKeys(k.ID, k.ResourceType, k.Resource)
	})
}

// Holders lists the principals of the grants on an entitlement, in the order of the
// grants' rows.
func (r *sqliteRows) Holders(ctx context.Context, syncID, entitlement string) iter.Seq2[ResourceKey, error] {
	l := r.grantList(syncID, GrantFilter{Entitlement: entitlement}, []string{"principal_resource_type_id", "principal_resource_id"})
	return pages(ctx, r, l, func(scan func(...any) error) (ResourceKey, int, error) {
		var k ResourceKey
		if err := scan(&k.Type, &k.ID); err != nil {
			return k, 0, err
		}
		return k, len(k.Type) + len(k.ID), checkKeys(k.Type, k.ID)
	})
}

// scanResourceKey takes the type out of the external id, which begins with it.
func scanResourceKey(scan func(...any) error) (ResourceKey, int, error) {
	var k ResourceKey
	var key string
	if err := scan(&k.Type, &key); err != nil {
		return k, 0, err
	}
	if err := checkKeys(k.Type, key); err != nil {
		return k, 0, err
	}
	id, ok := strings.CutPrefix(key, k.Type+":")
	if !ok {
		return k, 0, fmt.Errorf("%w: resource %q is not of its type %q", ErrDamaged, key, k.Type)
	}
	k.ID = id
	return k, len(k.Type) + len(key), nil
}
