package paging

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// followStart names the windows behind the first page of a list that cannot be
// proven by its order.
func (s listSpec) followStart(t cursor, n receipt) (next []cursor, settled bool) {
	if n.Total < 0 {
		return s.followChain(t, n)
	}
	once := t.round == 0 && !s.showsNothing(n)
	if s.holes {
		if n.Mark == "" && n.Rows >= n.Total {
			return nil, once
		}
		if t.limit >= n.Total {
			// All rows that are missing are holes, unless the limit is clamped.
			return nil, once && n.missed() <= n.proves()
		}
		return s.spread(t, t.limit, n.Total, n.Mark != ""), false
	}
	if n.End {
		return nil, once && n.showsAll()
	}
	if n.Rows == 0 {
		return nil, false
	}
	// A page that is not the last and is shorter than asked for shows the limit that
	// the server really obeys.
	return s.spread(t, max(MinWindow, min(n.Rows, t.limit)), n.Total, n.Mark != ""), false
}

const (
	// minCounted is how many rows a list counts before showing none of them is worth
	// asking another route.
	minCounted = 10
	// maxOverlap is how many rows windows of a list without an order share where that
	// costs nothing.
	maxOverlap = 3
)

// showsNothing reports whether a page that is the whole list shows none of what it
// counts.
func (s listSpec) showsNothing(n receipt) bool {
	return s.holes && n.Total > 0 && len(n.IDs) == 0
}

// spread names all windows behind the first, as few as there can be, so that the
// room that is left in the last one is an overlap of all; it stops where they become
// too many. A window of several lists at once has no end that overlaps a beginning.
// Where they must overlap, there are as many more as that takes.
func (s listSpec) spread(t cursor, width, total int, several bool) []cursor {
	pages := (total + width - 1) / width
	overlap := 0
	switch {
	case pages < 2 || several:
	case s.overlap:
		overlap = maxOverlap
		pages = (total - overlap + width - overlap - 1) / (width - overlap)
	default:
		overlap = min(maxOverlap, (pages*width-total)/(pages-1))
	}
	var next []cursor
	for i := 1; i < pages && len(next) <= maxPages; i++ {
		next = append(next, cursor{kind: plainWindow, round: t.round, skip: i * (width - overlap), limit: width, overlap: overlap})
	}
	return next
}

// totals are how many rows the lists of a page have.
func (n receipt) totals() []int {
	if n.Mark == "" {
		return []int{n.Total}
	}
	var list []int
	for text := range strings.SplitSeq(n.Mark, "/") {
		total, err := strconv.Atoi(text)
		if err != nil {
			return []int{n.Total} // The receipt is of another version.
		}
		list = append(list, total)
	}
	return list
}

// missed is how many places of one list the window of a page has that shows fewer rows:
// these are holes, or the limit is clamped, which a page with as many rows rules out. It
// is 0 for a page that misses none.
func (n receipt) missed() int {
	places, most := 0, 0
	for _, total := range n.totals() {
		some := max(0, min(n.Limit, total-n.Skip))
		places, most = places+some, max(most, some)
	}
	if n.Rows >= places {
		return 0
	}
	return most
}

// proves is how many rows of one list a page shows at least, which the limit allows. A
// smaller limit than [MinWindow] is not believed.
func (n receipt) proves() int { return max(MinWindow, n.Rows/len(n.totals())) }

