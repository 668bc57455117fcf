package c1z_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// TestNeedsNoMigration shows that the newest reader has nothing to change in a
// file of ours: every table, column and index that it would make is there as it
// would make it, the flags by which it looks for work say that there is none,
// and what they promise holds.
func TestNeedsNoMigration(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path, _ := f.write(t)
	db := unpackDB(t, path)
	want := openDB(t, filepath.Join(t.TempDir(), "want.db"))
	script, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := want.ExecContext(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(describe(t, want), describe(t, db)); diff != "" {
		t.Errorf("schema: %s", diff)
	}
	// Running the script again is what a reader does on opening: nothing may come
	// of it.
	before := query(t, db, "pragma schema_version")
	if _, err := db.ExecContext(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	if after := query(t, db, "pragma schema_version"); after != before {
		t.Errorf("the schema changed from version %s to %s", before, after)
	}
	if got, want := query(t, db, "select group_concat(name, ' ') from (select name from sqlite_schema where type = 'table' order by rowid)"),
		"v1_resource_types v1_resources v1_entitlements v1_sync_runs v1_grants v1_assets v1_connector_sessions"; got != want {
		t.Errorf("tables in the order %s", got)
	}
	for pragma, want := range map[string]string{
		"page_size": "4096", "encoding": "UTF-8", "user_version": "0", "application_id": "0", "auto_vacuum": "0",
		"journal_mode": "delete", "freelist_count": "0", "integrity_check": "ok",
	} {
		if got := query(t, db, "pragma "+pragma); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	if head := unpack(t, path)[18:20]; head[0] != 1 || head[1] != 1 {
		t.Errorf("the header is marked %v, not for a rollback journal", head)
	}
	testSyncRow(t, db)
	testStatsRow(t, db, f)
	testGrantRows(t, db, f)
}

// describe lists everything about a schema but the text of its statements.
func describe(t *testing.T, db *sql.DB) string {
	t.Helper()
	return query(t, db, `select group_concat(line, char(10)) from (
		select 'table ' || s.name || ' ' || c.cid || ' ' || c.name || ' ' || lower(c.type) || ' null=' || not c."notnull"
			|| ' default=' || coalesce(c.dflt_value, 'none') || ' pk=' || c.pk || ' hidden=' || c.hidden as line
		from sqlite_schema s, pragma_table_xinfo(s.name) c where s.type = 'table'
		union all
		select 'index ' || i.name || ' on ' || s.name || ' unique=' || i."unique" || ' origin=' || i.origin || ' partial=' || i.partial
			|| ' ' || c.seqno || ' ' || coalesce(c.name, 'rowid') || ' ' || c.coll || ' desc=' || c."desc" || ' key=' || c.key
			|| coalesce(substr(x.sql, instr(x.sql, ' where ')), '')
		from sqlite_schema s, pragma_index_list(s.name) i, pragma_index_xinfo(i.name) c, sqlite_schema x
		where s.type = 'table' and x.name = i.name
		union all
		select 'object ' || type || ' ' || name from sqlite_schema
		order by line)`)
}

// query returns the only value of a query as text.
func query(t *testing.T, db *sql.DB, text string, args ...any) string {
	t.Helper()
	var value sql.NullString
	if err := db.QueryRowContext(t.Context(), text, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value.String
}

// testSyncRow checks the columns of the one sync.
func testSyncRow(t *testing.T, db *sql.DB) {
	t.Helper()
	got := query(t, db, `select json_array(length(sync_id), cast(started_at as text), cast(ended_at as text), typeof(started_at),
		sync_type, parent_sync_id, linked_sync_id, supports_diff, grants_backfilled,
		ingest_invariant_generation, ingest_invariant_coverage, ingest_invariant_mode) from v1_sync_runs`)
	want := `[27,"2026-03-04 03:06:07.12","2026-03-04 03:07:37.12","text","full","","",1,1,"","",""]`
	if got != want {
		t.Errorf("sync row %s, want %s", got, want)
	}
	token := query(t, db, "select sync_token from v1_sync_runs")
	// What the public readers take out of a token; a checkpoint in it would make
	// them resume.
	var known struct {
		Version      int             `json:"version"`
		ActionOrder  json.RawMessage `json:"action_order"`
		ActionsMap   json.RawMessage `json:"actions_map"`
		Actions      json.RawMessage `json:"actions"`
		Current      json.RawMessage `json:"current_action"`
		Organization struct {
			Organization c1z.Organization `json:"organization"`
		} `json:"baton_jumpcloud"`
	}
	if err := json.Unmarshal([]byte(token), &known); err != nil {
		t.Fatal(err)
	}
	if known.Version != 1 || known.ActionOrder != nil || known.ActionsMap != nil || known.Actions != nil || known.Current != nil {
		t.Errorf("token %s", token)
	}
	if known.Organization.Organization != fixtureRun().Organization {
		t.Errorf("token %s", token)
	}
	if got := query(t, db, `select group_concat(distinct cast(discovered_at as text)) from (
		select discovered_at from v1_resource_types union all select discovered_at from v1_resources union all
		select discovered_at from v1_entitlements union all select discovered_at from v1_grants)`); got != "2026-03-04 03:06:07" {
		t.Errorf("discovered_at: %s", got)
	}
}

// testStatsRow counts once more, in SQL, and compares with the stored text.
func testStatsRow(t *testing.T, db *sql.DB, f *fixture) {
	t.Helper()
	stored := query(t, db, "select stats from v1_sync_runs")
	counted := query(t, db, `select json_object(
		'resource_types', (select count(*) from v1_resource_types),
		'resources', (select count(*) from v1_resources),
		'entitlements', (select count(*) from v1_entitlements),
		'grants', (select count(*) from v1_grants),
		'resources_by_resource_type', json((select json_group_object(k, n) from (select resource_type_id k, count(*) n from v1_resources group by 1 order by 1))),
		'grants_by_resource_type', json((select json_group_object(k, n) from (select resource_type_id k, count(*) n from v1_grants group by 1 order by 1))),
		'entitlements_by_resource_type', json((select json_group_object(k, n) from (select resource_type_id k, count(*) n from v1_entitlements group by 1 order by 1))))`)
	if stored != counted {
		t.Errorf("stats stored %s, counted %s", stored, counted)
	}
	var stats c1z.Stats
	if err := json.Unmarshal([]byte(stored), &stats); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.stats(), stats); diff != "" {
		t.Error(diff)
	}
}

// testGrantRows checks each grant's columns against its message and the
// message against what was put.
func testGrantRows(t *testing.T, db *sql.DB, f *fixture) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select id, resource_type_id, resource_id, entitlement_id, principal_resource_type_id,
		principal_resource_id, external_id, expansion, needs_expansion, data from v1_grants order by id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	i := 0
	for ; rows.Next(); i++ {
		var id, needs int
		var rt, rid, ent, pt, pid, ext string
		var expansion, data []byte
		if err := rows.Scan(&id, &rt, &rid, &ent, &pt, &pid, &ext, &expansion, &needs, &data); err != nil {
			t.Fatal(err)
		}
		want := proto.CloneOf(f.grants[i])
		if id != i+1 || ext != want.GetId() || ent != want.GetEntitlement().GetId() ||
			rt+":"+rid != want.GetEntitlement().GetResource().GetId().GetResourceType()+":"+want.GetEntitlement().GetResource().GetId().GetResource() ||
			pt+":"+pid != want.GetPrincipal().GetId().GetResourceType()+":"+want.GetPrincipal().GetId().GetResource() {
			t.Errorf("row %d: %s %s %s %s %s %s", id, rt, rid, ent, pt, pid, ext)
		}
		n := len(want.GetAnnotations())
		expandable := n > 0 && want.GetAnnotations()[n-1].MessageIs((*v2.GrantExpandable)(nil))
		if expandable {
			if !bytes.Equal(expansion, want.GetAnnotations()[n-1].GetValue()) || needs != 1 {
				t.Errorf("row %d: expansion %x, needs %d", id, expansion, needs)
			}
			want.Annotations = want.GetAnnotations()[:n-1]
		} else if expansion != nil || needs != 0 {
			t.Errorf("row %d: expansion %x, needs %d", id, expansion, needs)
		}
		if bytes.Contains(data, []byte("GrantExpandable")) {
			t.Errorf("row %d: the message keeps its expansion", id)
		}
		if !bytes.Equal(data, blob(t, want)) {
			got := new(v2.Grant)
			if err := proto.Unmarshal(data, got); err != nil {
				t.Fatal(err)
			}
			t.Errorf("row %d: %s", id, cmp.Diff(want, got, protocmp.Transform()))
		}
	}
	if err := rows.Err(); err != nil || i != len(f.grants) {
		t.Errorf("%d grants, %v", i, err)
	}
}

// TestExpansionColumn puts expandable grants of odd shapes.
func TestExpansionColumn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		ids  []string
		null bool
	}{
		{"one", []string{"e"}, false},
		{"blank beside one", []string{" ", "e"}, false},
		{"none", nil, true},
		{"blank", []string{"", " \t"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.grants[0].Annotations = annotate(t, &v2.GrantExpandable{EntitlementIds: test.ids}, &v2.GrantImmutable{})
			path, _ := f.write(t)
			db := unpackDB(t, path)
			got := query(t, db, "select json_array(expansion is null, needs_expansion, instr(data, 'GrantExpandable'), instr(data, 'GrantImmutable') > 0) from v1_grants where id = 1")
			want := "[0,1,0,1]"
			if test.null {
				want = "[1,0,0,1]"
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			// Only a grant that others follow from is in the partial indexes.
			if n := query(t, db, "select count(*) from v1_grants where needs_expansion = 1"); (n == "2") == test.null {
				t.Errorf("%s grants need expansion", n)
			}
		})
	}
}

// TestGrantFields fails when Grant gains a field that taking an annotation out
// of it would lose.
func TestGrantFields(t *testing.T) {
	t.Parallel()
	if n := (&v2.Grant{}).ProtoReflect().Descriptor().Fields().Len(); n != 5 {
		t.Errorf("Grant has %d fields: look at how the expansion is taken out", n)
	}
}

// TestTimes writes times with and without a fraction, in and out of UTC.
func TestTimes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := fixtureRun()
	run.StartedAt = fixtureStart.Truncate(1e9)
	run.EndedAt = fixtureEnd.Add(5)
	path := filepath.Join(t.TempDir(), "a.c1z")
	f.writeTo(t, c1z.Options{Path: path}, run)
	got := query(t, unpackDB(t, path), "select cast(started_at as text) || '|' || cast(ended_at as text) from v1_sync_runs")
	if want := "2026-03-04 03:06:07|2026-03-04 03:07:37.120000005"; got != want {
		t.Errorf("times %s, want %s", got, want)
	}
}

