package c1z

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// ResourceFilter restricts a list of resources. Its zero value restricts nothing.
type ResourceFilter struct {
	Type string // resource type id
	// ParentType and Parent restrict to the children of one resource.
	ParentType, Parent string
}

// EntitlementFilter restricts a list of entitlements. Its zero value restricts
// nothing.
type EntitlementFilter struct {
	// ResourceType and Resource are ids; Resource needs ResourceType.
	ResourceType, Resource string
}

// ResourceTypes lists the resource types of a sync in the order of their rows.
func (r *sqliteRows) ResourceTypes(ctx context.Context, syncID string) iter.Seq2[*v2.ResourceType, error] {
	l := list{source: r.source(&r.schema.resourceTypes), columns: dataOnly()}
	l.and("sync_id = ?", syncID)
	return pages(ctx, r, l, scanMessage[v2.ResourceType](resourceTypeFields))
}

// Resources lists resources in the order of their rows. A type alone is found by
// reading all of them.
func (r *sqliteRows) Resources(ctx context.Context, syncID string, f ResourceFilter) iter.Seq2[*v2.Resource, error] {
	l := list{source: r.source(&r.schema.resources), columns: dataOnly()}
	l.and("+sync_id = ?", syncID)
	if f.Type != "" {
		l.and("+resource_type_id = ?", f.Type)
	}
	if f.ParentType != "" {
		l.and(l.column("parent_resource_type_id")+" = ?", f.ParentType)
	}
	if f.Parent != "" {
		l.and(l.column("parent_resource_id")+" = ?", f.Parent)
	}
	return pages(ctx, r, l, scanMessage[v2.Resource](resourceFields))
}

// Entitlements lists entitlements in the order of their rows.
func (r *sqliteRows) Entitlements(ctx context.Context, syncID string, f EntitlementFilter) iter.Seq2[*v2.Entitlement, error] {
	l := list{source: r.source(&r.schema.entitlements), columns: dataOnly()}
	l.and("+sync_id = ?", syncID)
	l.pair("resource_type_id", f.ResourceType, "resource_id", f.Resource, true)
	return pages(ctx, r, l, scanMessage[v2.Entitlement](entitlementFields))
}

// ResourceType returns one resource type. If there is none, the error is
// [ErrNotFound].
func (r *sqliteRows) ResourceType(ctx context.Context, syncID, id string) (*v2.ResourceType, error) {
	return lookup(ctx, r, &r.schema.resourceTypes, "resource type", syncID, id, scanMessage[v2.ResourceType](resourceTypeFields))
}

// Resource returns one resource. If there is none, the error is [ErrNotFound].
func (r *sqliteRows) Resource(ctx context.Context, syncID, resourceType, id string) (*v2.Resource, error) {
	return lookup(ctx, r, &r.schema.resources, "resource", syncID, resourceKey(resourceType, id), scanMessage[v2.Resource](resourceFields))
}

// Entitlement returns one entitlement. If there is none, the error is
// [ErrNotFound].
func (r *sqliteRows) Entitlement(ctx context.Context, syncID, id string) (*v2.Entitlement, error) {
	return lookup(ctx, r, &r.schema.entitlements, "entitlement", syncID, id, scanMessage[v2.Entitlement](entitlementFields))
}

func lookup[T any](ctx context.Context, r *sqliteRows, t *table, kind, syncID, id string, scan scanner[T]) (T, error) {
	item, err := one(ctx, r, r.source(t), dataOnly(), syncID, id, scan)
	if err != nil {
		err = fmt.Errorf("%s %w", kind, err)
	}
	return item, err
}

// resourceKey is the external id of a resource.
func resourceKey(resourceType, id string) string { return resourceType + ":" + id }

func dataOnly() []string { return []string{"data"} }

// pair restricts two columns that are indexed together. The index helps only
// when both are given and lead is set: else a plus sign keeps SQLite from one
// whose rows would have to be sorted again for each page.
func (l *list) pair(typeColumn, typeID, idColumn, id string, lead bool) {
	plus := "+"
	if lead && typeID != "" && id != "" {
		plus = ""
	}
	if typeID != "" {
		l.and(plus+typeColumn+" = ?", typeID)
	}
	if id != "" {
		l.and(plus+idColumn+" = ?", id)
	}
}

// message is a pointer to a generated message.
type message[T any] interface {
	*T
	proto.Message
}

// scanMessage decodes the column data.
func scanMessage[T any, M message[T]](limits fields) scanner[M] {
	return func(scan func(...any) error) (M, int, error) {
		var data []byte
		if err := scan(&data); err != nil {
			return nil, 0, err
		}
		return decodeMessage[T, M](data, limits)
	}
}

func decodeMessage[T any, M message[T]](data []byte, limits fields) (M, int, error) {
	if err := limits.check(data); err != nil {
		return nil, 0, err
	}
	m := M(new(T))
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, 0, fmt.Errorf("decode %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return m, len(data), nil
}

// expandableURL is the type of the annotation that is stored beside its grant.
const expandableURL = "type.googleapis.com/c1.connector.v2.GrantExpandable"

// grantColumns are what a grant is put together from. Files exist whose
// messages leave out the entitlement and the principal, which the columns tell.
func grantColumns() []string {
	return []string{
		"data", "expansion", "entitlement_id", "resource_type_id", "resource_id",
		"principal_resource_type_id", "principal_resource_id",
	}
}

func scanGrant(scan func(...any) error) (*v2.Grant, int, error) {
	var data, expansion []byte
	var k GrantKey
	if err := scan(&data, &expansion, &k.Entitlement, &k.ResourceType, &k.Resource, &k.PrincipalType, &k.Principal); err != nil {
		return nil, 0, err
	}
	if err := errors.Join(k.check(), grantFields.check(data)); err != nil {
		return nil, 0, err
	}
	g := new(v2.Grant)
	if err := proto.Unmarshal(data, g); err != nil {
		return nil, 0, fmt.Errorf("decode Grant: %w", err)
	}
	if g.Entitlement == nil {
		g.Entitlement = &v2.Entitlement{
			Id:       k.Entitlement,
			Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: k.ResourceType, Resource: k.Resource}},
		}
	}
	if g.Principal == nil {
		g.Principal = &v2.Resource{Id: &v2.ResourceId{ResourceType: k.PrincipalType, Resource: k.Principal}}
	}
	if len(expansion) > 0 {
		g.Annotations = append(g.Annotations, &anypb.Any{TypeUrl: expandableURL, Value: expansion})
	}
	return g, len(data) + len(expansion) + k.size(), nil
}