// followChain names the one page behind a page of a list whose total is not told.
func (s listSpec) followChain(t cursor, n receipt) (next []cursor, settled bool) {
	shown := len(n.IDs) / 8
	switch start := t.kind == plainStart && t.round == 0; {
	case n.Rows == 0, !s.holes && n.End:
		return nil, start
	case n.Broken, t.expect != 0 && hashID(n.Last) == t.expect:
		// The second is a page on which nothing is new.
		return nil, false
	}
	after := cursor{kind: chained, round: t.round, limit: t.limit}
	switch {
	case !s.holes:
		after.limit = max(MinWindow, min(n.Rows, t.limit))
		after.skip, after.expect = n.Skip+n.Rows-1, hashID(n.Last)
	case n.Mark == "" && shown >= MinWindow:
		// Rows that were shown take up at least as many places, so the last one shown
		// comes again, whether rows are missing or the limit is clamped. Before it can
		// come as many as were missing here.
		after.skip, after.expect, after.slack = n.Skip+shown-1, hashID(n.Last), max(0, t.limit-shown)
	default:
		after.skip, after.seen = n.Skip+min(t.limit, n.proves()), n.fingerprint()
	}
	return []cursor{after}, false
}

// breaks reports whether a page of a chain does not continue the one before.
func (t cursor) breaks(n receipt) bool {
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

// reading is what the latest reading of a list by its own route comes to.
type reading struct {
	view
	readings int
	next     []cursor // pages to read before it can be judged
	why      string   // why it is not proven; empty where nothing speaks against it
	seams    bool     // windows do not overlap everywhere
	clamped  bool     // the server obeys a smaller limit
	doubtful bool     // pages are short, and it shows later whether the limit is clamped
	nothing  bool     // none of the rows that are counted is shown
	again    cursor   // begins another reading
}

// read judges the latest reading of a list that cannot be proven by its order. The last
// time, nothing is left to show that the limit is not clamped.
func (s listSpec) read(receipts []receipt, last bool) (reading, error) {
	round, r := 0, reading{}
	for _, n := range receipts {
		if n.Kind.isFirstReading() || n.Kind == probeWindow {
			round = max(round, n.Round)
		}
		if n.Kind == plainStart {
			r.readings++
		}
	}
	var pages, probes []receipt
	for _, n := range receipts {
		switch {
		case n.Round != round:
		case n.Kind == probeWindow:
			probes = append(probes, n)
		case n.Kind.isFirstReading():
			pages = append(pages, n)
		}
	}
	if len(pages) == 0 {
		return r, fmt.Errorf("settle %s: round %d has no page", s.name, round)
	}
	r.view = viewOf(pages)
	r.again = cursor{kind: plainStart, round: round + 1, limit: s.limit}
	meet := s.seamsOf(pages)
	probe, obeyed := s.doubt(pages)
	r.seams = meet.open
	switch {
	case r.sorted:
		r.why = "it is not sorted by ID"
	case r.broken:
		r.why = "the pages are not contiguous"
	case r.moved:
		r.why = "its length changed during reading"
	case r.chained:
		r.seams = slices.ContainsFunc(pages, func(n receipt) bool { return n.Loose && n.Rows > 0 })
	case s.holes && r.distinct == 0 && r.counted > 0:
		r.nothing = true
	case meet.shifted, s.holes && r.distinct < r.onPages-meet.shared:
		r.why = "rows moved between pages during reading"
	case s.holes && obeyed > 0:
		if last || len(probes) > 0 {
			r.judgeProbe(pages, probes, probe, obeyed)
		}
		r.doubtful = !last
	case !s.holes && r.distinct+r.nulls < r.total:
		r.why = fmt.Sprintf("the server counts %d and returned %d", r.total, r.distinct)
	}
	return r, nil
}

// doubt names the window behind the page that may miss the most places because of a
// clamped limit, and the limit that is known to have been obeyed for it: no pages of the
// same run before it and after it show more. It is 0 where no page is in doubt.
func (s listSpec) doubt(pages []receipt) (probe cursor, obeyed int) {
	most := 0
	for i, n := range pages {
		known := s.known(pages, i)
		if gap := n.missed() - known; gap > most {
			most, obeyed = gap, known
			probe = cursor{kind: probeWindow, round: n.Round, skip: n.Skip + known, limit: n.Limit}
		}
	}
	return probe, obeyed
}

// known is how many places of one list the server is known to have shown on a page: as
// many as the page itself shows rows, or pages of the same run both before and after it.
// Where nobody remembers when pages were read, any page of the run will do.
func (s listSpec) known(pages []receipt, i int) int {
	page := pages[i]
	if page.missed() <= page.proves() {
		return page.proves()
	}
	if s.lengths != nil && page.Run == s.run {
		return max(page.proves(), s.lengths.around(page.Begun, page.Ended))
	}
	before, after := 0, 0
	for _, n := range pages {
		if n.Run != page.Run {
			continue
		}
		if n.Ended < page.Begun || page.Ended == 0 {
			before = max(before, n.proves())
		}
		if page.Ended < n.Begun || page.Ended == 0 {
			after = max(after, n.proves())
		}
	}
	return max(page.proves(), min(before, after))
}

// judgeProbe looks at whether pages of a list with holes are short because of a clamped
// limit: whether the window behind a short one shows rows that no page did.
func (r *reading) judgeProbe(pages, probes []receipt, probe cursor, obeyed int) {
	switch {
	case len(probes) == 0:
		r.next = []cursor{probe}
	case shows(probes, r.ids):
		r.again.limit = obeyed
		r.clamped, r.why = true, "pages are shorter than requested"
	case viewOf(append(probes, pages...)).moved:
		// A row that moved up meanwhile is where the probe did not look.
		r.why = "its length changed during reading"
	}
}

// meeting is what the seams between the windows of one reading show.
type meeting struct {
	shared  int  // rows that neighbors share, summed up
	open    bool // some neighbors share none that is shown
	shifted bool // some share others than they should
}

// seamsOf compares neighboring windows of a reading.
func (s listSpec) seamsOf(pages []receipt) (m meeting) {
	pages = slices.Clone(pages)
	slices.SortStableFunc(pages, func(a, b receipt) int { return a.Skip - b.Skip })
	for i := range len(pages) - 1 {
		p, q := pages[i], pages[i+1]
		shared := common(p.IDs, q.IDs)
		m.shared += max(0, shared)
		switch overlap := max(0, p.Skip+p.Limit-q.Skip); {
		case shared < 0, shared > overlap, shared < overlap && p.isFull() && q.isFull():
			m.shifted = true
		case shared == 0:
			m.open = true
		}
	}
	return m
}

// isFull reports whether no row of the page's window is a hole.
func (n receipt) isFull() bool {
	return len(n.IDs)/8 >= min(n.Limit, max(0, n.Total-n.Skip))
}

// common counts the rows at the end of a page that are those at the start of the next
// one; negative where the two share rows and not these.
func common(p, q []byte) int {
	if len(q) < 8 {
		return 0
	}
	for i := 0; i < len(p); i += 8 {
		if !bytes.Equal(p[i:i+8], q[:8]) {
			continue
		}
		if !bytes.HasPrefix(q, p[i:]) {
			return -1
		}
		return (len(p) - i) / 8
	}
	return 0
}

// shows reports whether a page holds an id that is not among ids.
func shows(pages []receipt, ids map[uint64]struct{}) bool {
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
	counted  int  // by the server's word: the smallest total, of all lists in a window
}

// viewOf puts pages together.
func viewOf(pages []receipt) view {
	v := view{ids: make(map[uint64]struct{}), total: -1, counted: max(pages[0].Total, pages[0].Counted)}
	mark := pages[0].Mark
	for _, n := range pages {
		v.moved = v.moved || n.Mark != mark || n.Total >= 0 && v.total >= 0 && n.Total != v.total
		if n.Total >= 0 && (v.total < 0 || n.Total < v.total) {
			v.total = n.Total
		}
		v.counted = min(v.counted, max(n.Total, n.Counted))
		v.broken = v.broken || n.Broken
		v.sorted = v.sorted || n.isSorted()
		v.chained = v.chained || n.Kind == chained
		v.onPages += n.distinct()
		v.nulls += n.Nulls
		for h := range n.hashes {
			v.ids[h] = struct{}{}
		}
	}
	v.distinct = len(v.ids)
	return v
}
