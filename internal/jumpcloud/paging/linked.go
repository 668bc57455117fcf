package paging

import (
	"cmp"
	"slices"
)

const (
	// wideOverlap is how many rows windows share that are read while the list moves.
	wideOverlap = 10
	// linkRounds bounds how often windows are read across the gaps of a list.
	linkRounds = 5
	// linkCost bounds the windows that are read for this proof, in the number that
	// cover the list; linkFew more are always read.
	linkCost = 2
	linkFew  = 20
	// linkRows is how many rows two pages share, in the same order, before they are
	// believed to lie side by side: one alone may have been taken out and put in again
	// elsewhere.
	linkRows = 3
	// linkOrder is the share, in percent, of the rows that pages have in common which
	// must be in the same order on both. Rows in no order keep about two of three.
	linkOrder = 80
)

// link reads a part by windows that overlap widely.
//
// It is a proof as long as the rows that stay keep their order among each other,
// whatever comes and goes: a page is a stretch of the list at one instant, so that two
// pages with a row in common leave nothing out between the first row of the one and
// the last of the other. The list is complete when pages that are linked so reach from
// its front to its end. Pages whose common rows are in another order show that there
// is no order, and prove nothing.
func (s listSpec) link(part int, receipts []receipt) (next []cursor, proven bool) {
	kinds := []kind{linkedWindow, linkedChain}
	if len(s.parts) == 1 {
		// The readings of the list itself are of the same rows.
		kinds = append(kinds, sortedStart, sortedWindow, plainStart, plainWindow, chained, probeWindow)
	}
	return s.linkPages(of(receipts, part, kinds...), cursor{kind: linkedWindow, part: part, limit: s.limit})
}

// linkTraversal does the same by the part's other route.
func (s listSpec) linkTraversal(part int, receipts []receipt) (next []cursor, proven bool) {
	return s.linkPages(of(receipts, part, traverseStart, traverseWindow, traverseLinked, traverseChain), cursor{kind: traverseLinked, part: part, limit: s.limit})
}

// linkPages judges pages, and names windows like the first one across their gaps.
func (s listSpec) linkPages(pages []receipt, first cursor) (next []cursor, proven bool) {
	switch {
	case len(pages) == 0:
		return []cursor{first}, false
	case slices.ContainsFunc(pages, func(n receipt) bool { return n.Mark != "" }):
		return nil, false // A window of several lists is no stretch of one.
	}
	if slices.ContainsFunc(pages, func(n receipt) bool { return n.Kind.isLinked() && s.isWhole(n) }) {
		return nil, true
	}
	round, total, used := 0, -1, 0
	for _, n := range pages {
		if n.Kind.isLinked() {
			round = max(round, n.Round+1)
			used++
		}
		if n.Total >= 0 {
			total = n.Total
		}
	}
	l := linkUp(s.markEnds(pages))
	if l.disorder || round >= linkRounds {
		return nil, false
	}
	if l.complete() {
		return nil, true
	}
	if round > 1 {
		before := linkUp(slices.DeleteFunc(slices.Clone(pages), func(n receipt) bool { return n.Kind.isLinked() && n.Round == round-1 }))
		if len(l.chains) >= len(before.chains) && l.rows == before.rows {
			return nil, false
		}
	}
	width := max(MinWindow, l.widest)
	named := make(map[cursor]struct{})
	for i, c := range l.chains {
		margin, to := min(overlapOf(width)<<round, 4*width), total
		switch {
		case i+1 < len(l.chains):
			// One window, in the middle, where that is enough.
			margin = max(margin, (width-l.chains[i+1].low+c.reach)/2)
			to = l.chains[i+1].low + margin
			if total >= 0 {
				to = min(to, max(total, c.reach-margin+1))
			}
		case c.ended:
			continue
		}
		for _, t := range spanned(first, round, max(0, c.reach-margin), to, width) {
			if _, ok := named[t]; !ok {
				named[t] = struct{}{}
				next = append(next, t)
			}
		}
		if len(next) > maxPages {
			break
		}
	}
	if whole := max(total, l.rows) / (width - overlapOf(width)); round > 0 && used+len(next) > linkCost*whole+linkFew {
		return nil, false
	}
	return next, false
}

