package feed

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

const (
	// overlap is how much of the time before the end of a walk the next walk reads again:
	// JumpCloud shows an event some 10 seconds after it happened, and now and then later.
	overlap = 5 * time.Minute
	// maxGiven is how many events a cursor remembers, so that it stays below the 4,096
	// bytes that the protocol allows. Of more within the overlap, some are given again.
	maxGiven = 320
)

// cursor is where a feed goes on. Between two calls nothing else is kept, so that a
// restart loses nothing.
type cursor struct {
	// Start and End bound the walk under way. End is zero before its first page.
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"`
	// After is where JumpCloud goes on within the walk.
	After json.RawMessage `json:"after,omitempty"`
	// given are the marks of the events that were given last.
	given []uint64
}

// text is the cursor as it is sent.
func (c *cursor) text() (string, error) {
	head, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	var marks []byte
	for _, m := range c.given {
		marks = binary.BigEndian.AppendUint64(marks, m)
	}
	return base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(marks), nil
}

// parseCursor reads a cursor that [cursor.text] made.
func parseCursor(text string) (*cursor, error) {
	refuse := fault.WithHints(fault.Invalid("the event cursor is not one of this connector"), "leave the cursor out, and say from when on events are wanted")
	head, marks, ok := strings.Cut(text, ".")
	if !ok {
		return nil, refuse
	}
	decoded, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return nil, refuse
	}
	c := new(cursor)
	if json.Unmarshal(decoded, c) != nil || c.Start.IsZero() {
		return nil, refuse
	}
	raw, err := base64.RawURLEncoding.DecodeString(marks)
	if err != nil || len(raw)%8 != 0 {
		return nil, refuse
	}
	for ; len(raw) > 0; raw = raw[8:] {
		c.given = append(c.given, binary.BigEndian.Uint64(raw))
	}
	return c, nil
}

// begin bounds a walk that has not begun. Events that JumpCloud keeps no more are not
// asked for.
func (c *cursor) begin(now time.Time) {
	if !c.End.IsZero() {
		return
	}
	// Queries have whole seconds, and the one that is running belongs to the walk.
	c.End = now.UTC().Add(time.Second).Truncate(time.Second)
	if oldest := now.Add(-jumpcloud.EventRetention + time.Minute); c.Start.Before(oldest) {
		c.Start = oldest
	}
	c.Start = c.Start.UTC().Truncate(time.Second)
}

// take reports whether an event is a new one, and remembers it.
func (c *cursor) take(e jumpcloud.Event) bool {
	m := mark(e.ID)
	if slices.Contains(c.given, m) {
		return false
	}
	c.given = append(c.given, m)
	return true
}

// follow moves the cursor behind a page.
func (c *cursor) follow(after json.RawMessage) {
	if c.After = after; after == nil {
		c.Start, c.End = later(c.Start, c.End.Add(-overlap)), time.Time{}
	}
	c.given = slices.Clone(c.given[max(0, len(c.given)-maxGiven):])
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// mark stands for the id of an event.
func mark(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // It cannot fail.
	return h.Sum64()
}
