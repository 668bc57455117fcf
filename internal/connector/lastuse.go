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
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The metadata of an account's grant of an application, one of them: when the account last
// signed in to the application, or since when it did not. A grant with neither is one of
// which nobody knows. Both are RFC 3339 in UTC, in whole seconds.
const (
	MetadataLastUsed     = "last_used"
	MetadataNotUsedSince = "not_used_since"
)

// uses are times by the id of an application and of an account, in Unix seconds.
type uses map[string]map[string]int64

// Uses are what the grants of an earlier archive say of the use of applications.
type Uses struct {
	// Complete says that every grant of an application to an account says something.
	Complete    bool
	last, since uses
	ids         map[string]string // each id once
}

// NewUses begins with nothing.
func NewUses() Uses {
	return Uses{Complete: true, last: uses{}, since: uses{}, ids: map[string]string{}}
}

// Add adds what a grant of an application to an account says: the texts of its metadata,
// nil where it has none.
func (u *Uses) Add(app, account, lastUsed, notUsedSince []byte) {
	if string(app) == restype.AdministrationAppID {
		return
	}
	if at, err := time.Parse(time.RFC3339, string(lastUsed)); err == nil {
		u.put(u.last, app, account, at)
		return
	}
	if at, err := time.Parse(time.RFC3339, string(notUsedSince)); err == nil {
		u.put(u.since, app, account, at)
		return
	}
	u.Complete = false
}

func (u *Uses) put(to uses, app, account []byte, at time.Time) {
	of := to[string(app)]
	if of == nil {
		of = map[string]int64{}
		to[string(app)] = of
	}
	id, ok := u.ids[string(account)]
	if !ok {
		id = string(account)
		u.ids[id] = id
	}
	of[id] = at.Unix()
}

// add notes a use; the newest one stays.
func (u uses) add(app, account string, at int64) {
	of := u[app]
	if of == nil {
		of = map[string]int64{}
		u[app] = of
	}
	if before, ok := of[account]; !ok || at > before {
		of[account] = at
	}
}

// tracksUse reports whether a sync tells when applications were used: one of some resources
// asks for the sign-ins of some accounts only.
func (s *Source) tracksUse(scope syncer.Scope) bool {
	return s.options.LastUse && len(scope.Targets) == 0 && !scope.SkipGrants && !scope.SkipEntitlementsAndGrants &&
		(len(scope.ResourceTypes) == 0 || slices.Contains(scope.ResourceTypes, restype.App))
}

// joinLastUse tells of each account's grant of an application when the account last signed
// in to it. Since is from when on the sign-ins were read.
func (s *Source) joinLastUse(ctx context.Context, j syncer.Joiner, used uses, known Uses, since time.Time) error {
	none, err := useMetadata(MetadataNotUsedSince, since.Unix())
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
			Entitlement: restype.EntitlementID(restype.App, id), PrincipalType: restype.User, Of: map[string]*anypb.Any{}, Otherwise: none,
		}
		for account, at := range known.last[id] {
			used.add(id, account, at)
		}
		for account, at := range used[id] {
			if annotations.Of[account], err = useMetadata(MetadataLastUsed, at); err != nil {
				return err
			}
		}
		delete(used, id)
		earlier := map[int64]*anypb.Any{} // Most are of one time.
		for account, at := range known.since[id] {
			if annotations.Of[account] != nil || at >= since.Unix() {
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

// remarkOtherUses counts the sign-ins that are to none of the applications of the sync.
func remarkOtherUses(ctx context.Context, j syncer.Joiner, used uses) error {
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

func useMetadata(key string, at int64) (*anypb.Any, error) {
	p := profile{}
	p.text(key, time.Unix(at, 0).UTC().Format(time.RFC3339))
	a, err := anypb.New(&v2.GrantMetadata{Metadata: p.message()})
	if err != nil {
		return nil, fmt.Errorf("make the metadata of a grant: %w", err)
	}
	return a, nil
}