// overlapOf is how many rows windows of a width share: as many as are worth while.
func overlapOf(width int) int { return min(wideOverlap, width/3) }

// spanned names windows that overlap widely from one row to another, if they have no
// more than a width of rows; one, which leads to the next, where the other is not
// known.
func spanned(first cursor, round, from, to, width int) []cursor {
	var next []cursor
	step := width - overlapOf(width)
	for skip := from; ; skip += step {
		t := first
		t.round, t.skip = round, skip
		if to < 0 {
			t.kind = map[kind]kind{linkedWindow: linkedChain, traverseLinked: traverseChain}[t.kind]
		}
		next = append(next, t)
		if to < 0 || skip+width >= to || len(next) > maxPages {
			return next
		}
	}
}

// followLinked names the window behind another one where the server tells no total.
func followLinked(t cursor, n receipt) []cursor {
	if n.End || n.Rows == 0 || n.Refused {
		return nil
	}
	after := t
	after.skip = n.Skip + max(1, n.Rows-overlapOf(n.Rows))
	if after.expect = 0; n.Last != "" {
		after.expect = hashID(n.Last)
	}
	return []cursor{after}
}

// chain is a stretch of a list that linked pages show.
type chain struct {
	low, reach   int // about where it begins and ends
	front, ended bool
}

// linkage is what pages show together.
type linkage struct {
	chains   []chain // in the order of the list, as far as that is known
	rows     int     // different ones
	widest   int
	disorder bool // rows do not keep their order, or the server does not skip
}

// complete reports whether one chain reaches from the front to the end.
func (l linkage) complete() bool {
	return slices.ContainsFunc(l.chains, func(c chain) bool { return c.front && c.ended })
}

// linkUp finds the pages that lie side by side.
func linkUp(pages []receipt) linkage {
	var l linkage
	newest := 0
	for _, n := range pages {
		l.widest = max(l.widest, n.Rows)
		if n.Kind.isLinked() {
			newest = max(newest, n.Round+1)
		}
	}
	isNew := func(n *receipt) bool { return n.Kind.isLinked() && n.Round+1 == newest }
	pairs, rows := pairUp(pages)
	l.rows, l.disorder = rows, stuck(pages)
	group := make([]int, len(pages)) // by page, the first page of its chain
	for i := range group {
		group[i] = i
	}
	var moves []move
	var shared, inOrder int
	for key, rows := range pairs {
		p, q := &pages[key[0]], &pages[key[1]]
		kept := longestRise(rows)
		if len(rows) > 1 {
			shared, inOrder = shared+len(rows), inOrder+kept
		}
		if kept < min(linkRows, len(p.IDs)/8, len(q.IDs)/8) {
			continue
		}
		middle := rows[len(rows)/2]
		apart := apartAt(p, middle.p, q, middle.q)
		if sameReading(p, q) && kept >= linkRows && apart > max(MinWindow, p.Limit/2) {
			l.disorder = true // Windows that lie far apart show the same.
		}
		if apart <= 2*max(p.Limit, q.Limit) {
			join(group, key[0], key[1])
		}
		if kept >= linkRows && isNew(q) && !isNew(p) {
			from := p.placeOf(middle.p, l.widest)
			moves = append(moves, move{from, q.placeOf(middle.q, l.widest) - from})
		}
	}
	l.disorder = l.disorder || inOrder*100 < shared*linkOrder
	slices.SortFunc(moves, func(a, b move) int { return cmp.Or(a.from-b.from, a.by-b.by) })
	places := make([]int, len(pages)) // where each page begins by now
	for i := range pages {
		if places[i] = pages[i].Skip; places[i] > 0 && !isNew(&pages[i]) {
			places[i] = max(1, places[i]+nearest(moves, places[i]))
		}
	}
	l.chains = chainsOf(pages, places, group)
	return l
}

// pairUp finds the rows that pages have in common, by pairs of pages, and counts the
// different rows.
func pairUp(pages []receipt) (pairs map[[2]int][]pair, rows int) {
	at := make(map[uint64][]spot) // the places of a row
	pairs = make(map[[2]int][]pair)
	for i, n := range pages {
		row := 0
		for h := range n.hashes {
			// Nobody stands on more pages than are read of a place.
			for _, other := range at[h][max(0, len(at[h])-4*linkRounds):] {
				if other.page != i {
					key := [2]int{other.page, i}
					pairs[key] = append(pairs[key], pair{other.row, row})
				}
			}
			at[h] = append(at[h], spot{i, row})
			row++
		}
	}
	return pairs, len(at)
}

