package c1z_test

import (
	"bytes"
	"errors"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// TestReader puts archives of every age and make through the same tests.
func TestReader(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ours, _ := f.write(t)
	for _, test := range []struct {
		name, path string
		slim       bool
		stats      bool
	}{
		{name: "ours", path: ours, stats: true},
		{name: "by hand, newest", path: byHand{schema: "schema.sql"}.write(t, f), stats: true},
		{name: "by hand, marked WAL", path: byHand{schema: "schema.sql", wal: true}.write(t, f), stats: true},
		{name: "by hand, no indexes", path: byHand{schema: "schema-no-indexes.sql"}.write(t, f), stats: true},
		{name: "by hand, slim grants", path: byHand{schema: "schema.sql", slim: true}.write(t, f), slim: true, stats: true},
		{name: "by hand, 0.1.5", path: byHand{schema: "schema-0.1.5.sql", old: true}.write(t, f)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := open(t, test.path)
			run, err := r.Shown(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := f
			if test.slim {
				want = slimmed(f)
			}
			t.Run("sync", func(t *testing.T) { testSync(t, r, run, f, test.stats) })
			t.Run("lists", func(t *testing.T) { testLists(t, r, run.ID, want) })
			t.Run("filters", func(t *testing.T) { testFilters(t, r, run.ID, want) })
			t.Run("lookups", func(t *testing.T) { testLookups(t, r, run.ID, want) })
		})
	}
}

// slimmed is the fixture as it can be read from slim grants: names are lost.
func slimmed(f *fixture) *fixture {
	s := *f
	s.grants = nil
	for _, g := range f.grants {
		g = proto.CloneOf(g)
		g.Entitlement.Resource.DisplayName = ""
		g.Principal.DisplayName = ""
		s.grants = append(s.grants, g)
	}
	return &s
}

func testSync(t *testing.T, r *c1z.Reader, run c1z.SyncRun, f *fixture, stats bool) {
	syncs, err := r.Syncs(t.Context())
	if err != nil || len(syncs) != 1 {
		t.Fatalf("Syncs: %d, %v", len(syncs), err)
	}
	if !run.Finished() || run.Type != c1z.SyncFull || !run.StartedAt.Equal(fixtureStart) || !run.EndedAt.Equal(fixtureEnd) {
		t.Errorf("sync: %+v", run)
	}
	latest, err := r.Latest(t.Context())
	if err != nil || latest.ID != run.ID {
		t.Errorf("Latest: %v, %v", latest.ID, err)
	}
	if _, err := r.Latest(t.Context(), c1z.SyncPartial); !errors.Is(err, c1z.ErrNotFound) {
		t.Errorf("Latest partial: %v", err)
	}
	if _, err := r.Sync(t.Context(), "none"); !errors.Is(err, c1z.ErrNotFound) {
		t.Errorf("Sync none: %v", err)
	}
	got, err := r.Stats(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.stats(), got); diff != "" {
		t.Errorf("counted: %s", diff)
	}
	if !stats {
		return
	}
	if diff := cmp.Diff(&got, run.Stats); diff != "" {
		t.Errorf("stored against counted: %s", diff)
	}
}

func testLists(t *testing.T, r *c1z.Reader, id string, f *fixture) {
	same(t, "ResourceTypes", f.types, r.ResourceTypes(t.Context(), id))
	same(t, "Resources", f.resources, r.Resources(t.Context(), id, c1z.ResourceFilter{}))
	same(t, "Entitlements", f.entitlements, r.Entitlements(t.Context(), id, c1z.EntitlementFilter{}))
	same(t, "Grants", f.grants, r.Grants(t.Context(), id, c1z.GrantFilter{}))
	same(t, "Grants of no sync", nil, r.Grants(t.Context(), "none", c1z.GrantFilter{}))
	// Lists within lists need more than one connection, and must not wait for it.
	for e, err := range r.Entitlements(t.Context(), id, c1z.EntitlementFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		for g, err := range r.Grants(t.Context(), id, c1z.GrantFilter{Entitlement: e.GetId()}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range r.Resources(t.Context(), id, c1z.ResourceFilter{Type: g.GetPrincipal().GetId().GetResourceType()}) {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
		}
	}
}

func testFilters(t *testing.T, r *c1z.Reader, id string, f *fixture) {
	for _, filter := range []c1z.ResourceFilter{
		{Type: "user"},
		{Type: "none"},
		{ParentType: "group", Parent: "g1"},
		{Type: "user", ParentType: "group", Parent: "g1"},
	} {
		same(t, "Resources", where(f.resources, func(m *v2.Resource) bool {
			return matches(filter.Type, m.GetId().GetResourceType()) &&
				matches(filter.ParentType, m.GetParentResourceId().GetResourceType()) &&
				matches(filter.Parent, m.GetParentResourceId().GetResource())
		}), r.Resources(t.Context(), id, filter))
	}
	for _, filter := range []c1z.EntitlementFilter{{ResourceType: "group"}, {ResourceType: "group", Resource: "g1"}, {ResourceType: "none"}} {
		same(t, "Entitlements", where(f.entitlements, func(m *v2.Entitlement) bool {
			return matches(filter.ResourceType, m.GetResource().GetId().GetResourceType()) &&
				matches(filter.Resource, m.GetResource().GetId().GetResource())
		}), r.Entitlements(t.Context(), id, filter))
	}
	for _, filter := range grantFilters() {
		wanted := where(f.grants, func(m *v2.Grant) bool {
			resource, principal := m.GetEntitlement().GetResource().GetId(), m.GetPrincipal().GetId()
			return matches(filter.Entitlement, m.GetEntitlement().GetId()) &&
				matches(filter.ResourceType, resource.GetResourceType()) && matches(filter.Resource, resource.GetResource()) &&
				matches(filter.PrincipalType, principal.GetResourceType()) && matches(filter.Principal, principal.GetResource()) &&
				(!filter.Expandable || principal.GetResourceType() == "group")
		})
		same(t, "Grants", wanted, r.Grants(t.Context(), id, filter))
		var keys []c1z.GrantKey
		for k, err := range r.GrantKeys(t.Context(), id, filter) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		if diff := cmp.Diff(keysOf(wanted), keys); diff != "" {
			t.Errorf("GrantKeys(%+v): %s", filter, diff)
		}
	}
}

// grantFilters are all combinations of values that some grant has and of ones
// that none has.
func grantFilters() []c1z.GrantFilter {
	var filters []c1z.GrantFilter
	for _, entitlement := range []string{"", "app:a1", "none"} {
		for _, resource := range [][2]string{{}, {"app", ""}, {"app", "a1"}, {"group", "g1"}} {
			for _, principal := range [][2]string{{}, {"user", ""}, {"user", "u1"}, {"group", "g1"}} {
				for _, expandable := range []bool{false, true} {
					filters = append(filters, c1z.GrantFilter{
						Entitlement: entitlement, ResourceType: resource[0], Resource: resource[1],
						PrincipalType: principal[0], Principal: principal[1], Expandable: expandable,
					})
				}
			}
		}
	}
	return filters
}

func keysOf(grants []*v2.Grant) []c1z.GrantKey {
	var keys []c1z.GrantKey
	for _, g := range grants {
		resource, principal := g.GetEntitlement().GetResource().GetId(), g.GetPrincipal().GetId()
		keys = append(keys, c1z.GrantKey{
			ID: g.GetId(), Entitlement: g.GetEntitlement().GetId(),
			ResourceType: resource.GetResourceType(), Resource: resource.GetResource(),
			PrincipalType: principal.GetResourceType(), Principal: principal.GetResource(),
		})
	}
	return keys
}

func testLookups(t *testing.T, r *c1z.Reader, id string, f *fixture) {
	ctx := t.Context()
	for _, want := range f.types {
		got, err := r.ResourceType(ctx, id, want.GetId())
		sameOne(t, want, got, err)
	}
	for _, want := range f.resources {
		got, err := r.Resource(ctx, id, want.GetId().GetResourceType(), want.GetId().GetResource())
		sameOne(t, want, got, err)
	}
	for _, want := range f.entitlements {
		got, err := r.Entitlement(ctx, id, want.GetId())
		sameOne(t, want, got, err)
	}
	for _, want := range f.grants {
		got, err := r.Grant(ctx, id, want.GetId())
		sameOne(t, want, got, err)
	}
	_, typeErr := r.ResourceType(ctx, id, "none")
	_, resourceErr := r.Resource(ctx, id, "user", "none")
	_, entitlementErr := r.Entitlement(ctx, id, "none")
	_, grantErr := r.Grant(ctx, id, "none")
	_, otherErr := r.Grant(ctx, "none", f.grants[0].GetId())
	for _, err := range []error{typeErr, resourceErr, entitlementErr, grantErr, otherErr} {
		if !errors.Is(err, c1z.ErrNotFound) || errors.Is(err, c1z.ErrDamaged) {
			t.Errorf("missing row: %v", err)
		}
	}
}

func matches(filter, value string) bool { return filter == "" || filter == value }

func where[T any](items []T, which func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), func(item T) bool { return !which(item) })
}

