package connector

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/signin"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// profileNoSignInSince is since when an account without a last login did not sign in, as
// far as JumpCloud keeps events. An account without either is one of which nobody knows.
const profileNoSignInSince = "no_sign_in_since"

// profileLastLoginPrecision is precisionHour for an account of which the last login is known
// to the hour that begins then; others have it not.
const (
	profileLastLoginPrecision = "last_login_precision"
	precisionHour             = "hour"
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
	Last     signin.Last
	// NoneSince is since when an account did not sign in.
	NoneSince map[string]time.Time
	// Uses are of applications.
	Uses Uses
}

// NewLogins begins with what a sync knew that began at a time; same says that it read the same
// accounts as the one that will use it.
func NewLogins(until time.Time, same bool) Logins {
	return Logins{Until: until, Complete: same, Last: signin.Last{}, NoneSince: map[string]time.Time{}, Uses: NewUses()}
}

// Add adds what an account of an archive says.
func (l *Logins) Add(account *v2.Resource) error {
	trait, err := readTrait[v2.UserTrait](account)
	if err != nil {
		return err
	}
	if trait.GetLastLogin().IsValid() {
		at := signin.At(trait.GetLastLogin().AsTime())
		if profileText(account.GetProfile(), profileLastLoginPrecision) == precisionHour {
			at = signin.InHour(at.Time())
		}
		l.Last[account.GetId().GetResource()] = at
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
	merge(found, merged)
	since = found.Since
	if s.tracksUse(scope) {
		if err := s.joinLastUse(ctx, j, found.Uses, known.Uses, since); err != nil {
			return err
		}
	}
	return changeAccounts(ctx, j, func(account *v2.Resource) (bool, error) {
		id := account.GetId().GetResource()
		at, none := found.Last[id], since
		if before := known.Last[id]; before.After(at) {
			at = before
		}
		if before, ok := known.NoneSince[id]; ok && before.Before(since) {
			none = before
		}
		return true, editTrait(account, func(trait *v2.UserTrait) {
			if !at.IsZero() {
				trait.LastLogin = timestamppb.New(at.Time())
				if at.ToHour() {
					setText(trait.GetProfile(), profileLastLoginPrecision, precisionHour) //nolint:staticcheck // Old readers look at the trait only.
					setText(account.GetProfile(), profileLastLoginPrecision, precisionHour)
				}
				return
			}
			setText(trait.GetProfile(), profileNoSignInSince, none.Format(time.RFC3339)) //nolint:staticcheck // Old readers look at the trait only.
			setText(account.GetProfile(), profileNoSignInSince, none.Format(time.RFC3339))
		})
	})
}

// merge makes the sign-ins of administrators those of the users whom they were merged with.
func merge(found *signin.Found, users map[string]string) {
	for admin, user := range users {
		found.Last.Add(user, found.Last[admin])
		for _, of := range found.Uses {
			if at, ok := of[admin]; ok {
				of.Add(user, at)
			}
		}
	}
}

// signIns are the sign-ins since a time.
func (s *Source) signIns(ctx context.Context, scope syncer.Scope, since time.Time) (*signin.Found, error) {
	q := signin.Query{Since: since, Until: s.now, Uses: s.tracksUse(scope), ReadUpTo: s.options.ReadSignIns}
	for _, target := range scope.Targets {
		if target.GetResourceType() == restype.User {
			q.Accounts = append(q.Accounts, target.GetResource())
		}
	}
	if len(scope.Targets) > 0 && len(q.Accounts) == 0 {
		return &signin.Found{Since: since}, nil
	}
	found, err := signin.Find(ctx, s.client, q)
	if err != nil {
		return nil, err
	}
	switch {
	case found.Counted > 0:
		s.options.Logger.InfoContext(ctx, "sign-ins are too many to be read one by one: who signed in is asked for spans of time", "sign_ins", found.Counted)
	case found.ReadBecause != "":
		s.options.Logger.WarnContext(ctx, "sign-ins are read one by one, although they may be many", "reason", found.ReadBecause)
	}
	return found, nil
}
