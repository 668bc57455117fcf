package c1z

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
	"github.com/conductorone/baton-jumpcloud/internal/c1z/pebblestore"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// pebbleRows are the rows of an archive of format 3.
type pebbleRows struct {
	path   string
	dir    string // of what was unpacked
	store  *pebblestore.Store
	syncID string // empty when the archive has none
	closed atomic.Bool
	names  names
}

var _ rows = (*pebbleRows)(nil)

// openV3 opens an archive of format 3.
func openV3(ctx context.Context, path string, src *os.File, opts OpenOptions) (*Reader, error) {
	r := &pebbleRows{path: path}
	reader := &Reader{rows: r, path: path, format: FormatV3}
	if err := r.open(ctx, src, opts, reader); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return reader, nil
}

// perByte is how many bytes each byte of a large archive of format 3 may unpack to,
// where no limit is set: that of the newest public reader.
const perByte = 100

func (r *pebbleRows) open(ctx context.Context, src *os.File, opts OpenOptions, reader *Reader) (err error) {
	stat, err := src.Stat()
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	limits := opts.Limits.withDefaults()
	if opts.Limits.DecodedSize == 0 {
		limits.DecodedSize = max(limits.DecodedSize, perByte*min(stat.Size(), 1<<50))
	}
	if r.dir, err = os.MkdirTemp(opts.TempDir, unpackedName); err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	dir := filepath.Join(r.dir, "pebble")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	contents, err := envelope.Unpack(ctx, src, stat.Size(), dir, pebblestore.Wanted, envelope.Limits{DecodedSize: limits.DecodedSize, Window: limits.Window})
	if err != nil {
		return err
	}
	if r.store, err = pebblestore.Open(ctx, dir); err != nil {
		return err
	}
	reader.size = contents.Size
	if run := r.store.Run(); run != nil {
		s := syncOf(run, r.store.StoredStats())
		r.syncID, reader.syncs = s.ID, []SyncRun{s}
	}
	return nil
}

// syncOf is the sync of a database.
func syncOf(r *storagev3.SyncRunRecord, stats *storagev3.SyncStatsRecord) SyncRun {
	s := SyncRun{
		ID: r.GetSyncId(), Type: SyncType(pebblestore.SyncTypeName(r.GetType())), ParentID: r.GetParentSyncId(), LinkedID: r.GetLinkedSyncId(),
		SupportsDiff: r.GetSupportsDiff(), Backfilled: true,
	}
	if token := r.GetSyncToken(); len(token) <= maxText {
		s.Token = token
	}
	s.readToken()
	if t := r.GetStartedAt(); t != nil {
		s.StartedAt = t.AsTime()
	}
	if t := r.GetEndedAt(); t != nil {
		s.EndedAt = t.AsTime()
	}
	if stats != nil {
		counts := statsOf(stats)
		s.Stats = &counts
	}
	return s
}

func statsOf(r *storagev3.SyncStatsRecord) Stats {
	return Stats{
		ResourceTypes: r.GetResourceTypes(), Resources: r.GetResources(), Entitlements: r.GetEntitlements(), Grants: r.GetGrants(), Assets: r.GetAssets(),
		ResourcesByType: r.GetResourcesByResourceType(), GrantsByType: r.GetGrantsByEntitlementResourceType(), EntitlementsByType: r.GetEntitlementsByResourceType(),
	}
}

// Close implements rows.
func (r *pebbleRows) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	var errs []error
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	if r.dir != "" {
		errs = append(errs, os.RemoveAll(r.dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close archive %s: %w", r.path, err)
	}
	return nil
}

// fail names the archive in an error of one of its rows.
func (r *pebbleRows) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read archive %s: %w", r.path, err)
}

// of reads a list of one sync, and names the archive in its errors.
func of[T any](r *pebbleRows, syncID string, list func() iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if syncID == "" || syncID != r.syncID {
			return
		}
		for item, err := range list() {
			if !yield(item, r.fail(err)) {
				return
			}
		}
	}
}

