package jumpcloud

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
	// Mark, where it is not empty, is equal on all pages of a list that did not
	// change. It stands beside Total where one number cannot tell, and says that the
	// window was applied to several lists at once.
	Mark string
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
	// Fetch reads one window.
	Fetch func(context.Context, Window) (Page[T], error)
	// ID returns what tells a row from all others of the list.
	ID func(T) string
}

// ListPage is one page with what follows from it.
type ListPage[T any] struct {
	Items []T
	// Next are the tokens of pages to read as well, in any order and side by side.
	Next []string
	// Note is what Settle wants to know of this page: ids of objects and counts,
	// nothing personal. It is nil when Settled.
	Note []byte
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
}

const (
	// minWindow is the smallest limit that a server is believed to clamp a larger
	// one to: the page size that JumpCloud uses when no limit is given. A shorter
	// page of a list without holes is therefore its end. It also makes sure that ten
	// ascending ids are not taken for an order by chance.
	minWindow = 10
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
// instant. Neighbouring windows overlap by one row. The list is complete when the
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
// Instead, no id may be on two pages.
//
// A list whose total is not told is read one page after the other, with an overlap
// of one row that must match, up to an empty page, or a short one where there are
// no holes.
func ReadPage[T any](ctx context.Context, l Lister[T], token string) (ListPage[T], error) {
	spec := listSpec{name: l.Name, limit: l.Limit, sorted: l.Sorted, holes: l.Holes}
	ticket, err := spec.parse(token)
	if err != nil {
		return ListPage[T]{}, err
	}
	page, err := l.Fetch(ctx, Window{Skip: ticket.skip, Limit: ticket.limit})
	if err != nil {
		return ListPage[T]{}, err
	}
	ids := make([]string, len(page.Items))
	for i, item := range page.Items {
		ids[i] = l.ID(item)
	}
	note := newNote(ticket, ids, page.Raw, page.Nulls, page.Total, page.Mark)
	if ticket.kind == sortedStart && !note.Ascending {
		// The order that was asked for is not kept: this is the first page of a list
		// without one.
		ticket.kind, note.Kind = plainStart, plainStart
	}
	next, settled, err := spec.follow(ticket, note)
	if err != nil {
		return ListPage[T]{}, err
	}
	out := ListPage[T]{Items: page.Items, Nulls: page.Nulls, Settled: settled, Total: max(0, page.Total), Repeats: ticket.repeats(len(page.Items))}
	if !settled {
		out.Note = note.encode()
	}
	for _, t := range next {
		out.Next = append(out.Next, t.String())
	}
	return out, nil
}

// Settle judges a list of which every page that was named has been read, from the
// notes of its pages in the order in which they were stored. It names further
// pages to read; none when the list is complete; or it fails when the list cannot
// be read to its end. The other arguments are those of the [Lister].
func Settle(name string, limit int, sorted, holes bool, notes [][]byte) ([]string, error) {
	spec := listSpec{name: name, limit: limit, sorted: sorted, holes: holes}
	decoded, err := decodeNotes(notes)
	if err != nil {
		return nil, fmt.Errorf("settle %s: %w", name, err)
	}
	if len(decoded) == 0 {
		return nil, fmt.Errorf("settle %s: no page was read", name)
	}
	next, err := spec.settle(decoded)
	if err != nil {
		return nil, err
	}
	tokens := make([]string, 0, len(next))
	for _, t := range next {
		tokens = append(tokens, t.String())
	}
	return tokens, nil
}

// Settle is the function of the same name with the lister's own arguments.
func (l Lister[T]) Settle(notes [][]byte) ([]string, error) {
	return Settle(l.Name, l.Limit, l.Sorted, l.Holes, notes)
}

// listSpec is what a proof needs to know of a list.
type listSpec struct {
	name          string
	limit         int
	sorted, holes bool
}

// incomplete is the failure of a proof.
func (s listSpec) incomplete(why string) error {
	return fmt.Errorf("%s could not be read completely: %s: %w", s.name, why, ErrIncomplete)
}

// ErrIncomplete is wrapped by the error of a list that was read as often as is
// sensible and still cannot be proven complete.
var ErrIncomplete = errors.New("nothing is written, because what is missing would look like access that was revoked; run again when fewer changes are made")

// follow says what to read after a page, and whether it completes the list.
func (s listSpec) follow(t ticket, n note) (next []ticket, settled bool, err error) {
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
	case plainWindow, probeWindow:
	}
	return next, settled, s.bound(next)
}

// bound refuses to name more pages than are ever read.
func (s listSpec) bound(next []ticket) error {
	if len(next) <= maxPages {
		return nil
	}
	return fmt.Errorf("%s: the server claims so many rows, and gives so few at a time, that it would take more than %d requests", s.name, maxPages)
}

// settle names what is missing.
func (s listSpec) settle(notes []note) ([]ticket, error) {
	next, err := s.missing(notes)
	return next, errors.Join(err, s.bound(next))
}

func (s listSpec) missing(notes []note) ([]ticket, error) {
	if s.sorted && !s.holes {
		ordered := true
		for _, n := range notes {
			ordered = ordered && n.Ascending && n.isSorted()
		}
		if ordered {
			return s.settleSorted(notes)
		}
	}
	return s.settlePlain(notes)
}
