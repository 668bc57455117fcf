package paging_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// editor draws changes between page reads.
type editor struct {
	t          *rapid.T
	adds, cuts bool
	sorted     bool
	left       int // events still to come
	serial     int
}

// edit is called before each page. It changes a few rows, or a whole stretch.
func (e *editor) edit(m *model) {
	if e.left == 0 || m.requests == 1 || rapid.IntRange(0, 2).Draw(e.t, "edit now") > 0 {
		return
	}
	e.left--
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 5, 30}).Draw(e.t, "edits") {
		add := e.adds && (!e.cuts || rapid.Bool().Draw(e.t, "add"))
		at := rapid.IntRange(0, len(m.rows)).Draw(e.t, "at")
		switch {
		case add:
			e.serial++
			m.insert(at, modelRow{id: e.newID(m, at)})
		case at < len(m.rows):
			m.remove(at)
		}
	}
	if e.sorted {
		m.sort()
	}
}

// newID makes an id that stands at a place of a sorted list.
func (e *editor) newID(m *model, at int) string {
	before := "000000000000"
	if at > 0 {
		before = m.rows[at-1].id
	}
	return fmt.Sprintf("%s-%06d", before, e.serial)
}

func chooser(t *rapid.T) pick {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "token") }
}

// check reads a list and compares it with the oracle. Whether the list may be
// given up is the caller's to say.
func check(t *rapid.T, m *model, l paging.Lister[string], mayFail bool) {
	m.begin()
	before := len(m.rows)
	shown, err := readAll(l, chooser(t), func() bool { return m.edits > 0 })
	// Ten rows is the smallest page. The factor leaves room for three more readings,
	// and for gaps that are read again.
	if most := 12 * (max(before, len(m.rows))/10 + 2); m.requests > most {
		t.Fatalf("%d requests were made for %d rows, later %d", m.requests, before, len(m.rows))
	}
	switch {
	case errors.Is(err, paging.ErrIncomplete) && mayFail:
		return
	case err != nil:
		t.Fatalf("after %d requests: %v", m.requests, err)
	}
	if missing := m.missing(shown); len(missing) > 0 {
		t.Fatalf("%d rows were there throughout and not shown: %v", len(missing), missing)
	}
}

func limits(t *rapid.T) (limit, clamp int) {
	limit = rapid.IntRange(10, 40).Draw(t, "limit")
	if rapid.Bool().Draw(t, "clamped") {
		clamp = rapid.IntRange(10, 40).Draw(t, "clamp")
	}
	return limit, clamp
}

func TestSortedListsUnderEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit, clamp := limits(t)
		e := &editor{t: t, adds: true, cuts: true, sorted: true, left: rapid.IntRange(0, 12).Draw(t, "events")}
		m := &model{
			rows: rowsOf(rapid.IntRange(0, 300).Draw(t, "rows")), clamp: clamp,
			silent: rapid.Bool().Draw(t, "no total"), edit: e.edit,
		}
		check(t, m, m.lister(limit, true, false), e.left > 4)
	})
}

func TestUnorderedListsUnderEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit, clamp := limits(t)
		e := &editor{t: t, left: rapid.IntRange(0, 6).Draw(t, "events")}
		// What is added and what is removed can cancel out, which the total then hides.
		e.adds = rapid.Bool().Draw(t, "adds")
		e.cuts = !e.adds
		m := &model{rows: scattered(t), clamp: clamp, edit: e.edit}
		check(t, m, m.lister(limit, rapid.Bool().Draw(t, "believed sorted"), false), e.left > 0)
	})
}

func TestMembersUnderEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(10, 40).Draw(t, "limit")
		e := &editor{t: t, left: rapid.IntRange(0, 6).Draw(t, "events")}
		e.adds = rapid.Bool().Draw(t, "adds")
		e.cuts = !e.adds
		m := &model{rows: scattered(t), edit: e.edit, nulls: rapid.Bool().Draw(t, "nulls")}
		m.punch(t, rapid.IntRange(0, 60).Draw(t, "percent holes"))
		check(t, m, m.lister(limit, false, true), e.left > 0)
	})
}

