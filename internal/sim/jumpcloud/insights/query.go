package insights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Services are those that events are stored under, as the documents list them.
var Services = []string{
	"access_management", "alerts", "asset_management", "directory", "ldap", "mdm", "notifications", "object_storage",
	"password_manager", "radius", "reports", "saas_app_management", "software", "sso", "systems", "workflows",
}

const (
	defaultLimit = 1000
	maxLimit     = 10_000
	// Retention is how long events are kept.
	Retention = 90 * 24 * time.Hour
)

// Query is a request for events.
type Query struct {
	Services []string
	Start    time.Time
	End      time.Time
	Limit    int
	Descends bool
	// Delay is how late events are seen, at most.
	Delay time.Duration
	// Twice shows every other event a second time.
	Twice  bool
	skip   int
	after  *place
	term   *term
	fields []string
	field  string
	now    time.Time
}

// place is where a page ended.
type place struct {
	ms int64
	id string
}

// body is a request as it is sent.
type body struct {
	Service     []string          `json:"service"`
	StartTime   string            `json:"start_time"`
	EndTime     string            `json:"end_time"`
	Limit       json.RawMessage   `json:"limit"`
	Sort        string            `json:"sort"`
	Skip        int               `json:"skip"`
	SearchAfter []json.RawMessage `json:"search_after"`
	SearchTerm  json.RawMessage   `json:"search_term"`
	Fields      *[]string         `json:"fields"`
	Field       string            `json:"field"`
}

// Parse reads a request at a time. What is wrong with it is for whoever sent it.
func Parse(raw []byte, now time.Time) (Query, error) {
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		return Query{}, fmt.Errorf("body: %w", err)
	}
	q := Query{Services: b.Service, Limit: defaultLimit, Descends: strings.EqualFold(b.Sort, "DESC"), skip: max(0, b.Skip), field: b.Field, End: now, now: now}
	if err := q.span(b); err != nil {
		return q, err
	}
	var limit int
	if json.Unmarshal(b.Limit, &limit) == nil && limit > 0 && limit <= maxLimit {
		q.Limit = limit
	}
	if len(b.SearchAfter) > 0 {
		q.after = new(place)
		if len(b.SearchAfter) != 2 || json.Unmarshal(b.SearchAfter[0], &q.after.ms) != nil || json.Unmarshal(b.SearchAfter[1], &q.after.id) != nil {
			return q, errors.New("search_after: want the array of the header X-Search_after")
		}
	}
	if b.Fields != nil {
		if q.fields = *b.Fields; len(q.fields) == 0 {
			return q, errors.New("fields: must not be empty")
		}
	}
	if len(b.SearchTerm) > 0 && !bytes.Equal(b.SearchTerm, []byte("null")) {
		var err error
		if q.term, err = parseTerm(b.SearchTerm); err != nil {
			return q, fmt.Errorf("search_term: %w", err)
		}
	}
	return q, nil
}

// span checks services and times.
func (q *Query) span(b body) error {
	if len(b.Service) == 0 {
		return errors.New("service: is required")
	}
	for _, s := range b.Service {
		if s != "all" && !slices.Contains(Services, s) {
			return fmt.Errorf("service: %q is none of all, %s", s, strings.Join(Services, ", "))
		}
	}
	var err error
	if q.Start, err = time.Parse(time.RFC3339, b.StartTime); err != nil {
		return errors.New("start_time: want an RFC 3339 time")
	}
	if b.EndTime != "" {
		if q.End, err = time.Parse(time.RFC3339, b.EndTime); err != nil {
			return errors.New("end_time: want an RFC 3339 time")
		}
	}
	switch {
	case q.Start.After(q.now):
		return errors.New("start_time: is in the future")
	case q.End.Before(q.Start):
		return errors.New("end_time: is before start_time")
	}
	if oldest := q.now.Add(-Retention); q.Start.Before(oldest) {
		q.Start = oldest
	}
	return nil
}

// term is a condition: a field and its values, or several terms.
type term struct {
	conjunction string // and, or, not; empty for a field
	terms       []term
	field       string
	values      []string
}

// parseTerm reads a condition. The documents write lists of objects with one field each,
// and clients send one object as well.
func parseTerm(raw json.RawMessage) (*term, error) {
	var level map[string]json.RawMessage
	if err := json.Unmarshal(raw, &level); err != nil || len(level) != 1 {
		return nil, errors.New("want exactly one of and, or, not at each level")
	}
	t := new(term)
	for name, content := range level {
		t.conjunction = name
		if name != "and" && name != "or" && name != "not" {
			return nil, errors.New("want exactly one of and, or, not at each level")
		}
		var objects []map[string]json.RawMessage
		if json.Unmarshal(content, &objects) != nil {
			var object map[string]json.RawMessage
			if err := json.Unmarshal(content, &object); err != nil {
				return nil, fmt.Errorf("%s: want objects", name)
			}
			objects = []map[string]json.RawMessage{object}
		}
		for _, object := range objects {
			for field, value := range object {
				inner, err := parseField(field, value)
				if err != nil {
					return nil, err
				}
				t.terms = append(t.terms, *inner)
			}
		}
	}
	return t, nil
}

