package c1z

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// timeFormat is how all columns of time are written, in UTC: digits of the
	// second's fraction follow as far as they are not zero.
	timeFormat = "2006-01-02 15:04:05.999999999"
	// lastYear is the last one that has four digits.
	lastYear = 9999
	// maxSyncs bounds the syncs of one archive that is read.
	maxSyncs = 10_000
	// maxText bounds the token and the statistics of a sync that are read. Longer
	// tokens are checkpoints of other programs.
	maxText = 64 << 10
	// unfinishedAge is how long readers show a sync that never ended.
	unfinishedAge = 7 * 24 * time.Hour
)

// Syncs lists the syncs of the archive in the order of their rows.
func (r *Reader) Syncs(context.Context) ([]SyncRun, error) { return slices.Clone(r.syncs), nil }

// Sync returns one sync by its id. If there is none, the error is [ErrNotFound].
func (r *Reader) Sync(_ context.Context, id string) (SyncRun, error) {
	for _, s := range r.syncs {
		if s.ID == id {
			return s, nil
		}
	}
	return SyncRun{}, fmt.Errorf("sync %s of archive %s: %w", id, r.path, ErrNotFound)
}

// Latest returns the newest finished sync of the given types, of any type when
// none is given. If there is none, the error is [ErrNotFound].
func (r *Reader) Latest(_ context.Context, types ...SyncType) (SyncRun, error) {
	var found []SyncRun
	for _, s := range r.syncs {
		if s.Finished() && (len(types) == 0 || slices.Contains(types, s.Type)) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return SyncRun{}, fmt.Errorf("finished sync in archive %s: %w", r.path, ErrNotFound)
	}
	return slices.MaxFunc(found, byEnd), nil
}

// Shown returns the sync whose lists Baton readers show: the newest finished
// full one, of an archive of format 3 the one that is there of whatever type, else the
// newest unfinished one that began within seven days. If there is none, the error is
// [ErrNotFound].
func (r *Reader) Shown(ctx context.Context) (SyncRun, error) {
	types := []SyncType{SyncFull}
	if r.format == FormatV3 {
		types = nil
	}
	if s, err := r.Latest(ctx, types...); err == nil {
		return s, nil
	}
	var found []SyncRun
	for _, s := range r.syncs {
		if !s.Finished() && time.Since(s.StartedAt) < unfinishedAge {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return SyncRun{}, fmt.Errorf("sync in archive %s: %w", r.path, ErrNotFound)
	}
	return slices.MaxFunc(found, func(a, b SyncRun) int { return a.StartedAt.Compare(b.StartedAt) }), nil
}

// byEnd orders finished syncs from the oldest to the newest.
func byEnd(a, b SyncRun) int {
	return cmp.Or(a.EndedAt.Compare(b.EndedAt), strings.Compare(a.ID, b.ID))
}

// readSyncs reads v1_sync_runs.
func readSyncs(ctx context.Context, conn *sql.Conn, src source) ([]SyncRun, error) {
	if !src.exists {
		return nil, nil
	}
	rows, err := conn.QueryContext(ctx, fmt.Sprintf(
		`select sync_id, cast(started_at as text), cast(ended_at as text),
		iif(octet_length(sync_token) <= %[1]d, sync_token, ''), %[2]s, %[3]s, %[4]s, %[5]s, %[6]s,
		iif(octet_length(%[7]s) <= %[1]d, %[7]s, null) from v1_sync_runs order by id limit %[8]d`,
		maxText, src.column("sync_type"), src.column("parent_sync_id"), src.column("linked_sync_id"),
		src.column("supports_diff"), src.column("grants_backfilled"), src.column("stats"), maxSyncs+1))
	if err != nil {
		return nil, damage(err)
	}
	defer rows.Close()
	var syncs []SyncRun
	for rows.Next() {
		var s SyncRun
		var started string
		var ended, stats sql.NullString
		if err := rows.Scan(&s.ID, &started, &ended, &s.Token, &s.Type, &s.ParentID, &s.LinkedID,
			&s.SupportsDiff, &s.Backfilled, &stats); err != nil {
			return nil, damage(err)
		}
		if len(s.ID)+len(s.Type)+len(s.ParentID)+len(s.LinkedID) > 4*maxID {
			return nil, fmt.Errorf("%w: an id of a sync has more than %d bytes", ErrDamaged, maxID)
		}
		if s.StartedAt, err = parseTime(started); err != nil {
			return nil, err
		}
		if ended.Valid {
			if s.EndedAt, err = parseTime(ended.String); err != nil {
				return nil, err
			}
		}
		s.readToken()
		s.Stats = parseStats(stats.String)
		if syncs = append(syncs, s); len(syncs) > maxSyncs {
			return nil, fmt.Errorf("%w: it contains more than %d syncs", ErrDamaged, maxSyncs)
		}
	}
	return syncs, damage(rows.Err())
}

func formatTime(t time.Time) string { return t.UTC().Format(timeFormat) }

// parseTime reads a time as other programs write it: without a zone, which
// readers take for UTC, or with one.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{timeFormat, timeFormat + "-07:00", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %.40q is not a time", ErrDamaged, s)
}

// parseStats reads the counts that a file has stored, nil when it has none.
func parseStats(s string) *Stats {
	var stats Stats
	if s == "" || json.Unmarshal([]byte(s), &stats) != nil {
		return nil
	}
	return &stats
}
