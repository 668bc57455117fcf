package pebblestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// How much of a list is read at a time. Nothing is held in between, so that lists may
// be read within lists, and the store may be closed.
const (
	pageRows  = 1000
	pageBytes = 4 << 20
	scanRows  = 20_000
)

// errPage ends a page.
var errPage = errors.New("the page is full")

// walk calls row for up to so many keys of a span. An error of row ends it, and is
// returned as it is.
func (s *Store) walk(ctx context.Context, in span, most int, row func(key, value []byte) error) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return os.ErrClosed
	}
	ours := false // while row is called
	var failed error
	var last []byte
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if ours {
				panic(r)
			}
			err = damaged("its database cannot be read: %v", r)
		}
	}()
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: in.from, UpperBound: in.to})
	if err != nil {
		return damage(err)
	}
	for ok := it.First(); ok && most > 0 && err == nil && failed == nil; ok = it.Next() {
		var value []byte
		if value, err = it.ValueAndErr(); err != nil {
			break
		}
		key := it.Key()
		if last != nil && bytes.Compare(last, key) >= 0 || bytes.Compare(key, in.from) < 0 || bytes.Compare(key, in.to) >= 0 {
			err = damaged("the keys of a table are not in order at %q", key[:min(len(key), 200)])
			break
		}
		last = append(last[:0], key...)
		ours = true
		failed = row(key, value)
		ours = false
		most--
	}
	err = damage(errors.Join(err, it.Error(), it.Close()))
	if failed != nil {
		return failed
	}
	return err
}

// each calls row for all keys of a span, a page at a time.
func (s *Store) each(ctx context.Context, in span, row func(key, value []byte) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var last []byte
		n := 0
		err := s.walk(ctx, in, scanRows, func(key, value []byte) error {
			last = append(last[:0], key...)
			n++
			return row(key, value)
		})
		if err != nil {
			return err
		}
		if n < scanRows {
			return nil
		}
		in.from = append(bytes.Clone(last), 0)
	}
}

// inRow says which row an error is about.
func inRow(key []byte, err error) error {
	return fmt.Errorf("record %q: %w", key[:min(len(key), 200)], err)
}

// list reads the rows of spans, a page at a time. What keep does not keep is left out.
func list[T any](ctx context.Context, s *Store, spans []span, read func(key, value []byte) (item T, keep bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, in := range spans {
			for {
				items, next, err := page(ctx, s, in, read)
				if err != nil {
					var zero T
					yield(zero, err)
					return
				}
				for _, item := range items {
					if !yield(item, nil) {
						return
					}
				}
				if next == nil {
					break
				}
				in.from = next
			}
		}
	}
}

// page reads the rows of one page, and where to go on, nil at the end.
func page[T any](ctx context.Context, s *Store, in span, read func(key, value []byte) (T, bool, error)) (items []T, next []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	size, n := 0, 0
	err = s.walk(ctx, in, scanRows, func(key, value []byte) error {
		item, keep, err := read(key, value)
		if err != nil {
			return inRow(key, err)
		}
		if n++; keep {
			items, size = append(items, item), size+len(value)
		}
		if len(items) >= pageRows || size >= pageBytes || n == scanRows {
			next = append(bytes.Clone(key), 0)
			return errPage
		}
		return nil
	})
	if errors.Is(err, errPage) {
		err = nil
	}
	return items, next, err
}

// ResourceTypes lists the resource types by their ids.
func (s *Store) ResourceTypes(ctx context.Context) iter.Seq2[*v2.ResourceType, error] {
	return list(ctx, s, []span{family(familyResourceType)}, func(key, value []byte) (*v2.ResourceType, bool, error) {
		r, err := decode[storagev3.ResourceTypeRecord](value)
		if err != nil {
			return nil, false, err
		}
		if err := isKey(key, appendPart([]byte(familyResourceType), r.GetExternalId())); err != nil {
			return nil, false, err
		}
		m, err := resourceTypeMessage(r)
		return m, true, err
	})
}

// isKey refuses a record that is not what its key says.
func isKey(key, want []byte) error {
	if !bytes.Equal(key, want) {
		return damaged("it is not what its key names")
	}
	return nil
}

// Resources lists resources by type and id; an empty type is all.
func (s *Store) Resources(ctx context.Context, resourceType string, keep func(*v2.Resource) bool) iter.Seq2[*v2.Resource, error] {
	in := family(familyResource)
	if resourceType != "" {
		in = below(familyResource, resourceType)
	}
	return list(ctx, s, []span{in}, func(key, value []byte) (*v2.Resource, bool, error) {
		m, err := readResource(key, value)
		return m, err == nil && keep(m), err
	})
}

