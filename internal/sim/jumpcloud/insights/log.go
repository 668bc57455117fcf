// Package insights keeps the events of a simulated Directory Insights and answers
// queries for them, as JumpCloud's documents and its own clients describe them. It knows
// nothing of HTTP, nor of what the events are about.
package insights

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Event is one event as the service stores it.
type Event struct {
	// ID, Type and Service are the fields id, event_type and service.
	ID, Type, Service string
	// Time is the field timestamp.
	Time time.Time
	// Fields are the other ones, by name.
	Fields map[string]any
}

// Log holds the events of one organization. The zero value is empty. It is safe for
// concurrent use.
type Log struct {
	mu     sync.RWMutex
	events []Event // in the order of time and id
	sorted bool
}

// Add adds events, in any order.
func (l *Log) Add(events ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		l.sorted = (l.sorted || len(l.events) == 0) && (len(l.events) == 0 || before(l.events[len(l.events)-1], e) < 0)
		l.events = append(l.events, e)
	}
}

// Lose takes events out, as if they had never been stored, and tells how many.
func (l *Log) Lose(lost func(Event) bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.events)
	l.events = slices.DeleteFunc(slices.Clone(l.events), lost)
	return before - len(l.events)
}

// Len is how many events there are.
func (l *Log) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.events)
}

// delay is how late an event is seen, of at most a time: the same for an id each time.
func (e Event) delay(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(e.ID)) // It cannot fail.
	return time.Duration(h.Sum32()%1000) * most / 1000
}

// before compares the places of two events: by the millisecond, then by id.
func before(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Time.UnixMilli(), b.Time.UnixMilli()), strings.Compare(a.ID, b.ID))
}

// between returns the events of a span of time, both ends included, in their order. The
// caller must not change them.
func (l *Log) between(start, end time.Time) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.sorted {
		slices.SortStableFunc(l.events, before)
		l.sorted = true
	}
	from, _ := slices.BinarySearchFunc(l.events, start.UnixMilli(), func(e Event, ms int64) int { return cmp.Compare(e.Time.UnixMilli(), ms) })
	to, _ := slices.BinarySearchFunc(l.events, end.UnixMilli()+1, func(e Event, ms int64) int { return cmp.Compare(e.Time.UnixMilli(), ms) })
	return l.events[from:max(from, to):max(from, to)]
}

// object is an event as an answer shows it.
func (e Event) object() map[string]any {
	o := map[string]any{"provider": nil, "@version": "1"}
	maps.Copy(o, e.Fields)
	o["id"], o["event_type"], o["service"] = e.ID, e.Type, e.Service
	layout := "2006-01-02T15:04:05.000Z"
	if e.Service == "sso" {
		layout = time.RFC3339Nano
	}
	o["timestamp"] = e.Time.UTC().Format(layout)
	return o
}

// field is the value of a field, whose name may lead into objects by dots; nil where
// there is none.
func (e Event) field(name string) any {
	switch name {
	case "id":
		return e.ID
	case "event_type":
		return e.Type
	case "service":
		return e.Service
	}
	var value any = e.Fields
	for part := range strings.SplitSeq(name, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[part]
	}
	return value
}

// text is a value as it is stored for search.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return strings.ToLower(v)
	case json.Number:
		return v.String()
	default:
		return strings.ToLower(fmt.Sprint(v))
	}
}
