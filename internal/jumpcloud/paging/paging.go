package paging

import (
	"context"
	"errors"
	"fmt"
)

// Window is the part of a list that one request asks for.
type Window struct {
	Skip  int // rows before the window
	Limit int // rows asked for
}

// Page is one window of a list as it was received.
type Page[T any] struct {
	// Items are the rows that could be used.
	Items []T
	// Total is how many rows the server says the whole list has; -1 when it does
	// not say.
	Total int
	// Raw counts the rows received, with those that lead nowhere ("holes": null
	// rows and edges to objects that were deleted).
	Raw int
	// Nulls counts the null rows among them: they stand for an object that is no more,
	// in whatever list they are.
	Nulls int
	// Mark, where it is not empty, is the totals of several lists, joined by slashes: the
	// window was applied to each of them, and Total is that of the longest. It is equal on
	// all pages of lists that did not change.
	Mark string
	// Counted is how many rows the lists of a Mark have together; 0 elsewhere.
	Counted int
	// Keys, where it is not nil, tells all rows that were shown from each other, in
	// their order, where only some of them are Items.
	Keys []string
}

// Lister describes one list: how it is paged and how to fetch a window of it.
type Lister[T any] struct {
	// Name is the word for the list in messages, such as "users".
	Name string
	// Limit is the page size to ask for, at least 10.
	Limit int
	// Sorted says that the server was asked to sort by id, so that windows can
	// prove by their ids that nothing lies between them.
	Sorted bool
	// Holes says that the server may drop rows from the middle of a page, as it
	// does for members and associations.
	Holes bool
	// Overlap says that windows of a list without an order share rows even where that
	// takes more of them: for a judge who sees no other list, and cannot tell from others
	// whether the organization changes.
	Overlap bool
	// Lengths are of all lists that Fetch reads by the same route in one run, which obey the
	// same limit; nil where this list is the only one.
	Lengths *Lengths
	// Fetch reads one window.
	Fetch func(context.Context, Window) (Page[T], error)
	// ID returns what tells a row from all others of the list.
	ID func(T) string
	// Parts are the rows of each kind with other ways to read them, for a list that
	// does not hold still or shows nothing of what it counts. A list without parts is
	// one that only Fetch reads.
	Parts []Part[T]
}

// Part is the rows of one kind in a list.
type Part[T any] struct {
	// Fetch reads a window of these rows alone, in the order of the list; nil where
	// the list's own Fetch does.
	Fetch func(context.Context, Window) (Page[T], error)
	// Traverse reads a window of the same rows by another route, which is asked to
	// sort them by id. It returns [ErrNotServed] where the server refuses it; nil
	// where there is no other route.
	Traverse func(context.Context, Window) (Page[T], error)
	// Longer says that Traverse reads through more rows than the part has.
	Longer bool
	// Candidates reads a window of everything that could be a row of the part, sorted
	// by id where the server obeys, and Lookup finds out whether the one with that
	// [Lister.ID] is. Both are nil where that cannot be asked. CandidatesLimit is the
	// page size to ask for.
	Candidates      func(context.Context, Window) (Page[T], error)
	CandidatesLimit int
	Lookup          func(ctx context.Context, id string) (row T, found bool, err error)
}

// ErrNotServed is wrapped by the error of a route that the server does not give to
// this credential, or not in this form.
var ErrNotServed = errors.New("the route is not served")

// ListPage is one page with what follows from it.
type ListPage[T any] struct {
	Items []T
	// Next are the tokens of pages to read as well, in any order and side by side.
	Next []string
	// Receipt is what Settle wants to know of this page: ids of objects and counts,
	// nothing personal. It is nil when Settled.
	Receipt []byte
	// Settled says that the list is complete with this page: Settle need not be
	// asked.
	Settled bool
	// Total is the length of the list as far as known; 0 when unknown.
	Total int
	// Nulls is how many rows were null.
	Nulls int
	// Repeats is how many of the items other pages of the list bring too, as long as
	// nothing moves: where windows overlap, and where a part is read again.
	Repeats int
	// Counted and Shown are those of a [Verdict], for a list that is Settled.
	Counted, Shown int
}

// Occasion is when a list is judged.
type Occasion struct {
	// Last says that all other lists are complete, so that nothing is left to wait
	// for.
	Last bool
	// Moved says that some list showed that the organization changes meanwhile.
	Moved bool
	// Empty says that most lists of this kind count rows and show none, or that some
	// list did which another route showed.
	Empty bool
}

// Verdict is what [Lister.Settle] finds out about a list. It is complete when
// neither Next nor Wait is set.
type Verdict struct {
	// Next are tokens of pages to read before the list is judged again.
	Next []string
	// Wait says that nothing by itself speaks against the list, but that a row which was
	// added and one which was removed at the same time could have hidden a third, or that
	// it shows none of the few rows that it counts: it is to be judged again on the last
	// Occasion.
	Wait bool
	// Moved says that the list changed while it was read.
	Moved bool
	// Blind says that the list itself shows none of what another route shows.
	Blind bool
	// Counted is how many rows the server says that the list has, and Shown how many
	// different ones were shown. Both are 0 where it does not say.
	Counted, Shown int
}

