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

// TestClampedMembersThatCancelOut reads them while as many come as go, which totals do
// not show.
func TestClampedMembersThatCancelOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := &editor{t: t, left: rapid.IntRange(0, 6).Draw(t, "events"), adds: true, cuts: true}
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

// TestFullPagesShowLimit reads a list with a hole between others without: full pages
// before it and after it show that the limit is obeyed.
func TestFullPagesShowLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ before, after, want int }{{100, 100, 1}, {100, 66, 2}, {66, 100, 2}, {100, 0, 2}, {0, 100, 2}} {
		l := &together{lengths: paging.NewLengths()}
		l.read(t, &model{rows: rowsOf(tt.before)})
		holed := &model{rows: rowsOf(67)}
		holed.rows[3].hole = true
		l.read(t, holed)
		l.read(t, &model{rows: rowsOf(tt.after)})
		l.settle(t)
		if holed.requests != tt.want {
			t.Errorf("between pages of %d and %d rows: %d requests were made, want %d", tt.before, tt.after, holed.requests, tt.want)
		}
	}
}

// TestLimitThatChanges reads lists of one route while the server begins to clamp their
// limit, or ends it.
func TestLimitThatChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := &together{lengths: paging.NewLengths()}
		clamps := []int{0, 0}
		clamps[rapid.IntRange(0, 1).Draw(t, "clamped side")] = rapid.IntRange(10, 40).Draw(t, "clamp")
		requests, change := 0, rapid.IntRange(0, 12).Draw(t, "change")
		for range rapid.IntRange(1, 5).Draw(t, "lists") {
			m := &model{rows: scatteredRows(rapid.IntRange(0, 120).Draw(t, "rows"))}
			m.edit = func(m *model) {
				m.clamp = clamps[min(1, requests/max(1, change))]
				requests++
			}
			m.punch(t, rapid.SampledFrom([]int{0, 1, 5, 15}).Draw(t, "percent holes"))
			l.read(t, m)
		}
		l.settle(t)
	})
}

// together are lists of one route that are read in one run, and judged when all are read.
type together struct {
	lengths *paging.Lengths
	lists   []*oneOf
}

// oneOf is a list among others.
type oneOf struct {
	model    *model
	lister   paging.Lister[string]
	shown    map[string]struct{}
	receipts [][]byte
	settled  bool
}

// fails ends a test, of rapid or not.
type fails interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// read reads what a list names, without a judgment.
func (l *together) read(t fails, m *model) {
	t.Helper()
	m.begin()
	list := &oneOf{model: m, lister: m.lister(100, false, true), shown: make(map[string]struct{})}
	list.lister.Lengths = l.lengths
	l.lists = append(l.lists, list)
	list.take(t, "")
}

// take reads pages and those that they name.
func (l *oneOf) take(t fails, tokens ...string) {
	t.Helper()
	for len(tokens) > 0 {
		page, err := paging.ReadPage(context.Background(), l.lister, tokens[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range page.Items {
			l.shown[id] = struct{}{}
		}
		tokens = append(tokens[1:], page.Next...)
		if l.settled = page.Settled; !l.settled {
			l.receipts = append(l.receipts, page.Receipt)
		}
	}
}

// settle judges all lists until they are complete, and looks at whether they are.
func (l *together) settle(t fails) {
	t.Helper()
	for _, list := range l.lists {
		for range 100 {
			if list.settled {
				break
			}
			verdict, err := list.lister.Settle(list.receipts, paging.Occasion{Last: true})
			if err != nil {
				t.Fatal(err)
			}
			list.take(t, verdict.Next...)
			list.settled = len(verdict.Next) == 0
		}
		if missing := list.model.missing(list.shown); len(missing) > 0 || !list.settled {
			t.Fatalf("%d of %d rows were not shown: %v", len(missing), len(list.model.rows), missing)
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
