package paging_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// ways are other routes to the rows of a model, and how these behave.
type ways struct {
	*model
	refused  bool   // the other route is not served
	disorder bool   // the other route does not sort
	shows    bool   // the other route shows what the list itself hides
	lookups  bool   // rows can be looked up
	unlisted string // a row that is no candidate
	others   []string
	looked   []string
}

// traverse reads a window of the rows by the other route, which shows what exists.
func (w *ways) traverse(ctx context.Context, win paging.Window) (paging.Page[string], error) {
	if w.refused {
		w.requests++
		return paging.Page[string]{}, fmt.Errorf("no: %w", paging.ErrNotServed)
	}
	hidden, order := w.hidden, w.order
	defer func() { w.hidden, w.order, w.solid = hidden, order, false }()
	w.hidden, w.solid = hidden && !w.shows, true
	if !w.disorder {
		w.order = func(rows []modelRow) {
			slices.SortFunc(rows, func(a, b modelRow) int { return strings.Compare(a.id, b.id) })
		}
	}
	return w.fetch(ctx, win)
}

// candidates reads a window of everything that was ever a row, and of others.
func (w *ways) candidates(_ context.Context, win paging.Window) (paging.Page[string], error) {
	w.requests++
	all := slices.Sorted(maps.Keys(w.everybody))
	all = append(all, w.others...)
	all = slices.DeleteFunc(all, func(id string) bool { return id == w.unlisted })
	slices.Sort(all)
	page := paging.Page[string]{Total: len(all)}
	page.Items = all[min(win.Skip, len(all)):min(win.Skip+win.Limit, len(all))]
	page.Raw = len(page.Items)
	return page, nil
}

func (w *ways) lookup(_ context.Context, id string) (string, bool, error) {
	w.requests++
	w.looked = append(w.looked, id)
	if w.edit != nil {
		w.edit(w.model)
	}
	return id, slices.ContainsFunc(w.rows, func(r modelRow) bool { return r.id == id }), nil
}

func (w *ways) lister(holes bool) paging.Lister[string] {
	l := w.model.lister(100, false, holes)
	part := paging.Part[string]{Traverse: w.traverse}
	if w.lookups {
		part.Candidates, part.CandidatesLimit, part.Lookup = w.candidates, 1000, w.lookup
	}
	l.Parts = []paging.Part[string]{part}
	return l
}

// churn changes a model for ever: every n-th request somebody comes, goes, or both at
// once, or is taken out and put in again elsewhere.
func churn(t *rapid.T, n int) func(*model) {
	kinds := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"add", "cut", "swap", "again"}), 1, 4, rapid.ID[string]).Draw(t, "changes")
	serial, turn := 0, 0
	dice := rapid.Uint64().Draw(t, "dice") | 1
	roll := func(most int) int {
		dice = dice*6364136223846793005 + 1442695040888963407
		return int(dice >> 33 % uint64(most))
	}
	return func(m *model) {
		if m.requests%n != 0 {
			return
		}
		kind := kinds[turn%len(kinds)]
		turn++
		add := func(at int) {
			serial++
			m.insert(at, modelRow{id: fmt.Sprintf("%012d-%06d", roll(1<<31), serial)})
		}
		switch {
		case kind == "add" || len(m.rows) == 0:
			add(len(m.rows))
		case kind == "cut":
			m.remove(roll(len(m.rows)))
		case kind == "swap":
			m.remove(roll(len(m.rows)))
			add(len(m.rows))
		default:
			at := roll(len(m.rows))
			row := m.rows[at]
			m.remove(at)
			m.insert(len(m.rows), row)
		}
	}
}

// workers choose a token as sixteen of them do that work side by side.
func workers(t *rapid.T) pick {
	return func(n int) int { return rapid.IntRange(0, min(n, 16)-1).Draw(t, "token") }
}

// TestListsThatNeverHoldStill reads lists that change for ever, whatever the other
// route does. Together they take at most twice the requests of lists that hold still; one
// list takes at most three times as many, and the few windows that are always read.
func TestListsThatNeverHoldStill(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"sorts", "does not sort", "is refused"} {
		t.Run("the other route "+mode, func(t *testing.T) {
			t.Parallel()
			requests, quietly := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				w := &ways{model: &model{rows: scatteredRows(rapid.IntRange(0, 3000).Draw(t, "rows")), silent: rapid.IntRange(0, 3).Draw(t, "no total") == 0}}
				w.refused, w.disorder = mode == "is refused", mode == "does not sort"
				w.punch(t, rapid.SampledFrom([]int{0, 0, 1, 5, 15}).Draw(t, "percent holes"))
				if w.silent {
					w.nulls = true // or an empty stretch is the end
				}
				quiet := len(w.rows)/100 + 2
				w.edit = churn(t, rapid.SampledFrom([]int{3, 3, 5, 10, 100}).Draw(t, "every"))
				w.begin()
				shown, err := readAll(w.lister(true), workers(t), func() bool { return w.edits > 0 })
				if err != nil {
					t.Fatalf("after %d requests and %d edits: %v", w.requests, w.edits, err)
				}
				if missing := w.missing(shown); len(missing) > 0 {
					t.Fatalf("%d rows were there throughout and not shown: %v", len(missing), missing)
				}
				const few = 20 // as the package's linkFew
				if most := 3*quiet + 6 + few; w.requests > most {
					t.Fatalf("%d requests were made for %d rows, more than %d", w.requests, len(w.rows), most)
				}
				requests, quietly = requests+w.requests, quietly+quiet
			})
			if requests > 2*quietly {
				t.Errorf("%d requests were made for lists that take %d when they hold still", requests, quietly)
			}
		})
	}
}

