package c1z_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
)

// TestKeepsOlderSync writes over archives of every make and looks at what became
// of the sync in them.
func TestKeepsOlderSync(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, test := range []struct {
		name string
		hand byHand
		// flags are supports_diff, grants_backfilled, rows with an expansion and
		// messages that keep one, after the copy.
		flags string
	}{
		{"newest", byHand{schema: "schema.sql"}, "[1,1,1,0]"},
		{"no indexes", byHand{schema: "schema-no-indexes.sql"}, "[1,1,1,0]"},
		{"0.1.5", byHand{schema: "schema-0.1.5.sql", old: true}, "[0,1,1,0]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := test.hand.write(t, f)
			var before []string
			if !test.hand.old { // Its rows are brought to the newest form.
				before = rowsOf(t, path, handSync)
			}
			info := f.writeTo(t, c1z.Options{Path: path}, c1z.SyncRun{SupportsDiff: true})
			if diff := cmp.Diff([]string{handSync}, info.Kept); diff != "" || len(info.Dropped) > 0 {
				t.Fatalf("kept %v, dropped %v", info.Kept, info.Dropped)
			}
			r := open(t, path)
			run, err := r.Sync(t.Context(), handSync)
			if err != nil || !run.StartedAt.Equal(fixtureStart) || !run.EndedAt.Equal(fixtureEnd) || run.Organization != (c1z.Organization{}) {
				t.Errorf("old sync: %+v, %v", run, err)
			}
			testLists(t, r, handSync, f)
			testFilters(t, r, handSync, f)
			testLists(t, r, info.Sync.ID, f)
			if shown, err := r.Shown(t.Context()); err != nil || shown.ID != info.Sync.ID {
				t.Errorf("shown: %v, %v", shown.ID, err)
			}
			db := unpackDB(t, path)
			if got := query(t, db, "pragma integrity_check"); got != "ok" {
				t.Error(got)
			}
			if got := query(t, db, `select json_array(s.supports_diff, s.grants_backfilled, count(g.expansion), sum(instr(g.data, 'GrantExpandable') > 0))
				from v1_sync_runs s join v1_grants g using (sync_id) where sync_id = ?`, handSync); got != test.flags {
				t.Errorf("flags %s, want %s", got, test.flags)
			}
			if test.hand.old {
				return
			}
			if diff := cmp.Diff(before, rowsOf(t, path, handSync)); diff != "" {
				t.Errorf("rows of the old sync: %s", diff)
			}
			if got := query(t, db, "select group_concat(sync_id) from (select sync_id from v1_sync_runs order by id)"); got != handSync+","+info.Sync.ID {
				t.Errorf("syncs in the order %s", got)
			}
		})
	}
}

// rowsOf lists all columns of a sync's rows but their row ids.
func rowsOf(t *testing.T, path, syncID string) []string {
	t.Helper()
	db := unpackDB(t, path)
	var all []string
	for table, columns := range map[string]string{
		"v1_resource_types": "external_id, hex(data), discovered_at",
		"v1_resources":      "resource_type_id, external_id, parent_resource_type_id, parent_resource_id, hex(data), discovered_at",
		"v1_entitlements":   "resource_type_id, resource_id, external_id, hex(data), discovered_at",
		"v1_grants": "resource_type_id, resource_id, entitlement_id, principal_resource_type_id, principal_resource_id, external_id, " +
			"hex(expansion), needs_expansion, hex(data), discovered_at",
		"v1_sync_runs": "cast(started_at as text), cast(ended_at as text), sync_token",
	} {
		all = append(all, strings.Split(query(t, db, fmt.Sprintf(
			"select group_concat(line, char(10)) from (select json_array('%s', %s) line from %s where sync_id = ? order by id)", table, columns, table), syncID), "\n")...)
	}
	slices.Sort(all)
	return all
}

// TestKeepTwice writes three syncs: only the newest two stay.
func TestKeepTwice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path := filepath.Join(t.TempDir(), "a.c1z")
	var ids []string
	for i := range 3 {
		run := fixtureRun()
		run.EndedAt = run.EndedAt.AddDate(0, 0, i)
		info := f.writeTo(t, c1z.Options{Path: path, StartedAt: fixtureStart.AddDate(0, 0, i)}, run)
		ids = append(ids, info.Sync.ID)
	}
	syncs, err := open(t, path).Syncs(t.Context())
	if err != nil || len(syncs) != 2 || syncs[0].ID != ids[1] || syncs[1].ID != ids[2] {
		t.Errorf("syncs %+v of %v, %v", syncs, ids, err)
	}
	if syncs[0].Organization != fixtureRun().Organization {
		t.Errorf("the kept sync is of %+v", syncs[0].Organization)
	}

	// The same sync again, as after a crash between the rename and the end.
	info := f.writeTo(t, c1z.Options{Path: path, SyncID: ids[2], StartedAt: fixtureStart.AddDate(0, 0, 2)}, fixtureRun())
	if diff := cmp.Diff([]string{ids[1]}, info.Kept); diff != "" || len(info.Dropped) > 0 {
		t.Errorf("kept %v, dropped %v", info.Kept, info.Dropped)
	}

	none := f.writeTo(t, c1z.Options{Path: path, Keep: c1z.KeepNone}, fixtureRun())
	if syncs, err := open(t, path).Syncs(t.Context()); err != nil || len(syncs) != 1 || syncs[0].ID != none.Sync.ID {
		t.Errorf("syncs %+v, %v", syncs, err)
	}
}

// TestKeepDamaged fails at what cannot be copied, and names the way out.
func TestKeepDamaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path := byHand{schema: "schema-0.1.5.sql", old: true}.write(t, f,
		"update v1_grants set data = cast(x'ff' || 'type.googleapis.com/c1.connector.v2.GrantExpandable' as blob) where id = 1")
	w, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context(), c1z.SyncRun{}); !errors.Is(err, c1z.ErrDamaged) || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("Finish: %v", err)
	}
}
