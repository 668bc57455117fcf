package c1z

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/sqlitefile"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// entryOverhead is the bytes of one entry of an index beside its values.
const entryOverhead = 14

// PutResourceTypes adds resource types.
func (w *Writer) PutResourceTypes(ctx context.Context, types ...*v2.ResourceType) error {
	return put(ctx, w, "resource type", types, (*v2.ResourceType).GetId, func(ctx context.Context, m *v2.ResourceType) error {
		w.stats.ResourceTypes++
		return w.build.putResourceType(ctx, m)
	})
}

// PutResources adds resources.
func (w *Writer) PutResources(ctx context.Context, resources ...*v2.Resource) error {
	return put(ctx, w, "resource", resources, func(r *v2.Resource) string {
		return resourceKey(r.GetId().GetResourceType(), r.GetId().GetResource())
	}, func(ctx context.Context, m *v2.Resource) error {
		w.stats.Resources++
		w.stats.ResourcesByType[m.GetId().GetResourceType()]++
		return w.build.putResource(ctx, m)
	})
}

// PutEntitlements adds entitlements, which embed their resource.
func (w *Writer) PutEntitlements(ctx context.Context, entitlements ...*v2.Entitlement) error {
	return put(ctx, w, "entitlement", entitlements, (*v2.Entitlement).GetId, func(ctx context.Context, m *v2.Entitlement) error {
		w.stats.Entitlements++
		w.stats.EntitlementsByType[m.GetResource().GetId().GetResourceType()]++
		return w.build.putEntitlement(ctx, m)
	})
}

// PutGrants adds grants. A GrantExpandable annotation moves out of the stored
// message into the column for it; the message that was passed stays as it is.
func (w *Writer) PutGrants(ctx context.Context, grants ...*v2.Grant) error {
	return put(ctx, w, "grant", grants, (*v2.Grant).GetId, func(ctx context.Context, m *v2.Grant) error {
		w.stats.Grants++
		w.stats.GrantsByType[m.GetEntitlement().GetResource().GetId().GetResourceType()]++
		return w.build.putGrant(ctx, m)
	})
}

// put adds rows one by one. The first error is the writer's last: a row that is
// missing must not be forgotten.
func put[T any](ctx context.Context, w *Writer, kind string, items []T, id func(T) string, one func(context.Context, T) error) error {
	if w.failed != nil {
		return w.failed
	}
	if w.build == nil {
		return errors.New("the archive is finished")
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

func (w *sqliteBuild) putResourceType(ctx context.Context, t *v2.ResourceType) error {
	if t.GetId() == "" {
		return errNoID
	}
	r := &w.row
	r.Reset()
	r.Text(t.GetId())
	return w.insert(ctx, &w.schema.resourceTypes, t)
}

func (w *sqliteBuild) putResource(ctx context.Context, m *v2.Resource) error {
	id, parent := m.GetId(), m.GetParentResourceId()
	if id.GetResourceType() == "" || id.GetResource() == "" {
		return errNoID
	}
	key := resourceKey(id.GetResourceType(), id.GetResource())
	r := &w.row
	r.Reset()
	r.Text(id.GetResourceType())
	r.Text(key)
	nullable(r, parent.GetResourceType())
	nullable(r, parent.GetResource())
	w.indexBytes += int64(len(id.GetResourceType()) + len(parent.GetResourceType()) + len(parent.GetResource()) +
		len(key) + len(w.syncID) + 3*entryOverhead)
	return w.insert(ctx, &w.schema.resources, m)
}

func (w *sqliteBuild) putEntitlement(ctx context.Context, m *v2.Entitlement) error {
	id := m.GetResource().GetId()
	if m.GetId() == "" || id.GetResourceType() == "" || id.GetResource() == "" {
		return fmt.Errorf("%w: its own or that of its resource %q:%q", errNoID, id.GetResourceType(), id.GetResource())
	}
	r := &w.row
	r.Reset()
	r.Text(id.GetResourceType())
	r.Text(id.GetResource())
	r.Text(m.GetId())
	w.indexBytes += int64(len(id.GetResourceType()) + len(id.GetResource()) + len(m.GetId()) + len(w.syncID) + 2*entryOverhead)
	return w.insert(ctx, &w.schema.entitlements, m)
}

func (w *sqliteBuild) putGrant(ctx context.Context, m *v2.Grant) error {
	entitlement, resource := m.GetEntitlement().GetId(), m.GetEntitlement().GetResource().GetId()
	principal := m.GetPrincipal().GetId()
	rt, rid := resource.GetResourceType(), resource.GetResource()
	pt, pid := principal.GetResourceType(), principal.GetResource()
	if m.GetId() == "" || entitlement == "" || rt == "" || rid == "" || pt == "" || pid == "" {
		return fmt.Errorf("%w: entitlement %q of %q:%q, principal %q:%q", errNoID, entitlement, rt, rid, pt, pid)
	}
	stored, expansion, err := splitExpandable(m)
	if err != nil {
		return err
	}
	r := &w.row
	r.Reset()
	for _, text := range [...]string{rt, rid, entitlement, pt, pid, m.GetId()} {
		r.Text(text)
	}
	if expansion == nil {
		r.Null()
		r.Int(0)
	} else {
		r.Blob(expansion)
		r.Int(1)
	}
	w.indexBytes += int64(len(rt) + len(rid) + 2*(len(pt)+len(pid)+len(entitlement)+len(w.syncID)) + len(m.GetId()) + 5*entryOverhead)
	return w.insert(ctx, &w.schema.grants, stored)
}

// insert completes the row with the columns that all tables of a sync have and
// stores it. It fails once the archive is larger than any reader takes.
func (w *sqliteBuild) insert(ctx context.Context, t *table, m proto.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if size := w.size(); size > w.sizes.fail {
		return tooLargeToWrite(size, w.sizes.fail)
	}
	err := w.row.AppendBlob(func(b []byte) ([]byte, error) {
		return proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
	})
	if err != nil {
		return err
	}
	w.row.Text(w.syncID)
	w.row.Text(w.discovered)
	return w.store(t)
}

// store puts the row into a table. A row that no reader would take is an error.
func (w *sqliteBuild) store(t *table) error {
	if size := w.row.Size(); size > maxValue-maxKey {
		return fmt.Errorf("%w: a row of table %s has %d bytes, and readers take %d", ErrTooLarge, t.name, size, maxValue-maxKey)
	}
	if err := w.file.Insert(t.number, &w.row); err != nil {
		return fmt.Errorf("write in %s: %w", w.dir, err)
	}
	return nil
}

func nullable(r *sqlitefile.Row, s string) {
	if s == "" {
		r.Null()
	} else {
		r.Text(s)
	}
}

// splitExpandable takes the GrantExpandable annotation out of a grant; of
// several, the last one counts. The expansion is nil when there is none, or none
// that names an entitlement.
func splitExpandable(g *v2.Grant) (stored *v2.Grant, expansion []byte, err error) {
	stored, e, err := takeExpandable(g)
	if err != nil || e == nil {
		return stored, nil, err
	}
	expansion, err = (proto.MarshalOptions{Deterministic: true}).Marshal(e)
	return stored, expansion, err
}

// takeExpandable is splitExpandable with the message of the expansion.
func takeExpandable(g *v2.Grant) (stored *v2.Grant, expansion *v2.GrantExpandable, err error) {
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
			return stored, &e, nil
		}
	}
	return stored, nil, nil
}