// mix puts rows into another order each time.
func mix() func([]modelRow) {
	seed := uint64(0)
	return func(rows []modelRow) {
		seed++
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
}

// TestRowsAreLookedUp reads lists in another order with each request, which only
// looking up proves: each candidate that no page showed, once.
func TestRowsAreLookedUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &ways{model: &model{rows: scatteredRows(rapid.IntRange(101, 600).Draw(t, "rows"))}, lookups: true}
		w.disorder = rapid.Bool().Draw(t, "no order")
		w.refused = !w.disorder
		w.order = mix()
		for i := range rapid.IntRange(0, 300).Draw(t, "others") {
			w.others = append(w.others, fmt.Sprintf("%012d", i))
		}
		if rapid.Bool().Draw(t, "churn") {
			w.edit = churn(t, 5)
		}
		w.begin()
		shown, err := readAll(w.lister(rapid.Bool().Draw(t, "may have holes")), chooser(t), func() bool { return w.edits > 0 })
		if err != nil {
			t.Fatal(err)
		}
		if missing := w.missing(shown); len(missing) > 0 {
			t.Fatalf("%d rows were there throughout and not shown: %v", len(missing), missing)
		}
		slices.Sort(w.looked)
		if twice := len(w.looked) - len(slices.Compact(slices.Clone(w.looked))); twice > 0 {
			t.Errorf("%d candidates were looked up twice", twice)
		}
	})
}

// TestRowsThatAreNoCandidates reads lists in another order with each request that have
// a row which nothing else lists: it comes on a page, or it does not come.
func TestRowsThatAreNoCandidates(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		w := &ways{model: &model{rows: scatteredRows(190)}, lookups: true, refused: true}
		rnd := rand.New(rand.NewPCG(seed, 2))
		w.order = func(rows []modelRow) { rnd.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] }) }
		w.unlisted = w.rows[60].id
		w.begin()
		shown, err := readAll(w.lister(true), firstOpen, still)
		if err != nil {
			t.Fatal(err)
		}
		if missing := w.missing(shown); len(missing) > 0 {
			t.Fatalf("seed %d: %v was not shown", seed, missing)
		}
	}
}

// TestTooManyToLookUp gives a list up rather than ask for everybody.
func TestTooManyToLookUp(t *testing.T) {
	t.Parallel()
	w := &ways{model: &model{rows: scatteredRows(250)}, lookups: true, refused: true}
	w.order = mix()
	for i := range 1500 {
		w.others = append(w.others, fmt.Sprintf("%012d", i))
	}
	w.begin()
	_, err := readAll(w.lister(true), firstOpen, still)
	if !errors.Is(err, paging.ErrIncomplete) || !strings.Contains(fmt.Sprint(err), "rows would have to be looked up one by one, more than 1000") {
		t.Errorf("err = %v", err)
	}
	if len(w.looked) > 0 {
		t.Errorf("%d were looked up", len(w.looked))
	}
}

// TestListsThatShowNothing asks the other route where a list of ten or more shows none
// of what it counts.
func TestListsThatShowNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		rows           int
		ways           ways
		asked          int // of the other route
		counted, shown int
	}{
		{name: "a short list", rows: 9, ways: ways{shows: true}, counted: 9},
		{name: "ten rows", rows: 10, ways: ways{shows: true}, asked: 1, counted: 10, shown: 10},
		{name: "many rows", rows: 250, ways: ways{shows: true}, asked: 3, counted: 250, shown: 250},
		{name: "many rows in no order", rows: 250, ways: ways{shows: true, disorder: true}, asked: 3, counted: 250, shown: 250},
		{name: "nothing by the other route", rows: 34, asked: 1, counted: 34},
		{name: "nothing of many by the other route", rows: 342, asked: 1, counted: 342},
		{name: "no other route", rows: 342, ways: ways{refused: true}, asked: 1, counted: 342},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := tt.ways
			w.model = &model{rows: scatteredRows(tt.rows), hidden: true}
			w.begin()
			pages := (tt.rows + 99) / 100
			l := w.lister(true)
			shown := map[string]struct{}{}
			verdict, err := readWith(l, shown)
			if err != nil {
				t.Fatal(err)
			}
			if len(shown) != tt.shown || verdict.Counted != tt.counted || verdict.Shown != tt.shown {
				t.Errorf("%d rows were shown; verdict %+v", len(shown), verdict)
			}
			if w.requests != pages+tt.asked {
				t.Errorf("%d requests were made, want %d and %d by the other route", w.requests, pages, tt.asked)
			}
		})
	}
}

// readWith reads a list in the order in which pages are named and returns what became
// of it.
func readWith(l paging.Lister[string], shown map[string]struct{}) (paging.Verdict, error) {
	var receipts [][]byte
	for open := []string{""}; ; {
		for ; len(open) > 0; open = open[1:] {
			page, err := paging.ReadPage(context.Background(), l, open[0])
			if err != nil {
				return paging.Verdict{}, err
			}
			for _, id := range page.Items {
				shown[id] = struct{}{}
			}
			if page.Settled {
				return paging.Verdict{Counted: page.Counted, Shown: page.Shown}, nil
			}
			receipts = append(receipts, page.Receipt)
			open = append(open, page.Next...)
		}
		verdict, err := l.Settle(receipts, paging.Occasion{Last: true})
		if err != nil || len(verdict.Next) == 0 {
			return verdict, err
		}
		open = verdict.Next
	}
}

// scatteredRows makes rows in the order of their making, which their ids do not show.
func scatteredRows(n int) []modelRow {
	rows := rowsOf(n)
	for i := range rows {
		rows[i].id = fmt.Sprintf("%012d", uint32(i+1)*2654435761) // Knuth's multiplicative hash.
	}
	return rows
}
