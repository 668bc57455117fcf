package expand_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/conductorone/baton-jumpcloud/internal/expand"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// memory is an expand.Input over a world, and an expand.Spill.
type memory struct {
	world world
	spill map[string][]byte
	saves int
}

func (m *memory) Direct(_ context.Context, entitlement string) ([]expand.Stored, error) {
	var stored []expand.Stored
	for _, g := range m.world.grants[entitlement] {
		s := expand.Stored{Principal: uint32(g.principal)}
		if len(g.sources) > 0 {
			s.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{}}
			for id, direct := range g.sources {
				s.Sources.Sources[id] = &v2.GrantSources_GrantSource{IsDirect: direct}
			}
		}
		stored = append(stored, s)
	}
	return stored, nil
}

func (m *memory) Span(resourceType string) (first, end uint32) {
	for i, t := range m.world.types {
		if t == resourceType {
			if end == 0 {
				first = uint32(i)
			}
			end = uint32(i + 1)
		}
	}
	return first, end
}

func (m *memory) Save(_ context.Context, key string, value []byte) error {
	m.saves++
	m.spill[key] = slices.Clone(value)
	return nil
}

func (m *memory) Load(_ context.Context, key string) ([]byte, error) {
	v, ok := m.spill[key]
	if !ok {
		return nil, errors.New("not saved")
	}
	return v, nil
}

// run expands a world with the package.
func run(ctx context.Context, w world, opts expand.Options) (map[string][]fact, *memory, error) {
	g := expand.NewGraph(w.entitlements)
	for _, e := range w.edges {
		g.Add(e.from, e.to, e.shallow, e.types)
	}
	plan, err := g.Plan(opts)
	if err != nil {
		return nil, nil, err
	}
	m := &memory{world: w, spill: map[string][]byte{}}
	x := expand.New(plan, m, m)
	got := map[string][]fact{}
	for _, id := range plan.Order() {
		stored, err := m.Direct(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		for row, err := range x.Grants(ctx, id, stored) {
			if err != nil {
				return nil, nil, err
			}
			f := fact{principal: int(row.Principal), stored: row.Stored, sources: map[string]bool{}}
			for id, s := range row.Sources.GetSources() {
				f.sources[id] = s.IsDirect
			}
			got[id] = append(got[id], f)
		}
	}
	return got, m, nil
}

func equal(want, got map[string][]fact) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(fact{}), cmp.Transformer("sources", func(m map[string]bool) string { return fmt.Sprint(m) }))
}

// genWorld draws a world: few entitlements and principals, so that they meet.
func genWorld(t *rapid.T) world {
	types := []string{"group", "role", "user"}
	w := world{grants: map[string][]fact{}}
	for i := range rapid.IntRange(1, 9).Draw(t, "entitlements") {
		w.entitlements = append(w.entitlements, fmt.Sprintf("ent-%d", i))
	}
	for _, typ := range types {
		for range rapid.IntRange(0, 4).Draw(t, "principals of "+typ) {
			w.types = append(w.types, typ)
		}
	}
	anyEntitlement := rapid.SampledFrom(w.entitlements)
	for _, e := range w.entitlements {
		for p := range w.types {
			// Twice now and then: a principal may have several grants on an entitlement.
			for range rapid.SampledFrom([]int{0, 0, 1, 1, 2}).Draw(t, "grants") {
				f := fact{principal: p, stored: len(w.grants[e])}
				if rapid.IntRange(0, 9).Draw(t, "has sources") == 0 {
					f.sources = map[string]bool{anyEntitlement.Draw(t, "source"): rapid.Bool().Draw(t, "direct")}
				}
				w.grants[e] = append(w.grants[e], f)
			}
		}
	}
	for range rapid.IntRange(0, 14).Draw(t, "edges") {
		w.edges = append(w.edges, flowEdge{
			from: anyEntitlement.Draw(t, "from"), to: anyEntitlement.Draw(t, "to"),
			shallow: rapid.Bool().Draw(t, "shallow"),
			types:   rapid.SliceOfN(rapid.SampledFrom(append(types, "device")), 0, 2).Draw(t, "types"),
		})
	}
	return w
}