// MinWindow is the smallest limit that a server is believed to clamp a larger
// one to: the page size that JumpCloud uses when no limit is given. A shorter
// page of a list without holes is therefore its end. It also makes sure that ten
// ascending ids are not taken for an order by chance.
const MinWindow = 10

const (
	// maxRows bounds what a server may claim, and what is read of a list whose
	// length it does not tell.
	maxRows = 10_000_000
	// maxPages bounds how many pages are named at once: those of twice maxRows rows
	// at the usual 100 a page. A server that gives ten rows a page and claims millions
	// would otherwise fill the memory with names.
	maxPages = 200_000
	// maxRereads bounds how often a list that cannot prove its order is read again.
	maxRereads = 3
	// maxRounds bounds how often the gaps of a sorted list are read again.
	maxRounds = 12
)

// ReadPage reads the page that a token names, "" being the first, and says what
// follows from it. Reading a token again is harmless.
//
// How completeness is proven depends on the list.
//
// A sorted list: a page shows everything between its first and its last id at one
// instant. Neighboring windows overlap by one row. The list is complete when the
// ranges of all pages together leave nothing out, from before the first id to
// after the last; whoever was in the list throughout is then on one of the pages,
// whatever was added or removed meanwhile. A range that nobody has shown is read
// again. A page whose ids do not ascend makes it a list without an order.
//
// A list without an order: nothing was added or removed when all pages tell the
// same total and as many different ids as that were seen. Otherwise the whole list
// is read again, up to three times. One added and one removed between two pages
// can cancel out unseen.
//
// A list with holes: the same, except that fewer ids than the total are expected.
// Instead, no id may be on two pages. A page that misses rows may be short because the
// server obeys a smaller limit: unless some page of the same run was as long as its window,
// the window behind it is read, once nothing else is left, and rows that are new there have
// the list read again with the limit that is known to be obeyed.
//
// Where the last window of a list without an order has room to spare, windows overlap
// by up to three rows, which costs nothing and shows what a total does not. A list
// with a seam where they do not overlap waits for what other lists show: if the
// organization changes during the sync, it is not believed.
//
// A list without an order that moved, or that shows nothing of what it counts, is
// read in the other ways of its [Part]s: sorted by another route; by windows that
// overlap widely, which prove the list as long as rows keep their order among each
// other; at last by looking up, one by one, everything that was on no page.
//
// A list whose total is not told is read one page after the other, with an overlap
// of one row that must match, up to an empty page, or a short one where there are
// no holes.
func ReadPage[T any](ctx context.Context, l Lister[T], token string) (ListPage[T], error) {
	spec := l.spec()
	cursor, err := spec.parse(token)
	if err != nil {
		return ListPage[T]{}, err
	}
	if cursor.kind == lookups {
		return l.lookUp(ctx, cursor)
	}
	begun := l.Lengths.begin()
	page, err := l.fetch(cursor)(ctx, Window{Skip: cursor.skip, Limit: cursor.limit})
	if cursor.kind.isTraversal() && errors.Is(err, ErrNotServed) {
		return ListPage[T]{Receipt: refusal(cursor).encode()}, nil
	}
	if err != nil {
		return ListPage[T]{}, err
	}
	ids := page.Keys
	if ids == nil {
		ids = make([]string, len(page.Items))
		for i, item := range page.Items {
			ids[i] = l.ID(item)
		}
	}
	n := newReceipt(cursor, ids, page.Raw, page.Nulls, page.Total, page.Mark)
	n.Counted, n.Run = page.Counted, spec.run
	switch {
	case cursor.kind.isCandidates():
		n.Names, page.Items = ids, nil
	case page.Keys != nil:
		n.Found = true
		for _, item := range page.Items {
			n.Names = append(n.Names, l.ID(item))
		}
	}
	if cursor.kind == sortedStart && !n.Ascending {
		// The order that was asked for is not kept: this is the first page of a list
		// without one.
		cursor.kind, n.Kind = plainStart, plainStart
	}
	if n.measures() {
		n.Begun, n.Ended = begun, l.Lengths.note(n.proves(), begun)
	}
	next, settled, err := l.spec().follow(cursor, n)
	if err != nil {
		return ListPage[T]{}, err
	}
	out := ListPage[T]{Items: page.Items, Nulls: page.Nulls, Settled: settled, Total: max(0, page.Total), Repeats: cursor.repeats(len(page.Items))}
	if settled {
		out.Counted, out.Shown = counts([]receipt{n})
	} else {
		out.Receipt = n.encode()
	}
	for _, t := range next {
		out.Next = append(out.Next, t.String())
	}
	return out, nil
}

// Settle judges a list of which every page that was named has been read, from the
// receipts of its pages in the order in which they were stored. It fails when the list
// cannot be read to its end.
func (l Lister[T]) Settle(receipts [][]byte, occasion Occasion) (Verdict, error) {
	return l.spec().judge(receipts, occasion)
}

