package expand

import "slices"

// components finds the strongly connected components of the graph with Tarjan's
// algorithm, without recursion. It returns the component of each entitlement and
// the entitlements of each component, in order. Edges lead from components with
// greater numbers to components with smaller ones.
func (g *Graph) components() (node []int, members [][]int) {
	out := make([][]int, len(g.ids))
	for _, e := range g.edges {
		out[e.from] = append(out[e.from], e.to)
	}
	const unseen, unset = 0, -1
	var (
		found = make([]int, len(g.ids)) // when it was found, from 1
		low   = make([]int, len(g.ids)) // the earliest that it reaches
		path  []int                     // found and without a component yet
		calls []frame
		clock int
	)
	node = make([]int, len(g.ids))
	for i := range node {
		node[i] = unset
	}
	enter := func(e int) {
		clock++
		found[e], low[e] = clock, clock
		path = append(path, e)
		calls = append(calls, frame{entitlement: e})
	}
	for root := range g.ids {
		if found[root] != unseen {
			continue
		}
		enter(root)
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			e := f.entitlement
			if f.next < len(out[e]) {
				to := out[e][f.next]
				f.next++
				switch {
				case found[to] == unseen:
					enter(to)
				case node[to] == unset:
					low[e] = min(low[e], found[to])
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				parent := calls[len(calls)-1].entitlement
				low[parent] = min(low[parent], low[e])
			}
			if low[e] == found[e] {
				start := len(path) - 1
				for path[start] != e {
					start--
				}
				component := slices.Clone(path[start:])
				path = path[:start]
				slices.Sort(component)
				for _, m := range component {
					node[m] = len(members)
				}
				members = append(members, component)
			}
		}
	}
	return node, members
}

// frame is an entitlement whose edges are being followed.
type frame struct{ entitlement, next int }
