package c1z

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// The two halves of a diff of two syncs, which other programs store.
const (
	diffUpserts   SyncType = "partial_upserts"
	diffDeletions SyncType = "partial_deletions"
)

// keep chooses which syncs of an old archive stay beside the new one, in the
// order of their rows, as other Baton programs do:
//
//	unfinished                       all stay
//	full                             the newest n stay
//	partial, resources only, others  stay unless they ended before the oldest
//	                                 full sync that stays began
//	halves of diffs                  up to two stay; of more, the newest and the
//	                                 one that it is linked with
//
// A sync with the id of the new one is that sync, stored by a run that died
// afterwards, and does not stay.
func keep(old []SyncRun, run SyncRun, n int) []SyncRun {
	if n == KeepAll {
		return distinct(old, run.ID, func(SyncRun) bool { return true })
	}
	if n == KeepDefault {
		n = 1
	}
	full := newest(old, func(s SyncRun) bool { return s.Type == SyncFull && s.ID != run.ID })
	full = full[:min(max(n, 0), len(full))]
	diffs := newest(old, SyncRun.isDiff)
	var since time.Time
	if run.Type == SyncFull {
		since = run.StartedAt
	}
	if len(full) > 0 {
		since = slices.MinFunc(full, func(a, b SyncRun) int { return a.StartedAt.Compare(b.StartedAt) }).StartedAt
	}
	return distinct(old, run.ID, func(s SyncRun) bool {
		switch {
		case !s.Finished():
			return true
		case s.Type == SyncFull:
			return slices.ContainsFunc(full, func(f SyncRun) bool { return f.ID == s.ID })
		case s.isDiff():
			return len(diffs) <= 2 || s.ID == diffs[0].ID || s.ID == diffs[0].LinkedID
		default:
			return !s.EndedAt.Before(since)
		}
	})
}

func (s SyncRun) isDiff() bool { return s.Type == diffUpserts || s.Type == diffDeletions }

// newest lists finished syncs, the newest first.
func newest(syncs []SyncRun, which func(SyncRun) bool) []SyncRun {
	var found []SyncRun
	for _, s := range syncs {
		if s.Finished() && which(s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b SyncRun) int { return byEnd(b, a) })
	return found
}

// distinct lists each id once, and without the given one.
func distinct(syncs []SyncRun, without string, which func(SyncRun) bool) []SyncRun {
	seen := map[string]bool{without: true}
	var found []SyncRun
	for _, s := range syncs {
		if !seen[s.ID] && which(s) {
			seen[s.ID] = true
			found = append(found, s)
		}
	}
	return found
}

// fit leaves out older syncs, the oldest first, until the database has at most
// limit bytes. Unfinished ones stay, and so does the newest full one when the
// new sync is not full itself: without it readers would show nothing.
func fit(kept []SyncRun, run SyncRun, size int64, sizeOf func(SyncRun) int64, limit int64) []SyncRun {
	var needed string
	if full := newest(kept, func(s SyncRun) bool { return s.Type == SyncFull }); run.Type != SyncFull && len(full) > 0 {
		needed = full[0].ID
	}
	var candidates []SyncRun
	for _, s := range kept {
		if !s.Finished() || s.ID == needed {
			size = add(size, sizeOf(s))
		} else {
			candidates = append(candidates, s)
		}
	}
	dropped := map[string]bool{}
	for _, s := range newest(candidates, func(SyncRun) bool { return true }) {
		if next := add(size, sizeOf(s)); next <= limit {
			size = next
		} else {
			dropped[s.ID] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(kept), func(s SyncRun) bool { return dropped[s.ID] })
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// oldSyncs are the ids of an old archive's syncs by what became of them.
type oldSyncs struct{ kept, dropped, damaged []string }

// keepOld copies what stays of the old archive.
func (w *sqliteBuild) keepOld(ctx context.Context, run SyncRun) (old oldSyncs, err error) {
	if w.old == nil {
		return old, nil
	}
	wanted := keep(w.old.syncs, run, w.opts.Keep)
	shares, err := w.old.shares(ctx, wanted)
	if err != nil {
		return old, err
	}
	sizeOf := func(s SyncRun) int64 { return shares[s.ID] }
	fitting := fit(wanted, run, w.size(), sizeOf, w.sizes.keep)
	for _, s := range wanted {
		if !slices.ContainsFunc(fitting, func(f SyncRun) bool { return f.ID == s.ID }) {
			w.opts.Logger.WarnContext(ctx, "an earlier sync is not kept: the archive would unpack to more than 2 GiB",
				"path", w.path, "sync_id", s.ID, "ended_at", s.EndedAt, "decoded_bytes", shares[s.ID])
		}
	}
	damaged, err := w.copyOld(ctx, fitting)
	if err != nil {
		return old, err
	}
	has := func(list []SyncRun, s SyncRun) bool {
		return slices.ContainsFunc(list, func(f SyncRun) bool { return f.ID == s.ID })
	}
	for _, s := range w.old.syncs {
		switch {
		case has(damaged, s):
			if run.ParentID == s.ID {
				return old, advise(fmt.Errorf("keep sync %s, the parent of the new sync, of the previous archive %s: %w", s.ID, w.path, ErrDamaged))
			}
			old.damaged = append(old.damaged, s.ID)
		case has(fitting, s):
			old.kept = append(old.kept, s.ID)
		case s.ID != run.ID:
			old.dropped = append(old.dropped, s.ID)
		}
	}
	return old, nil
}

// shares estimates how many bytes of the database each sync takes, from the rows
// that it has. A sync that is alone takes all.
func (r *Reader) shares(ctx context.Context, syncs []SyncRun) (map[string]int64, error) {
	rows := map[string]int64{}
	total := int64(0)
	for _, s := range r.syncs {
		n := int64(1)
		if len(r.syncs) > 1 {
			stats := s.Stats
			if stats == nil {
				counted, err := r.Stats(ctx, s.ID)
				if err != nil {
					return nil, err
				}
				stats = &counted
			}
			n += max(stats.Resources, 0) + max(stats.Entitlements, 0) + max(stats.Grants, 0)
		}
		rows[s.ID] = n
		total = add(total, n)
	}
	shares := map[string]int64{}
	for _, s := range syncs {
		shares[s.ID] = int64(float64(r.size) * float64(rows[s.ID]) / float64(total))
	}
	return shares, nil
}
