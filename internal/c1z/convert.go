package c1z

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// ConvertOptions says what [Convert] makes of an archive.
type ConvertOptions struct {
	// Path is the new archive, which must not exist.
	Path string
	// WorkDir is an existing folder for the files of the build.
	WorkDir string
	Format  Format
	Limits  Limits
	Logger  *slog.Logger
}

// Conversion is what came of one.
type Conversion struct {
	Info
	// Before and After count the rows of the old and of the new archive.
	Before, After Stats
	// Merged is how many grants were united with others of the same entitlement and
	// principal, of which format 3 holds one.
	Merged int64
	// Lost says what the new format cannot hold, in sentences.
	Lost []string
}

// Convert writes one sync of an archive into a new archive of another format. The sync
// keeps its id, times and token. Rows are discovered when the sync began, as in all
// archives that this package writes. The counts before and after are compared; where
// they differ by more than what was united, there is no new archive.
func Convert(ctx context.Context, from *Reader, run SyncRun, opts ConvertOptions) (c Conversion, err error) {
	if _, err := os.Lstat(opts.Path); err == nil {
		return c, fmt.Errorf("convert to %s: %w", opts.Path, fs.ErrExist)
	}
	if c.Before, err = from.Stats(ctx, run.ID); err != nil {
		return c, err
	}
	w, err := Create(ctx, Options{
		Path: opts.Path, WorkDir: opts.WorkDir, Format: opts.Format, SyncID: run.ID, StartedAt: run.StartedAt, Keep: KeepNone,
		MergeGrants: true, Limits: opts.Limits, Logger: opts.Logger,
	})
	if err != nil {
		return c, err
	}
	w.verbatim = true
	lost := newLosses(from.format)
	err = copyRows(ctx, from, run.ID, w, lost)
	if err == nil {
		err = lost.extras(ctx, from, run.ID)
	}
	if err != nil {
		return c, errors.Join(err, w.Abort())
	}
	if len(from.syncs) > 1 && opts.Format == FormatV3 {
		lost.add("other syncs of the archive", int64(len(from.syncs)-1))
	}
	if c.Info, err = w.Finish(ctx, run); err != nil {
		return c, err
	}
	if err := c.verify(ctx, opts); err != nil {
		return c, errors.Join(err, os.Remove(c.Path))
	}
	c.Lost = lost.sentences()
	return c, nil
}

