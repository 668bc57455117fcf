package c1z

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// targets are the tables that a writer fills.
type targets struct {
	resourceTypes, resources, entitlements, grants target
}

func newTargets(s *schema) *targets {
	return &targets{
		resourceTypes: target{&s.resourceTypes, []string{"external_id", "data"}},
		resources: target{&s.resources, []string{
			"resource_type_id", "external_id", "parent_resource_type_id", "parent_resource_id", "data",
		}},
		entitlements: target{&s.entitlements, []string{"resource_type_id", "resource_id", "external_id", "data"}},
		grants: target{&s.grants, []string{
			"resource_type_id", "resource_id", "entitlement_id",
			"principal_resource_type_id", "principal_resource_id", "external_id",
			"expansion", "needs_expansion", "data",
		}},
	}
}

// Bytes of one entry of an index, and of one row, beside its values.
const (
	entryOverhead = 14
	rowOverhead   = 24
)

// PutResourceTypes adds resource types.
func (w *Writer) PutResourceTypes(ctx context.Context, types ...*v2.ResourceType) error {
	return put(ctx, w, "resource type", types, (*v2.ResourceType).GetId, w.putResourceType)
}

// PutResources adds resources.
func (w *Writer) PutResources(ctx context.Context, resources ...*v2.Resource) error {
	return put(ctx, w, "resource", resources, func(r *v2.Resource) string {
		return resourceKey(r.GetId().GetResourceType(), r.GetId().GetResource())
	}, w.putResource)
}

// PutEntitlements adds entitlements, which embed their resource.
func (w *Writer) PutEntitlements(ctx context.Context, entitlements ...*v2.Entitlement) error {
	return put(ctx, w, "entitlement", entitlements, (*v2.Entitlement).GetId, w.putEntitlement)
}

// PutGrants adds grants. A GrantExpandable annotation moves out of the stored
// message into the column for it; the message that was passed stays as it is.
func (w *Writer) PutGrants(ctx context.Context, grants ...*v2.Grant) error {
	return put(ctx, w, "grant", grants, (*v2.Grant).GetId, w.putGrant)
}

// put adds rows one by one. The first error is the writer's last: a row that is
// missing must not be forgotten.
func put[T any](ctx context.Context, w *Writer, kind string, items []T, id func(T) string, one func(context.Context, T) error) error {
	if w.failed != nil {
		return w.failed
	}
	for _, item := range items {
		if err := one(ctx, item); err != nil {
			w.failed = fmt.Errorf("put %s %q: %w", kind, id(item), err)
			return w.failed
		}
	}
	return nil
}

var errNoID = errors.New("an id is missing")

func (w *Writer) putResourceType(ctx context.Context, t *v2.ResourceType) error {
	if t.GetId() == "" {
		return errNoID
	}
	b, err := w.row(ctx, &w.targets.resourceTypes)
	if err != nil {
		return err
	}
	b.add(t.GetId())
	w.stats.ResourceTypes++
	return w.message(b, t)
}

func (w *Writer) putResource(ctx context.Context, r *v2.Resource) error {
	id, parent := r.GetId(), r.GetParentResourceId()
	if id.GetResourceType() == "" || id.GetResource() == "" {
		return errNoID
	}
	key := resourceKey(id.GetResourceType(), id.GetResource())
	b, err := w.row(ctx, &w.targets.resources)
	if err != nil {
		return err
	}
	b.add(w.boxes[0].of(id.GetResourceType()))
	b.add(key)
	b.add(nullable(parent.GetResourceType()))
	b.add(nullable(parent.GetResource()))
	w.indexBytes += int64(len(id.GetResourceType()) + len(parent.GetResourceType()) + len(parent.GetResource()) +
		len(key) + len(w.syncID) + 3*entryOverhead)
	w.stats.Resources++
	w.stats.ResourcesByType[id.GetResourceType()]++
	return w.message(b, r)
}

func (w *Writer) putEntitlement(ctx context.Context, e *v2.Entitlement) error {
	id := e.GetResource().GetId()
	if e.GetId() == "" || id.GetResourceType() == "" || id.GetResource() == "" {
		return fmt.Errorf("%w: its own or that of its resource %q:%q", errNoID, id.GetResourceType(), id.GetResource())
	}
	b, err := w.row(ctx, &w.targets.entitlements)
	if err != nil {
		return err
	}
	b.add(w.boxes[0].of(id.GetResourceType()))
	b.add(id.GetResource())
	b.add(e.GetId())
	w.indexBytes += int64(len(id.GetResourceType()) + len(id.GetResource()) + len(e.GetId()) + len(w.syncID) + 2*entryOverhead)
	w.stats.Entitlements++
	w.stats.EntitlementsByType[id.GetResourceType()]++
	return w.message(b, e)
}

