package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Action is what an event of the log says.
type Action string

// The actions. An event of a review as a whole has no item.
const (
	ActionCreated Action = "created"
	ActionDecided Action = "decided"
	ActionCleared Action = "cleared" // undecided again
	ActionClosed  Action = "closed"
	ActionStarted Action = "started" // a revoke is about to be sent
	ActionRevoked Action = "revoked" // one of the revokes of an item was made
	ActionResult  Action = "result"
	ActionChecked Action = "checked"
	ActionPacked  Action = "packed" // evidence was written
)

// Event is an entry of the log of a review.
type Event struct {
	Seq    int64     `json:"seq"` // from 1
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Action Action    `json:"action"`
	Item   int       `json:"item,omitempty"`
	// From says where a decision came from.
	From     string   `json:"from,omitempty"`
	Decision Decision `json:"decision,omitempty"`
	Comment  string   `json:"comment,omitempty"`
	Until    string   `json:"until,omitempty"`
	// Change is the ID of the change in the audit trail, and Entitlement what is revoked.
	Change      string   `json:"change,omitempty"`
	Entitlement string   `json:"entitlement,omitempty"`
	Result      Result   `json:"result,omitempty"`
	Presence    Presence `json:"presence,omitempty"`
	Sync        string   `json:"sync,omitempty"`
	Detail      string   `json:"detail,omitempty"`
	// Header and Items are the hashes of those, in the first event; Manifest is that of
	// the manifest of a pack.
	Header   string `json:"header,omitempty"`
	Items    string `json:"items,omitempty"`
	Manifest string `json:"manifest,omitempty"`
	// Previous is the hash of the preceding event; empty in the first.
	Previous string `json:"previous"`
	// Hash is the SHA-256 of the event in JSON without its hash.
	Hash string `json:"hash,omitempty"`
}

// seal gives an event its place in the chain and its hash, and writes it.
func (e *Event) seal(seq int64, previous string) ([]byte, error) {
	e.Seq, e.Previous, e.Hash, e.At = seq, previous, "", e.At.UTC()
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	e.Hash = digest(raw)
	return json.Marshal(e)
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// chain checks events one after the other.
type chain struct {
	seq  int64
	head string // hash of the last event
}

// next reads an event as it is stored and checks that it follows the last one.
func (c *chain) next(stored []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(stored, &e); err != nil {
		return e, fmt.Errorf("event %d of the log is not JSON: %w", c.seq+1, err)
	}
	switch {
	case e.Seq != c.seq+1:
		return e, fmt.Errorf("event %d of the log is missing", c.seq+1)
	case e.Previous != c.head:
		return e, fmt.Errorf("event %d of the log does not follow event %d: the hash of the preceding event differs", e.Seq, c.seq)
	}
	sealed := e
	again, err := sealed.seal(e.Seq, e.Previous)
	if err != nil {
		return e, err
	}
	if string(again) != string(stored) {
		return e, fmt.Errorf("event %d of the log (%s by %s) was changed: its hash does not match", e.Seq, e.Action, e.By)
	}
	c.seq, c.head = e.Seq, e.Hash
	return e, nil
}

// apply makes of the state of an item what it is after an event.
func (s *State) apply(e *Event) {
	switch e.Action {
	case ActionDecided:
		s.Decision, s.Comment, s.Until, s.By, s.At, s.From = e.Decision, e.Comment, e.Until, e.By, e.At, e.From
	case ActionCleared:
		*s = State{}
	case ActionStarted:
		s.Result, s.Detail, s.ResultAt = ResultStarted, e.Detail, e.At
	case ActionRevoked:
		s.Revoked = append(s.Revoked, e.Entitlement)
	case ActionResult:
		s.Result, s.Detail, s.ResultAt = e.Result, e.Detail, e.At
	case ActionChecked:
		s.Check, s.CheckedAt, s.CheckedSync, s.CheckDetail = e.Presence, e.At, e.Sync, e.Detail
	case ActionCreated, ActionClosed, ActionPacked:
	}
}
