package review

// Graph is what leads from a resource to what it can reach, for drawing.
type Graph struct {
	// Nodes begin with the resource that was asked for.
	Nodes []Node
	Edges []Edge
	// Hidden counts what was left out because there was too much of it: holdings and
	// members of the first node.
	HiddenHoldings, HiddenMembers int
}

// Node is a resource of a graph.
type Node struct {
	Brief
	// Level is 0 for the resource that was asked for, -1 for what holds it, and for
	// the rest by how many steps it is reached.
	Level int
	// Hidden counts the edges from this node that were left out.
	Hidden int
}

// Edge says that one resource has something of another.
type Edge struct {
	// From and To are places in Graph.Nodes.
	From, To int
	// Entitlement is what is had.
	Entitlement EntRef
	// Own says that From itself holds it. Otherwise whoever holds Through, which is
	// of From, holds Entitlement because of that.
	Own     bool
	Through EntRef
}

// Graph draws what a resource holds, directly and through other things, and if it is
// something that can be held, who holds it. Both are cut after max, which is 100 where
// it is not positive.
func (s *Sync) Graph(p Ref, most int) Graph {
	if most <= 0 {
		most = 100
	}
	d := drawing{s: s, places: map[Ref]int{}, edges: map[Edge]bool{}}
	center := d.node(p, 0)
	list := s.oncePer(s.grantsOf(p), s.EntitlementOf)
	// Direct holdings come first: without them, what comes through them hangs in the
	// air.
	drawn := 0
	for _, direct := range []bool{true, false} {
		for _, g := range list {
			if s.IsDirect(g) != direct {
				continue
			}
			if drawn == most {
				d.g.HiddenHoldings++
				continue
			}
			drawn++
			d.holding(center, p, s.EntitlementOf(g))
		}
	}
	d.g.Nodes[center].Hidden = d.g.HiddenHoldings
	d.members(center, p, most)
	return d.g
}

// drawing is a graph that is being made.
type drawing struct {
	s      *Sync
	g      Graph
	places map[Ref]int
	edges  map[Edge]bool
}

// node returns the place of a resource and makes it where it is new. One that can be
// reached in fewer steps than was thought comes nearer.
func (d *drawing) node(r Ref, level int) int {
	if at, ok := d.places[r]; ok {
		if n := &d.g.Nodes[at]; n.Level > level && n.Level > 0 && level > 0 {
			n.Level = level
		}
		return at
	}
	at := len(d.g.Nodes)
	d.places[r] = at
	d.g.Nodes = append(d.g.Nodes, Node{Brief: d.s.Brief(r), Level: level})
	return at
}

func (d *drawing) edge(e Edge) {
	if !d.edges[e] {
		d.edges[e] = true
		d.g.Edges = append(d.g.Edges, e)
	}
}

// graphPaths is how many ways to one thing are drawn.
const graphPaths = 20

// holding draws the ways to one entitlement.
func (d *drawing) holding(center int, p Ref, e EntRef) {
	paths, _ := d.s.Paths(p, e, graphPaths)
	for _, path := range paths {
		from, through := center, NoEnt
		steps := append(append(Path{}, path...), e)
		for i, step := range steps {
			to := d.node(d.s.entitlements[step].resource, i+1)
			d.edge(Edge{From: from, To: to, Entitlement: step, Own: i == 0, Through: through})
			from, through = to, step
		}
	}
}

// members draws who holds something of the resource itself.
func (d *drawing) members(center int, r Ref, most int) {
	drawn := map[Ref]bool{}
	hidden := map[Ref]bool{}
	for _, e := range d.s.EntitlementsOf(r) {
		for g := d.s.entStart[e]; g < d.s.entStart[e+1]; g++ {
			p := d.s.principal[g]
			switch {
			case !d.s.IsDirect(g):
				// Who has it through something is drawn on that thing's own graph.
				continue
			case drawn[p], len(drawn) < most:
				drawn[p] = true
				d.edge(Edge{From: d.node(p, -1), To: center, Entitlement: e, Own: true, Through: NoEnt})
			default:
				hidden[p] = true
			}
		}
	}
	d.g.HiddenMembers = len(hidden)
}