func TestSameAsPlainAlgorithm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := genWorld(rt)
		opts := expand.Options{
			MaxDepth:   rapid.IntRange(1, 5).Draw(rt, "max depth"),
			CacheBytes: rapid.SampledFrom([]int{1, 20, 1 << 20}).Draw(rt, "cache"),
		}
		want, wantErr := w.plain(opts.MaxDepth)
		got, _, err := run(t.Context(), w, opts)
		if (wantErr != nil) != errors.Is(err, expand.ErrMaxDepth) {
			rt.Fatalf("error = %v, want one of depth: %v", err, wantErr)
		}
		if wantErr == nil && err != nil {
			rt.Fatalf("error = %v", err)
		}
		if wantErr != nil {
			return
		}
		if diff := equal(want, got); diff != "" {
			rt.Fatalf("grants differ (-plain +got):\n%s", diff)
		}
	})
}

// The comparison of TestSameAsPlainAlgorithm can fail: a world that differs in one
// flag of one edge gives other grants.
func TestComparisonFindsADifference(t *testing.T) {
	t.Parallel()
	w := world{
		entitlements: []string{"a", "b", "c"}, types: []string{"user"},
		grants: map[string][]fact{"a": {{principal: 0}}},
		edges:  []flowEdge{{"a", "b", false, nil}, {"b", "c", false, nil}},
	}
	want, err := w.plain(20)
	if err != nil {
		t.Fatal(err)
	}
	w.edges = []flowEdge{{"a", "b", false, nil}, {"b", "c", true, nil}}
	got, _, err := run(t.Context(), w, expand.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if equal(want, got) == "" {
		t.Error("a shallow edge and a deep one give the same grants")
	}
}

func TestCases(t *testing.T) {
	t.Parallel()
	direct := func(principals ...int) (fs []fact) {
		for i, p := range principals {
			fs = append(fs, fact{principal: p, stored: i})
		}
		return fs
	}
	// Principal 0 is a group, 1 to 3 are users.
	types := []string{"group", "user", "user", "user"}
	type sources = map[string]bool
	tests := []struct {
		name   string
		grants map[string][]fact
		edges  []flowEdge
		want   map[string][]fact
	}{
		{
			// The worked example: group g with members 1 and 2; application a granted
			// to g, expandable, shallow, for users, and directly to 1.
			"worked example",
			map[string][]fact{"group:g:member": direct(1, 2), "app:a:access": direct(0, 1)},
			[]flowEdge{{"group:g:member", "app:a:access", true, []string{"user"}}},
			map[string][]fact{
				"group:g:member": direct(1, 2),
				"app:a:access": {
					{0, 0, nil},
					{1, 1, sources{"app:a:access": true, "group:g:member": true}},
					{2, -1, sources{"group:g:member": true}},
				},
			},
		},
		{
			"deep edges pass inherited grants on, as not direct",
			map[string][]fact{"a": direct(1)},
			[]flowEdge{{"a", "b", false, nil}, {"b", "c", false, nil}},
			map[string][]fact{"a": direct(1), "b": {{1, -1, sources{"a": true}}}, "c": {{1, -1, sources{"b": false}}}},
		},
		{
			"shallow edges pass on direct grants alone",
			map[string][]fact{"a": direct(1), "b": direct(2)},
			[]flowEdge{{"a", "b", false, nil}, {"b", "c", true, nil}},
			map[string][]fact{"a": direct(1), "b": {{1, -1, sources{"a": true}}, {2, 0, nil}}, "c": {{2, -1, sources{"b": true}}}},
		},
		{
			"a grant that is direct and inherited counts as direct",
			map[string][]fact{"a": direct(1), "b": direct(1)},
			[]flowEdge{{"a", "b", false, nil}, {"b", "c", true, nil}},
			map[string][]fact{"a": direct(1), "b": {{1, 0, sources{"a": true, "b": true}}}, "c": {{1, -1, sources{"b": true}}}},
		},
		{
			"one edge of two lets it through",
			map[string][]fact{"a": direct(0, 1)},
			[]flowEdge{{"a", "b", true, []string{"group"}}, {"a", "b", false, []string{"user"}}},
			map[string][]fact{"a": direct(0, 1), "b": {{0, -1, sources{"a": true}}, {1, -1, sources{"a": true}}}},
		},
		{
			"sources from before stay and are upgraded, never downgraded",
			map[string][]fact{
				"a": {{1, 0, nil}, {2, 1, sources{"x": true}}},
				"b": {{1, 0, sources{"a": false}}, {2, 1, sources{"a": true}}},
			},
			[]flowEdge{{"a", "b", false, nil}},
			map[string][]fact{
				"a": {{1, 0, nil}, {2, 1, sources{"x": true}}},
				"b": {{1, 0, sources{"a": true}}, {2, 1, sources{"a": true}}},
			},
		},
		{
			"entitlements of a cycle act as one",
			map[string][]fact{"in": direct(1), "a": direct(2), "b": direct(3)},
			[]flowEdge{{"in", "a", false, nil}, {"a", "b", false, nil}, {"b", "a", false, nil}, {"b", "out", false, nil}},
			map[string][]fact{
				"in": direct(1), "a": {{1, -1, sources{"in": true}}, {2, 0, nil}}, "b": {{1, -1, sources{"in": true}}, {3, 0, nil}},
				"out": {{1, -1, sources{"a": false, "b": false}}, {2, -1, sources{"a": true}}, {3, -1, sources{"b": true}}},
			},
		},
		{
			"an entitlement that flows into itself",
			map[string][]fact{"a": direct(0, 1)},
			[]flowEdge{{"a", "a", false, nil}},
			map[string][]fact{"a": direct(0, 1)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := world{types: types, grants: tt.grants, edges: tt.edges}
			for _, e := range tt.edges {
				w.entitlements = append(w.entitlements, e.from, e.to)
			}
			slices.Sort(w.entitlements)
			w.entitlements = slices.Compact(w.entitlements)
			got, _, err := run(t.Context(), w, expand.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := equal(tt.want, got); diff != "" {
				t.Errorf("grants (-want +got):\n%s", diff)
			}
			plain, err := w.plain(20)
			if err != nil {
				t.Fatal(err)
			}
			if diff := equal(tt.want, plain); diff != "" {
				t.Errorf("grants of the plain algorithm (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()
	chain := func(n int) *expand.Graph {
		var ids []string
		for i := range n + 1 {
			ids = append(ids, fmt.Sprintf("ent-%02d", i))
		}
		g := expand.NewGraph(ids)
		for i := range n {
			g.Add(ids[i], ids[i+1], false, nil)
		}
		return g
	}
	cycle := expand.NewGraph([]string{"a", "b", "c"})
	cycle.Add("a", "b", false, nil)
	cycle.Add("b", "a", false, nil)
	self := expand.NewGraph([]string{"a"})
	self.Add("a", "a", false, nil)

	tests := []struct {
		name  string
		graph *expand.Graph
		opts  expand.Options
		want  error
		names string
	}{
		{"20 steps", chain(20), expand.Options{}, nil, ""},
		{"21 steps", chain(21), expand.Options{}, expand.ErrMaxDepth, "ent-21"},
		{"more when asked for", chain(30), expand.Options{MaxDepth: 30}, nil, ""},
		{"less when asked for", chain(3), expand.Options{MaxDepth: 2}, expand.ErrMaxDepth, "ent-03"},
		{"cycle", cycle, expand.Options{}, nil, ""},
		{"cycle that must not be", cycle, expand.Options{FailOnCycle: true}, expand.ErrCycle, "a, b"},
		{"self that must not be", self, expand.Options{FailOnCycle: true}, expand.ErrCycle, "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.graph.Plan(tt.opts)
			if !errors.Is(err, tt.want) || tt.want != nil && !strings.Contains(err.Error(), tt.names) {
				t.Errorf("Plan = %v, want %v with %q", err, tt.want, tt.names)
			}
		})
	}
}

func TestMissingEntitlementAddsNoEdge(t *testing.T) {
	t.Parallel()
	g := expand.NewGraph([]string{"a", "b"})
	if g.Add("missing", "b", false, nil) || g.Add("a", "missing", false, nil) || !g.Add("a", "b", false, nil) {
		t.Error("Add does not tell which edges it took")
	}
}

func TestOrderIsTopologicalThenByID(t *testing.T) {
	t.Parallel()
	g := expand.NewGraph([]string{"a", "b", "c", "d", "e"})
	g.Add("e", "a", false, nil)
	g.Add("a", "b", false, nil)
	g.Add("d", "b", false, nil)
	plan, err := g.Plan(expand.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c", "d", "e", "a", "b"}, plan.Order()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// What does not fit into the cache is spilled, and found again.
func TestSpill(t *testing.T) {
	t.Parallel()
	w := world{types: slices.Repeat([]string{"user"}, 1000), grants: map[string][]fact{}}
	for i := range 12 {
		w.entitlements = append(w.entitlements, fmt.Sprintf("ent-%02d", i))
	}
	for p := range w.types {
		w.grants["ent-00"] = append(w.grants["ent-00"], fact{principal: p, stored: p})
	}
	for i := 1; i < 12; i++ {
		for j := range i {
			w.edges = append(w.edges, flowEdge{w.entitlements[j], w.entitlements[i], false, nil})
		}
	}
	want, err := w.plain(20)
	if err != nil {
		t.Fatal(err)
	}
	for _, bytes := range []int{1, 5000, 1 << 20} {
		got, m, err := run(t.Context(), w, expand.Options{CacheBytes: bytes})
		if err != nil {
			t.Fatal(err)
		}
		if diff := equal(want, got); diff != "" {
			t.Errorf("grants with a cache of %d bytes differ", bytes)
		}
		if (m.saves > 0) != (bytes < 1<<20) {
			t.Errorf("a cache of %d bytes saved %d sets", bytes, m.saves)
		}
	}
}

// benchWorld has groups with members and applications with groups, each group
// assigned to several applications.
func benchWorld(users, groups, perGroup, apps, perApp int) world {
	r := rand.New(rand.NewPCG(1, 2))
	w := world{grants: map[string][]fact{}, types: slices.Repeat([]string{"user"}, users)}
	for g := range groups {
		id := fmt.Sprintf("group:%06d", g)
		w.entitlements = append(w.entitlements, id)
		for i, u := range sortedSample(r, users, perGroup) {
			w.grants[id] = append(w.grants[id], fact{principal: u, stored: i})
		}
	}
	for a := range apps {
		id := fmt.Sprintf("app:%06d", a)
		w.entitlements = append(w.entitlements, id)
		for _, g := range sortedSample(r, groups, perApp) {
			w.edges = append(w.edges, flowEdge{fmt.Sprintf("group:%06d", g), id, true, []string{"user"}})
		}
	}
	slices.Sort(w.entitlements)
	return w
}

func sortedSample(r *rand.Rand, n, k int) []int {
	picked := map[int]bool{}
	for len(picked) < k {
		picked[r.IntN(n)] = true
	}
	all := make([]int, 0, k)
	for v := range picked {
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}

// BenchmarkExpand expands 2,000,000 memberships of 2,000 groups into 500
// applications, ten groups each: about 4,700,000 inherited grants.
func BenchmarkExpand(b *testing.B) {
	w := benchWorld(100_000, 2_000, 1_000, 500, 10)
	g := expand.NewGraph(w.entitlements)
	for _, e := range w.edges {
		g.Add(e.from, e.to, e.shallow, e.types)
	}
	m := &memory{world: w, spill: map[string][]byte{}}
	direct := map[string][]expand.Stored{}
	for _, id := range w.entitlements {
		direct[id], _ = m.Direct(b.Context(), id)
	}
	in := fixed{direct, uint32(len(w.types))}
	b.ReportAllocs()
	var grants, inherited int
	for b.Loop() {
		plan, err := g.Plan(expand.Options{})
		if err != nil {
			b.Fatal(err)
		}
		x := expand.New(plan, in, m)
		for _, id := range plan.Order() {
			for row, err := range x.Grants(b.Context(), id, direct[id]) {
				if err != nil {
					b.Fatal(err)
				}
				grants++
				if row.Stored < 0 {
					inherited++
				}
			}
		}
	}
	b.ReportMetric(float64(grants)/b.Elapsed().Seconds(), "grants/s")
	b.ReportMetric(float64(inherited)/float64(b.N), "inherited")
}

// fixed is an expand.Input of users alone.
type fixed struct {
	direct map[string][]expand.Stored
	users  uint32
}

func (f fixed) Direct(_ context.Context, e string) ([]expand.Stored, error) { return f.direct[e], nil }

func (f fixed) Span(string) (first, end uint32) { return 0, f.users }