// mapped reads a list and makes something else of each row.
func mapped[A, B any](list iter.Seq2[A, error], f func(A) (B, error)) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for a, err := range list {
			var b B
			if err == nil {
				b, err = f(a)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// ResourceTypes implements rows.
func (r *pebbleRows) ResourceTypes(ctx context.Context, syncID string) iter.Seq2[*v2.ResourceType, error] {
	return of(r, syncID, func() iter.Seq2[*v2.ResourceType, error] { return r.store.ResourceTypes(ctx) })
}

// Resources implements rows.
func (r *pebbleRows) Resources(ctx context.Context, syncID string, f ResourceFilter) iter.Seq2[*v2.Resource, error] {
	return of(r, syncID, func() iter.Seq2[*v2.Resource, error] {
		return r.store.Resources(ctx, f.Type, func(m *v2.Resource) bool {
			parent := m.GetParentResourceId()
			return (f.ParentType == "" || f.ParentType == parent.GetResourceType()) && (f.Parent == "" || f.Parent == parent.GetResource())
		})
	})
}

// Entitlements implements rows.
func (r *pebbleRows) Entitlements(ctx context.Context, syncID string, f EntitlementFilter) iter.Seq2[*v2.Entitlement, error] {
	return of(r, syncID, func() iter.Seq2[*v2.Entitlement, error] {
		return mapped(r.store.Entitlements(ctx, f.ResourceType, f.Resource), r.wholeEntitlement)
	})
}

// wholeEntitlement adds the resource and the types that an entitlement names, as far as
// the archive has them.
func (r *pebbleRows) wholeEntitlement(e *v2.Entitlement) (*v2.Entitlement, error) {
	id := e.GetResource().GetId()
	resource, err := r.store.Resource(id.GetResourceType(), id.GetResource())
	if err != nil {
		return nil, err
	}
	if resource != nil {
		e.Resource = resource
	}
	for i, t := range e.GetGrantableTo() {
		whole, err := r.store.ResourceType(t.GetId())
		if err != nil {
			return nil, err
		}
		if whole != nil {
			e.GrantableTo[i] = whole
		}
	}
	return e, nil
}

func missing(kind, id string) error { return fmt.Errorf("%s %s: %w", kind, id, ErrNotFound) }

// ResourceType implements rows.
func (r *pebbleRows) ResourceType(_ context.Context, syncID, id string) (*v2.ResourceType, error) {
	if syncID != r.syncID || id == "" {
		return nil, missing("resource type", id)
	}
	m, err := r.store.ResourceType(id)
	if err == nil && m == nil {
		return nil, missing("resource type", id)
	}
	return m, r.fail(err)
}

// Resource implements rows.
func (r *pebbleRows) Resource(_ context.Context, syncID, resourceType, id string) (*v2.Resource, error) {
	if syncID != r.syncID {
		return nil, missing("resource", resourceKey(resourceType, id))
	}
	m, err := r.store.Resource(resourceType, id)
	if err == nil && m == nil {
		return nil, missing("resource", resourceKey(resourceType, id))
	}
	return m, r.fail(err)
}

// Entitlement implements rows. An id that entitlements of several resources have, which
// only this format can hold, is an error.
func (r *pebbleRows) Entitlement(ctx context.Context, syncID, id string) (*v2.Entitlement, error) {
	if syncID != r.syncID {
		return nil, missing("entitlement", id)
	}
	found, err := r.store.EntitlementsByID(ctx, id)
	switch {
	case err != nil:
		return nil, r.fail(err)
	case len(found) == 0:
		return nil, missing("entitlement", id)
	case len(found) > 1:
		return nil, fmt.Errorf("read archive %s: the entitlement ID %q is on %d resources, so that it names none of them", r.path, id, len(found))
	}
	whole, err := r.wholeEntitlement(found[0])
	return whole, r.fail(err)
}

// grantsOf is a filter as the store takes it.
func grantsOf(f GrantFilter) pebblestore.Grants {
	return pebblestore.Grants{
		Entitlement: f.Entitlement, ResourceType: f.ResourceType, Resource: f.Resource,
		PrincipalType: f.PrincipalType, Principal: f.Principal, Expandable: f.Expandable,
	}
}

// Grants implements rows.
func (r *pebbleRows) Grants(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[*v2.Grant, error] {
	return of(r, syncID, func() iter.Seq2[*v2.Grant, error] {
		return mapped(r.store.ListGrants(ctx, grantsOf(f)), r.wholeGrant)
	})
}

// wholeGrant adds the names of the resources that a grant is of.
func (r *pebbleRows) wholeGrant(g *v2.Grant) (*v2.Grant, error) {
	for _, m := range []*v2.Resource{g.GetEntitlement().GetResource(), g.GetPrincipal()} {
		name, err := r.names.of(r.store, m.GetId())
		if err != nil {
			return nil, err
		}
		m.DisplayName = name
	}
	return g, nil
}

// Grant implements rows. It reads all grants: their keys do not hold their ids.
func (r *pebbleRows) Grant(ctx context.Context, syncID, id string) (*v2.Grant, error) {
	if syncID == r.syncID && id != "" {
		for g, err := range r.store.ListGrants(ctx, pebblestore.Grants{ID: id}) {
			if err == nil {
				g, err = r.wholeGrant(g)
			}
			return g, r.fail(err)
		}
	}
	return nil, missing("grant", id)
}

// GrantKeys implements rows.
func (r *pebbleRows) GrantKeys(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[GrantKey, error] {
	return of(r, syncID, func() iter.Seq2[GrantKey, error] {
		return pebblestore.ListEdges(ctx, r.store, grantsOf(f), func(e *pebblestore.Edge) GrantKey {
			return GrantKey{
				ID: string(e.ID), Entitlement: string(e.Entitlement), ResourceType: string(e.ResourceType), Resource: string(e.Resource),
				PrincipalType: string(e.PrincipalType), Principal: string(e.Principal),
			}
		})
	})
}

// ResourceKeys implements rows.
func (r *pebbleRows) ResourceKeys(ctx context.Context, syncID string) iter.Seq2[ResourceKey, error] {
	return of(r, syncID, func() iter.Seq2[ResourceKey, error] {
		return mapped(r.store.ResourceKeys(ctx), func(k pebblestore.ResourceKey) (ResourceKey, error) { return ResourceKey(k), nil })
	})
}

// EntitlementKeys implements rows.
func (r *pebbleRows) EntitlementKeys(ctx context.Context, syncID string) iter.Seq2[EntitlementKey, error] {
	return of(r, syncID, func() iter.Seq2[EntitlementKey, error] {
		return mapped(r.store.EntitlementKeys(ctx), func(k pebblestore.EntitlementKey) (EntitlementKey, error) { return EntitlementKey(k), nil })
	})
}

// Holders implements rows.
func (r *pebbleRows) Holders(ctx context.Context, syncID, entitlement string) iter.Seq2[ResourceKey, error] {
	return of(r, syncID, func() iter.Seq2[ResourceKey, error] {
		return pebblestore.ListEdges(ctx, r.store, pebblestore.Grants{Entitlement: entitlement}, func(e *pebblestore.Edge) ResourceKey {
			return ResourceKey{Type: string(e.PrincipalType), ID: string(e.Principal)}
		})
	})
}

// ScanGrants implements rows.
func (r *pebbleRows) ScanGrants(ctx context.Context, syncID string, workers int, edge func(worker int, g *GrantEdge) error) error {
	if syncID != r.syncID || syncID == "" {
		return nil
	}
	err := r.store.Scan(ctx, workers, func(worker int, e *pebblestore.Edge) error {
		if err := edge(worker, (*GrantEdge)(e)); err != nil {
			return callerError{err}
		}
		return nil
	})
	if own, ok := errors.AsType[callerError](err); ok {
		return own.error
	}
	return r.fail(err)
}

// Stats implements rows.
func (r *pebbleRows) Stats(ctx context.Context, syncID string) (Stats, error) {
	if syncID != r.syncID || syncID == "" {
		return Stats{}, nil
	}
	counted, err := r.store.Count(ctx)
	if err != nil {
		return Stats{}, r.fail(err)
	}
	s := statsOf(counted)
	for _, m := range []*map[string]int64{&s.ResourcesByType, &s.GrantsByType, &s.EntitlementsByType} {
		if len(*m) == 0 {
			*m = nil
		}
	}
	return s, nil
}

// names are the names of resources that were looked up last. It is safe for concurrent
// use.
type names struct {
	mu    sync.Mutex
	known map[[2]string]string
}

// maxNames bounds the names that are kept.
const maxNames = 1 << 17

// of looks up the name of a resource, empty where the archive does not have it.
func (n *names) of(store *pebblestore.Store, id *v2.ResourceId) (string, error) {
	key := [2]string{id.GetResourceType(), id.GetResource()}
	n.mu.Lock()
	name, ok := n.known[key]
	n.mu.Unlock()
	if ok {
		return name, nil
	}
	name, err := store.ResourceName(key[0], key[1])
	if err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[[2]string]string{}
	}
	if len(n.known) >= maxNames {
		clear(n.known)
	}
	n.known[key] = name
	return name, nil
}
