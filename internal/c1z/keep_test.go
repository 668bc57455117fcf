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

// TestKeepDamaged leaves an older sync out where a row of it cannot be read, and
// nothing of it stays behind. A partial sync that would stand on it fails.
func TestKeepDamaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, damage := range map[string]string{
		"grant with an expansion": "update v1_grants set data = cast(x'ff' || 'type.googleapis.com/c1.connector.v2.GrantExpandable' as blob) where id = 1",
		"grant":                   "update v1_grants set data = x'0aff' where id = (select max(id) from v1_grants)",
		"grant of another id":     "update v1_grants set external_id = 'other' where id = 2",
		"resource":                "update v1_resources set data = x'0a05' where id = 3",
		"name that is not text":   "update v1_resources set data = data || x'1a02ff00' where id = 3",
		"resource of another id":  "update v1_resources set external_id = 'user:other' where id = 3",
		"entitlement":             "update v1_entitlements set data = x'12ffffffff0f' where id = 1",
		"resource type":           "update v1_resource_types set data = x'07' where id = 1",
		"name that is too long":   "update v1_resources set data = data || x'1a8110' || cast(printf('%.2049c', 'x') as blob) where id = 2",
		"blob that is too long":   "update v1_grants set data = data || zeroblob(5000000) where id = 2",
		"text instead of a blob":  "update v1_resources set data = 'text' where id = 2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := byHand{schema: "schema.sql"}.write(t, f, damage)
			part, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := part.Finish(t.Context(), c1z.SyncRun{Type: c1z.SyncPartial, ParentID: handSync}); !errors.Is(err, c1z.ErrDamaged) || !strings.Contains(err.Error(), "move it away") {
				t.Errorf("a partial sync on top: %v", err)
			}
			info := f.writeTo(t, c1z.Options{Path: path, StartedAt: fixtureStart}, c1z.SyncRun{SupportsDiff: true})
			if diff := cmp.Diff([]string{handSync}, info.Damaged); diff != "" || len(info.Kept)+len(info.Dropped) > 0 {
				t.Errorf("damaged %v, kept %v, dropped %v", info.Damaged, info.Kept, info.Dropped)
			}
			testLists(t, open(t, path), info.Sync.ID, f)
			fresh := filepath.Join(t.TempDir(), "fresh.c1z")
			f.writeTo(t, c1z.Options{Path: fresh, SyncID: info.Sync.ID, StartedAt: fixtureStart}, c1z.SyncRun{SupportsDiff: true, EndedAt: info.Sync.EndedAt})
			if got, want := rowsOf(t, path, info.Sync.ID), rowsOf(t, fresh, info.Sync.ID); !slices.Equal(got, want) {
				t.Error("the new sync is another one than without an older one")
			}
			db := unpackDB(t, path)
			for sql, want := range map[string]string{
				"pragma integrity_check": "ok",
				"select (select count(*) from v1_grants where sync_id = ?1) + (select count(*) from v1_resources where sync_id = ?1) + (select count(*) from v1_sync_runs where sync_id = ?1)": "0",
			} {
				if got := query(t, db, sql, handSync); got != want {
					t.Errorf("%s: %s", sql, got)
				}
			}
		})
	}
}
