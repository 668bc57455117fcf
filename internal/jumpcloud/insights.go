package jumpcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// eventsPerPage is the documented maximum of a page of events.
	eventsPerPage = 10_000
	// EventRetention is how long JumpCloud keeps events.
	EventRetention = 90 * 24 * time.Hour
)

// EventQuery selects events of Directory Insights.
type EventQuery struct {
	// Services are those that the events belong to, such as directory and sso.
	Services []string
	// Types are values of event_type; none means all.
	Types []string
	// Accounts are ids of those who began it or whom it is about; none means all.
	Accounts []string
	// Where are further conditions, all of which hold.
	Where []EventCondition
	// Start and End bound the time of the events, both included.
	Start, End time.Time
	// Limit is how many events a page has at most; 0 means 10,000, the documented maximum.
	Limit int
}

// EventCondition is one on a field, by its name in an event, as in application.id: it has one
// of the values, which are texts in lower case, numbers or booleans.
type EventCondition struct {
	Field  string
	Values []any
}

// Event is an event of Directory Insights, as far as it says who did what.
type Event struct {
	ID, Type string
	Time     time.Time
	// Success says whether what was tried succeeded; nothing where the event does not say.
	Success Flag
	// Actor began it and Resource is what it is about. Either may be empty.
	Actor, Resource EventObject
	// Application is the one that a sign-in by SSO went to.
	Application EventObject
	// Association is the edge that came or went; nil in other events.
	Association *EventAssociation
}

// EventObject is an object that an event names. Name is what events know it by: a name, a
// label, a user name or an e-mail address.
type EventObject struct{ ID, Type, Name, Email string }

// EventAssociation is an edge between two objects.
type EventAssociation struct {
	// Op is add, remove or update.
	Op       string
	From, To EventObject
}

// EventPage is one page of events.
type EventPage struct {
	Events []Event
	// Unread says of each event of the page that could not be read what is wrong with it.
	Unread []error
	// After is where the next page begins; nil where there is none.
	After json.RawMessage
}

// eventRow is an event as it is sent.
type eventRow struct {
	ID           string      `json:"id"`
	Type         string      `json:"event_type"`
	Time         string      `json:"timestamp"`
	Success      Flag        `json:"success"`
	TokenSuccess Flag        `json:"sso_token_success"`
	Actor        eventObject `json:"initiated_by"`
	Resource     eventObject `json:"resource"`
	Application  eventObject `json:"application"`
	Association  *struct {
		Op         string `json:"op"`
		Connection struct {
			From eventObject `json:"from"`
			To   eventObject `json:"to"`
		} `json:"connection"`
	} `json:"association"`
}

// eventObject is an object as it is sent. The ends of an association have an id of another
// name.
type eventObject struct {
	ID       string `json:"id"`
	ObjectID string `json:"object_id"`
	Type     string `json:"type"`
	Label    string `json:"display_label"`
	Name     string `json:"name"`
	Username string `json:"username"`
	Email    string `json:"email"`
}

func (o *eventObject) model() EventObject {
	return EventObject{ID: cmp.Or(o.ID, o.ObjectID), Type: o.Type, Name: cmp.Or(o.Label, o.Name, o.Username, o.Email), Email: o.Email}
}

// model is the event of a row; its time has milliseconds or nanoseconds.
func (r *eventRow) model() (Event, error) {
	at, err := time.Parse(time.RFC3339Nano, r.Time)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", r.ID, err)
	}
	e := Event{
		ID: r.ID, Type: r.Type, Time: at, Success: r.Success,
		Actor: r.Actor.model(), Resource: r.Resource.model(), Application: r.Application.model(),
	}
	if a := r.Association; a != nil {
		e.Association = &EventAssociation{Op: a.Op, From: a.Connection.From.model(), To: a.Connection.To.model()}
	}
	if r.TokenSuccess.IsSet() {
		e.Success = r.TokenSuccess
	}
	return e, nil
}

// readEvent reads one row. A null is no event.
func readEvent(row json.RawMessage) (Event, error) {
	if string(row) == "null" {
		return Event{}, nil
	}
	var r eventRow
	if err := json.Unmarshal(row, &r); err != nil {
		return Event{}, fmt.Errorf("event %s: %w", cmp.Or(r.ID, "without an id"), err)
	}
	if r.ID == "" {
		return Event{}, errors.New("an event has no id")
	}
	return r.model()
}

// body is the query as it is sent. A condition is a list of objects with one field each, as
// the documents have it.
func (q EventQuery) body(after json.RawMessage) map[string]any {
	b := map[string]any{
		"service": q.Services, "start_time": q.Start.UTC().Format(time.RFC3339), "end_time": q.End.UTC().Format(time.RFC3339),
	}
	var terms []any
	if len(q.Types) > 0 {
		terms = append(terms, map[string]any{"event_type": q.Types})
	}
	if len(q.Accounts) > 0 {
		terms = append(terms, map[string]any{"or": []any{map[string]any{"initiated_by.id": q.Accounts}, map[string]any{"resource.id": q.Accounts}}})
	}
	for _, c := range q.Where {
		terms = append(terms, map[string]any{c.Field: c.Values})
	}
	if len(terms) > 0 {
		b["search_term"] = map[string]any{"and": terms}
	}
	if len(after) > 0 {
		b["search_after"] = after
	}
	return b
}

