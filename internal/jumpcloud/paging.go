package jumpcloud

import "context"

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
	// Mark, where it is not empty, is equal on all pages of a list that did not
	// change. It stands beside Total where one number cannot tell.
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
	// Note is what Settle wants to know of this page. It never holds personal data.
	Note []byte
	// Settled says that the list is complete with this page: Settle need not be
	// asked.
	Settled bool
	// Total is the length of the list as far as known; 0 when unknown.
	Total int
}