// same compares a list that is read with what it should be.
func same[T proto.Message](t *testing.T, name string, want []T, got iter.Seq2[T, error]) {
	t.Helper()
	var items []T
	for item, err := range got {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		items = append(items, item)
	}
	if len(want) == 0 && len(items) == 0 {
		return
	}
	if diff := cmp.Diff(want, items, protocmp.Transform()); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func sameOne(t *testing.T, want, got proto.Message, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// TestReaderEmpty opens archives that hold nothing.
func TestReaderEmpty(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"no bytes":    {},
		"header only": []byte("C1ZF\x00"),
		"empty frame": pack(t, nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/a.c1z"
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			r := open(t, path)
			if _, err := r.Shown(t.Context()); !errors.Is(err, c1z.ErrNotFound) {
				t.Errorf("Shown: %v", err)
			}
			if _, err := r.Grant(t.Context(), "s", "g"); !errors.Is(err, c1z.ErrNotFound) {
				t.Errorf("Grant: %v", err)
			}
			same(t, "Grants", nil, r.Grants(t.Context(), "s", c1z.GrantFilter{}))
			if stats, err := r.Stats(t.Context(), "s"); err != nil || stats.Grants != 0 {
				t.Errorf("Stats: %+v, %v", stats, err)
			}
		})
	}
}

