// Package search is what a list can be asked: which rows, by words and by filters, in which
// order, and which page of them.
package search

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Query says what of a list is wanted. Its zero value is the whole list in the order
// of names.
type Query struct {
	// Search restricts to rows that hold all its words, whatever their case and
	// accents, in their names, ids or other texts.
	Search string
	// Sort is the key of a column; each list says which it has. Rows that are equal
	// there stay in the order of names.
	Sort string
	Desc bool
	// Offset rows are skipped. Limit 0 means no limit.
	Offset, Limit int
	// Filter restricts by keys that each list names. All must hold; an empty value
	// restricts nothing.
	Filter map[string]string
}

// Page is a part of a list.
type Page[T any] struct {
	Rows []T
	// Total counts the rows that match the search and the filter, All those of the
	// list without them.
	Total, All int
}

// KeyError says that a list does not know a key.
type KeyError struct {
	// Use is "sort" or "filter".
	Use, Key string
	// Known are the keys that would do.
	Known []string
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("unknown %s key %q; valid keys: %s", e.Use, e.Key, strings.Join(e.Known, ", "))
}

// ValueError says that a filter does not know a value.
type ValueError struct {
	Key, Value string
	Known      []string
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("unknown value %q of filter %s; valid values: %s", e.Value, e.Key, strings.Join(e.Known, ", "))
}

// Window is which rows of a list a query asks for.
type Window struct{ offset, limit, seen int }

// Window is which rows the query asks for.
func (q Query) Window() Window { return Window{offset: max(q.Offset, 0), limit: q.Limit} }

// Seen is how many rows were counted.
func (w *Window) Seen() int { return w.seen }

// Take counts a row and reports whether the page holds it.
func (w *Window) Take() bool {
	i := w.seen - w.offset
	w.seen++
	return i >= 0 && (w.limit <= 0 || i < w.limit)
}

// Pick gives what a key stands for.
func Pick[T any](use, key string, known map[string]T) (T, error) {
	v, ok := known[key]
	if !ok {
		return v, &KeyError{use, key, slices.Sorted(maps.Keys(known))}
	}
	return v, nil
}
