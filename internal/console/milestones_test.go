package console_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func TestMilestones(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		m := console.NewMilestones(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		}})))
		members := func(complete, lists, rows int64) syncer.KindProgress {
			return syncer.KindProgress{Kind: "group members", Lists: lists, Complete: complete, Rows: rows, PagesDone: complete}
		}
		users := syncer.KindProgress{Kind: "users", Lists: 1, Complete: 1, Rows: 60, Total: 60, PagesDone: 1}
		reading := func(kinds ...syncer.KindProgress) {
			m.Update(syncer.Progress{Phase: syncer.PhaseReading, Kinds: kinds})
		}
		reading()
		reading(users, members(0, 10, 0))
		reading(users, members(3, 10, 30)) // too soon
		<-time.After(11 * time.Second)
		reading(users, members(4, 10, 40))
		reading(users, members(9, 10, 90)) // too soon
		m.Update(syncer.Progress{Phase: syncer.PhaseLookup, Total: 2})
		m.Update(syncer.Progress{Phase: syncer.PhaseWriting})
		m.Close()
		m.Close()
		want := `
msg="Syncing resources, entitlements and grants..."
msg="Synced list" list=users count=60 total=60 lists_complete=1 lists=1 pages=1
msg="Synced list" list="group members" count=40 total=0 lists_complete=4 lists=10 pages=4
msg="Synced list" list="group members" count=90 total=0 lists_complete=9 lists=10 pages=9
msg="Looking up principals that no list contains..." count=2
msg="Expanding grants..."
`
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), out.String()); diff != "" {
			t.Errorf("log differs (-want +got):\n%s", diff)
		}
	})
}
