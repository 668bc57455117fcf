package paging_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// modelRow is a row of a list as its server holds it.
type modelRow struct {
	id   string
	hole bool // counted and never shown
}

// model is a server's list in memory, and the oracle: it knows who was there
// throughout.
type model struct {
	rows   []modelRow
	clamp  int  // greatest limit that is obeyed; 0 for any
	silent bool // tells no total
	nulls  bool // sends holes as null rows, rather than nothing
	stuck  bool // does not skip
	hidden bool // shows none of its rows
	solid  bool // neither counts holes nor shows them
	// order is applied to the rows before a window is cut out; nil keeps theirs.
	order func([]modelRow)
	// edit is called before each window is read.
	edit func(*model)

	requests int
	edits    int                 // changes since the start
	left     map[string]struct{} // shown at the start, and never taken out since
	// everybody was a row at some time.
	everybody map[string]struct{}
}

func (m *model) begin() {
	m.left, m.everybody = make(map[string]struct{}), make(map[string]struct{})
	for _, r := range m.rows {
		if !r.hole {
			m.left[r.id], m.everybody[r.id] = struct{}{}, struct{}{}
		}
	}
}

func (m *model) insert(at int, r modelRow) {
	m.edits++
	m.everybody[r.id] = struct{}{}
	m.rows = slices.Insert(m.rows, at, r)
}

func (m *model) remove(at int) {
	m.edits++
	delete(m.left, m.rows[at].id)
	m.rows = slices.Delete(m.rows, at, at+1)
}