// spec is what the proof needs to know of the list.
func (l Lister[T]) spec() listSpec {
	s := listSpec{name: l.Name, limit: l.Limit, sorted: l.Sorted, holes: l.Holes, overlap: l.Overlap, parts: []partSpec{{}}}
	if len(l.Parts) > 0 {
		s.parts = s.parts[:0]
	}
	for _, p := range l.Parts {
		spec := partSpec{traverse: p.Traverse != nil, longer: p.Longer}
		if p.Candidates != nil && p.Lookup != nil {
			spec.candidates = max(MinWindow, p.CandidatesLimit)
		}
		s.parts = append(s.parts, spec)
	}
	if s.lengths = l.Lengths; s.lengths != nil {
		s.run = s.lengths.run
	}
	return s
}

// fetch is how the window of a cursor is read.
func (l Lister[T]) fetch(t cursor) func(context.Context, Window) (Page[T], error) {
	if len(l.Parts) == 0 {
		return l.Fetch
	}
	part := l.Parts[t.part]
	switch {
	case t.kind.isTraversal():
		return part.Traverse
	case t.kind.isCandidates():
		return part.Candidates
	case t.kind.isLinked() && part.Fetch != nil:
		return part.Fetch
	default:
		return l.Fetch
	}
}

// listSpec is what a proof needs to know of a list.
type listSpec struct {
	name          string
	limit         int
	sorted, holes bool
	overlap       bool
	run           string     // the one that reads now
	lengths       *Lengths   // what all pages of the route prove of the limit in that run; nil where that is not known
	parts         []partSpec // at least one
}

// partSpec says which ways there are to read a part.
type partSpec struct {
	traverse, longer bool
	candidates       int // the size of a page of candidates; 0 where none can be looked up
}

func (s listSpec) judge(receipts [][]byte, occasion Occasion) (Verdict, error) {
	decoded, err := decodeReceipts(receipts)
	if err != nil {
		return Verdict{}, fmt.Errorf("settle %s: %w", s.name, err)
	}
	if len(decoded) == 0 {
		return Verdict{}, fmt.Errorf("settle %s: no page was read", s.name)
	}
	for i, n := range decoded {
		if n.Part >= len(s.parts) {
			return Verdict{}, fmt.Errorf("settle %s: receipt %d makes no sense", s.name, i+1)
		}
	}
	next, v, err := s.settle(decoded, occasion)
	if err != nil {
		return Verdict{}, err
	}
	for _, t := range next {
		v.Next = append(v.Next, t.String())
	}
	if len(next) == 0 {
		v.Counted, v.Shown = counts(decoded)
	}
	return v, nil
}

// incomplete is the failure of a proof.
func (s listSpec) incomplete(why string) error {
	return fmt.Errorf("%s could not be read completely: %s: %w", s.name, why, ErrIncomplete)
}

// ErrIncomplete is wrapped by the error of a list that was read as often as is
// sensible and still cannot be proven complete.
var ErrIncomplete = errors.New("run again when fewer changes are made; nothing was written, because missing rows would read as revoked access")

// follow says what to read after a page, and whether it completes the list.
func (s listSpec) follow(t cursor, n receipt) (next []cursor, settled bool, err error) {
	if n.Total > maxRows {
		return nil, false, fmt.Errorf("%s: the server claims %d rows, more than %d", s.name, n.Total, maxRows)
	}
	if n.Skip > maxRows {
		return nil, false, fmt.Errorf("%s: the list does not end within %d rows", s.name, maxRows)
	}
	switch t.kind {
	case sortedStart, sortedWindow:
		next, settled = s.followSorted(t, n)
	case plainStart:
		next, settled = s.followStart(t, n)
	case chained:
		next, settled = s.followChain(t, n)
	case linkedChain, traverseChain:
		next = followLinked(t, n)
	case traverseStart, traverseWindow, candidateStart, candidateWindow:
		next = followUncounted(t, n)
	case plainWindow, probeWindow, linkedWindow, traverseLinked, lookups:
	}
	return next, settled, s.bound(next)
}

// bound refuses to name more pages than are ever read.
func (s listSpec) bound(next []cursor) error {
	if len(next) <= maxPages {
		return nil
	}
	return fmt.Errorf("%s: the server claims so many rows, and gives so few at a time, that it would take more than %d requests", s.name, maxPages)
}

// settle names what is missing.
func (s listSpec) settle(receipts []receipt, occasion Occasion) ([]cursor, Verdict, error) {
	next, v, err := s.missing(receipts, occasion)
	return next, v, errors.Join(err, s.bound(next))
}

func (s listSpec) missing(receipts []receipt, occasion Occasion) ([]cursor, Verdict, error) {
	if s.sorted && !s.holes {
		ordered := true
		for _, n := range receipts {
			ordered = ordered && n.Ascending && n.isSorted()
		}
		if ordered {
			return s.settleSorted(receipts)
		}
	}
	return s.settleUnsorted(receipts, occasion)
}
