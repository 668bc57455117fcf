package paging

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
)

// receipt is what a page leaves for the proof.
type receipt struct {
	Kind  kind   `json:"k"`
	Part  int    `json:"p,omitempty"`
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
	// continue the one before, and Loose that nothing shows whether it does.
	End    bool `json:"e,omitempty"`
	Broken bool `json:"b,omitempty"`
	Loose  bool `json:"d,omitempty"`
	// Refused says that the server does not serve the route.
	Refused bool `json:"x,omitempty"`
	// Counted is how many rows the lists of a Mark have together.
	Counted int `json:"c,omitempty"`
	// Run is the one that read the page, from Begun to Ended by the count of its [Lengths].
	Run   string `json:"w,omitempty"`
	Begun int64  `json:"q,omitempty"`
	Ended int64  `json:"y,omitempty"`
	// Names are ids in full: the candidates of a page of these, and the rows of a page
	// that shows others too, or that were found by looking them up, which Found says.
	Names []string `json:"f,omitempty"`
	Found bool     `json:"g,omitempty"`
}

// newReceipt notes a page as it was received.
func newReceipt(t cursor, ids []string, rows, nulls, total int, mark string) receipt {
	n := receipt{
		Kind: t.kind, Part: t.part, Round: t.round, Skip: t.skip, Limit: t.limit,
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
	case t.kind.isLinked(), t.kind.isTraversal():
		// With nothing new behind the row that must come again the list ends, unless rows
		// that came before it filled the page.
		n.End = n.Rows == 0 || t.expect != 0 && len(ids) > 0 && hashID(n.Last) == t.expect && 2*n.Rows <= n.Limit
	default:
		// The first page may be short because the limit is clamped; later ones ask for
		// no more than it brought.
		first := t.kind == sortedStart || t.kind == plainStart || t.kind == candidateStart
		n.End = n.Rows < MinWindow || !first && n.Rows < n.Limit
	}
	n.Loose = t.kind == chained && t.expect == 0
	n.Broken = !t.kind.isLinked() && !t.kind.isTraversal() && t.breaks(n)
	return n
}

// isSorted reports whether the page was read as one of a sorted list.
func (n receipt) isSorted() bool { return n.Kind == sortedStart || n.Kind == sortedWindow }

// hashes calls yield with the hash of every id on the page.
func (n receipt) hashes(yield func(uint64) bool) {
	for b := n.IDs; len(b) >= 8; b = b[8:] {
		if !yield(binary.BigEndian.Uint64(b)) {
			return
		}
	}
}

// distinct counts the different ids on a page.
func (n receipt) distinct() int {
	seen := make(map[uint64]struct{}, len(n.IDs)/8)
	for h := range n.hashes {
		seen[h] = struct{}{}
	}
	return len(seen)
}

// fingerprint tells pages apart by their rows. It is never 0, which stands for
// none.
func (n receipt) fingerprint() uint64 {
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
func (n receipt) encode() []byte {
	b, err := json.Marshal(n)
	if err != nil {
		// No field of a receipt can fail to encode.
		panic(err)
	}
	return b
}

// decodeReceipts reads receipts. Of two receipts of the same page, which a crash between
// reading and storing can leave, the later one counts.
func decodeReceipts(raw [][]byte) ([]receipt, error) {
	type place struct {
		kind                     kind
		part, round, skip, limit int
	}
	receipts := make([]receipt, 0, len(raw))
	at := make(map[place]int, len(raw))
	for i, b := range raw {
		var n receipt
		if err := json.Unmarshal(b, &n); err != nil {
			return nil, fmt.Errorf("read receipt %d: %w", i+1, err)
		}
		if !n.valid() {
			return nil, fmt.Errorf("receipt %d makes no sense", i+1)
		}
		p := place{n.Kind, n.Part, n.Round, n.Skip, n.Limit}
		if j, ok := at[p]; ok {
			receipts[j] = n
			continue
		}
		at[p] = len(receipts)
		receipts = append(receipts, n)
	}
	return receipts, nil
}

// valid reports whether a receipt can be one of ours.
func (n receipt) valid() bool {
	if !n.Kind.known() {
		return false
	}
	for _, v := range []int{n.Part, n.Round, n.Skip, n.Rows, n.Nulls, n.Counted} {
		if v < 0 || v > 1<<31 {
			return false
		}
	}
	if n.Kind == lookups {
		return n.Limit > 0 && len(n.IDs)%8 == 0
	}
	return n.Limit > 0 && n.Limit <= 1<<31 && n.Total >= -1 && n.Total <= maxRows &&
		len(n.IDs)%8 == 0 && len(n.IDs)/8+n.Nulls <= n.Rows && (len(n.IDs) == 0) == (n.First == "")
}

// rowHashes calls yield with the hash of every row that the page shows of its part.
func (n receipt) rowHashes(yield func(uint64) bool) {
	if !n.Found {
		if !n.Kind.isCandidates() {
			n.hashes(yield)
		}
		return
	}
	for _, name := range n.Names {
		if !yield(hashID(name)) {
			return
		}
	}
}

// counts tells how many rows a list has by its server's word, and how many
// different ones were shown; neither where the server does not say.
func counts(receipts []receipt) (counted, shown int) {
	counted = -1
	seen := make(map[uint64]struct{})
	for _, n := range receipts {
		for h := range n.rowHashes {
			seen[h] = struct{}{}
		}
		total := n.Total
		if n.Mark != "" {
			total = n.Counted
		}
		if n.Kind.isFirstReading() && total >= 0 && (counted < 0 || total < counted) {
			counted = total
		}
	}
	if counted <= 0 {
		return 0, 0
	}
	return counted, len(seen)
}

// showsAll reports whether the page shows as many different rows as the server
// counts, and not none of some. Rows that were sent as null are no rows, and are
// accounted for.
func (n receipt) showsAll() bool {
	distinct := n.distinct()
	return distinct+n.Nulls >= n.Total && (distinct > 0 || n.Total <= 0)
}

// isWhole reports whether the page shows a whole list at one instant.
func (n receipt) isWhole() bool { return n.Skip == 0 && n.End && !n.Refused }

// refusal notes that the server does not serve a route.
func refusal(t cursor) receipt {
	return receipt{Kind: t.kind, Part: t.part, Round: t.round, Limit: t.limit, Total: -1, Ascending: true, Refused: true}
}
