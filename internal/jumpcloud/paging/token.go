package paging

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// kind says what a page is read for.
type kind byte

const (
	sortedStart  kind = 'S' // the first page of a sorted list
	sortedWindow kind = 's' // another window of it
	plainStart   kind = 'P' // the first page of a list without an order, or with holes
	plainWindow  kind = 'p' // another window of it
	probeWindow  kind = 'c' // a look at whether short pages are holes or a clamped limit
	chained      kind = 'q' // the page after another one, in a list without a total

	// The other ways to read a part of a list.
	traverseStart   kind = 'T' // the first page by another route, sorted
	traverseWindow  kind = 't' // another window of it
	linkedWindow    kind = 'w' // a window that overlaps others widely
	linkedChain     kind = 'v' // one that leads to the next, where no total is told
	traverseLinked  kind = 'x' // the same by the other route, which does not sort
	traverseChain   kind = 'y'
	candidateStart  kind = 'U' // the first page of what could be rows, sorted
	candidateWindow kind = 'u' // another window of it
	lookups         kind = 'L' // some of them, one by one
)

// known reports whether the kind is one of ours.
func (k kind) known() bool {
	switch k {
	case sortedStart, sortedWindow, plainStart, plainWindow, probeWindow, chained,
		traverseStart, traverseWindow, linkedWindow, linkedChain, traverseLinked, traverseChain,
		candidateStart, candidateWindow, lookups:
		return true
	default:
		return false
	}
}

// isTraversal reports whether the page is read by the part's other route.
func (k kind) isTraversal() bool {
	return k == traverseStart || k == traverseWindow || k == traverseLinked || k == traverseChain
}

// isLinked reports whether the page is one of windows that overlap widely.
func (k kind) isLinked() bool {
	return k == linkedWindow || k == linkedChain || k == traverseLinked || k == traverseChain
}

// isCandidates reports whether the page shows what could be rows.
func (k kind) isCandidates() bool { return k == candidateStart || k == candidateWindow }

// isFirstReading reports whether the page belongs to a reading of the whole list by
// its own route.
func (k kind) isFirstReading() bool {
	switch k {
	case sortedStart, sortedWindow, plainStart, plainWindow, chained:
		return true
	default:
		return false
	}
}

// cursor is what a token says.
type cursor struct {
	kind        kind
	part        int // of the list, in its other ways
	round       int // counts the times that a part of the list is read again
	skip, limit int
	// overlap is how many rows of a plain window the one before it shows too.
	overlap int
	// Where one page leads to the next, expect is the hash of the row that must come again, behind no more
	// than slack others; seen is the fingerprint of the page that must not come
	// again. 0 is none.
	expect, seen uint64
	slack        int
	ids          string // of lookups, as joinIDs makes it
}

// repeats is how many of the items that were read other pages bring too.
func (t cursor) repeats(items int) int {
	switch {
	case t.round > 0, t.kind == probeWindow, t.kind.isTraversal(), t.kind.isLinked():
		return items
	case t.kind == sortedWindow && t.skip > 0, t.kind == chained && t.expect != 0:
		return min(1, items)
	case t.kind == plainWindow:
		return min(t.overlap, items)
	default:
		return 0
	}
}

// String makes the token.
func (t cursor) String() string {
	s := fmt.Sprintf("%c%d.%d.%d", t.kind, t.round, t.skip, t.limit)
	switch {
	case t.expect != 0 || t.seen != 0:
		s += fmt.Sprintf(".%x.%x.%d", t.expect, t.seen, t.slack)
	case t.overlap != 0:
		s += fmt.Sprintf(".%d", t.overlap)
	}
	if t.part != 0 {
		s += fmt.Sprintf("@%d", t.part)
	}
	if t.ids != "" {
		s += ":" + t.ids
	}
	return s
}

// parse reads a token of the list.
func (s listSpec) parse(token string) (cursor, error) {
	if s.limit < MinWindow {
		return cursor{}, fmt.Errorf("%s: a page size of %d is too small to prove anything", s.name, s.limit)
	}
	if token == "" {
		if s.sorted && !s.holes {
			return cursor{kind: sortedStart, limit: s.limit}, nil
		}
		return cursor{kind: plainStart, limit: s.limit}, nil
	}
	t, err := parseCursor(token)
	if err != nil || t.part >= len(s.parts) || !s.parts[t.part].has(t.kind) {
		return cursor{}, fmt.Errorf("%s: invalid page token %q", s.name, token)
	}
	return t, nil
}

// has reports whether a part can be read for what a kind says.
func (p partSpec) has(k kind) bool {
	switch {
	case k.isTraversal():
		return p.traverse
	case k.isCandidates(), k == lookups:
		return p.candidates > 0
	default:
		return true
	}
}

// errToken is a token that none of our cursors makes.
var errToken = errors.New("not a page token")

// parseCursor is the inverse of [cursor.String].
func parseCursor(token string) (cursor, error) {
	t := cursor{kind: kind(token[0])}
	body, ids, hasIDs := strings.Cut(token[1:], ":")
	t.ids = ids
	body, part, hasPart := strings.Cut(body, "@")
	parts := strings.Split(body, ".")
	if !slices.Contains([]int{3, 4, 6}, len(parts)) || !t.kind.known() || hasIDs != (t.kind == lookups) {
		return cursor{}, errToken
	}
	small := []*int{&t.round, &t.skip, &t.limit}
	texts := parts[:3]
	switch len(parts) {
	case 4:
		small, texts = append(small, &t.overlap), parts
	case 6:
		var expectErr, seenErr error
		t.expect, expectErr = strconv.ParseUint(parts[3], 16, 64)
		t.seen, seenErr = strconv.ParseUint(parts[4], 16, 64)
		small, texts = append(small, &t.slack), append(slices.Clone(texts), parts[5])
		if expectErr != nil || seenErr != nil {
			return cursor{}, errToken
		}
	}
	if hasPart {
		small, texts = append(small, &t.part), append(slices.Clone(texts), part)
	}
	for i, to := range small {
		n, err := parseSmall(texts[i])
		if err != nil {
			return cursor{}, errToken
		}
		*to = n
	}
	if t.limit < 1 || t.String() != token {
		return cursor{}, errToken
	}
	return t, nil
}

// parseSmall reads a whole number that no list exceeds by much.
func parseSmall(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// joinIDs puts ids into a token, whatever they are made of.
func joinIDs(ids []string) string {
	escaped := make([]string, len(ids))
	for i, id := range ids {
		escaped[i] = url.QueryEscape(id)
	}
	return strings.Join(escaped, ",")
}

// splitIDs is the inverse of [joinIDs].
func splitIDs(text string) ([]string, error) {
	ids := strings.Split(text, ",")
	for i := range ids {
		var err error
		if ids[i], err = url.QueryUnescape(ids[i]); err != nil || ids[i] == "" {
			return nil, errToken
		}
	}
	return ids, nil
}