// TestMembersApart reads lists of which nobody tells whether the organization changes.
// What is added and what is removed can cancel out, but windows that overlap show it.
func TestMembersApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(10, 40).Draw(t, "limit")
		e := &editor{t: t, left: rapid.IntRange(0, 6).Draw(t, "events"), adds: true, cuts: true}
		m := &model{rows: scattered(t), edit: e.edit, nulls: rapid.Bool().Draw(t, "nulls")}
		m.punch(t, rapid.IntRange(0, 20).Draw(t, "percent holes"))
		l := m.lister(limit, false, true)
		l.Overlap = true
		before := len(m.rows)
		m.begin()
		shown, err := readAll(l, chooser(t), func() bool { return true })
		if most := 12 * (max(before, len(m.rows))/7 + 2); m.requests > most {
			t.Fatalf("%d requests were made for %d rows, later %d", m.requests, before, len(m.rows))
		}
		if errors.Is(err, paging.ErrIncomplete) && m.edits > 0 {
			return
		}
		if missing := m.missing(shown); err != nil || len(missing) > 0 {
			t.Fatalf("%d rows were there throughout and not shown: %v, %v", len(missing), missing, err)
		}
	})
}

// TestSeveralListsInOneWindow reads two lists as one, as it is done where several
// targets in one request are refused: the mark shows what the total hides.
func TestSeveralListsInOneWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := &editor{t: t, left: rapid.IntRange(0, 6).Draw(t, "events")}
		e.adds = rapid.Bool().Draw(t, "adds")
		e.cuts = !e.adds
		silent := rapid.Bool().Draw(t, "no total")
		if silent {
			e.left = 0 // Without totals and positions nothing shows a change.
		}
		lists := []*model{{rows: scattered(t), edit: e.edit, silent: silent}, {rows: scattered(t), edit: e.edit, silent: silent}}
		limit, clamp := twice(t)
		percent := rapid.SampledFrom([]int{0, 5, 15}).Draw(t, "percent holes")
		for _, m := range lists {
			m.clamp, m.nulls = clamp, silent
			m.punch(t, percent)
		}
		l := lists[0].lister(limit, false, true)
		l.Fetch = func(ctx context.Context, w paging.Window) (paging.Page[string], error) {
			var all paging.Page[string]
			for i, m := range lists {
				page, err := m.fetch(ctx, w)
				if err != nil {
					return all, err
				}
				for _, id := range page.Items {
					all.Items = append(all.Items, fmt.Sprint(i, ":", id))
				}
				all.Raw += page.Raw
				all.Total = max(all.Total, page.Total)
				all.Counted += page.Total
				if silent {
					all.Total, all.Counted = -1, 0
				}
				if i > 0 {
					all.Mark += "/"
				}
				all.Mark += strconv.Itoa(page.Total)
			}
			return all, nil
		}
		for _, m := range lists {
			m.begin()
		}
		mayFail := e.left > 0
		shown, err := readAll(l, chooser(t), func() bool { return lists[0].edits+lists[1].edits > 0 })
		switch {
		case errors.Is(err, paging.ErrIncomplete) && mayFail:
			return
		case err != nil:
			t.Fatal(err)
		}
		for i, m := range lists {
			for id := range m.left {
				if _, ok := shown[fmt.Sprint(i, ":", id)]; !ok {
					t.Fatalf("%s of list %d was there throughout and not shown", id, i)
				}
			}
		}
	})
}

func TestClampedMembersUnderEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := &editor{t: t, left: rapid.IntRange(0, 3).Draw(t, "events")}
		e.adds = rapid.Bool().Draw(t, "adds")
		e.cuts = !e.adds
		m := &model{rows: scattered(t), clamp: rapid.IntRange(10, 50).Draw(t, "clamp"), edit: e.edit}
		m.punch(t, rapid.SampledFrom([]int{0, 5, 15}).Draw(t, "percent holes"))
		check(t, m, m.lister(100, false, true), e.left > 0)
	})
}

func TestListsWithoutTotalUnderEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(10, 40).Draw(t, "limit")
		// Overlapping pages notice changes that cancel out as well.
		e := &editor{t: t, adds: true, cuts: true, left: rapid.IntRange(0, 6).Draw(t, "events")}
		m := &model{rows: scattered(t), edit: e.edit, silent: true}
		check(t, m, m.lister(limit, false, rapid.Bool().Draw(t, "may have holes")), e.left > 0)
	})
}

func TestMembersWithoutTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{rows: scattered(t), silent: true, nulls: rapid.Bool().Draw(t, "nulls")}
		m.punch(t, rapid.IntRange(0, 25).Draw(t, "percent holes"))
		check(t, m, m.lister(rapid.IntRange(20, 60).Draw(t, "limit"), false, true), false)
	})
}

// scattered makes rows in the order of their making, which their ids do not show.
func scattered(t *rapid.T) []modelRow {
	return scatteredRows(rapid.IntRange(0, 300).Draw(t, "rows"))
}

// punch makes holes, never more than five in a row: without a total, an empty page
// is the end.
func (m *model) punch(t *rapid.T, percent int) {
	dice := rapid.SliceOfN(rapid.IntRange(1, 100), len(m.rows), len(m.rows)).Draw(t, "holes")
	run := 0
	for i := range m.rows {
		if m.rows[i].hole = dice[i] <= percent && run < 5; !m.rows[i].hole {
			run = 0
			continue
		}
		run++
	}
}

