package signin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

const (
	// fewAccounts is how many accounts the events of a span are asked for at once.
	fewAccounts = 1000
	// shortList is how many values an answer surely has room for.
	shortList = 10
	// shortest is the span that is not divided further to prove that an answer is whole.
	shortest = time.Minute
	// seam is how much the halves of a span have in common, as no document says whether the
	// ends of a span belong to it.
	seam = time.Second
)

// errUnproven says that answers do not prove to be whole.
var errUnproven = errors.New("who signed in cannot be told from what JumpCloud lists")

// narrowing are the questions about sign-ins of one kind.
type narrowing struct {
	*prover

	// fields are those that may hold the account.
	fields []string
	query  jumpcloud.EventQuery
	// few is how many events of a span are read instead of dividing it.
	few int64
	// note takes what was found.
	note func(account string, at Instant)
}

// prover asks who signed in, and proves that what is listed is all.
type prover struct {
	client *jumpcloud.Client
	// longest is the longest answer so far: a server that cuts its answers off does so at
	// one length, and what is shorter than another answer was not cut off.
	longest int
}

// span is a time from one instant to another.
type span struct{ start, end time.Time }

// halves are the older and the newer half, which have a seam in common.
func (s span) halves() (older, newer span) {
	middle := s.start.Add(s.end.Sub(s.start) / 2).Truncate(time.Second)
	return span{s.start, middle}, span{middle.Add(-seam), s.end}
}

// narrow finds the newest sign-ins without reading them all.
func narrow(ctx context.Context, client *jumpcloud.Client, q Query, into *Found) error {
	whole := span{into.Since, q.Until}
	p := &prover{client: client}
	kind := func(success string, fields []string, types ...string) *narrowing {
		n := &narrowing{prover: p, fields: fields, query: q.events(types...), few: max(1, q.ReadUpTo/fewPart), note: into.Last.Add}
		n.query.Where = []jumpcloud.EventCondition{{Field: success, Values: []any{true}}}
		return n
	}
	logins := kind("success", []string{"initiated_by.id", "resource.id"}, EventUser, EventAdmin)
	sso := kind("sso_token_success", []string{"initiated_by.id"}, EventSSO)
	if _, err := logins.total(ctx, whole); err != nil {
		return err
	}
	uses, err := sso.total(ctx, whole)
	if err != nil {
		return err
	}
	if err := logins.find(ctx, whole); err != nil {
		return err
	}
	if !q.Uses {
		return sso.find(ctx, whole)
	}
	apps, err := sso.list(ctx, whole, "application.id")
	if err != nil {
		return err
	}
	if int64(len(apps))*requestsPerApp >= uses/sso.few { // Reading takes fewer requests.
		events := q.events(EventSSO)
		events.Start = into.Since
		return read(ctx, client, events, true, into)
	}
	if err := sso.find(ctx, whole); err != nil { // Some can be to no application.
		return err
	}
	for _, app := range slices.Sorted(maps.Keys(apps)) {
		if err := sso.to(app, into).find(ctx, whole); err != nil {
			return err
		}
	}
	return nil
}

// fewPart is which part of what is read one by one is read at once.
const fewPart = readUpTo / eventsPerPage

// to narrows sign-ins to one application down.
func (n *narrowing) to(app string, into *Found) *narrowing {
	of := *n
	of.query.Where = append(slices.Clone(n.query.Where), jumpcloud.EventCondition{Field: "application.id", Values: []any{app}})
	of.note = func(account string, at Instant) { into.Uses.Add(app, account, at) }
	return &of
}

// total is how many sign-ins there are, failed ones among them. It shows that JumpCloud finds
// events by their success: each succeeded or failed.
func (n *narrowing) total(ctx context.Context, s span) (int64, error) {
	q := n.query
	q.Start, q.End = s.start, s.end
	success := q.Where[0].Field
	q.Where = nil
	all, err := n.client.CountEvents(ctx, q)
	if err != nil {
		return 0, err
	}
	q.Where = []jumpcloud.EventCondition{{Field: success, Values: []any{true, false}}}
	known, err := n.client.CountEvents(ctx, q)
	if err != nil {
		return 0, err
	}
	if known < all {
		return 0, fmt.Errorf("%w: %d of %d events cannot be found by %s", errUnproven, all-known, all, success)
	}
	return all, nil
}

