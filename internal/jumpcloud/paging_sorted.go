package jumpcloud

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// followSorted names the windows behind a page of a sorted list.
func (s listSpec) followSorted(t ticket, n note) (next []ticket, settled bool) {
	if n.End {
		return nil, t.kind == sortedStart && t.round == 0
	}
	if n.Rows == 0 || n.Broken {
		return nil, false
	}
	// A page that is not the last and is shorter than asked for shows the limit that
	// the server really obeys.
	width := max(minWindow, min(n.Rows, t.limit))
	switch {
	case n.Total < 0:
		// One page after the other.
		next = windows(t.round, n.Skip+n.Rows-1, n.Skip+n.Rows, width)
		next[0].seen = n.fingerprint()
	case t.kind == sortedStart:
		next = windows(t.round, n.Skip+n.Rows-1, n.Total, width)
	case n.Rows < t.limit && n.Rows >= minWindow:
		// The rest of this window.
		next = windows(t.round, n.Skip+n.Rows-1, min(n.Total, n.Skip+t.limit), width)
	}
	return next, false
}

// windows covers the rows from one position up to another with windows that
// overlap by one row; it stops where they become too many.
func windows(round, from, to, width int) []ticket {
	var next []ticket
	for skip := max(0, from); ; skip += width - 1 {
		next = append(next, ticket{kind: sortedWindow, round: round, skip: skip, limit: width})
		if skip+width >= to || len(next) > maxPages {
			return next
		}
	}
}

// gap is a range of ids that no page has shown.
type gap struct {
	after  *note // the page that ends where the gap begins; nil at the front
	before *note // the page that begins where the gap ends; nil at the back
}

// gapsOf finds what the pages leave out. Every page shows all ids from its first
// to its last; one that skips nothing shows all before, one that ends the list all
// behind.
func gapsOf(notes []note) []gap {
	pages := make([]*note, 0, len(notes))
	for i := range notes {
		n := &notes[i]
		if n.Rows == 0 && n.Skip == 0 && n.End {
			return nil // There was an instant at which the list was empty.
		}
		if n.First != "" {
			pages = append(pages, n)
		}
	}
	slices.SortStableFunc(pages, func(a, b *note) int { return strings.Compare(a.low(), b.low()) })
	var gaps []gap
	var reach *note // the page that reaches farthest
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
func (n *note) low() string {
	if n.Skip == 0 {
		return ""
	}
	return n.First
}

// settleSorted names windows around every gap.
func (s listSpec) settleSorted(notes []note) ([]ticket, error) {
	round, width, passes := 0, 0, 0
	total, least := -1, -1
	seen := make(map[uint64]struct{})
	nulls := make(map[int]int) // by round
	broken := false
	for _, n := range notes {
		broken = broken || n.Broken
		nulls[n.Round] += n.Nulls
		width = max(width, min(n.Rows, n.Limit))
		if n.Round >= round {
			round = n.Round
			if n.Total >= 0 {
				total = n.Total
			}
		}
		if n.Total >= 0 && (least < 0 || n.Total < least) {
			least = n.Total
		}
		if n.Kind == sortedStart {
			passes++
		}
		for h := range n.hashes {
			seen[h] = struct{}{}
		}
	}
	if passes > maxRereads {
		return nil, s.incomplete(fmt.Sprintf("the server counts %d and shows none", total))
	}
	if width == 0 && least > 0 {
		return []ticket{{kind: sortedStart, round: round + 1, limit: s.limit}}, nil
	}
	if broken || repeats(notes) {
		return nil, s.incomplete("the server sends the same page for different places of the list")
	}
	gaps := gapsOf(notes)
	if len(gaps) == 0 {
		if len(seen)+slices.Max(slices.Collect(maps.Values(nulls))) >= least {
			return nil, nil
		}
		// Rows are counted that no page shows.
		if passes > 1 {
			return nil, s.incomplete(fmt.Sprintf("the server counts at least %d and shows %d", least, len(seen)))
		}
		return []ticket{{kind: sortedStart, round: round + 1, limit: s.limit}}, nil
	}
	if round >= maxRounds {
		return nil, s.incomplete(fmt.Sprintf("after %d rounds %d ranges of ids were still not seen", round, len(gaps)))
	}
	width = max(minWindow, width)
	var next []ticket
	named := make(map[ticket]struct{})
	for _, g := range gaps {
		for _, t := range s.around(g, notes, round+1, width, total) {
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

// repeats reports whether all pages are the same although their windows are far
// apart.
func repeats(notes []note) bool {
	first := notes[0]
	apart := false
	for _, n := range notes {
		if !bytes.Equal(n.IDs, first.IDs) {
			return false
		}
		apart = apart || n.Skip != first.Skip
	}
	return apart && first.Rows >= minWindow
}

// around names the windows that probably show a gap. Rows move when others before
// them come or go, so the windows begin well before the place where the gap was,
// and each round corrects them by what the round before has shown.
func (s listSpec) around(g gap, notes []note, round, width, total int) []ticket {
	left, right := g.after, g.before
	end := maxRows
	for i := range notes {
		n := &notes[i]
		if n.Rows == 0 {
			end = min(end, n.Skip)
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
			to = min(to, max(total, from+1))
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
	return windows(round, from, min(max(to, from+1), from+maxRows), width)
}

// newer reports whether n is a better witness than the one held.
func newer(n, held *note, nearer bool) bool {
	return held == nil || n.Round > held.Round || n.Round == held.Round && nearer
}
