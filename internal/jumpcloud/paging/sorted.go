package paging

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// ordered is a way to read a list, or a part of it, in the order of its ids.
type ordered struct {
	listSpec
	start, window kind
	part          int
	// overlap is how many rows neighboring windows share. More than one bear as many
	// removals between the two, less one, without a gap.
	overlap int
}

// whole is the list itself, read in order.
func (s listSpec) whole() ordered {
	return ordered{listSpec: s, start: sortedStart, window: sortedWindow, overlap: 1}
}

// followSorted names the windows behind a page of a sorted list.
func (s listSpec) followSorted(t cursor, n receipt) (next []cursor, settled bool) {
	if n.End {
		return nil, t.kind == sortedStart && t.round == 0 && n.showsAll()
	}
	if n.Rows == 0 || n.Broken {
		return nil, false
	}
	// A page that is not the last and is shorter than asked for shows the limit that
	// the server really obeys.
	width := max(MinWindow, min(n.Rows, t.limit))
	switch {
	case n.Total < 0:
		// One page after the other.
		next = s.whole().windows(t.round, n.Skip+n.Rows-1, n.Skip+n.Rows, width)
		next[0].seen = n.fingerprint()
	case t.kind == sortedStart:
		next = s.whole().windows(t.round, n.Skip+n.Rows-1, n.Total, width)
	case n.Rows < t.limit && n.Rows >= MinWindow:
		// The rest of this window.
		next = s.whole().windows(t.round, n.Skip+n.Rows-1, min(n.Total, n.Skip+t.limit), width)
	}
	return next, false
}

// followUncounted names the page behind one of another way, where the server tells
// no total. Where it does, the windows are named together when the page is judged, so
// that they are read soon after each other.
func followUncounted(t cursor, n receipt) []cursor {
	if n.Total >= 0 || n.End || n.Rows == 0 || n.Broken || n.Refused {
		return nil
	}
	after := cursor{kind: traverseWindow, part: t.part, round: t.round, limit: max(MinWindow, min(n.Rows, t.limit)), seen: n.fingerprint()}
	if t.kind.isCandidates() {
		after.kind = candidateWindow
	}
	after.skip = n.Skip + n.Rows - 1
	if after.kind == traverseWindow && n.Last != "" {
		after.seen, after.expect = 0, hashID(n.Last)
	}
	return []cursor{after}
}

// windows covers the rows from one position up to another with windows that
// overlap; it stops where they become too many.
func (o ordered) windows(round, from, to, width int) []cursor {
	var next []cursor
	for skip := max(0, from); ; skip += width - min(o.overlap, width/2) {
		next = append(next, cursor{kind: o.window, part: o.part, round: round, skip: skip, limit: width})
		if skip+width >= to || len(next) > maxPages {
			return next
		}
	}
}

// gap is a range of ids that no page has shown.
type gap struct {
	after  *receipt // the page that ends where the gap begins; nil at the front
	before *receipt // the page that begins where the gap ends; nil at the back
}

// gapsOf finds what the pages leave out. Every page shows all ids from its first
// to its last; one that skips nothing shows all before, one that ends the list all
// behind.
func gapsOf(receipts []receipt) []gap {
	pages := make([]*receipt, 0, len(receipts))
	for i := range receipts {
		n := &receipts[i]
		if n.Rows == 0 && n.Skip == 0 && n.End {
			return nil // There was an instant at which the list was empty.
		}
		if n.First != "" {
			pages = append(pages, n)
		}
	}
	slices.SortStableFunc(pages, func(a, b *receipt) int { return strings.Compare(a.low(), b.low()) })
	var gaps []gap
	var reach *receipt // the page that reaches farthest
	for _, n := range pages {
		switch {
		case reach == nil && n.Skip > 0:
			gaps = append(gaps, gap{before: n})
		case reach != nil && n.low() > reach.Last:
			gaps = append(gaps, gap{after: reach, before: n})
		}
		if reach == nil || n.Last > reach.Last || n.Last == reach.Last && n.Round >= reach.Round {
			reach = n
		}
		if n.End {
			return gaps
		}
	}
	return append(gaps, gap{after: reach})
}

// low is the id from which on a page shows everything.
func (n *receipt) low() string {
	if n.Skip == 0 {
		return ""
	}
	return n.First
}

// settleSorted judges a list that is read in the order of its ids.
func (s listSpec) settleSorted(receipts []receipt) ([]cursor, Verdict, error) {
	o := s.whole()
	sum := o.sumUp(receipts)
	v := Verdict{Moved: sum.moved || sum.round > 0 || o.shifted(receipts), Counted: max(0, sum.least), Shown: len(sum.seen)}
	switch {
	case sum.passes > maxRereads && len(sum.seen) == 0:
		return nil, v, s.incomplete(fmt.Sprintf("the server counts %d and returned none", sum.total))
	case len(sum.seen) == 0 && sum.least > 0:
		return []cursor{o.again(sum)}, v, nil
	}
	next, err := o.settle(receipts, sum)
	if err != nil || len(next) > 0 {
		return next, v, err
	}
	// Whoever came where pages were read already, and whoever left where none was, is
	// counted and not seen: another pass sees the one. What is always counted and never
	// shown is something else.
	short := sum.least - len(sum.seen) - sum.nulls
	switch {
	case short <= 0, sum.passes > 1 && sum.moved && short <= tolerance(sum.least):
		return nil, v, nil
	case sum.passes > maxRereads, sum.passes > 1 && !sum.grew:
		return nil, v, s.incomplete(fmt.Sprintf("the server counts at least %d and returned %d", sum.least, len(sum.seen)))
	default:
		return []cursor{o.again(sum)}, v, nil
	}
}

