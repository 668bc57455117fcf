package jumpcloud

import "fmt"

// followStart names the windows behind the first page of a list that cannot be
// proven by its order.
func (s listSpec) followStart(t ticket, n note) (next []ticket, settled bool) {
	if n.Total < 0 {
		return s.followChain(t, n)
	}
	once := t.round == 0
	if s.holes {
		if n.Mark == "" && n.Rows >= n.Total {
			return nil, once
		}
		if t.limit >= n.Total {
			// All rows that are missing are holes, unless the limit is clamped.
			return nil, once && !n.looksClamped()
		}
		return follows(t, t.limit, n.Total), false
	}
	if n.End {
		return nil, once && n.distinct()+n.Nulls >= n.Total
	}
	if n.Rows == 0 {
		return nil, false
	}
	// A page that is not the last and is shorter than asked for shows the limit that
	// the server really obeys.
	return follows(t, max(minWindow, min(n.Rows, t.limit)), n.Total), false
}

// follows names all windows behind the first; it stops where they become too many.
func follows(t ticket, width, total int) []ticket {
	var next []ticket
	for skip := width; skip < total && len(next) <= maxPages; skip += width {
		next = append(next, ticket{kind: plainWindow, round: t.round, skip: skip, limit: width})
	}
	return next
}

// looksClamped reports whether a page of a list with holes may be short for
// another reason: limits are clamped to round numbers.
func (n note) looksClamped() bool {
	return n.Mark == "" && n.Rows >= minWindow && n.Rows < min(n.Limit, n.Total-n.Skip) && isRound(n.Rows)
}

// isRound reports whether a number is one that people choose for limits.
func isRound(n int) bool { return n%10 == 0 || n%25 == 0 }

// followChain names the one page behind a page of a list whose total is not told.
func (s listSpec) followChain(t ticket, n note) (next []ticket, settled bool) {
	shown := len(n.IDs) / 8
	switch start := t.kind == plainStart && t.round == 0; {
	case n.Rows == 0, !s.holes && n.End:
		return nil, start
	case n.Broken, t.expect != 0 && hashID(n.Last) == t.expect:
		// The second is a page on which nothing is new.
		return nil, false
	}
	after := ticket{kind: chained, round: t.round, limit: t.limit}
	switch {
	case !s.holes:
		after.limit = max(minWindow, min(n.Rows, t.limit))
		after.skip, after.expect = n.Skip+n.Rows-1, hashID(n.Last)
	case n.Mark == "" && shown >= minWindow && (2*shown >= t.limit || isRound(shown)):
		// Rows that were shown take up at least as many places, so the last one shown
		// comes again, whether rows are missing or the limit is clamped. Before it can
		// come as many as were missing here.
		after.skip, after.expect, after.slack = n.Skip+shown-1, hashID(n.Last), max(0, t.limit-shown)
	default:
		after.skip, after.seen = n.Skip+t.limit, n.fingerprint()
	}
	return []ticket{after}, false
}

// breaks reports whether a page of a chain does not continue the one before.
func (t ticket) breaks(n note) bool {
	if t.seen != 0 && n.Rows > 0 && n.fingerprint() == t.seen {
		return true // The server does not skip.
	}
	if t.expect == 0 {
		return false
	}
	place := 0
	for h := range n.hashes {
		if h == t.expect {
			return place > t.slack
		}
		place++
	}
	return true
}

// settlePlain judges the latest reading of a list that cannot be proven by its
// order.
func (s listSpec) settlePlain(notes []note) ([]ticket, error) {
	round, readings := 0, 0
	for _, n := range notes {
		round = max(round, n.Round)
		if n.Kind == plainStart {
			readings++
		}
	}
	var pages, probes []note
	for _, n := range notes {
		switch {
		case n.Round != round:
		case n.Kind == probeWindow:
			probes = append(probes, n)
		default:
			pages = append(pages, n)
		}
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("settle %s: round %d has no page", s.name, round)
	}
	again := ticket{kind: plainStart, round: round + 1, limit: s.limit}
	reread := func(why string) ([]ticket, error) {
		if readings > maxRereads {
			return nil, s.incomplete(fmt.Sprintf("%s, in each of %d readings", why, readings))
		}
		return []ticket{again}, nil
	}
	view := viewOf(pages)
	switch {
	case view.sorted:
		return reread("it is not in the order of its ids")
	case view.broken:
		return reread("the pages do not continue each other")
	case view.moved:
		return reread("its length changed while it was read")
	case s.holes && view.chained:
		return nil, nil
	case s.holes && view.distinct < view.onPages:
		return reread("rows moved from page to page while it was read")
	case s.holes && view.clamped > 0:
		if len(probes) == 0 {
			return []ticket{{kind: probeWindow, round: round, skip: view.clamped, limit: view.limit}}, nil
		}
		if shows(probes, view.ids) {
			again.limit = view.clamped
			return reread("pages are shorter than asked for")
		}
		// A row that moved up meanwhile is where the probe did not look.
		if viewOf(append(probes, pages...)).moved {
			return reread("its length changed while it was read")
		}
		return nil, nil
	case !s.holes && view.distinct+view.nulls < view.total:
		return reread(fmt.Sprintf("the server counts %d and shows %d", view.total, view.distinct))
	default:
		return nil, nil
	}
}

// shows reports whether a page holds an id that is not among ids.
func shows(pages []note, ids map[uint64]struct{}) bool {
	for _, n := range pages {
		for h := range n.hashes {
			if _, ok := ids[h]; !ok {
				return true
			}
		}
	}
	return false
}

// view is what the pages of one reading show together.
type view struct {
	ids      map[uint64]struct{}
	distinct int // different ids
	nulls    int // rows that are null
	onPages  int // the sum of the different ids of each page
	total    int // the smallest; -1 when no page tells
	moved    bool
	broken   bool
	sorted   bool // it was read as a sorted list and is none
	chained  bool // one page led to the next
	limit    int  // what was asked for
	widest   int  // rows of the longest page
	clamped  int  // rows of the longest page when that looks like a clamped limit
}

// viewOf puts pages together.
func viewOf(pages []note) view {
	v := view{ids: make(map[uint64]struct{}), total: -1}
	mark := pages[0].Mark
	for _, n := range pages {
		v.moved = v.moved || n.Mark != mark || n.Total >= 0 && v.total >= 0 && n.Total != v.total
		if n.Total >= 0 && (v.total < 0 || n.Total < v.total) {
			v.total = n.Total
		}
		v.broken = v.broken || n.Broken
		v.sorted = v.sorted || n.isSorted()
		v.chained = v.chained || n.Kind == chained
		v.limit = max(v.limit, n.Limit)
		v.widest = max(v.widest, n.Rows)
		v.onPages += n.distinct()
		v.nulls += n.Nulls
		for h := range n.hashes {
			v.ids[h] = struct{}{}
		}
	}
	for _, n := range pages {
		if n.Rows == v.widest && n.looksClamped() {
			v.clamped = n.Rows
		}
	}
	v.distinct = len(v.ids)
	return v
}