func (w *Writer) putGrant(ctx context.Context, g *v2.Grant) error {
	entitlement, resource := g.GetEntitlement().GetId(), g.GetEntitlement().GetResource().GetId()
	principal := g.GetPrincipal().GetId()
	rt, rid := resource.GetResourceType(), resource.GetResource()
	pt, pid := principal.GetResourceType(), principal.GetResource()
	if g.GetId() == "" || entitlement == "" || rt == "" || rid == "" || pt == "" || pid == "" {
		return fmt.Errorf("%w: entitlement %q of %q:%q, principal %q:%q", errNoID, entitlement, rt, rid, pt, pid)
	}
	stored, expansion, err := splitExpandable(g)
	if err != nil {
		return err
	}
	b, err := w.row(ctx, &w.targets.grants)
	if err != nil {
		return err
	}
	// Grants come entitlement by entitlement, so the boxed strings are mostly
	// those of the row before.
	b.add(w.boxes[0].of(rt))
	b.add(w.boxes[1].of(rid))
	b.add(w.boxes[2].of(entitlement))
	b.add(w.boxes[3].of(pt))
	b.add(pid)
	b.add(g.GetId())
	if expansion == nil {
		b.add(nil)
		b.add(int64(0))
	} else {
		b.add(expansion)
		b.add(int64(1))
	}
	keys := len(rt) + len(rid) + len(pt) + len(pid) + len(entitlement)
	w.indexBytes += int64(keys + len(pt) + len(pid) + len(entitlement) + len(g.GetId()) + 2*len(w.syncID) + 5*entryOverhead)
	w.rowBytes += int64(keys + len(g.GetId()) + len(expansion))
	w.stats.Grants++
	w.stats.GrantsByType[rt]++
	return w.message(b, stored)
}

// box keeps a string as an interface value as long as it stays the same.
type box struct {
	text  string
	value any
}

func (b *box) of(s string) any {
	if b.value == nil || b.text != s {
		b.text = s
		b.value = s
	}
	return b.value
}

// row returns the batch for the next row. It fails once the archive is larger
// than any reader takes.
func (w *Writer) row(ctx context.Context, t *target) (*batch, error) {
	if w.load == nil {
		return nil, errors.New("the archive is finished")
	}
	if total := w.rowBytes + w.indexBytes; total > w.sizes.fail {
		return nil, tooLargeToWrite(total, w.sizes.fail)
	}
	return w.load.row(ctx, t)
}

// message adds the last column of a row.
func (w *Writer) message(b *batch, m proto.Message) error {
	n, err := b.encode(m)
	w.rowBytes += int64(n + len(w.syncID) + len(timeFormat) + rowOverhead)
	return err
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// splitExpandable takes the GrantExpandable annotation out of a grant; of
// several, the last one counts. The expansion is nil when there is none, or none
// that names an entitlement.
func splitExpandable(g *v2.Grant) (stored *v2.Grant, expansion []byte, err error) {
	var found *anypb.Any
	var rest []*anypb.Any
	for i, a := range g.GetAnnotations() {
		switch {
		case a.MessageIs((*v2.GrantExpandable)(nil)):
			if found == nil {
				rest = append(rest, g.GetAnnotations()[:i]...)
			}
			found = a
		case found != nil:
			rest = append(rest, a)
		}
	}
	if found == nil {
		return g, nil, nil
	}
	stored = &v2.Grant{
		Entitlement: g.GetEntitlement(),
		Principal:   g.GetPrincipal(),
		Id:          g.GetId(),
		Annotations: rest,
		Sources:     g.GetSources(),
	}
	stored.ProtoReflect().SetUnknown(bytes.Clone(g.ProtoReflect().GetUnknown()))
	var e v2.GrantExpandable
	if err := proto.Unmarshal(found.GetValue(), &e); err != nil {
		return nil, nil, fmt.Errorf("decode GrantExpandable: %w", err)
	}
	for _, id := range e.GetEntitlementIds() {
		if strings.TrimSpace(id) != "" {
			expansion, err = (proto.MarshalOptions{Deterministic: true}).Marshal(&e)
			return stored, expansion, err
		}
	}
	return stored, nil, nil
}
