package jumpcloud

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
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
)

// known reports whether the kind is one of ours.
func (k kind) known() bool {
	switch k {
	case sortedStart, sortedWindow, plainStart, plainWindow, probeWindow, chained:
		return true
	default:
		return false
	}
}

// ticket is what a token says.
type ticket struct {
	kind        kind
	round       int // counts the times that a part of the list is read again
	skip, limit int
	// Where one page leads to the next, expect is the hash of the row that must come again, behind no more
	// than slack others; seen is the fingerprint of the page that must not come
	// again. 0 is none.
	expect, seen uint64
	slack        int
}

// repeats is how many of the items that were read other pages bring too.
func (t ticket) repeats(items int) int {
	switch {
	case t.round > 0, t.kind == probeWindow:
		return items
	case t.kind == sortedWindow && t.skip > 0, t.kind == chained && t.expect != 0:
		return min(1, items)
	default:
		return 0
	}
}

// String makes the token.
func (t ticket) String() string {
	s := fmt.Sprintf("%c%d.%d.%d", t.kind, t.round, t.skip, t.limit)
	if t.expect != 0 || t.seen != 0 {
		s += fmt.Sprintf(".%x.%x.%d", t.expect, t.seen, t.slack)
	}
	return s
}

// parse reads a token of the list.
func (s listSpec) parse(token string) (ticket, error) {
	if s.limit < minWindow {
		return ticket{}, fmt.Errorf("%s: a page size of %d is too small to prove anything", s.name, s.limit)
	}
	if token == "" {
		if s.sorted && !s.holes {
			return ticket{kind: sortedStart, limit: s.limit}, nil
		}
		return ticket{kind: plainStart, limit: s.limit}, nil
	}
	bad := fmt.Errorf("%s: %q is no page token", s.name, token)
	parts := strings.Split(token[1:], ".")
	t := ticket{kind: kind(token[0])}
	if len(parts) != 3 && len(parts) != 6 || !t.kind.known() {
		return ticket{}, bad
	}
	if len(parts) == 6 {
		var expectErr, seenErr, slackErr error
		t.expect, expectErr = strconv.ParseUint(parts[3], 16, 64)
		t.seen, seenErr = strconv.ParseUint(parts[4], 16, 64)
		t.slack, slackErr = parseSmall(parts[5])
		if expectErr != nil || seenErr != nil || slackErr != nil {
			return ticket{}, bad
		}
	}
	for i, field := range []*int{&t.round, &t.skip, &t.limit} {
		n, err := parseSmall(parts[i])
		if err != nil {
			return ticket{}, bad
		}
		*field = n
	}
	if t.limit < 1 || t.String() != token {
		return ticket{}, bad
	}
	return t, nil
}

// parseSmall reads a whole number that no list exceeds by much.
func parseSmall(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// note is what a page leaves for the proof.
type note struct {
	Kind  kind   `json:"k"`
	Round int    `json:"r"`
	Skip  int    `json:"s"`
	Limit int    `json:"l"`
	Total int    `json:"t"` // -1 when unknown
	Rows  int    `json:"n"` // rows received, holes that were sent included
	Nulls int    `json:"u,omitempty"`
	Mark  string `json:"m,omitempty"`
	// First and Last are the ids at the ends, Ascending says that each id on the
	// page is greater than the one before.
	First     string `json:"a,omitempty"`
	Last      string `json:"z,omitempty"`
	Ascending bool   `json:"o,omitempty"`
	// IDs are the hashes of the ids in their order, eight bytes each. Two ids with
	// the same hash can only make a complete list look incomplete.
	IDs []byte `json:"i,omitempty"`
	// End says that the list ended with this page, Broken that the page does not
	// continue the one before.
	End    bool `json:"e,omitempty"`
	Broken bool `json:"b,omitempty"`
}

// newNote notes a page as it was received.
func newNote(t ticket, ids []string, rows, nulls, total int, mark string) note {
	n := note{
		Kind: t.kind, Round: t.round, Skip: t.skip, Limit: t.limit,
		Total: max(-1, total), Rows: max(rows, len(ids)), Nulls: nulls, Mark: mark, Ascending: true,
	}
	n.IDs = make([]byte, 0, 8*len(ids))
	before := ""
	for i, id := range ids {
		n.IDs = binary.BigEndian.AppendUint64(n.IDs, hashID(id))
		n.Ascending = n.Ascending && (i == 0 || before < id)
		before = id
	}
	if len(ids) > 0 {
		n.First, n.Last = ids[0], ids[len(ids)-1]
	}
	switch {
	case n.Rows == 0 && n.Skip > 0:
		// An empty page behind others shows nothing in particular.
	case n.Total >= 0:
		n.End = n.Skip+n.Rows >= n.Total
	default:
		// The first page may be short because the limit is clamped; later ones ask for
		// no more than it brought.
		first := t.kind == sortedStart || t.kind == plainStart
		n.End = n.Rows < minWindow || !first && n.Rows < n.Limit
	}
	n.Broken = t.breaks(n)
	return n
}

// isSorted reports whether the page was read as one of a sorted list.
func (n note) isSorted() bool { return n.Kind == sortedStart || n.Kind == sortedWindow }

// hashes calls yield with the hash of every id on the page.
func (n note) hashes(yield func(uint64) bool) {
	for b := n.IDs; len(b) >= 8; b = b[8:] {
		if !yield(binary.BigEndian.Uint64(b)) {
			return
		}
	}
}

// distinct counts the different ids on a page.
func (n note) distinct() int {
	seen := make(map[uint64]struct{}, len(n.IDs)/8)
	for h := range n.hashes {
		seen[h] = struct{}{}
	}
	return len(seen)
}

// fingerprint tells pages apart by their rows. It is never 0, which stands for
// none.
func (n note) fingerprint() uint64 {
	h := fnv.New64a()
	h.Write(n.IDs)
	return max(1, h.Sum64())
}

// hashID never returns 0, which stands for none.
func hashID(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return max(1, h.Sum64())
}

// encode makes the bytes that Settle gets back.
func (n note) encode() []byte {
	b, err := json.Marshal(n)
	if err != nil {
		// No field of a note can fail to encode.
		panic(err)
	}
	return b
}

// decodeNotes reads notes. Of two notes of the same page, which a crash between
// reading and storing can leave, the later one counts.
func decodeNotes(raw [][]byte) ([]note, error) {
	type place struct {
		kind               kind
		round, skip, limit int
	}
	notes := make([]note, 0, len(raw))
	at := make(map[place]int, len(raw))
	for i, b := range raw {
		var n note
		if err := json.Unmarshal(b, &n); err != nil {
			return nil, fmt.Errorf("read note %d: %w", i+1, err)
		}
		if !n.valid() {
			return nil, fmt.Errorf("note %d makes no sense", i+1)
		}
		p := place{n.Kind, n.Round, n.Skip, n.Limit}
		if j, ok := at[p]; ok {
			notes[j] = n
			continue
		}
		at[p] = len(notes)
		notes = append(notes, n)
	}
	return notes, nil
}

// valid reports whether a note can be one of ours.
func (n note) valid() bool {
	if !n.Kind.known() {
		return false
	}
	for _, v := range []int{n.Round, n.Skip, n.Rows, n.Nulls} {
		if v < 0 || v > 1<<31 {
			return false
		}
	}
	return n.Limit > 0 && n.Limit <= 1<<31 && n.Total >= -1 && n.Total <= maxRows &&
		len(n.IDs)%8 == 0 && len(n.IDs)/8+n.Nulls <= n.Rows && (len(n.IDs) == 0) == (n.First == "")
}