// parseField reads one entry of a condition.
func parseField(field string, value json.RawMessage) (*term, error) {
	switch field {
	case "and", "or", "not":
		nested, err := json.Marshal(map[string]json.RawMessage{field: value})
		if err != nil {
			return nil, err
		}
		return parseTerm(nested)
	case "changes", "useragent", "system_timestamp":
		return nil, fmt.Errorf("%s cannot be searched", field)
	}
	var values []any
	if json.Unmarshal(value, &values) != nil {
		var one any
		if err := json.Unmarshal(value, &one); err != nil {
			return nil, err
		}
		values = []any{one}
	}
	t := &term{field: field}
	for _, v := range values {
		if s, ok := v.(string); ok {
			t.values = append(t.values, s) // What is stored is in lower case, and what is asked for stays.
		} else {
			t.values = append(t.values, text(v))
		}
	}
	return t, nil
}

// holds reports whether a condition is true of an event.
func (t *term) holds(e Event) bool {
	switch t.conjunction {
	case "and":
		return !slices.ContainsFunc(t.terms, func(inner term) bool { return !inner.holds(e) })
	case "or":
		return slices.ContainsFunc(t.terms, func(inner term) bool { return inner.holds(e) })
	case "not":
		return !slices.ContainsFunc(t.terms, func(inner term) bool { return inner.holds(e) })
	default:
		value := e.field(t.field)
		return value != nil && slices.Contains(t.values, text(value))
	}
}

// matches gives the events of a query in its order, from the place on where a page ended,
// without regard to the length of pages.
func (l *Log) matches(q Query) iter.Seq[Event] {
	start, end := q.Start, q.End
	if q.after != nil { // Events of one millisecond are told apart below.
		if at := time.UnixMilli(q.after.ms); q.Descends && at.Before(end) {
			end = at
		} else if !q.Descends && at.After(start) {
			start = at
		}
	}
	return func(yield func(Event) bool) {
		all := slices.Contains(q.Services, "all")
		list := l.between(start, end)
		for n := range list {
			e := list[n]
			if q.Descends {
				e = list[len(list)-1-n]
			}
			if q.selects(e, all) && !yield(e) {
				return
			}
		}
	}
}

// selects reports whether an event is one of a query; all is whether services do not matter.
func (q *Query) selects(e Event, all bool) bool {
	if q.after != nil {
		if order := before(e, Event{ID: q.after.id, Time: time.UnixMilli(q.after.ms)}); order == 0 || order < 0 != q.Descends {
			return false
		}
	}
	return (all || slices.Contains(q.Services, e.Service)) && !e.Time.Add(e.delay(q.Delay)).After(q.now) && (q.term == nil || q.term.holds(e))
}

// Field is the one that distinct values are asked of.
func (q Query) Field() string { return q.field }

// Page is one page of events.
type Page struct {
	// Events are those of the answer, and Count how many different ones.
	Events []map[string]any
	Count  int
	// After is the value of the header X-Search_after.
	After string
}

// Find answers a query.
func (l *Log) Find(q Query) (Page, error) {
	var list []Event
	for e := range l.matches(q) {
		if q.skip > 0 {
			q.skip--
			continue
		}
		if list = append(list, e); len(list) == q.Limit {
			break
		}
	}
	page := Page{Events: make([]map[string]any, 0, len(list)), Count: len(list), After: "[]"}
	for _, e := range list {
		object := e.object()
		if q.fields != nil {
			kept := make(map[string]any)
			for _, name := range q.fields {
				if v, ok := object[name]; ok {
					kept[name] = v
				}
			}
			if len(kept) == 0 {
				return page, errors.New("fields: none of them is known")
			}
			object = kept
		}
		page.Events = append(page.Events, object)
		if q.Twice && e.delay(1000)%2 == 0 {
			page.Events = append(page.Events, object)
		}
	}
	if len(list) > 0 {
		last := list[len(list)-1]
		after, err := json.Marshal([]any{last.Time.UnixMilli(), last.ID})
		if err != nil {
			return page, err
		}
		page.After = string(after)
	}
	return page, nil
}

// Count is how many events a query selects.
func (l *Log) Count(q Query) (n int) {
	for range l.matches(q) {
		n++
	}
	return n
}

// Bucket is a value of a field and how many events have it.
type Bucket struct {
	Key   string `json:"key"`
	Count int    `json:"doc_count"`
}

// Distinct lists the values of the query's field, the most frequent first.
func (l *Log) Distinct(q Query) ([]Bucket, error) {
	if q.field == "" {
		return nil, errors.New("field: is required")
	}
	counts := make(map[string]int)
	for e := range l.matches(q) {
		if value := e.field(q.field); value != nil {
			counts[text(value)]++
		}
	}
	list := make([]Bucket, 0, len(counts))
	for key, n := range counts {
		list = append(list, Bucket{key, n})
	}
	slices.SortFunc(list, func(a, b Bucket) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Key, b.Key)
	})
	return list, nil
}
