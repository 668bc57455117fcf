package feed

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// The ids of the feeds.
const (
	// Changes is the feed of what changed. A request without a feed means it, since every
	// Baton connector calls its only feed so.
	Changes = "baton_feed_event"
	// Usage is the feed of sign-ins, which are many more.
	Usage = "usage_event_feed"
)

const (
	// maxPage is how many events a page has at most, and where no number is asked for.
	maxPage = 1000
	// maxCursor is how long a cursor is at most, in bytes.
	maxCursor = 4096
)

// Options are what a [Reader] reads with.
type Options struct {
	Client *jumpcloud.Client
	// Validate finds the organization out before the first events are read.
	Validate func(context.Context) error
	// Types are the resource types that are synced: nothing is told of others.
	Types []string
	// SkipAdmins leaves out what concerns administrators.
	SkipAdmins bool
	Logger     *slog.Logger
}

// Reader reads feeds. It is safe for concurrent use.
type Reader struct {
	Options

	valid, unserved atomic.Bool
}

// New makes a reader. Nothing is asked yet.
func New(o Options) *Reader { return &Reader{Options: o} }

// Feeds describes the feeds.
func Feeds() []*v2.EventFeedMetadata {
	return []*v2.EventFeedMetadata{
		{Id: Changes, SupportedEventTypes: []v2.EventType{
			v2.EventType_EVENT_TYPE_RESOURCE_CHANGE, v2.EventType_EVENT_TYPE_CREATE_GRANT, v2.EventType_EVENT_TYPE_CREATE_REVOKE,
		}},
		{Id: Usage, SupportedEventTypes: []v2.EventType{v2.EventType_EVENT_TYPE_USAGE}},
	}
}

// ListEvents reads one page of a feed, oldest events first, by one request to JumpCloud. An
// organization without Directory Insights has no events. An error leaves the cursor where
// it was, so that the same request can be repeated.
func (r *Reader) ListEvents(ctx context.Context, req *v2.ListEventsRequest) (*v2.ListEventsResponse, error) {
	read, err := r.reading(req.GetEventFeedId())
	if err != nil {
		return nil, err
	}
	c, err := cursorOf(req, time.Now())
	if err != nil {
		return nil, err
	}
	if c.Start.After(time.Now()) {
		return answer(c, nil, false) // JumpCloud refuses to be asked for it.
	}
	if !r.valid.Load() {
		if err := r.Validate(ctx); err != nil {
			return nil, err
		}
		r.valid.Store(true)
	}
	c.begin(time.Now())
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = maxPage
	}
	page, err := r.Client.Events(ctx, jumpcloud.EventQuery{
		Services: []string{"all"}, Types: read.types, Start: c.Start, End: c.End, Limit: limit,
	}, c.After)
	if err != nil {
		if !jumpcloud.IsUnserved(err) {
			return nil, err
		}
		if !r.unserved.Swap(true) {
			r.Logger.WarnContext(ctx, "Directory Insights is not served to this credential: event feeds are empty", "error", err)
		}
		c.After, c.End = nil, time.Time{} // Once it is served, the walk begins anew.
		return answer(c, nil, false)
	}
	r.unserved.Store(false)
	for _, err := range page.Unread {
		r.Logger.WarnContext(ctx, "an event is left out", "error", err)
	}
	var events []*v2.Event
	for _, e := range page.Events {
		if !c.take(e) {
			continue
		}
		if told := read.tell(r, e); told != nil {
			events = append(events, told)
		}
	}
	c.follow(page.After)
	return answer(c, newestOfEach(events), page.After != nil)
}

// reading is how a feed is read.
func (r *Reader) reading(id string) (reading, error) {
	switch id {
	case "", Changes:
		return reading{changeTypes(), (*Reader).change}, nil
	case Usage:
		return reading{usageTypes(), (*Reader).usage}, nil
	default:
		err := fault.WithCode(codes.NotFound, "this connector has no event feed %q", id)
		return reading{}, fault.WithHints(err, fmt.Sprintf("its feeds are %s and %s", Changes, Usage))
	}
}

// reading is which events a feed reads, and what each becomes: nil is nothing.
type reading struct {
	types []string
	tell  func(*Reader, jumpcloud.Event) *v2.Event
}

// cursorOf is where a request goes on, or begins: without a start, as far back as JumpCloud
// keeps events.
func cursorOf(req *v2.ListEventsRequest, now time.Time) (*cursor, error) {
	if n := req.GetPageSize(); n > maxPage {
		return nil, fault.Invalid("event page size is %d, more than %d", n, maxPage)
	}
	switch text := req.GetCursor(); {
	case len(text) > maxCursor:
		return nil, fault.Invalid("event cursor has %d bytes, more than %d", len(text), maxCursor)
	case text != "":
		return parseCursor(text)
	case req.GetStartAt() != nil:
		if err := req.GetStartAt().CheckValid(); err != nil {
			return nil, fault.Invalid("invalid start of events: %w", err)
		}
		return &cursor{Start: req.GetStartAt().AsTime()}, nil
	default:
		return &cursor{Start: now.Add(-jumpcloud.EventRetention)}, nil
	}
}

// answer is a page with where it ends.
func answer(c *cursor, events []*v2.Event, more bool) (*v2.ListEventsResponse, error) {
	text, err := c.text()
	if err == nil && len(text) > maxCursor {
		err = fmt.Errorf("the cursor of Directory Insights is too long: %d bytes", len(c.After))
	}
	return &v2.ListEventsResponse{Events: events, Cursor: text, HasMore: more}, err
}

// newestOfEach keeps, of the changes of one resource, the newest: it is read anew anyway.
func newestOfEach(events []*v2.Event) []*v2.Event {
	last := make(map[string]int)
	key := func(e *v2.Event) string {
		id := e.GetResourceChangeEvent().GetResourceId()
		return strings.Join([]string{id.GetResourceType(), id.GetResource()}, ":")
	}
	for i, e := range events {
		last[key(e)] = i
	}
	kept := events[:0]
	for i, e := range events {
		if e.GetResourceChangeEvent() == nil || last[key(e)] == i {
			kept = append(kept, e)
		}
	}
	return kept
}