func readResource(key, value []byte) (*v2.Resource, error) {
	r, err := decode[storagev3.ResourceRecord](value)
	if err != nil {
		return nil, err
	}
	if err := isKey(key, appendParts([]byte(familyResource), r.GetResourceTypeId(), r.GetResourceId())); err != nil {
		return nil, err
	}
	return resourceMessage(r)
}

// Entitlements lists entitlements by resource and id; an empty type, or an empty
// resource, is all.
func (s *Store) Entitlements(ctx context.Context, resourceType, resource string) iter.Seq2[*v2.Entitlement, error] {
	return list(ctx, s, []span{ofResource(familyEntitlement, resourceType, resource)}, func(key, value []byte) (*v2.Entitlement, bool, error) {
		m, err := readEntitlement(key, value)
		if err != nil {
			return nil, false, err
		}
		return m, resource == "" || m.GetResource().GetId().GetResource() == resource, nil
	})
}

// ofResource is the span of a family that begins with a resource.
func ofResource(prefix, resourceType, resource string) span {
	switch {
	case resourceType == "":
		return family(prefix)
	case resource == "":
		return below(prefix, resourceType)
	default:
		return below(prefix, resourceType, resource)
	}
}

func readEntitlement(key, value []byte) (*v2.Entitlement, error) {
	r, err := decode[storagev3.EntitlementRecord](value)
	if err != nil {
		return nil, err
	}
	want := appendEntitlement([]byte(familyEntitlement), r.GetResource().GetResourceTypeId(), r.GetResource().GetResourceId(), r.GetExternalId())
	if err := isKey(key, want); err != nil {
		return nil, err
	}
	return entitlementMessage(r)
}

// ResourceType returns one resource type; nil where there is none.
func (s *Store) ResourceType(id string) (*v2.ResourceType, error) {
	key := appendPart([]byte(familyResourceType), id)
	value, err := s.get(string(key))
	if err != nil || value == nil {
		return nil, err
	}
	r, err := decode[storagev3.ResourceTypeRecord](value)
	if err != nil {
		return nil, inRow(key, err)
	}
	return resourceTypeMessage(r)
}

// Resource returns one resource; nil where there is none.
func (s *Store) Resource(resourceType, id string) (*v2.Resource, error) {
	key := appendParts([]byte(familyResource), resourceType, id)
	value, err := s.get(string(key))
	if err != nil || value == nil {
		return nil, err
	}
	m, err := readResource(key, value)
	if err != nil {
		return nil, inRow(key, err)
	}
	return m, nil
}

// ResourceName returns the name of a resource without decoding the rest of it; it is
// empty where there is none.
func (s *Store) ResourceName(resourceType, id string) (string, error) {
	key := appendParts([]byte(familyResource), resourceType, id)
	value, err := s.get(string(key))
	if err != nil || value == nil {
		return "", err
	}
	var fields [5][]byte // Of them 2 and 3 are the ids, and 4 is the name.
	err = eachBytes(value, func(n protowire.Number, v []byte) error {
		if n > 0 && int(n) < len(fields) {
			fields[n] = v
		}
		return nil
	})
	if err == nil {
		err = isKey(key, appendParts([]byte(familyResource), fields[2], fields[3]))
	}
	if err == nil {
		err = checkBounds(bound{"display name", string(fields[4]), maxName})
	}
	if err == nil && !validText(fields[4]) {
		err = damaged("its display name is not UTF-8")
	}
	if err != nil {
		return "", inRow(key, err)
	}
	return string(fields[4]), nil
}

// home is the resource that an entitlement is on.
type home struct{ resourceType, resource string }

// What bounds the entitlements whose resources are kept in memory: how many there are,
// and the bytes of their ids.
const (
	maxHomes     = 2_000_000
	maxHomeBytes = 256 << 20
)

// EntitlementsByID returns the entitlements with an id. There may be several, on
// different resources.
func (s *Store) EntitlementsByID(ctx context.Context, id string) ([]*v2.Entitlement, error) {
	homes, err := s.homesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	var found []*v2.Entitlement
	for _, h := range homes {
		key := appendEntitlement([]byte(familyEntitlement), h.resourceType, h.resource, id)
		value, err := s.get(string(key))
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		m, err := readEntitlement(key, value)
		if err != nil {
			return nil, inRow(key, err)
		}
		found = append(found, m)
	}
	return found, nil
}