// sameReading reports whether two pages were read at about the same time.
func sameReading(p, q *receipt) bool {
	return p.Round == q.Round && p.Kind.isFirstReading() == q.Kind.isFirstReading()
}

// stuck reports whether pages of one reading are the same although their windows are
// not.
func stuck(pages []receipt) bool {
	type imprint struct {
		first bool
		round int
		rows  uint64
	}
	places := make(map[imprint]int)
	for _, n := range pages {
		if n.Rows < MinWindow || len(n.IDs) == 0 {
			continue
		}
		key := imprint{n.Kind.isFirstReading(), n.Round, n.fingerprint()}
		if skip, ok := places[key]; ok && skip != n.Skip {
			return true
		}
		places[key] = n.Skip
	}
	return false
}

// missing is how many places of the page's window show no row: those of holes, or all
// that a server does not give which obeys a smaller limit.
func (n *receipt) missing() int {
	places := n.Limit
	if n.Total >= 0 {
		places = min(places, max(0, n.Total-n.Skip))
	}
	return max(0, places-len(n.IDs)/8)
}

// apartAt is how far two places are apart, at least, at which pages show the same row.
func apartAt(p *receipt, i int, q *receipt, j int) int {
	a, b := p.Skip+i, q.Skip+j
	return max(0, a-b-q.missing(), b-a-p.missing())
}

// placeOf estimates where a row of the page stands in the list. Where the server is
// known to obey the limit, or nearly, holes lie evenly before it.
func (n *receipt) placeOf(row, widest int) int {
	place := n.Skip + row
	if rows := len(n.IDs) / 8; rows > 1 && widest*5 >= n.Limit*4 {
		place += n.missing() * row / (rows - 1)
	}
	return place
}

// move is by how far the rows at a place have moved since an older page was read.
type move struct{ from, by int }

// nearest is by how far the rows at a place have moved, as the nearest known ones did.
func nearest(moves []move, place int) int {
	if len(moves) == 0 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(moves, place, func(m move, place int) int { return m.from - place })
	if i == len(moves) || i > 0 && place-moves[i-1].from < moves[i].from-place {
		i--
	}
	return moves[i].by
}

// spot is where a row stands: on which page, and the how manieth it is there.
type spot struct{ page, row int }

// pair is where two pages show the same row.
type pair struct{ p, q int }

// longestRise counts the rows that are in the same order on both pages, at most. The
// pairs are in the order of the second page.
func longestRise(rows []pair) int {
	var ends []int // by length, the smallest end of a rising sequence
	for _, r := range rows {
		i, _ := slices.BinarySearch(ends, r.p)
		if i == len(ends) {
			ends = append(ends, r.p)
		} else {
			ends[i] = r.p
		}
	}
	return len(ends)
}

// join makes the chains of two pages one.
func join(group []int, a, b int) {
	a, b = head(group, a), head(group, b)
	group[max(a, b)] = min(a, b)
}

// head is the first page of a page's chain.
func head(group []int, i int) int {
	for group[i] != i {
		group[i] = group[group[i]]
		i = group[i]
	}
	return i
}

// chainsOf sums the pages of each chain up. Places say where each page begins.
func chainsOf(pages []receipt, places, group []int) []chain {
	found := make(map[int]*chain)
	var chains []*chain
	for i, n := range pages {
		if len(n.IDs) == 0 {
			continue
		}
		h := head(group, i)
		c := found[h]
		if c == nil {
			c = &chain{low: places[i], reach: places[i] + n.Rows}
			found[h] = c
			chains = append(chains, c)
		}
		c.low, c.reach = min(c.low, places[i]), max(c.reach, places[i]+n.Rows)
		c.front = c.front || n.Skip == 0
		c.ended = c.ended || n.End
	}
	out := make([]chain, 0, len(chains))
	for _, c := range chains {
		out = append(out, *c)
	}
	slices.SortStableFunc(out, func(a, b chain) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.reach, b.reach)) })
	return out
}
