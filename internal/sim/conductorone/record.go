package c1sim

import (
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
)

// An Event is one request that arrived.
type Event struct {
	// At is when it was recorded.
	At time.Time
	// Method is the RPC's bare name, or "token".
	Method string
	// TaskID is the task that it named, if any.
	TaskID string
	// Token is what was handed out; for "token" only.
	Token string
	// UserAgent is the header of that name.
	UserAgent string
	// Request is the message; nil for "token" and "UploadAsset".
	Request proto.Message
	// Response is the answer of a poll that handed something out; otherwise nil.
	Response proto.Message
	// Err is what it was answered with; nil means that it took effect and the answer
	// was sent.
	Err error
	// Lost says that it took effect although it was answered with an error.
	Lost bool
}

// record keeps the last events.
type record struct {
	limit int // 0 keeps all

	mu     sync.Mutex
	events []Event
}

func (r *record) add(e Event) {
	e.At = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit > 0 && len(r.events) >= 2*r.limit {
		r.events = slices.Clone(r.events[len(r.events)-r.limit:])
	}
	r.events = append(r.events, e)
}

// Events are the requests that arrived for a method, oldest first; an empty
// method means all of them.
func (s *Server) Events(method string) []Event {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	var events []Event
	for _, e := range s.record.events {
		if method == "" || e.Method == method {
			events = append(events, e)
		}
	}
	return events
}