// Events reads one page of events, oldest first, from the place where another page ended.
// An event can come twice, and one of the last minutes can be missing yet. [IsUnserved]
// tells an organization without Directory Insights.
//
// JumpCloud Directory Insights API, POST /events.
func (c *Client) Events(ctx context.Context, q EventQuery, after json.RawMessage) (EventPage, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = eventsPerPage
	}
	body := q.body(after)
	body["limit"], body["sort"] = limit, "ASC"
	var page EventPage
	err := c.read(ctx, call{route: routeEvents, body: body}, func(header http.Header, dec *json.Decoder) error {
		page = EventPage{}
		var rows []json.RawMessage
		if err := dec.Decode(&rows); err != nil {
			return err
		}
		for _, row := range rows {
			e, err := readEvent(row)
			if err != nil {
				page.Unread = append(page.Unread, &rowError{list: routeEvents.List, err: err})
			} else if e.ID != "" {
				page.Events = append(page.Events, e)
			}
		}
		n := parseCount(header.Get("X-Result-Count"))
		full := n > 0 && (n == count(limit) || n == parseCount(header.Get("X-Limit"))) // A server may obey a smaller limit.
		if next := header.Get("X-Search_after"); full && next != "" && next != "[]" {
			page.After = json.RawMessage(next)
			if !json.Valid(page.After) {
				return fmt.Errorf("the header X-Search_after is no JSON: %q", next)
			}
		}
		return nil
	})
	if err == nil && page.After != nil && string(page.After) == string(after) {
		return EventPage{}, oddAnswer(routeEvents, errSamePage)
	}
	return page, err
}

// CountEvents asks how many events there are. [IsUnserved] tells a server that does not count.
//
// JumpCloud Directory Insights API, POST /events/count.
func (c *Client) CountEvents(ctx context.Context, q EventQuery) (int64, error) {
	var answer struct {
		Count *int64 `json:"count"`
	}
	raw, err := c.askEvents(ctx, routeCountEvents, q.body(nil))
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Count == nil || *answer.Count < 0 {
		return 0, oddAnswer(routeCountEvents, errors.Join(errors.New("the answer has no count"), err))
	}
	return *answer.Count, nil
}

// askEvents asks about events.
func (c *Client) askEvents(ctx context.Context, route Route, body map[string]any) (raw json.RawMessage, err error) {
	err = c.read(ctx, call{route: route, body: body}, func(_ http.Header, dec *json.Decoder) error {
		raw = nil
		return dec.Decode(&raw)
	})
	return raw, err
}

// oddAnswer is an answer that is JSON and none that the documents have.
func oddAnswer(route Route, err error) error {
	return &Error{Kind: KindProtocol, Method: route.Method, Route: route.Pattern, Err: err}
}

// DistinctEvents lists the values that a field of the events has, each with the number of
// events that have it, or with 0 where the answer does not tell. Nothing says whether the
// list is whole. [IsUnserved] tells a server that makes no such lists.
//
// JumpCloud Directory Insights API, POST /events/distinct; jc-cli sees another form of answer
// than the documents have, and both are read.
func (c *Client) DistinctEvents(ctx context.Context, q EventQuery, field string) (map[string]int64, error) {
	body := q.body(nil)
	body["field"] = field
	raw, err := c.askEvents(ctx, routeDistinctEvents, body)
	if err != nil {
		return nil, err
	}
	found, err := distinctValues(raw, field)
	if err != nil {
		return nil, oddAnswer(routeDistinctEvents, fmt.Errorf("values of %s: %w", field, err))
	}
	return found, nil
}

// distinctValues reads either form of a list of values.
func distinctValues(raw []byte, field string) (map[string]int64, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	found := map[string]int64{}
	if values, ok := answer[field]; ok {
		var keys []string
		if err := json.Unmarshal(values, &keys); err != nil {
			return nil, err
		}
		for _, key := range keys {
			found[key] = 0
		}
		return found, nil
	}
	values, ok := answer["buckets"]
	if !ok {
		return nil, fmt.Errorf("the answer has neither buckets nor %s", field)
	}
	var buckets []struct {
		Key   string `json:"key"`
		Count int64  `json:"doc_count"`
	}
	if err := json.Unmarshal(values, &buckets); err != nil {
		return nil, err
	}
	for _, b := range buckets {
		found[b.Key] += b.Count
	}
	return found, nil
}

// insightsOf is where the events of a console's organization are: at the region's API host,
// and below any other address.
func insightsOf(base *url.URL) *url.URL {
	if rest, ok := strings.CutPrefix(base.Host, "console."); ok && (rest == "jumpcloud.com" || strings.HasSuffix(rest, ".jumpcloud.com")) {
		return &url.URL{Scheme: base.Scheme, Host: "api." + rest}
	}
	return base
}
