package paging

import (
	"fmt"
	"slices"
)

// settleUnsorted judges a list that its own order does not prove: by its latest
// reading, and where that leaves a doubt by the other ways of its parts.
func (s listSpec) settleUnsorted(receipts []receipt, occasion Occasion) ([]cursor, Verdict, error) {
	r, err := s.read(receipts, occasion.Last)
	if err != nil {
		return nil, Verdict{}, err
	}
	v := Verdict{Moved: r.moved || r.why != "" && !r.clamped}
	if len(r.next) > 0 {
		return r.next, v, nil
	}
	if r.doubtful && r.why == "" {
		v.Wait = true
		return nil, v, nil
	}
	begun := slices.ContainsFunc(receipts, func(n receipt) bool { return !n.Kind.isFirstReading() && n.Kind != probeWindow })
	switch {
	case r.why != "", r.nothing && r.counted >= minCounted, begun && r.again.round == 1:
	case r.nothing && occasion.Last && !occasion.Empty:
		return nil, v, nil
	case r.nothing && occasion.Last:
	case !r.nothing && (!r.seams || r.again.round > 1):
		// In a list that was read again, what came and went at once is not asked for.
		return nil, v, nil
	case !occasion.Last:
		v.Wait = true
		return nil, v, nil
	case !occasion.Moved:
		return nil, v, nil
	}
	next, failed := s.ways(receipts, r)
	v.Blind = r.nothing && slices.ContainsFunc(receipts, func(n receipt) bool { return n.Kind.isTraversal() && len(n.IDs) > 0 })
	switch {
	case len(next) > 0:
		return next, v, nil
	case len(failed) == 0:
		return nil, v, nil
	case r.readings <= maxRereads && !r.nothing:
		return []cursor{r.again}, v, nil
	}
	why := r.why
	if r.nothing {
		why = fmt.Sprintf("the server counts %d and returned none, and by another route shows some in no order", r.counted)
	}
	next, err = s.lookUps(receipts, failed, why, r.readings)
	if err == nil && len(next) == 0 && s.short(receipts, r) > 0 && r.readings <= maxUnordered {
		// A row that is no candidate shows on pages alone, if at all: it may be a hole.
		next = []cursor{r.again}
	}
	return next, v, err
}

// maxUnordered bounds how often a list is read again that is in no order and shows
// less than it counts. Each reading shows a row of two pages with a chance of three
// in four.
const maxUnordered = 12

// short is how many rows the server counts and no page and no look-up showed.
func (s listSpec) short(receipts []receipt, r reading) int {
	shown := make(map[uint64]struct{})
	nulls := 0
	for _, n := range receipts {
		nulls += n.Nulls
		for h := range n.rowHashes {
			shown[h] = struct{}{}
		}
	}
	return r.total - len(shown) - nulls
}

// ways reads the parts of a list in their other ways, one after the other, until one
// of them proves the part. It returns the parts that none proves.
func (s listSpec) ways(receipts []receipt, r reading) (next []cursor, failed []int) {
	for i, part := range s.parts {
		ways := []func(int, []receipt) ([]cursor, bool){s.traverse, s.link}
		switch {
		case r.nothing:
			ways = []func(int, []receipt) ([]cursor, bool){s.traverse, s.linkTraversal}
			if !part.traverse || refused(receipts, i) {
				continue // Nobody knows better.
			}
		case part.longer:
			slices.Reverse(ways)
		}
		proven := false
		for _, way := range ways {
			open, ok := way(i, receipts)
			next = append(next, open...)
			if proven = ok || len(open) > 0; proven {
				break
			}
		}
		if !proven {
			failed = append(failed, i)
		}
	}
	if !s.holes && len(next) == 0 && len(failed) == 0 {
		// Rows that are counted and never shown are not noticed by what pages share.
		if short := s.short(receipts, r); short > 0 && (!r.moved || short > tolerance(r.total)) {
			failed = append(failed, 0)
		}
	}
	return next, failed
}

// refused reports whether the other route of a part is not served.
func refused(receipts []receipt, part int) bool {
	return slices.ContainsFunc(receipts, func(n receipt) bool { return n.Part == part && n.Refused })
}

// of selects the receipts of a part and some kinds.
func of(receipts []receipt, part int, kinds ...kind) []receipt {
	var some []receipt
	for _, n := range receipts {
		if n.Part == part && slices.Contains(kinds, n.Kind) {
			some = append(some, n)
		}
	}
	return some
}

// isWhole reports whether a page shows a whole part at one instant.
func (s listSpec) isWhole(n receipt) bool {
	return n.isWhole() || s.holes && n.Skip == 0 && n.Total >= 0 && n.Limit >= n.Total && !n.Refused && n.missed() == 0
}

// traverse reads a part by its other route in the order of ids.
func (s listSpec) traverse(part int, receipts []receipt) (next []cursor, proven bool) {
	if !s.parts[part].traverse {
		return nil, false
	}
	o := ordered{listSpec: s, start: traverseStart, window: traverseWindow, part: part, overlap: wideOverlap}
	pages := of(receipts, part, o.start, o.window)
	switch {
	case len(pages) == 0:
		return []cursor{{kind: o.start, part: part, limit: s.limit}}, false
	case slices.ContainsFunc(pages, s.isWhole):
		return nil, true
	case slices.ContainsFunc(pages, func(n receipt) bool { return n.Refused || !n.Ascending }):
		return nil, false
	}
	sum := o.sumUp(pages)
	if len(sum.seen) == 0 && sum.least > 0 {
		return nil, true // It shows none of what it counts, either.
	}
	next, err := o.settle(s.markEnds(pages), sum)
	return next, err == nil && len(next) == 0
}

// markEnds marks the pages that end a list whatever its total is: in one with holes
// those whose window reaches the end, in another those that are shorter than asked
// for, where the server is known to obey the limit. The widest page shows it; the first
// reading among other lists is spread over the run, in which the server may change, and
// says nothing of pages that were read later or by another route.
func (s listSpec) markEnds(pages []receipt) []receipt {
	widest := 0
	for _, n := range pages {
		if s.lengths == nil || !n.measures() {
			widest = max(widest, n.Rows)
		}
	}
	marked := slices.Clone(pages)
	for i := range marked {
		n := &marked[i]
		obeyed := min(n.Limit, widest)
		if s.lengths != nil && n.measures() {
			obeyed = min(n.Limit, s.known(pages, i))
		}
		n.End = n.End || n.Total >= 0 && n.Rows > 0 && (s.holes && n.Skip+obeyed >= n.Total || !s.holes && n.Rows < obeyed)
	}
	return marked
}

// measures reports whether the length of a page tells of the limit that the list's own
// route obeys.
func (n receipt) measures() bool { return n.Kind.isFirstReading() || n.Kind == probeWindow }
