package c1z_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
)

// TestClockIsBehind writes a sync beside one that ended later, by its clock or by
// one of another zone. Readers show what ended last, and must show the new one.
func TestClockIsBehind(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, test := range []struct {
		name     string
		oldType  c1z.SyncType
		oldEnd   time.Time
		keep     int
		want     time.Time // zero for an error
		warnings int
	}{
		{name: "the clock goes on", oldEnd: fixtureEnd.Add(-time.Nanosecond), want: fixtureEnd},
		{name: "at the same moment", oldEnd: fixtureEnd, want: fixtureEnd.Add(1), warnings: 1},
		{name: "hours ahead", oldEnd: fixtureEnd.Add(10 * time.Hour), want: fixtureEnd.Add(10*time.Hour + 1), warnings: 1},
		{name: "a partial one, years ahead", oldType: c1z.SyncPartial, oldEnd: fixtureEnd.AddDate(30, 0, 0), want: fixtureEnd.AddDate(30, 0, 0).Add(1), warnings: 1},
		{name: "hours ahead, and it does not stay", oldEnd: fixtureEnd.Add(10 * time.Hour), keep: c1z.KeepNone, want: fixtureEnd},
		{name: "the last moment of all", oldEnd: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.c1z")
			old := fixtureRun()
			old.EndedAt, old.Type = test.oldEnd, test.oldType
			f.writeTo(t, c1z.Options{Path: path, StartedAt: fixtureStart}, old)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			w, err := c1z.Create(t.Context(), c1z.Options{
				Path: path, WorkDir: t.TempDir(), StartedAt: fixtureStart, Keep: test.keep, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := f.put(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			info, err := w.Finish(t.Context(), fixtureRun())
			if test.want.IsZero() {
				after, _ := os.ReadFile(path)
				if err == nil || !strings.Contains(err.Error(), "move "+path+" away") || !bytes.Equal(before, after) {
					t.Errorf("error %v, and the archive is the same: %t", err, bytes.Equal(before, after))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !info.Sync.EndedAt.Equal(test.want) || strings.Count(log.String(), "the clock is behind") != test.warnings {
				t.Errorf("the sync ended at %s, want %s; log: %s", info.Sync.EndedAt, test.want, log.String())
			}
			r := open(t, path)
			latest, err := r.Latest(t.Context())
			if err != nil || latest.ID != info.Sync.ID {
				t.Errorf("the latest sync is %s, want %s: %v", latest.ID, info.Sync.ID, err)
			}
			if shown, err := r.Shown(t.Context()); err != nil || shown.ID != info.Sync.ID {
				t.Errorf("the shown sync is %s, want %s: %v", shown.ID, info.Sync.ID, err)
			}
			if got := query(t, unpackDB(t, path), "select sync_id from v1_sync_runs order by ended_at desc, sync_id desc limit 1"); got != info.Sync.ID {
				t.Errorf("by text, the latest sync is %s, want %s", got, info.Sync.ID)
			}
		})
	}
}
