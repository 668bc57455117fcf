package expand

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Graph gathers which entitlement flows into which. It is not safe for
// concurrent use.
type Graph struct {
	ids   []string // in order
	index map[string]int
	edges []edge
}

// edge says that the holders of one entitlement hold another one.
type edge struct {
	from, to int
	filter   filter
}

// filter says which grants flow: those of principals of certain types, all when
// empty, and when shallow only direct ones.
type filter struct {
	shallow bool
	types   string // sorted type ids, each followed by a zero byte
}

func newFilter(shallow bool, types []string) filter {
	types = slices.Clone(types)
	slices.Sort(types)
	f := filter{shallow: shallow}
	for _, t := range slices.Compact(types) {
		f.types += t + "\x00"
	}
	return f
}

func (f filter) typeIDs() []string {
	return strings.FieldsFunc(f.types, func(r rune) bool { return r == 0 })
}

func (f filter) compare(g filter) int {
	if f.shallow != g.shallow {
		if g.shallow {
			return -1
		}
		return 1
	}
	return cmp.Compare(f.types, g.types)
}

// NewGraph makes a graph of entitlements without edges. The ids are distinct and
// in order.
func NewGraph(entitlements []string) *Graph {
	g := &Graph{ids: entitlements, index: make(map[string]int, len(entitlements))}
	for i, id := range entitlements {
		g.index[id] = i
	}
	return g
}

// Add says that grants flow from one entitlement to another: those of principals
// of the given types, all when there are none, and when shallow only direct ones.
// It returns false, and adds nothing, when one of the entitlements is not in the
// graph.
func (g *Graph) Add(from, to string, shallow bool, types []string) bool {
	f, okFrom := g.index[from]
	t, okTo := g.index[to]
	if okFrom && okTo {
		g.edges = append(g.edges, edge{f, t, newFilter(shallow, types)})
	}
	return okFrom && okTo
}

// Plan is the order in which an expansion works. It does not change and is safe
// for concurrent use.
type Plan struct {
	opts    Options
	ids     []string
	index   map[string]int
	order   []int
	node    []int      // of each entitlement: its strongly connected component
	inbound [][]inflow // of each node
	feeds   []bool     // of each entitlement: whether it flows into others
}

// inflow is an entitlement that flows into a node, where one of the filters lets
// it.
type inflow struct {
	source  int
	filters []filter
}

// Plan finds the order. The error is [ErrCycle] or [ErrMaxDepth] with the names of
// entitlements.
func (g *Graph) Plan(opts Options) (*Plan, error) {
	if opts.MaxDepth <= 0 {
		opts.MaxDepth = DefaultMaxDepth
	}
	if opts.CacheBytes <= 0 {
		opts.CacheBytes = DefaultCacheBytes
	}
	node, members := g.components()
	p := &Plan{opts: opts, ids: g.ids, index: g.index, node: node, inbound: make([][]inflow, len(members)), feeds: make([]bool, len(g.ids))}

	// What flows out of one member of a node flows out of each.
	type key struct{ source, node int }
	flows := map[key][]filter{}
	for _, e := range g.edges {
		if node[e.from] == node[e.to] {
			if opts.FailOnCycle {
				return nil, fmt.Errorf("%w: %s", ErrCycle, g.names(members[node[e.from]]))
			}
			continue
		}
		for _, source := range members[node[e.from]] {
			k := key{source, node[e.to]}
			if !slices.Contains(flows[k], e.filter) {
				flows[k] = append(flows[k], e.filter)
			}
			p.feeds[source] = true
		}
	}
	for k, filters := range flows {
		slices.SortFunc(filters, filter.compare)
		p.inbound[k.node] = append(p.inbound[k.node], inflow{k.source, filters})
	}
	for _, in := range p.inbound {
		slices.SortFunc(in, func(a, b inflow) int { return cmp.Compare(a.source, b.source) })
	}
	return p, p.sort(members, g)
}

// sort finds the order: by the number of steps from the entitlements into which
// nothing flows, then by id.
func (p *Plan) sort(members [][]int, g *Graph) error {
	level := make([]int, len(members))
	// Components are numbered so that what flows into one has a greater number.
	for n := len(members) - 1; n >= 0; n-- {
		for _, in := range p.inbound[n] {
			level[n] = max(level[n], level[p.node[in.source]]+1)
		}
		if level[n] > p.opts.MaxDepth {
			return fmt.Errorf("%w: grants flow to %s through more than %d entitlements", ErrMaxDepth, g.names(members[n]), p.opts.MaxDepth)
		}
	}
	p.order = make([]int, len(p.ids))
	for i := range p.order {
		p.order[i] = i
	}
	slices.SortStableFunc(p.order, func(a, b int) int { return cmp.Compare(level[p.node[a]], level[p.node[b]]) })
	return nil
}

// Order lists the entitlements so that all that flow into one come before it:
// first those into which nothing flows, then by the greatest number of steps from
// these, and within that by id.
func (p *Plan) Order() []string {
	ids := make([]string, len(p.order))
	for i, e := range p.order {
		ids[i] = p.ids[e]
	}
	return ids
}

// names lists entitlements in messages, the first few of them.
func (g *Graph) names(entitlements []int) string {
	names := make([]string, 0, 5)
	for _, e := range entitlements[:min(len(entitlements), 5)] {
		names = append(names, g.ids[e])
	}
	if len(entitlements) > len(names) {
		names = append(names, fmt.Sprintf("and %d more", len(entitlements)-len(names)))
	}
	return strings.Join(names, ", ")
}