func (m *model) sort() {
	slices.SortFunc(m.rows, func(a, b modelRow) int { return compare(a.id, b.id) })
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func (m *model) fetch(_ context.Context, w paging.Window) (paging.Page[string], error) {
	m.requests++
	if m.requests > 20_000 {
		return paging.Page[string]{}, errors.New("too many requests")
	}
	if m.edit != nil {
		m.edit(m)
	}
	rows := slices.Clone(m.rows)
	if m.solid {
		rows = slices.DeleteFunc(rows, func(r modelRow) bool { return r.hole })
	}
	if m.order != nil {
		m.order(rows)
	}
	page := paging.Page[string]{Total: len(rows)}
	if m.silent {
		page.Total = -1
	}
	limit := w.Limit
	if m.clamp > 0 {
		limit = min(limit, m.clamp)
	}
	from := min(w.Skip, len(rows))
	if m.stuck {
		from = 0
	}
	for _, r := range rows[from:min(len(rows), from+limit)] {
		switch {
		case m.hidden:
		case !r.hole:
			page.Items = append(page.Items, r.id)
			page.Raw++
		case m.nulls:
			page.Raw++
		}
	}
	return page, nil
}

// pick chooses one of n open tokens.
type pick func(n int) int

// readAll plays the engine: it reads every token that is named, in any order, and
// settles until the list is complete. It returns what was shown and how often it
// was settled.
func readAll(l paging.Lister[string], choose pick, moved func() bool) (map[string]struct{}, error) {
	shown, _, err := readCounting(l, choose, moved)
	return shown, err
}

// still is a list that nobody edits.
func still() bool { return false }

// readCounting tells as well how many rows the pages say that there are.
func readCounting(l paging.Lister[string], choose pick, moved func() bool) (shown map[string]struct{}, counted int, err error) {
	shown = make(map[string]struct{})
	var occasion paging.Occasion
	var receipts [][]byte
	open := []string{""}
	named := map[string]struct{}{"": {}}
	for range 1000 {
		for len(open) > 0 {
			i := choose(len(open))
			token := open[i]
			open = slices.Delete(open, i, i+1)
			page, err := paging.ReadPage(context.Background(), l, token)
			if err != nil {
				return nil, 0, err
			}
			counted += len(page.Items) - page.Repeats
			for _, id := range page.Items {
				shown[id] = struct{}{}
			}
			if page.Settled {
				if len(page.Next) > 0 || token != "" {
					return nil, 0, fmt.Errorf("token %q settles the list and names %v", token, page.Next)
				}
				return shown, counted, nil
			}
			receipts = append(receipts, page.Receipt)
			for _, next := range page.Next {
				if _, ok := named[next]; !ok {
					named[next] = struct{}{}
					open = append(open, next)
				}
			}
		}
		verdict, err := l.Settle(receipts, occasion)
		if err != nil {
			return nil, 0, err
		}
		switch {
		case verdict.Wait && occasion.Last:
			return nil, 0, errors.New("it waits although there is nothing to wait for")
		case verdict.Wait:
			// Whoever edits tells of it.
			occasion = paging.Occasion{Last: true, Moved: moved()}
			continue
		case len(verdict.Next) == 0:
			return shown, counted, nil
		}
		for _, token := range verdict.Next {
			if _, ok := named[token]; ok {
				return nil, 0, fmt.Errorf("settling names %q again", token)
			}
			named[token] = struct{}{}
			open = append(open, token)
		}
	}
	return nil, 0, errors.New("it never settles")
}

func (m *model) lister(limit int, sorted, holes bool) paging.Lister[string] {
	return paging.Lister[string]{
		Name: "things", Limit: limit, Sorted: sorted, Holes: holes,
		Fetch: m.fetch, ID: func(s string) string { return s },
	}
}

// missing lists who was there throughout and was not shown.
func (m *model) missing(shown map[string]struct{}) []string {
	var out []string
	for id := range m.left {
		if _, ok := shown[id]; !ok {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// rowsOf makes n rows with ascending ids and room between them.
func rowsOf(n int) []modelRow {
	rows := make([]modelRow, n)
	for i := range rows {
		rows[i].id = fmt.Sprintf("%012d", (i+1)*1000)
	}
	return rows
}

func firstOpen(int) int { return 0 }

// TestListsTakeTheFewestRequests holds the number of requests, without edits, to
// what the API allows.
func TestListsTakeTheFewestRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		rows, limit   int
		sorted, holes bool
		silent        bool
		overlap       bool
		clamp         int
		want          int
	}{
		{name: "empty", rows: 0, limit: 100, sorted: true, want: 1},
		{name: "one page", rows: 80, limit: 100, sorted: true, want: 1},
		{name: "one full page", rows: 100, limit: 100, sorted: true, want: 1},
		{name: "groups", rows: 150, limit: 100, sorted: true, want: 2},
		{name: "users", rows: 2000, limit: 1000, sorted: true, want: 3},
		{name: "many groups", rows: 5000, limit: 100, sorted: true, want: 51},
		{name: "many users", rows: 100_000, limit: 1000, sorted: true, want: 101},
		{name: "users, clamped", rows: 2000, limit: 1000, clamp: 100, sorted: true, want: 21},
		{name: "sorted without total", rows: 150, limit: 100, sorted: true, silent: true, want: 2},
		{name: "full and sorted without total", rows: 100, limit: 100, sorted: true, silent: true, want: 2},
		{name: "few and sorted without total", rows: 9, limit: 100, sorted: true, silent: true, want: 1},
		{name: "some and sorted without total", rows: 30, limit: 100, sorted: true, silent: true, want: 2},
		{name: "unordered", rows: 250, limit: 100, want: 3},
		{name: "unordered, one page", rows: 30, limit: 100, want: 1},
		{name: "unordered, clamped", rows: 250, limit: 100, clamp: 50, want: 5},
		{name: "no members", rows: 0, limit: 100, holes: true, want: 1},
		{name: "few members", rows: 7, limit: 100, holes: true, want: 1},
		{name: "many members", rows: 2000, limit: 100, holes: true, want: 20},
		{name: "one page of members that overlap", rows: 100, limit: 100, holes: true, overlap: true, want: 1},
		{name: "members that overlap", rows: 250, limit: 100, holes: true, overlap: true, want: 3},
		{name: "many members that overlap", rows: 2000, limit: 100, holes: true, overlap: true, want: 21},
		{name: "no members without total", rows: 0, limit: 100, holes: true, silent: true, want: 1},
		{name: "few members without total", rows: 7, limit: 100, holes: true, silent: true, want: 2},
		{name: "ten members without total", rows: 10, limit: 100, holes: true, silent: true, want: 2},
		{name: "more members without total", rows: 530, limit: 100, holes: true, silent: true, want: 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &model{rows: rowsOf(tt.rows), clamp: tt.clamp, silent: tt.silent}
			m.begin()
			l := m.lister(tt.limit, tt.sorted, tt.holes)
			l.Overlap = tt.overlap
			shown, counted, err := readCounting(l, firstOpen, still)
			if err != nil {
				t.Fatal(err)
			}
			if len(shown) != tt.rows || counted != tt.rows {
				t.Errorf("%d rows were shown and %d counted, want %d", len(shown), counted, tt.rows)
			}
			if m.requests != tt.want {
				t.Errorf("%d requests were made, want %d", m.requests, tt.want)
			}
		})
	}
}

// TestListsThatCannotBeProven fails rather than leaves something out.
func TestListsThatCannotBeProven(t *testing.T) {
	t.Parallel()
	shuffle := func(rows []modelRow) {
		rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	hidden := rowsOf(250)
	hidden[70].hole = true
	tests := []struct {
		name          string
		model         model
		sorted, holes bool
		most          int // requests
	}{
		{name: "another order each time", model: model{rows: rowsOf(250), order: shuffle}, most: 12},
		{name: "another order each time, sorted", model: model{rows: rowsOf(250), order: shuffle}, sorted: true, most: 15},
		{name: "another order each time, members", model: model{rows: rowsOf(250), order: shuffle}, holes: true, most: 12},
		{name: "another order each time, no total", model: model{rows: rowsOf(250), order: shuffle, silent: true}, holes: true, most: 20},
		{name: "no skipping", model: model{rows: rowsOf(250), stuck: true}, most: 12},
		{name: "no skipping, sorted", model: model{rows: rowsOf(250), stuck: true}, sorted: true, most: 40},
		{name: "no skipping, members", model: model{rows: rowsOf(250), stuck: true}, holes: true, most: 12},
		{name: "no skipping, sorted, no total", model: model{rows: rowsOf(250), stuck: true, silent: true}, sorted: true, most: 12},
		{name: "no skipping, members, no total", model: model{rows: rowsOf(250), stuck: true, silent: true}, holes: true, most: 12},
		{name: "rows that are counted and not shown", model: model{rows: slices.Clone(hidden)}, sorted: true, most: 30},
		{name: "rows that are counted and not shown, no order", model: model{rows: slices.Clone(hidden)}, most: 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := tt.model
			m.begin()
			_, err := readAll(m.lister(100, tt.sorted, tt.holes), firstOpen, still)
			if !errors.Is(err, paging.ErrIncomplete) {
				t.Errorf("the error is %v, want ErrIncomplete", err)
			}
			if m.requests > tt.most {
				t.Errorf("%d requests were made, want at most %d", m.requests, tt.most)
			}
		})
	}
}
