package changes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// lookUpLive reads the names of the organization itself, where there is no archive. It
// reads every list to its end, as a sync does: a name is not ambiguous only if no other
// page has it too.
func (j *job) lookUpLive(ctx context.Context, temp string) (_ *changeTarget, err error) {
	j.Log.InfoContext(ctx, "archive does not exist: reading names from JumpCloud", "file", j.cfg.Output.File)
	cfg := *j.cfg
	cfg.Output = config.Output{File: filepath.Join(temp, "names.c1z"), TempDir: temp}
	cfg.Sync = config.Sync{SkipEntitlementsAndGrants: true, Workers: j.cfg.Sync.Workers, MaxDepth: j.cfg.Sync.MaxDepth}
	reading := &syncrun.Job{Config: &cfg, Console: j.Console, Text: io.Discard, Limits: j.limits}
	reading.Traffic.Transport = j.traffic.Transport
	if err := reading.Run(ctx); err != nil {
		return nil, err
	}
	archive, err := syncrun.OpenPrevious(ctx, cfg.Output.File, c1z.OpenOptions{TempDir: temp, Limits: j.limits, Logger: j.Log.Logger})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	found := &changeTarget{archive: archive, live: true}
	return found, found.lookUpNames(ctx, j.find)
}

// lookUpNames has names looked up in the sync that Baton readers show.
func (a *changeTarget) lookUpNames(ctx context.Context, find func(context.Context, *changeTarget, *archives.Shown) error) error {
	run, err := a.archive.Reader.Shown(ctx)
	if errors.Is(err, c1z.ErrNotFound) {
		run, err = a.archive.Newest, nil
	}
	if err != nil {
		return err
	}
	loaded, err := review.LoadNames(ctx, a.archive.Reader, run.ID)
	if err != nil {
		return archives.Unreadable(ctx, a.archive.Path, err)
	}
	return find(ctx, a, &archives.Shown{Sync: tables.Of(loaded), Path: a.archive.Path})
}

// accessNamed finds who and what a change of access means.
func (a *changeTarget) accessNamed(ctx context.Context, names *archives.Shown, change namedChange) error {
	entitlement, err := a.entitlementNamed(ctx, names, change)
	if err != nil {
		return err
	}
	principal, err := a.principalNamed(ctx, names, change.who, change.role, archives.PrincipalRef)
	if err != nil {
		return err
	}
	if change.operation == provision.OperationGrant {
		a.entitlement, a.principal = entitlement, principal
		return nil
	}
	a.grant, err = a.grantOf(ctx, principal, entitlement)
	return err
}

// entitlementNamed finds an entitlement. A sync without entitlements still has the
// resources that they are of.
func (a *changeTarget) entitlementNamed(ctx context.Context, s *archives.Shown, change namedChange) (*v2.Entitlement, error) {
	if change.role {
		return a.entitlementOf(ctx, s, change.what, "role", review.Role)
	}
	e, err := s.FindEntitlement(change.what)
	if err == nil {
		return a.findEntitlement(ctx, s.EntitlementAt(e).ID)
	}
	_, none := fault.As[*review.NotFoundError](err)
	if !none || s.EntitlementCount() > 0 {
		return nil, a.naming("entitlement", err)
	}
	return a.entitlementOf(ctx, s, change.what, "group, application or role", review.Group, review.Application, review.Role)
}

// entitlementOf is the entitlement of the resource of some kinds that a text names.
func (a *changeTarget) entitlementOf(ctx context.Context, s *archives.Shown, text, what string, kinds ...review.Kind) (*v2.Entitlement, error) {
	r, err := s.FindResource(text, kinds...)
	if err != nil {
		return nil, a.naming(what, err)
	}
	b := s.Brief(r)
	resource, err := a.findBrief(ctx, b)
	return &v2.Entitlement{Id: restype.EntitlementID(b.Type, b.ID), Resource: resource}, err
}

// principalNamed finds who is meant. Of a user and an administrator of the same name, it
// is the one who can hold it: the administrator a role, the user anything else.
func (a *changeTarget) principalNamed(ctx context.Context, s *archives.Shown, who string, admin bool,
	ref func(*archives.Shown, string) (review.Ref, error),
) (*v2.Resource, error) {
	r, err := ref(s, who)
	if err == nil {
		return a.findBrief(ctx, s.Brief(r))
	}
	ambiguous, several := fault.As[*review.AmbiguousError](err)
	if !several || ambiguous.Count > len(ambiguous.Candidates) {
		return nil, a.naming("account", err)
	}
	var holders []*v2.Resource
	for _, c := range ambiguous.Candidates {
		account, err := a.findBrief(ctx, c.Resource)
		if err != nil {
			return nil, err
		}
		if connector.IsAdministrator(account) == admin {
			holders = append(holders, account)
		}
	}
	if len(holders) == 1 {
		return holders[0], nil
	}
	return nil, a.naming("account", err)
}

// accountNamed finds the user or group that a text names.
func (a *changeTarget) accountNamed(ctx context.Context, s *archives.Shown, who string, kind review.Kind) (*v2.Resource, error) {
	if kind == review.Account {
		return a.principalNamed(ctx, s, who, false, func(s *archives.Shown, who string) (review.Ref, error) { return s.FindResource(who, kind) })
	}
	r, err := s.FindResource(who, kind)
	if err != nil {
		return nil, a.naming("group", err)
	}
	return a.findBrief(ctx, s.Brief(r))
}

// findBrief finds the resource that a name was resolved to.
func (a *changeTarget) findBrief(ctx context.Context, b review.Brief) (*v2.Resource, error) {
	return a.findResource(ctx, &v2.ResourceId{ResourceType: b.Type, Resource: b.ID})
}

// grantOf is the grant of an entitlement as the archive has it, or as it would be where
// the archive has none: it may have been made since.
func (a *changeTarget) grantOf(ctx context.Context, principal *v2.Resource, entitlement *v2.Entitlement) (*v2.Grant, error) {
	on, who := entitlement.GetResource().GetId(), principal.GetId()
	for _, run := range a.byID() {
		if run.ID == "" {
			continue
		}
		for grant, err := range a.archive.Reader.Grants(ctx, run.ID, c1z.GrantFilter{
			Entitlement: entitlement.GetId(), PrincipalType: who.GetResourceType(), Principal: who.GetResource(),
		}) {
			if err != nil {
				return nil, err
			}
			grant.Entitlement, grant.Principal = entitlement, principal
			return grant, nil
		}
	}
	grant := connector.DirectGrant(on.GetResourceType(), on.GetResource(), who)
	grant.Entitlement, grant.Principal = entitlement, principal
	return grant, nil
}

// naming says of a name where it was looked up, and what to do where that is old.
func (a *changeTarget) naming(what string, err error) error {
	if a.live {
		return archives.NamingIn(" in JumpCloud", what, err)
	}
	ended := a.archive.Newest.EndedAt
	_, none := fault.As[*review.NotFoundError](err)
	err = archives.NamingIn(fmt.Sprintf(" in archive %s, synced %s (%s)", a.archive.Path, humanize.Time(ended), ended.UTC().Format(time.DateTime+" MST")), what, err)
	if none {
		return fault.WithHints(err, "if it is newer than the archive, sync again: "+console.CommandFor(a.archive.Path))
	}
	return err
}
