package c1z

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
	"github.com/conductorone/baton-jumpcloud/internal/c1z/pebblestore"
	c1zv3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/c1z/v3"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// pebbleBuild is the new database of an archive of format 3.
type pebbleBuild struct {
	*Writer
	builder *pebblestore.Builder
	run     *storagev3.SyncRunRecord
	counts  *storagev3.SyncStatsRecord
}

// createV3 begins a database of format 3.
func (w *Writer) createV3() error {
	b := &pebbleBuild{Writer: w}
	w.build = b
	var err error
	b.builder, err = pebblestore.NewBuilder(pebblestore.BuildOptions{
		Dir: b.storeDir(), SpillDir: w.dir, DiscoveredAt: w.opts.StartedAt, MergeGrants: w.opts.MergeGrants,
	})
	if err != nil {
		return fmt.Errorf("create archive: %w", err)
	}
	return nil
}

func (w *pebbleBuild) storeDir() string { return filepath.Join(w.dir, "pebble") }

// close implements build.
func (w *pebbleBuild) close() error {
	if w.builder == nil {
		return nil
	}
	return w.builder.Close()
}

// stored looks at the size and at the error of a row that was put.
func (w *pebbleBuild) stored(ctx context.Context, err error) error {
	switch {
	case err == nil:
	case errors.Is(err, pebblestore.ErrNoID), errors.Is(err, pebblestore.ErrTooLarge):
		return err
	default:
		return fmt.Errorf("write in %s: %w", w.dir, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if size := w.builder.Size(); size > w.sizes.fail {
		return tooLargeToWrite(size, w.sizes.fail)
	}
	return nil
}

func (w *pebbleBuild) putResourceType(ctx context.Context, m *v2.ResourceType) error {
	return w.stored(ctx, w.builder.PutResourceType(m))
}

func (w *pebbleBuild) putResource(ctx context.Context, m *v2.Resource) error {
	return w.stored(ctx, w.builder.PutResource(m))
}

func (w *pebbleBuild) putEntitlement(ctx context.Context, m *v2.Entitlement) error {
	return w.stored(ctx, w.builder.PutEntitlement(m))
}

func (w *pebbleBuild) putGrant(ctx context.Context, m *v2.Grant) error {
	stored, expansion, err := takeExpandable(m)
	if err != nil {
		return err
	}
	return w.stored(ctx, w.builder.PutGrant(stored, expansion))
}

// keepOld implements build. Nothing stays: the format holds one sync. A sync of some
// resources only is refused in place of a full one, which readers would then show no
// more.
func (w *pebbleBuild) keepOld(ctx context.Context, run SyncRun) (old oldSyncs, err error) {
	if w.old == nil {
		return old, nil
	}
	full, err := w.old.Latest(ctx, SyncFull)
	if err == nil && run.Type != SyncFull && full.ID != run.ID {
		return old, fmt.Errorf("archive %s: %w", w.path, ErrOneSync)
	}
	for _, s := range w.old.syncs {
		if s.ID != run.ID {
			old.dropped = append(old.dropped, s.ID)
		}
	}
	return old, nil
}

// finish implements build.
func (w *pebbleBuild) finish(ctx context.Context, run SyncRun) error {
	w.run = &storagev3.SyncRunRecord{
		SyncId: run.ID, Type: pebblestore.SyncTypeOf(string(run.Type)), ParentSyncId: run.ParentID, LinkedSyncId: run.LinkedID,
		SyncToken: run.Token, SupportsDiff: run.SupportsDiff,
	}
	if !run.StartedAt.IsZero() {
		w.run.StartedAt = timestamppb.New(run.StartedAt)
	}
	if run.Finished() {
		w.run.EndedAt = timestamppb.New(run.EndedAt)
	}
	s := run.Stats
	w.counts = &storagev3.SyncStatsRecord{
		SyncId: run.ID, ResourceTypes: s.ResourceTypes, Resources: s.Resources, Entitlements: s.Entitlements, Grants: s.Grants, Assets: s.Assets,
		ResourcesByResourceType: s.ResourcesByType, GrantsByEntitlementResourceType: s.GrantsByType, EntitlementsByResourceType: s.EntitlementsByType,
		WrittenAt: timestamppb.Now(),
	}
	err := w.builder.Finish(ctx, w.run, w.counts)
	if errors.Is(err, pebblestore.ErrDuplicate) {
		return fmt.Errorf("%w: %w", ErrDuplicate, err)
	}
	if err != nil {
		return err
	}
	s.Grants = w.counts.GetGrants()
	return w.check(ctx)
}

// check opens the new database as a reader does.
func (w *pebbleBuild) check(ctx context.Context) error {
	store, err := pebblestore.Open(ctx, w.storeDir())
	if err == nil {
		if store.Run().GetSyncId() != w.syncID {
			err = fmt.Errorf("%w: it does not hold the new sync", ErrDamaged)
		}
		err = errors.Join(err, store.Close())
	}
	if err != nil {
		return fmt.Errorf("the new database is invalid; the previous archive is unchanged: %w", err)
	}
	return nil
}

// pack implements build.
func (w *pebbleBuild) pack(ctx context.Context, info *Info) error {
	names, err := pebblestore.Files(w.storeDir())
	if err != nil {
		return err
	}
	out, err := newReplacement(w.path)
	if err != nil {
		return err
	}
	info.DecodedSize, err = envelope.Pack(ctx, out, w.storeDir(), names, &c1zv3.C1ZManifestV3{
		Engine: pebblestore.Engine, EngineSchemaVersion: pebblestore.SchemaVersion,
		Descriptors:         pebblestore.Descriptors(),
		PebbleIdIndexFormat: c1zv3.PebbleIDIndexFormat_PEBBLE_ID_INDEX_FORMAT_STRUCTURED,
		SyncRuns: []*c1zv3.SyncRunSummary{{
			SyncId: w.run.GetSyncId(), Type: w.run.GetType(), StartedAt: w.run.GetStartedAt(), EndedAt: w.run.GetEndedAt(),
			ParentSyncId: w.run.GetParentSyncId(), Stats: w.counts,
		}},
	})
	if err == nil && info.DecodedSize > w.sizes.fail {
		err = tooLargeToWrite(info.DecodedSize, w.sizes.fail)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("pack archive %s: %w", w.path, err), out.discard())
	}
	stat, err := out.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("pack archive %s: %w", w.path, err), out.discard())
	}
	info.Size = stat.Size()
	return out.commit()
}