// tolerance is how many rows that came and went may be counted and not seen of a
// list that moved.
func tolerance(total int) int { return max(10, total/100) }

// again begins another pass.
func (o ordered) again(sum passes) cursor {
	return cursor{kind: o.start, part: o.part, round: sum.round + 1, limit: o.limit}
}

// passes is what all pages of a sorted way show together.
type passes struct {
	round, width, passes int
	total, least         int // the newest total and the smallest; -1 where none is told
	nulls                int // rows that were sent and are none
	seen                 map[uint64]struct{}
	moved                bool // totals differ
	grew                 bool // the newest pass shows rows that no other showed
}

func (o ordered) sumUp(receipts []receipt) passes {
	sum := passes{total: -1, least: -1, seen: make(map[uint64]struct{})}
	nulls := make(map[int]int) // by round
	most := -1
	for _, n := range receipts {
		sum.width = max(sum.width, min(n.Rows, n.Limit))
		nulls[n.Round] += n.Nulls
		sum.nulls = max(sum.nulls, nulls[n.Round])
		if n.Round >= sum.round {
			sum.round = n.Round
			if n.Total >= 0 {
				sum.total = n.Total
			}
		}
		if n.Total >= 0 && (sum.least < 0 || n.Total < sum.least) {
			sum.least = n.Total
		}
		most = max(most, n.Total)
		if n.Kind == o.start {
			sum.passes++
			sum.grew = false
		}
		for h := range n.hashes {
			if _, ok := sum.seen[h]; !ok {
				sum.grew = true
				sum.seen[h] = struct{}{}
			}
		}
	}
	sum.moved = most != sum.least
	return sum
}

// shifted reports whether windows of one round that meet at a place show different
// rows there.
func (o ordered) shifted(receipts []receipt) bool {
	type place struct{ round, at int }
	last := make(map[place]string, len(receipts))
	for _, n := range receipts {
		if n.First != "" {
			last[place{n.Round, n.Skip + n.Rows - 1}] = n.Last
		}
	}
	for _, n := range receipts {
		if id, ok := last[place{n.Round, n.Skip}]; ok && n.First != "" && id != n.First {
			return true
		}
	}
	return false
}

// settle names windows around every gap; none when there is no gap.
func (o ordered) settle(receipts []receipt, sum passes) ([]cursor, error) {
	if o.stuck(receipts) {
		if sum.passes > 1 {
			return nil, o.incomplete("the server returns the same page for different offsets")
		}
		// As many rows may have come before the page as it was skipped by.
		return []cursor{o.again(sum)}, nil
	}
	gaps := gapsOf(receipts)
	if len(gaps) == 0 {
		return nil, nil
	}
	if sum.round >= maxRounds {
		return nil, o.incomplete(fmt.Sprintf("after %d rounds, %d ID ranges were still unread", sum.round, len(gaps)))
	}
	width := max(MinWindow, sum.width)
	var next []cursor
	named := make(map[cursor]struct{})
	for _, g := range gaps {
		for _, t := range o.around(g, receipts, sum.round+1, width, sum.total) {
			if _, ok := named[t]; !ok {
				named[t] = struct{}{}
				next = append(next, t)
			}
		}
		if len(next) > maxPages {
			break
		}
	}
	return next, nil
}

// stuck reports whether all pages of the newest pass are the same although their
// windows are far apart.
func (o ordered) stuck(receipts []receipt) bool {
	begin := 0
	for i, n := range receipts {
		if n.Kind == o.start {
			begin = i
		}
	}
	first := receipts[begin]
	apart := false
	for _, n := range receipts[begin:] {
		if n.Broken {
			return true
		}
		if !bytes.Equal(n.IDs, first.IDs) {
			return false
		}
		apart = apart || n.Skip != first.Skip
	}
	return apart && first.Rows >= MinWindow
}

// around names the windows that probably show a gap. Rows move when others before
// them come or go, so the windows begin well before the place where the gap was,
// and each round corrects them by what the round before has shown.
func (o ordered) around(g gap, receipts []receipt, round, width, total int) []cursor {
	left, right := g.after, g.before
	end, emptyRound := maxRows, -1
	for i := range receipts {
		n := &receipts[i]
		if n.Rows == 0 && !n.Refused {
			end, emptyRound = min(end, n.Skip), max(emptyRound, n.Round)
		}
		if n.First == "" {
			continue
		}
		// The newest pages on either side know best where things are now.
		if g.after != nil && n.Last <= g.after.Last && newer(n, left, n.Last > left.Last) {
			left = n
		}
		if g.before != nil && n.First >= g.before.First && newer(n, right, n.First < right.First) {
			right = n
		}
	}
	from, to := 0, width
	margin := max(1, width/4)
	if left != nil {
		from = left.Skip + left.Rows - 1 - margin
		to = from + 1
	}
	if right != nil {
		if left != nil && right.Round > left.Round {
			// The last attempt began behind the gap.
			from = min(from, right.Skip-width+margin)
		}
		to = max(to, right.Skip+1)
		if total >= 0 {
			// Nothing lies behind the end of the list, wherever it was when that page was
			// read.
			from = min(from, total-margin)
			to = min(to, max(total, from+1))
		}
		if right.Round <= emptyRound {
			from = min(from, end-width+margin)
		}
	} else {
		// The last rows may have moved up, by more than the margin.
		from = min(from, end-width+margin)
		if total >= 0 {
			from = min(from, total-margin)
			to = total
		}
	}
	from = max(0, from)
	return o.windows(round, from, min(max(to, from+1), from+maxRows), width)
}

// newer reports whether n is a better witness than the one held.
func newer(n, held *receipt, nearer bool) bool {
	return held == nil || n.Round > held.Round || n.Round == held.Round && nearer
}
