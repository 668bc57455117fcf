package connector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dustin/go-humanize/english"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/signin"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The metadata of an account's grant of an application, one of them: when the account last
// signed in to the application, or since when it did not. A grant with neither is one of
// which nobody knows. Both are RFC 3339 in UTC, in whole seconds.
const (
	MetadataLastUsed     = "last_used"
	MetadataNotUsedSince = "not_used_since"
	// MetadataLastUsedPrecision is "hour" where last_used is the beginning of the hour of it.
	MetadataLastUsedPrecision = "last_used_precision"
)

// UseMetadata are the texts of a grant's metadata that tell of its use.
type UseMetadata struct{ LastUsed, Precision, NotUsedSince []byte }

// Uses are what the grants of an earlier archive say of the use of applications.
type Uses struct {
	// grants says that there are some of applications.
	grants      bool
	last, since signin.Uses
	ids         map[string]string // each id once
}

// NewUses begins with nothing.
func NewUses() Uses {
	return Uses{last: signin.Uses{}, since: signin.Uses{}, ids: map[string]string{}}
}

// Complete reports whether the archive told of uses, which it does of all or of none.
func (u *Uses) Complete() bool { return !u.grants || len(u.last) > 0 || len(u.since) > 0 }

// Add adds what a grant of an application to an account says: the texts of its metadata,
// nil where it has none.
func (u *Uses) Add(app, account []byte, m UseMetadata) {
	if string(app) == restype.AdministrationAppID {
		return
	}
	u.grants = true
	if at, err := time.Parse(time.RFC3339, string(m.LastUsed)); err == nil {
		if string(m.Precision) == precisionHour {
			u.put(u.last, app, account, signin.InHour(at))
			return
		}
		u.put(u.last, app, account, signin.At(at))
	} else if at, err := time.Parse(time.RFC3339, string(m.NotUsedSince)); err == nil {
		u.put(u.since, app, account, signin.At(at))
	}
}

func (u *Uses) put(to signin.Uses, app, account []byte, at signin.Instant) {
	of := to.Of(string(app))
	id, ok := u.ids[string(account)]
	if !ok {
		id = string(account)
		u.ids[id] = id
	}
	of[id] = at
}

// tracksUse reports whether a sync tells when applications were used: one of some resources
// asks for the sign-ins of some accounts only.
func (s *Source) tracksUse(scope syncer.Scope) bool {
	return s.options.LastUse && len(scope.Targets) == 0 && !scope.SkipGrants && !scope.SkipEntitlementsAndGrants &&
		(len(scope.ResourceTypes) == 0 || slices.Contains(scope.ResourceTypes, restype.App))
}

// joinLastUse tells of each account's grant of an application when the account last signed
// in to it. Since is from when on the sign-ins were read.
func (s *Source) joinLastUse(ctx context.Context, j syncer.Joiner, used signin.Uses, known Uses, since time.Time) error {
	none, err := useMetadata(MetadataNotUsedSince, signin.At(since))
	if err != nil {
		return err
	}
	for app, err := range j.Resources(ctx, restype.App) {
		if err != nil {
			return err
		}
		id := app.GetId().GetResource()
		if id == restype.AdministrationAppID {
			continue
		}
		annotations := syncer.GrantAnnotations{
			Entitlement: restype.EntitlementID(restype.App, id), PrincipalType: restype.User, Of: map[string]*anypb.Any{},
		}
		for account, at := range known.last[id] {
			used.Add(id, account, at)
		}
		for account, at := range used[id] {
			if annotations.Of[account], err = useMetadata(MetadataLastUsed, at); err != nil {
				return err
			}
		}
		delete(used, id)
		signsIn, err := byEvents(app)
		if err != nil {
			return err
		}
		if signsIn {
			annotations.Otherwise = none
		}
		earlier := map[signin.Instant]*anypb.Any{} // Most are of one time.
		for account, at := range known.since[id] {
			if !signsIn || annotations.Of[account] != nil || !at.Time().Before(since) {
				continue
			}
			if earlier[at] == nil {
				if earlier[at], err = useMetadata(MetadataNotUsedSince, at); err != nil {
					return err
				}
			}
			annotations.Of[account] = earlier[at]
		}
		if err := j.AnnotateGrants(ctx, annotations); err != nil {
			return err
		}
	}
	return remarkOtherUses(ctx, j, used)
}

// byEvents reports whether every use of an application is an event: one by SAML or OIDC is. To
// open a bookmark is none, so that nobody knows of it when it was not used.
func byEvents(app *v2.Resource) (bool, error) {
	trait, err := readTrait[v2.AppTrait](app)
	if err != nil {
		return false, err
	}
	return slices.Contains(trait.GetFlags(), v2.AppTrait_APP_FLAG_SAML) || slices.Contains(trait.GetFlags(), v2.AppTrait_APP_FLAG_OIDC), nil
}

// remarkOtherUses counts the sign-ins that are to none of the applications of the sync.
func remarkOtherUses(ctx context.Context, j syncer.Joiner, used signin.Uses) error {
	if len(used) == 0 {
		return nil
	}
	accounts := map[string]bool{}
	var apps []string
	for _, app := range slices.Sorted(maps.Keys(used)) {
		for account := range used[app] {
			accounts[account] = true
		}
		if app == "" {
			app = "no ID"
		}
		apps = append(apps, printable.Clip(app, MaxID))
	}
	return j.Remark(ctx, fmt.Sprintf("last use ignores sign-ins of %s to %s that this sync does not have: %s",
		english.Plural(len(accounts), "account", ""), english.Plural(len(apps), "application", ""), printable.Enumerate(apps, 10)))
}

func useMetadata(key string, at signin.Instant) (*anypb.Any, error) {
	p := profile{}
	p.text(key, at.Time().Format(time.RFC3339))
	if at.ToHour() {
		p.text(MetadataLastUsedPrecision, precisionHour)
	}
	a, err := anypb.New(&v2.GrantMetadata{Metadata: p.message()})
	if err != nil {
		return nil, fmt.Errorf("make the metadata of a grant: %w", err)
	}
	return a, nil
}