// TestReaderPages reads lists that are longer than a page, from several
// goroutines, and one whose rows are large.
func TestReaderPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.grants = nil
	for i := range 1200 {
		user := f.resource("user", "p"+strings.Repeat("0", i%7)+string(rune('a'+i%26))+objectID("", i), "Name")
		f.grant(f.entitlements[i%2], user)
	}
	for _, i := range []int{1, 2, 3} {
		f.resources[len(f.resources)-i].Profile = &structpb.Struct{Fields: map[string]*structpb.Value{"long": structpb.NewStringValue(strings.Repeat("long", 1<<19))}}
	}
	path, info := f.write(t)
	r := open(t, path)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			same(t, "Resources", f.resources, r.Resources(t.Context(), info.Sync.ID, c1z.ResourceFilter{}))
			same(t, "Grants", where(f.grants, func(g *v2.Grant) bool { return g.GetEntitlement().GetId() == "group:g1" }),
				r.Grants(t.Context(), info.Sync.ID, c1z.GrantFilter{Entitlement: "group:g1"}))
		})
	}
	wg.Wait()
}

// TestReaderClosed asks a reader that was closed, and one whose context ended.
func TestReaderClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path, info := f.write(t)
	dir := t.TempDir()
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx := canceled(t)
	if _, err := r.Grant(ctx, info.Sync.ID, f.grants[0].GetId()); err == nil || errors.Is(err, c1z.ErrDamaged) {
		t.Errorf("canceled: %v", err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Grant(t.Context(), info.Sync.ID, f.grants[0].GetId()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	empty(t, dir)
	if _, err := c1z.Open(ctx, path, c1z.OpenOptions{TempDir: dir}); err == nil || errors.Is(err, c1z.ErrDamaged) {
		t.Errorf("open canceled: %v", err)
	}
	empty(t, dir)
	if _, err := c1z.Open(t.Context(), path+".none", c1z.OpenOptions{TempDir: dir}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open missing: %v", err)
	}
}

// empty checks that nothing is left in a folder.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left in %s: %v, %v", dir, entries, err)
	}
}

// TestDump compares canonical dumps.
func TestDump(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ours, _ := f.write(t)
	want := dump(t, ours)
	for _, line := range []string{
		"v1_sync_runs\tsync_type=\"full\"\tparent_sync_id=0\tlinked_sync_id=0\tsupports_diff=1\tgrants_backfilled=1\tstats=",
		"v1_grants\tresource_type_id=\"app\"\tresource_id=\"a1\"\tentitlement_id=\"app:a1\"\tprincipal_resource_type_id=\"user\"\t",
	} {
		if !strings.Contains(want, line) {
			t.Errorf("no line begins with %q in\n%s", line, want)
		}
	}
	if lines := strings.Count(want, "\n"); lines != 1+3+6+3+1+5 {
		t.Errorf("%d lines", lines)
	}

	t.Run("same", func(t *testing.T) {
		t.Parallel()
		if diff := cmp.Diff(want, dump(t, byHand{schema: "schema.sql"}.write(t, f))); diff != "" {
			t.Errorf("by hand: %s", diff)
		}
		if diff := cmp.Diff(want, dump(t, byHand{schema: "schema-no-indexes.sql"}.write(t, f))); diff != "" {
			t.Errorf("by hand, without indexes: %s", diff)
		}
		reversed := *f
		reversed.grants = slices.Clone(f.grants)
		slices.Reverse(reversed.grants)
		again, _ := reversed.write(t)
		if diff := cmp.Diff(want, dump(t, again)); diff != "" {
			t.Errorf("in another order: %s", diff)
		}
	})
	t.Run("different", func(t *testing.T) {
		t.Parallel()
		changed := newFixture(t)
		changed.grants[0].Principal.DisplayName = "Adb"
		path, _ := changed.write(t)
		if dump(t, path) == want {
			t.Error("a changed byte in one message does not show")
		}
		fewer := newFixture(t)
		fewer.grants = fewer.grants[1:]
		path, _ = fewer.write(t)
		if dump(t, path) == want {
			t.Error("a missing grant does not show")
		}
	})
}

// dump returns the canonical dump of the sync that an archive shows.
func dump(t *testing.T, path string) string {
	t.Helper()
	r := open(t, path)
	run, err := r.Shown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Dump(t.Context(), run.ID, &b); err != nil {
		t.Fatal(err)
	}
	if err := r.Dump(t.Context(), "none", &b); !errors.Is(err, c1z.ErrNotFound) {
		t.Errorf("dump of no sync: %v", err)
	}
	return b.String()
}
