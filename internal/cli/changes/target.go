package changes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

// changeTarget is the requested change, with its parts as the archive has them.
type changeTarget struct {
	archive     *syncrun.Previous
	live        bool            // the archive was made for this change
	entitlement *v2.Entitlement // for a grant
	principal   *v2.Resource    // for a grant
	grant       *v2.Grant       // for a revoke
}

// plan has a provisioner work out the change.
func (a *changeTarget) plan(ctx context.Context, p *provision.Provisioner) (*provision.Plan, error) {
	if a.grant != nil {
		plan, err := p.PlanRevoke(ctx, a.grant)
		if err != nil {
			return nil, fmt.Errorf("revoke failed: %w", err)
		}
		return plan, nil
	}
	plan, err := p.PlanGrant(ctx, a.principal, a.entitlement)
	if err != nil {
		return nil, fmt.Errorf("grant failed: %w", err)
	}
	return plan, nil
}

// lookUp finds in the archive what the settings name.
func (j *job) lookUp(ctx context.Context) (_ *changeTarget, err error) {
	temp, err := tempdir.New(j.cfg.Output.TempDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	archive, err := syncrun.OpenPrevious(ctx, j.cfg.Output.File, c1z.OpenOptions{TempDir: temp.Path(), Limits: j.limits, Logger: j.Log.Logger})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if archive.Reader == nil && j.find != nil {
		return j.lookUpLive(ctx, temp.Path())
	}
	if archive.Reader == nil {
		return nil, fault.WithCode(codes.NotFound, "archive %s, which is needed to look up the change, does not exist; sync first: %s", archive.Path, console.CommandFor(archive.Path))
	}
	if archive.Newest.ID == "" {
		return nil, fault.WithCode(codes.NotFound, "archive %s contains no finished sync; sync first: %s", archive.Path, console.CommandFor(archive.Path))
	}
	found := &changeTarget{archive: archive}
	if change := j.cfg.Change; j.find != nil {
		err = found.lookUpNames(ctx, j.find)
	} else if change.Entitlement != "" {
		err = found.lookUpGrant(ctx, change)
	} else {
		err = found.lookUpRevoke(ctx, change.Grant)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (a *changeTarget) lookUpGrant(ctx context.Context, change config.Change) (err error) {
	if a.entitlement, err = a.findEntitlement(ctx, change.Entitlement); err != nil {
		return err
	}
	a.principal, err = a.findResource(ctx, &v2.ResourceId{ResourceType: change.PrincipalType, Resource: change.Principal})
	return err
}

func (a *changeTarget) lookUpRevoke(ctx context.Context, id string) (err error) {
	a.grant, err = lookIn(a, a.byID(), fmt.Sprintf("grant %q", id), func(syncID string) (*v2.Grant, error) {
		return a.archive.Reader.Grant(ctx, syncID, id)
	})
	if err != nil {
		return err
	}
	if a.grant.Entitlement, err = a.findEntitlement(ctx, a.grant.GetEntitlement().GetId()); err != nil {
		return err
	}
	a.grant.Principal, err = a.findResource(ctx, a.grant.GetPrincipal().GetId())
	return err
}

// findEntitlement finds an entitlement, with its resource as it is stored itself.
func (a *changeTarget) findEntitlement(ctx context.Context, id string) (*v2.Entitlement, error) {
	e, err := lookIn(a, a.byID(), fmt.Sprintf("entitlement %q", id), func(syncID string) (*v2.Entitlement, error) {
		return a.archive.Reader.Entitlement(ctx, syncID, id)
	})
	if err != nil {
		return nil, err
	}
	e.Resource, err = a.findResource(ctx, e.GetResource().GetId())
	return e, err
}

func (a *changeTarget) findResource(ctx context.Context, id *v2.ResourceId) (*v2.Resource, error) {
	shown, err := a.archive.Reader.Shown(ctx)
	if err != nil && !errors.Is(err, c1z.ErrNotFound) {
		return nil, err
	}
	what := fmt.Sprintf("%s %q", id.GetResourceType(), id.GetResource())
	return lookIn(a, []c1z.SyncRun{shown, a.archive.Newest}, what, func(syncID string) (*v2.Resource, error) {
		return a.archive.Reader.Resource(ctx, syncID, id.GetResourceType(), id.GetResource())
	})
}

// byID are the syncs in which Baton connectors look entitlements and grants up:
// the newest of any type. Where that is one of some resources only, it says
// nothing about the others, and the newest full one is asked too.
func (a *changeTarget) byID() []c1z.SyncRun {
	return []c1z.SyncRun{a.archive.Newest, a.archive.Full}
}

// lookIn asks syncs one after the other. What is in none may be newer than the
// archive, so that its age is told.
func lookIn[T any](a *changeTarget, runs []c1z.SyncRun, what string, get func(syncID string) (T, error)) (T, error) {
	var none T
	for _, run := range runs {
		if run.ID == "" {
			continue
		}
		item, err := get(run.ID)
		if err == nil {
			return item, nil
		}
		if !errors.Is(err, c1z.ErrNotFound) {
			return none, err
		}
	}
	ended := a.archive.Newest.EndedAt
	return none, fault.WithCode(codes.NotFound, "%s is not in archive %s, synced %s (%s); if it is newer, sync again: %s",
		what, a.archive.Path, humanize.Time(ended), ended.UTC().Format(time.DateTime+" MST"), console.CommandFor(a.archive.Path))
}