// find finds the newest sign-in of each account in a span.
func (n *narrowing) find(ctx context.Context, s span) error {
	wanted, err := n.who(ctx, s)
	if err != nil {
		return err
	}
	return n.locate(ctx, s, wanted)
}

// locate finds the newest sign-ins of accounts that signed in within a span, each so often.
func (n *narrowing) locate(ctx context.Context, s span, wanted map[string]int64) error {
	if len(wanted) == 0 {
		return nil
	}
	few, err := n.isFew(ctx, s, wanted)
	if err != nil {
		return err
	}
	if few {
		return n.readOf(ctx, s, wanted)
	}
	if s.end.Sub(s.start) <= time.Hour {
		for account := range wanted {
			n.note(account, InHour(s.start))
		}
		return nil
	}
	older, newer := s.halves()
	now, err := n.who(ctx, newer)
	if err != nil {
		return err
	}
	before := map[string]int64{}
	for account, times := range wanted {
		if _, ok := now[account]; !ok {
			before[account] = times
		}
	}
	for account := range now {
		if _, ok := wanted[account]; !ok {
			delete(now, account)
		}
	}
	if err := n.locate(ctx, newer, now); err != nil {
		return err
	}
	return n.locate(ctx, older, before)
}

// isFew reports whether the sign-ins of accounts within a span are read with one request.
func (n *narrowing) isFew(ctx context.Context, s span, wanted map[string]int64) (bool, error) {
	if len(wanted) > fewAccounts {
		return false, nil
	}
	var sum int64
	for _, times := range wanted {
		if times == 0 { // The answer did not tell.
			counted, err := n.client.CountEvents(ctx, n.of(s, wanted))
			return counted <= n.few, err
		}
		sum += times
	}
	return sum <= n.few, nil
}

// of asks for the events of accounts within a span.
func (n *narrowing) of(s span, accounts map[string]int64) jumpcloud.EventQuery {
	q := n.query
	q.Start, q.End, q.Accounts = s.start, s.end, slices.Sorted(maps.Keys(accounts))
	return q
}

// readOf reads the sign-ins of accounts within a span. Each must have one.
func (n *narrowing) readOf(ctx context.Context, s span, wanted map[string]int64) error {
	last := Last{}
	err := eachEvent(ctx, n.client, n.of(s, wanted), func(e jumpcloud.Event) {
		if account, ok := AccountOf(e); ok {
			last.Add(account.ID, At(e.Time))
		}
	})
	if err != nil {
		return err
	}
	for account := range wanted {
		at, ok := last[account]
		if !ok {
			return fmt.Errorf("%w: account %q signed in between %s and %s by its list of accounts, and not by its events",
				errUnproven, account, s.start.Format(time.RFC3339), s.end.Format(time.RFC3339))
		}
		n.note(account, at)
	}
	return nil
}

// who are the accounts that signed in within a span, with how often.
func (n *narrowing) who(ctx context.Context, s span) (map[string]int64, error) {
	all := map[string]int64{}
	for _, field := range n.fields {
		found, err := n.list(ctx, s, field)
		if err != nil {
			return nil, err
		}
		for account, times := range found {
			all[account] = max(all[account], times)
		}
	}
	delete(all, "")
	return all, nil
}

// list lists the values of a field within a span. An answer that may be cut off is compared
// with those for shorter spans.
func (n *narrowing) list(ctx context.Context, s span, field string) (map[string]int64, error) {
	q := n.query
	q.Start, q.End = s.start, s.end
	found, err := n.client.DistinctEvents(ctx, q, field)
	if err != nil || len(found) < shortList || len(found) < n.longest {
		return found, err
	}
	n.longest = len(found)
	if s.end.Sub(s.start) <= shortest {
		return nil, fmt.Errorf("%w: no list is longer than %d", errUnproven, n.longest)
	}
	older, newer := s.halves()
	whole, err := n.list(ctx, older, field)
	if err != nil {
		return nil, err
	}
	rest, err := n.list(ctx, newer, field)
	if err != nil {
		return nil, err
	}
	for value, times := range rest {
		whole[value] += times
	}
	maps.Copy(whole, found) // How often is exact there.
	return whole, nil
}