// homesOf returns the resources that entitlements of an id are on. The first question
// reads the keys of all entitlements.
func (s *Store) homesOf(ctx context.Context, id string) ([]home, error) {
	s.homesOnce.Do(func() {
		s.homes = map[string][]home{}
		size := 0
		s.homesErr = s.eachEntitlementKey(context.WithoutCancel(ctx), func(e EntitlementKey) error {
			if size += len(e.ID) + len(e.ResourceType) + len(e.Resource); size > maxHomeBytes || len(s.homes) >= maxHomes {
				return fmt.Errorf("%w: the ids of its entitlements are more than %d, or have more than %d MiB", envelope.ErrTooLarge, maxHomes, maxHomeBytes>>20)
			}
			s.homes[e.ID] = append(s.homes[e.ID], home{e.ResourceType, e.Resource})
			return nil
		})
	})
	return s.homes[id], s.homesErr
}

// EntitlementKey is an entitlement without its record.
type EntitlementKey struct{ ID, ResourceType, Resource string }

func (s *Store) eachEntitlementKey(ctx context.Context, f func(EntitlementKey) error) error {
	for e, err := range s.EntitlementKeys(ctx) {
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// EntitlementKeys lists entitlements without decoding them.
func (s *Store) EntitlementKeys(ctx context.Context) iter.Seq2[EntitlementKey, error] {
	return list(ctx, s, []span{family(familyEntitlement)}, func(key, _ []byte) (e EntitlementKey, keep bool, err error) {
		parts, ok := splitKey(key, familyEntitlement, 4)
		if !ok {
			return e, false, damaged("its key is not one of an entitlement")
		}
		e = EntitlementKey{ID: parts[3], ResourceType: parts[0], Resource: parts[1]}
		if parts[2] == flagTail {
			e.ID = parts[0] + ":" + parts[1] + ":" + parts[3]
		}
		return e, true, checkBounds(bound{"entitlement ID", e.ID, maxID}, bound{"resource type ID", e.ResourceType, maxID}, bound{"resource ID", e.Resource, maxID})
	})
}

// ResourceKey is a resource without its record.
type ResourceKey struct{ Type, ID string }

// ResourceKeys lists resources without decoding them.
func (s *Store) ResourceKeys(ctx context.Context) iter.Seq2[ResourceKey, error] {
	return list(ctx, s, []span{family(familyResource)}, func(key, _ []byte) (r ResourceKey, keep bool, err error) {
		parts, ok := splitKey(key, familyResource, 2)
		if !ok {
			return r, false, damaged("its key is not one of a resource")
		}
		r = ResourceKey{Type: parts[0], ID: parts[1]}
		return r, true, checkBounds(bound{"resource type ID", r.Type, maxID}, bound{"resource ID", r.ID, maxID})
	})
}

// Grants chooses grants. What is set must all hold.
type Grants struct {
	Entitlement              string
	ResourceType, Resource   string
	PrincipalType, Principal string
	Expandable               bool
	ID                       string
}

// spans are the keys among which chosen grants are.
func (s *Store) spans(ctx context.Context, g Grants) ([]span, error) {
	if g.Entitlement == "" {
		return []span{ofResource(familyGrant, g.ResourceType, g.Resource)}, nil
	}
	homes, err := s.homesOf(ctx, g.Entitlement)
	if err != nil {
		return nil, err
	}
	if len(homes) == 0 { // An entitlement of grants only.
		return []span{ofResource(familyGrant, g.ResourceType, g.Resource)}, nil
	}
	var spans []span
	for _, h := range homes {
		spans = append(spans, spanOf(appendEntitlement([]byte(familyGrant), h.resourceType, h.resource, g.Entitlement)))
	}
	return spans, nil
}

// holds reports whether a grant is chosen.
func (g *Grants) holds(e *Edge) bool {
	is := func(want string, b []byte) bool { return want == "" || want == string(b) }
	return is(g.Entitlement, e.Entitlement) && is(g.ResourceType, e.ResourceType) && is(g.Resource, e.Resource) &&
		is(g.PrincipalType, e.PrincipalType) && is(g.Principal, e.Principal) && is(g.ID, e.ID) && (!g.Expandable || e.Expandable)
}

// listGrants reads chosen grants in the order of their keys.
func listGrants[T any](ctx context.Context, s *Store, g Grants, read func(e *Edge, value []byte) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		spans, err := s.spans(ctx, g)
		if err != nil {
			var zero T
			yield(zero, err)
			return
		}
		var r edgeReader
		list(ctx, s, spans, func(key, value []byte) (item T, keep bool, err error) {
			if err := r.read(key, value); err != nil {
				return item, false, err
			}
			if !g.holds(&r.Edge) {
				return item, false, nil
			}
			item, err = read(&r.Edge, value)
			return item, true, err
		})(yield)
	}
}

// ListGrants lists chosen grants as messages.
func (s *Store) ListGrants(ctx context.Context, g Grants) iter.Seq2[*v2.Grant, error] {
	return listGrants(ctx, s, g, func(_ *Edge, value []byte) (*v2.Grant, error) {
		r, err := decode[storagev3.GrantRecord](value)
		if err != nil {
			return nil, err
		}
		return grantMessage(r)
	})
}

// ListEdges lists chosen grants without decoding the rest of them. What read makes of
// an edge must not keep its slices.
func ListEdges[T any](ctx context.Context, s *Store, g Grants, read func(*Edge) T) iter.Seq2[T, error] {
	return listGrants(ctx, s, g, func(e *Edge, _ []byte) (item T, err error) {
		for _, b := range [][]byte{e.ID, e.Entitlement, e.ResourceType, e.Resource, e.PrincipalType, e.Principal} {
			if !validText(b) {
				return item, damaged("an id of it is not UTF-8")
			}
		}
		return read(e), nil
	})
}

// scanRanges is into how many runs of entitlements the grants of a scan are cut for
// each worker.
const scanRanges = 16

// Scan reads all grants: several workers read runs of keys side by side. The function
// is called with the number of the worker, from 0, and never twice at once for the same
// worker. An error of it ends the scan and is returned as it is.
func (s *Store) Scan(ctx context.Context, workers int, edge func(worker int, e *Edge) error) error {
	runs, err := s.runs(ctx, workers*scanRanges)
	if err != nil {
		return err
	}
	todo := make(chan span, len(runs))
	for _, r := range runs {
		todo <- r
	}
	close(todo)
	group, ctx := errgroup.WithContext(ctx)
	for worker := range workers {
		group.Go(func() error {
			var r edgeReader
			for in := range todo {
				err := s.each(ctx, in, func(key, value []byte) error {
					if err := r.read(key, value); err != nil {
						return inRow(key, err)
					}
					return edge(worker, &r.Edge)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// runs cuts the keys of grants into about so many spans, at entitlements that lie
// evenly among all.
func (s *Store) runs(ctx context.Context, n int) ([]span, error) {
	all := family(familyGrant)
	var cuts [][]byte
	step, seen := 1, 0
	err := s.each(ctx, family(familyEntitlement), func(key, _ []byte) error {
		if seen++; seen%step != 0 {
			return nil
		}
		cut := bytes.Clone(key)
		copy(cut, familyGrant)
		if cuts = append(cuts, cut); len(cuts) < 2*n {
			return nil
		}
		for i := range n { // Half as many lie twice as far apart.
			cuts[i] = cuts[2*i+1]
		}
		cuts, step = cuts[:n], 2*step
		return nil
	})
	if err != nil {
		return nil, err
	}
	var runs []span
	from := all.from
	for _, cut := range cuts {
		runs = append(runs, span{from, cut})
		from = cut
	}
	return slices.DeleteFunc(append(runs, span{from, all.to}), func(r span) bool { return bytes.Compare(r.from, r.to) >= 0 }), nil
}

// Count counts the rows of the sync by family and resource type, from their keys.
func (s *Store) Count(ctx context.Context) (*storagev3.SyncStatsRecord, error) {
	c := &storagev3.SyncStatsRecord{
		ResourcesByResourceType: map[string]int64{}, GrantsByEntitlementResourceType: map[string]int64{}, EntitlementsByResourceType: map[string]int64{},
	}
	for _, f := range []struct {
		prefix string
		total  *int64
		byType map[string]int64
	}{
		{familyResourceType, &c.ResourceTypes, nil},
		{familyResource, &c.Resources, c.GetResourcesByResourceType()},
		{familyEntitlement, &c.Entitlements, c.GetEntitlementsByResourceType()},
		{familyGrant, &c.Grants, c.GetGrantsByEntitlementResourceType()},
		{familyAsset, &c.Assets, nil},
	} {
		err := s.each(ctx, family(f.prefix), func(key, _ []byte) error {
			*f.total++
			if f.byType == nil {
				return nil
			}
			first, _, _ := bytes.Cut(key[len(f.prefix)+1:], []byte{separator})
			typ, ok := unescape(first)
			if !ok {
				return inRow(key, damaged("its key is not escaped as it must be"))
			}
			f.byType[typ]++
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Assets lists pictures by their ids.
func (s *Store) Assets(ctx context.Context) iter.Seq2[*storagev3.AssetRecord, error] {
	return list(ctx, s, []span{family(familyAsset)}, func(key, value []byte) (*storagev3.AssetRecord, bool, error) {
		r, err := decode[storagev3.AssetRecord](value)
		if err != nil {
			return nil, false, err
		}
		return r, true, isKey(key, appendPart([]byte(familyAsset), r.GetExternalId()))
	})
}
