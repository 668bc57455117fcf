package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// profileNoSignInSince is since when an account without a last login did not sign in, as
// far as JumpCloud keeps events. An account without either is one of which nobody knows.
const profileNoSignInSince = "no_sign_in_since"

// The events that are sign-ins.
const (
	EventUserLogin  = "user_login_attempt"
	EventAdminLogin = "admin_login_attempt"
	EventSSO        = "sso_auth"
)

// loginOverlap is how much of the time before a sync the next one reads again: JumpCloud
// shows events some seconds after they happened, and now and then later.
const loginOverlap = time.Hour

// Logins are what an earlier archive of the same organization knew of sign-ins, by the ids of
// the accounts.
type Logins struct {
	// Until is when the sync began that knew it.
	Until time.Time
	// Complete says that it knew of every account when it signed in last, or since when
	// it did not, and that it read the same accounts.
	Complete bool
	Last     map[string]time.Time
	// NoneSince is since when an account did not sign in.
	NoneSince map[string]time.Time
	// Uses are of applications.
	Uses Uses
}

// NewLogins begins with what a sync knew that began at a time; same says that it read the same
// accounts as the one that will use it.
func NewLogins(until time.Time, same bool) Logins {
	return Logins{Until: until, Complete: same, Last: map[string]time.Time{}, NoneSince: map[string]time.Time{}, Uses: NewUses()}
}

// Add adds what an account of an archive says.
func (l *Logins) Add(account *v2.Resource) error {
	trait, err := readTrait[v2.UserTrait](account)
	if err != nil {
		return err
	}
	if trait.GetLastLogin().IsValid() {
		l.Last[account.GetId().GetResource()] = trait.GetLastLogin().AsTime()
		return nil
	}
	if since, err := time.Parse(time.RFC3339, profileText(account.GetProfile(), profileNoSignInSince)); err == nil {
		l.NoneSince[account.GetId().GetResource()] = since
	} else {
		l.Complete = false
	}
	return nil
}

// RememberLogins says before a sync what is known already: only what came since is read then.
func (s *Source) RememberLogins(l Logins) { s.logins = l }

// joinLastLogin sets the last login of all accounts and the last use of all applications, or none: where the sign-ins cannot
// be read to their end, a few that are known would make all others look unused.
// Administrators who were merged with a user sign in as that user.
func (s *Source) joinLastLogin(ctx context.Context, scope syncer.Scope, j syncer.Joiner, merged map[string]string) error {
	since := s.now.Add(-jumpcloud.EventRetention + time.Minute).UTC().Truncate(time.Second)
	known := s.logins
	switch {
	case known.Until.Add(-loginOverlap).Before(since):
		known = Logins{} // Nobody knows of the time between.
	case known.Complete && (known.Uses.Complete() || !s.tracksUse(scope)):
		since = known.Until.Add(-loginOverlap).UTC().Truncate(time.Second)
	}
	found, err := s.signIns(ctx, scope, since)
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case jumpcloud.IsUnserved(err):
		return j.Remark(ctx, fmt.Sprintf("last logins are unknown: Directory Insights is not served to this credential (%v)", err))
	case err != nil:
		return j.Remark(ctx, fmt.Sprintf("last logins are unknown: the sign-ins could not be read to their end (%v)", err))
	}
	found.merge(merged)
	if s.tracksUse(scope) {
		if err := s.joinLastUse(ctx, j, found.uses, known.Uses, since); err != nil {
			return err
		}
	}
	return changeAccounts(ctx, j, func(account *v2.Resource) (bool, error) {
		id := account.GetId().GetResource()
		at, none := found.last[id], since
		if before := known.Last[id]; before.After(at) {
			at = before
		}
		if before, ok := known.NoneSince[id]; ok && before.Before(since) {
			none = before
		}
		return true, editTrait(account, func(trait *v2.UserTrait) {
			if !at.IsZero() {
				trait.LastLogin = timestamppb.New(at)
				return
			}
			setText(trait.GetProfile(), profileNoSignInSince, none.Format(time.RFC3339)) //nolint:staticcheck // Old readers look at the trait only.
			setText(account.GetProfile(), profileNoSignInSince, none.Format(time.RFC3339))
		})
	})
}

// signIns are the newest sign-ins, by the id of the account, and those to applications.
type signIns struct {
	last map[string]time.Time
	uses uses
}

func (n *signIns) add(e jumpcloud.Event) {
	account, ok := SignIn(e)
	if !ok {
		return
	}
	if e.Time.After(n.last[account.ID]) {
		n.last[account.ID] = e.Time
	}
	if e.Type == EventSSO {
		n.uses.add(e.Application.ID, account.ID, e.Time.Unix())
	}
}

// merge makes the sign-ins of administrators those of the users whom they were merged with.
func (n *signIns) merge(users map[string]string) {
	for admin, user := range users {
		if at := n.last[admin]; at.After(n.last[user]) {
			n.last[user] = at
		}
		for app, of := range n.uses {
			if at, ok := of[admin]; ok {
				n.uses.add(app, user, at)
			}
		}
	}
}

// signIns are the sign-ins since a time.
func (s *Source) signIns(ctx context.Context, scope syncer.Scope, since time.Time) (*signIns, error) {
	q := jumpcloud.EventQuery{
		Services: []string{"directory", "sso"}, Types: []string{EventUserLogin, EventAdminLogin, EventSSO}, Start: since, End: s.now,
	}
	for _, target := range scope.Targets {
		if target.GetResourceType() == restype.User {
			q.Accounts = append(q.Accounts, target.GetResource())
		}
	}
	found := &signIns{last: map[string]time.Time{}, uses: uses{}}
	if len(scope.Targets) > 0 && len(q.Accounts) == 0 {
		return found, nil
	}
	var after json.RawMessage
	for {
		page, err := s.client.Events(ctx, q, after)
		if err = errors.Join(append(page.Unread, err)...); err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			found.add(e)
		}
		if after = page.After; after == nil {
			return found, nil
		}
	}
}

// SignIn is the account that an event is a successful sign-in of; false where it is of none.
// An administrator's sign-in names nobody who began it.
func SignIn(e jumpcloud.Event) (account jumpcloud.EventObject, ok bool) {
	if account = e.Actor; account.ID == "" {
		account = e.Resource
	}
	return account, account.ID != "" && e.Success.IsTrue()
}