// TestTokensAndReceipts checks that whatever is named can be read back.
func TestTokensAndReceipts(t *testing.T) {
	t.Parallel()
	m := &model{rows: rowsOf(120), silent: true}
	l := m.lister(50, false, true)
	page, err := paging.ReadPage(t.Context(), l, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Next) != 1 || len(page.Receipt) == 0 {
		t.Fatalf("the first page names %v and receipts %q", page.Next, page.Receipt)
	}
	for _, bad := range []string{"x0.0.10", "p0.0", "p0.0.0", "p-1.0.10", "p0.0.10.1.2", "p0.0.10.0", "w0.0.10@1", "L0.0.20:x", "P00.0.10", "p0.0.99999999999", "p0.0.10 "} {
		if _, err := paging.ReadPage(t.Context(), l, bad); err == nil {
			t.Errorf("the token %q was taken", bad)
		}
	}
	for _, bad := range [][]byte{nil, []byte("{}"), []byte("[]"), []byte(`{"k":115,"l":-1}`)} {
		if _, err := l.Settle(slices.Concat([][]byte{page.Receipt}, [][]byte{bad}), paging.Occasion{}); err == nil {
			t.Errorf("the receipt %q was taken", bad)
		}
	}
	if _, err := l.Settle(nil, paging.Occasion{}); err == nil {
		t.Error("a list of which nothing was read was settled")
	}
	if _, err := paging.ReadPage(t.Context(), m.lister(5, true, false), ""); err == nil {
		t.Error("a page size of 5 was taken")
	}
}

// twice are a limit, and one of at most half that the server obeys, or none.
func twice(t *rapid.T) (limit, clamp int) {
	limit = rapid.IntRange(20, 100).Draw(t, "limit")
	if rapid.Bool().Draw(t, "clamped") {
		clamp = rapid.IntRange(10, limit/2).Draw(t, "clamp")
	}
	return limit, clamp
}

// TestClampedMembers reads lists with holes of one route, whose limit the server clamps
// or not.
func TestClampedMembers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit, clamp := twice(t)
		silent := rapid.IntRange(0, 3).Draw(t, "no total") == 0
		lengths := paging.NewLengths()
		for range rapid.IntRange(1, 3).Draw(t, "lists") {
			m := &model{rows: scattered(t), clamp: clamp, silent: silent, nulls: silent || rapid.Bool().Draw(t, "nulls")}
			m.punch(t, rapid.SampledFrom([]int{1, 5, 15}).Draw(t, "percent holes"))
			l := m.lister(limit, false, true)
			l.Lengths = lengths
			check(t, m, l, false)
		}
	})
}

// TestFullPageShowsLimit reads a list with a hole after one without: the full page of
// that shows that the limit is obeyed.
func TestFullPageShowsLimit(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int]int{100: 1, 66: 2} {
		lengths := paging.NewLengths()
		full := &model{rows: rowsOf(rows)}
		holed := &model{rows: rowsOf(67)}
		holed.rows[3].hole = true
		for _, m := range []*model{full, holed} {
			m.begin()
			l := m.lister(100, false, true)
			l.Lengths = lengths
			if _, err := readAll(l, firstOpen, still); err != nil {
				t.Fatal(err)
			}
		}
		if holed.requests != want {
			t.Errorf("after a page of %d rows: %d requests were made, want %d", rows, holed.requests, want)
		}
	}
}

// TestLengthsOfAnotherRun reads a clamped page in one run. A long page that another run
// reads later says nothing of it.
func TestLengthsOfAnotherRun(t *testing.T) {
	t.Parallel()
	clamped := &model{rows: rowsOf(49), clamp: 10}
	clamped.begin()
	l := clamped.lister(100, false, true)
	l.Lengths = paging.NewLengths()
	first, err := paging.ReadPage(t.Context(), l, "")
	if err != nil {
		t.Fatal(err)
	}
	l.Lengths = paging.NewLengths()
	full := &model{rows: rowsOf(100)}
	full.begin()
	other := full.lister(100, false, true)
	other.Lengths = l.Lengths
	if page, err := paging.ReadPage(t.Context(), other, ""); err != nil || !page.Settled {
		t.Fatal(page, err)
	}
	clamped.clamp = 0 // The server obeys now.
	verdict, err := l.Settle([][]byte{first.Receipt}, paging.Occasion{Last: true})
	if err != nil || len(verdict.Next) == 0 {
		t.Errorf("the list of 49 rows is complete with 10: %+v, %v", verdict, err)
	}
}
