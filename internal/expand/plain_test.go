package expand_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// world is a set of grants and of flows between entitlements, for the plain
// algorithm.
type world struct {
	entitlements []string
	types        []string          // of the principals, by number
	grants       map[string][]fact // by entitlement, in the order of principals
	edges        []flowEdge
}

// fact is a grant; stored is its position among the stored ones, or -1.
type fact struct {
	principal int
	stored    int
	sources   map[string]bool // value: is direct
}

type flowEdge struct {
	from, to string
	shallow  bool
	types    []string
}

// plain is the expansion as the facts tell it: find the cycles, let the
// entitlements of a cycle act as one, then follow the edges in waves, those first
// whose source nothing more will flow into, changing the grants one by one.
func (w world) plain(maxDepth int) (map[string][]fact, error) {
	reaches := w.reachability()
	same := func(a, b string) bool { return a == b || reaches[a][b] && reaches[b][a] }

	var edges []flowEdge
	for _, e := range w.edges {
		if same(e.from, e.to) {
			continue
		}
		for _, from := range w.entitlements {
			for _, to := range w.entitlements {
				if same(from, e.from) && same(to, e.to) {
					edges = append(edges, flowEdge{from, to, e.shallow, e.types})
				}
			}
		}
	}

	grants := map[string][]fact{}
	for id, gs := range w.grants {
		for _, g := range gs {
			grants[id] = append(grants[id], fact{g.principal, g.stored, maps.Clone(g.sources)})
		}
	}
	for depth := 0; len(edges) > 0; depth++ {
		if depth == maxDepth {
			return nil, fmt.Errorf("deeper than %d", maxDepth)
		}
		var wave, later []flowEdge
		for _, e := range edges {
			if slices.ContainsFunc(edges, func(o flowEdge) bool { return same(o.to, e.from) }) {
				later = append(later, e)
			} else {
				wave = append(wave, e)
			}
		}
		for _, e := range wave {
			w.follow(grants, e)
		}
		edges = later
	}
	for _, gs := range grants {
		slices.SortStableFunc(gs, func(a, b fact) int { return cmp.Compare(a.principal, b.principal) })
	}
	return grants, nil
}

func (w world) follow(grants map[string][]fact, e flowEdge) {
	for _, g := range grants[e.from] {
		_, own := g.sources[e.from]
		direct := len(g.sources) == 0 || own
		if len(e.types) > 0 && !slices.Contains(e.types, w.types[g.principal]) || e.shallow && !direct {
			continue
		}
		exists := false
		for i, d := range grants[e.to] {
			if d.principal != g.principal {
				continue
			}
			exists = true
			if len(d.sources) == 0 {
				d.sources = map[string]bool{e.to: true}
			}
			d.sources[e.from] = d.sources[e.from] || direct
			grants[e.to][i] = d
		}
		if !exists {
			grants[e.to] = append(grants[e.to], fact{g.principal, -1, map[string]bool{e.from: direct}})
		}
	}
}

// reachability tells which entitlement flows into which, over any way.
func (w world) reachability() map[string]map[string]bool {
	reaches := map[string]map[string]bool{}
	for _, e := range w.entitlements {
		reaches[e] = map[string]bool{}
	}
	for _, e := range w.edges {
		reaches[e.from][e.to] = true
	}
	for _, via := range w.entitlements {
		for _, a := range w.entitlements {
			for _, b := range w.entitlements {
				if reaches[a][via] && reaches[via][b] {
					reaches[a][b] = true
				}
			}
		}
	}
	return reaches
}