// TestPlans shows that the lists that commands page through are answered from an
// index, and that none sorts.
func TestPlans(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path, info := f.write(t)
	plans := map[string]string{}
	c1z.ExplainGrants(t, open(t, path), info.Sync.ID, grantFilters(), func(filter c1z.GrantFilter, plan string) {
		plans[fmt.Sprintf("%+v", filter)] = plan
		if strings.Contains(strings.ToUpper(plan), "TEMP B-TREE") {
			t.Errorf("%+v sorts: %s", filter, plan)
		}
	})
	for _, test := range []struct {
		filter c1z.GrantFilter
		index  string
	}{
		{c1z.GrantFilter{}, "INTEGER PRIMARY KEY"},
		{c1z.GrantFilter{Entitlement: "app:a1"}, "idx_grants_entitlement_sync_grant_v1"},
		{c1z.GrantFilter{PrincipalType: "user", Principal: "u1"}, "idx_grants_principal_id_v1"},
		{c1z.GrantFilter{Entitlement: "app:a1", PrincipalType: "user", Principal: "u1"}, "idx_grants_entitlement_id_principal_id_v1"},
		{c1z.GrantFilter{ResourceType: "app", Resource: "a1"}, "idx_grants_resource_type_id_resource_id_v1"},
		{c1z.GrantFilter{ResourceType: "app", Resource: "a1", PrincipalType: "user", Principal: "u1"}, "idx_grants_principal_id_v1"},
		{c1z.GrantFilter{ResourceType: "app"}, "INTEGER PRIMARY KEY"},
		{c1z.GrantFilter{PrincipalType: "user"}, "INTEGER PRIMARY KEY"},
		{c1z.GrantFilter{Expandable: true}, "idx_grants_sync_expansion_v1"},
	} {
		if plan := plans[fmt.Sprintf("%+v", test.filter)]; !strings.Contains(plan, test.index) {
			t.Errorf("%+v: %s, want %s", test.filter, plan, test.index)
		}
	}
}