// verify counts the rows of the new archive.
func (c *Conversion) verify(ctx context.Context, opts ConvertOptions) (err error) {
	r, err := Open(ctx, c.Path, OpenOptions{TempDir: opts.WorkDir, Limits: opts.Limits, Logger: opts.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if c.After, err = r.Stats(ctx, c.Sync.ID); err != nil {
		return err
	}
	c.Merged = c.Before.Grants - c.After.Grants
	before, after := c.Before, c.After
	if opts.Format != FormatV3 && c.Merged != 0 || c.Merged < 0 || c.After.Grants != c.Sync.Stats.Grants ||
		before.ResourceTypes != after.ResourceTypes || before.Resources != after.Resources || before.Entitlements != after.Entitlements || before.Assets != after.Assets {
		return fmt.Errorf("convert to %s: %w: it has %d resource types, %d resources, %d entitlements, %d grants and %d assets, and the new one %d, %d, %d, %d and %d",
			opts.Path, ErrDamaged, before.ResourceTypes, before.Resources, before.Entitlements, before.Grants, before.Assets,
			after.ResourceTypes, after.Resources, after.Entitlements, after.Grants, after.Assets)
	}
	return nil
}

// losses counts what a conversion leaves out.
type losses struct {
	counts map[string]int64
	from   Format
	seed   maphash.Seed
	have   map[uint64]struct{} // hashes of the resources that have a row
}

func newLosses(from Format) *losses {
	return &losses{counts: map[string]int64{}, from: from, seed: maphash.MakeSeed(), have: map[uint64]struct{}{}}
}

func (l *losses) add(what string, n int64) { l.counts[what] += n }

func (l *losses) when(lost bool, what string) {
	if lost {
		l.counts[what]++
	}
}

// extras adds what no list holds.
func (l *losses) extras(ctx context.Context, from *Reader, syncID string) error {
	counts, err := from.extras(ctx, syncID)
	for what, n := range counts {
		l.add(what, n)
	}
	return err
}

// extras implements rows.
func (r *sqliteRows) extras(ctx context.Context, syncID string) (map[string]int64, error) {
	counts := map[string]int64{}
	if r.db == nil {
		return counts, nil
	}
	conn, err := r.conn(ctx)
	if err != nil {
		return nil, r.fail(err)
	}
	defer conn.Close()
	c := counter{conn: conn, syncID: syncID}
	counts["values in the store of sessions"] = c.total(ctx, r.source(&r.schema.sessions))
	run := r.source(&r.schema.syncRuns)
	for what, found := range map[string]string{
		"sync tokens of more than 64 KiB":             fmt.Sprintf("octet_length(sync_token) > %d", maxText),
		"records of checks that another program made": run.column("ingest_invariant_coverage") + " <> '' or " + run.column("ingest_invariant_mode") + " <> ''",
	} {
		counts[what] = c.where(ctx, run, found)
	}
	if c.err != nil {
		return nil, r.fail(c.err)
	}
	maps.DeleteFunc(counts, func(_ string, n int64) bool { return n == 0 })
	return counts, nil
}

// extras implements rows.
func (r *pebbleRows) extras(ctx context.Context, syncID string) (map[string]int64, error) {
	if syncID != r.syncID || syncID == "" {
		return map[string]int64{}, nil
	}
	counts, err := r.store.Extras(ctx)
	if err == nil && len(r.store.Run().GetSyncToken()) > maxText {
		counts["sync tokens of more than 64 KiB"]++
	}
	return counts, r.fail(err)
}

func (l *losses) sentences() []string {
	var list []string
	for what, n := range l.counts {
		list = append(list, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(list)
	return list
}

func (l *losses) hash(id *v2.ResourceId) uint64 {
	return maphash.String(l.seed, id.GetResourceType()+"\x00"+id.GetResource())
}

func (l *losses) resourceType(m *v2.ResourceType) {
	l.when(len(m.ProtoReflect().GetUnknown()) > 0, "resource types with fields that are not known")
	for _, t := range m.GetTraits() {
		l.when(t.Descriptor().Values().ByNumber(t.Number()) == nil, "traits of resource types that are not known")
	}
}

func (l *losses) resource(m *v2.Resource) {
	l.have[l.hash(m.GetId())] = struct{}{}
	parent := m.GetParentResourceId()
	l.when(m.GetBatonResource() || m.GetId().GetBatonResource(), "resources marked as resources of Baton itself")
	l.when(m.GetExternalId() != nil, "resources with an external id")      //nolint:staticcheck // Files have it.
	l.when(m.GetCreationSource() != 0, "resources with a creation source") //nolint:staticcheck // As above.
	l.when(parent.GetResourceType() != "" && parent.GetResource() == "", "parents of resources without an id")
	l.when(len(m.ProtoReflect().GetUnknown()) > 0, "resources with fields that are not known")
}

func (l *losses) entitlement(m *v2.Entitlement) {
	l.when(m.GetPurpose().Descriptor().Values().ByNumber(m.GetPurpose().Number()) == nil, "purposes of entitlements that are not known")
	l.when(len(m.ProtoReflect().GetUnknown()) > 0, "entitlements with fields that are not known")
	l.named(m.GetResource(), "names of resources that have no row of their own")
}

func (l *losses) grant(m *v2.Grant) {
	l.when(len(m.ProtoReflect().GetUnknown()) > 0, "grants with fields that are not known")
	l.named(m.GetEntitlement().GetResource(), "names of resources that have no row of their own")
	l.named(m.GetPrincipal(), "names of principals that have no row of their own")
}

// named counts a name that stands in a row of something else alone.
func (l *losses) named(m *v2.Resource, what string) {
	if m.GetDisplayName() == "" {
		return
	}
	_, have := l.have[l.hash(m.GetId())]
	l.when(!have, what)
}

// batch is how many rows are handed to a writer at once.
const batch = 500

// copyRows gives all rows of a sync to a writer.
func copyRows(ctx context.Context, from *Reader, syncID string, to *Writer, lost *losses) error {
	look := lost != nil && from.format == FormatV1
	if err := putAll(ctx, watched(from.ResourceTypes(ctx, syncID), look, lost.resourceType), to.PutResourceTypes); err != nil {
		return err
	}
	if err := putAll(ctx, watched(from.Resources(ctx, syncID, ResourceFilter{}), look, lost.resource), to.PutResources); err != nil {
		return err
	}
	if err := putAll(ctx, watched(from.Entitlements(ctx, syncID, EntitlementFilter{}), look, lost.entitlement), to.PutEntitlements); err != nil {
		return err
	}
	if err := putAll(ctx, watched(from.Grants(ctx, syncID, GrantFilter{}), look, lost.grant), to.PutGrants); err != nil {
		return err
	}
	return putAll(ctx, from.Assets(ctx, syncID), to.PutAssets)
}

// watched shows each row of a list to see before it passes it on.
func watched[T any](list iter.Seq2[T, error], look bool, see func(T)) iter.Seq2[T, error] {
	if !look {
		return list
	}
	return mapped(list, func(item T) (T, error) {
		see(item)
		return item, nil
	})
}

func putAll[T any](ctx context.Context, list iter.Seq2[T, error], put func(context.Context, ...T) error) error {
	items := make([]T, 0, batch)
	for item, err := range list {
		if err != nil {
			return err
		}
		if items = append(items, item); len(items) == batch {
			if err := put(ctx, items...); err != nil {
				return err
			}
			items = items[:0]
		}
	}
	return put(ctx, items...)
}

// dump implements rows. It dumps what the sync is in format 1, whose columns the form
// of the text is made of.
func (r *pebbleRows) dump(ctx context.Context, syncID string, out *bufio.Writer) (err error) {
	dir, err := os.MkdirTemp(r.dir, "dump-*")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	run := syncOf(r.store.Run(), nil)
	made, err := Convert(ctx, &Reader{rows: r, path: r.path, format: FormatV3}, run, ConvertOptions{
		Path: filepath.Join(dir, "dump.c1z"), WorkDir: dir, Format: FormatV1,
	})
	if err != nil {
		return err
	}
	v1, err := Open(ctx, made.Path, OpenOptions{TempDir: dir})
	if err != nil {
		return err
	}
	return errors.Join(v1.dump(ctx, syncID, out), v1.Close())
}
