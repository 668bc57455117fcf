package signin

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

const (
	// readUpTo is how many events are read one by one.
	readUpTo = 1_000_000
	// eventsPerPage is how many events JumpCloud gives at once.
	eventsPerPage = 10_000
	// shortSpan is a span of which the events are read without a question how many they are.
	shortSpan = 24 * time.Hour
	// margin is how much of the oldest events that JumpCloud keeps is not asked for, where
	// questions take so long that the oldest ones are dropped meanwhile.
	margin = time.Hour
	// requestsPerApp is what it takes, about, to narrow down the sign-ins to one application.
	requestsPerApp = 20
)

// Query says which sign-ins are looked for.
type Query struct {
	Since, Until time.Time
	// Accounts are ids; none means all.
	Accounts []string
	// Uses asks for the applications as well.
	Uses bool
	// ReadUpTo is how many events are read; 0 means a million.
	ReadUpTo int64
}

// Find finds the newest sign-ins, all or none. More than Query.ReadUpTo are not read:
// JumpCloud is asked who signed in within ever shorter spans of time, until what is left of
// a span is read with one request, or the span is an hour. Where it does not answer such
// questions, or its answers do not prove to be whole, the events are read all the same.
//
// [jumpcloud.IsUnserved] tells an organization without Directory Insights.
func Find(ctx context.Context, client *jumpcloud.Client, q Query) (*Found, error) {
	f := &Found{Since: q.Since, Last: Last{}, Uses: Uses{}}
	if q.ReadUpTo == 0 {
		q.ReadUpTo = readUpTo
	}
	events := q.events(EventUser, EventAdmin, EventSSO)
	if len(q.Accounts) > 0 || q.Until.Sub(q.Since) <= shortSpan {
		return f, read(ctx, client, events, q.Uses, f)
	}
	n, err := client.CountEvents(ctx, events)
	if err == nil && n > q.ReadUpTo {
		counted := &Found{Since: q.Since.Add(margin), Last: Last{}, Uses: Uses{}}
		if err = narrow(ctx, client, q, counted); err == nil {
			counted.Counted = n
			return counted, nil
		}
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case jumpcloud.IsUnserved(err), jumpcloud.KindOf(err) == jumpcloud.KindProtocol, errors.Is(err, errUnproven):
		f.ReadBecause = err.Error()
	default:
		return nil, err
	}
	return f, read(ctx, client, events, q.Uses, f)
}

// events is the query for events of types.
func (q *Query) events(types ...string) jumpcloud.EventQuery {
	return jumpcloud.EventQuery{Services: []string{"directory", "sso"}, Types: types, Start: q.Since, End: q.Until, Accounts: q.Accounts}
}

// read reads events one by one.
func read(ctx context.Context, client *jumpcloud.Client, q jumpcloud.EventQuery, uses bool, into *Found) error {
	return eachEvent(ctx, client, q, func(e jumpcloud.Event) { into.add(e, uses) })
}

func eachEvent(ctx context.Context, client *jumpcloud.Client, q jumpcloud.EventQuery, take func(jumpcloud.Event)) error {
	var after json.RawMessage
	for {
		page, err := client.Events(ctx, q, after)
		if err = errors.Join(append(page.Unread, err)...); err != nil {
			return err
		}
		for _, e := range page.Events {
			take(e)
		}
		if after = page.After; after == nil {
			return nil
		}
	}
}
