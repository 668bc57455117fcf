package syncrun

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/incremental"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// ground is what a sync reads from and stands on.
type ground struct {
	source syncer.Source
	// base is the sync that is carried over; zero where everything is read.
	base c1z.SyncRun
	// carrying is source where something is carried over, else nil.
	carrying *incremental.Source
}

// basis is what the new sync says that it stands on.
func (g *ground) basis(info syncer.Info) *c1z.Basis {
	b := &c1z.Basis{Mapping: connector.MappingVersion, FullSync: info.SyncID, FullStartedAt: info.StartedAt.UTC()}
	if g.carrying != nil {
		before := g.base.Basis
		b.FullSync, b.FullStartedAt, b.PreviousSync, b.Number = before.FullSync, before.FullStartedAt, g.base.ID, before.Number+1
	}
	return b
}

// stand decides whether the sync carries over what did not change. Where that is asked for and
// cannot be, the log says why and everything is read.
func (j *Job) stand(ctx context.Context, client *jumpcloud.Client, source *connector.Source, previous *Previous, org connector.Organization) (*ground, error) {
	g := &ground{source: source}
	if !j.Config.Sync.Incremental || j.syncType() != c1z.SyncFull {
		return g, nil
	}
	changes, why, err := j.changes(ctx, client, previous.Full, org)
	if err != nil {
		return g, err
	}
	if why != "" {
		j.Console.Log.InfoContext(ctx, "full sync instead of an incremental one", "reason", why)
		return g, nil
	}
	base := previous.Full
	j.Console.Log.InfoContext(ctx, "incremental sync", "previous_sync", base.ID, "last_full_sync", base.Basis.FullSync,
		"last_full_started", base.Basis.FullStartedAt, "events", changes.Events, "lists_touched", changes.Count())
	g.carrying = incremental.NewSource(source, incremental.Previous{Reader: previous.Reader, Run: base}, changes, j.Console.Log.Logger)
	g.source, g.base = g.carrying, base
	return g, nil
}

// openKept opens the archive of the previous sync, unless nothing asks for it or it is the one
// that is open. Where there is none that can be read, it is one without syncs.
func (j *Job) openKept(ctx context.Context, old *Previous, work string) (*Previous, error) {
	if j.Previous == j.Config.Output.File || !j.Config.JumpCloud.LastLogin && !j.Config.Sync.Incremental {
		return old, nil
	}
	if j.Previous == "" {
		return new(Previous), nil
	}
	kept, err := OpenPrevious(ctx, j.Previous, c1z.OpenOptions{TempDir: work, Limits: j.Limits, Logger: j.Console.Log.Logger})
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		j.Console.Log.WarnContext(ctx, "the previous archive cannot be read", "path", j.Previous, "error", err)
		return new(Previous), nil
	}
	return kept, nil
}

// changes are what happened since a previous sync, or why it cannot be stood on.
func (j *Job) changes(ctx context.Context, client *jumpcloud.Client, previous c1z.SyncRun, org connector.Organization) (c *incremental.Changes, why string, err error) {
	if types := j.Config.Sync.ResourceTypes; len(types) > 0 && (!slices.Contains(types, restype.User) || !slices.Contains(types, restype.Group)) {
		return nil, "users or groups are not synced, so that the archive does not tell who holds what", nil
	}
	now := time.Now()
	wanted := incremental.Wanted{
		Organization: org.ID, Host: j.host(), Settings: j.settings(), Mapping: connector.MappingVersion,
		FullEvery: j.Config.Sync.FullEvery, Now: now,
	}
	if why := wanted.Refusal(previous); why != "" {
		return nil, why, nil
	}
	c, err = incremental.ReadChanges(ctx, client, previous.StartedAt.Add(-incremental.Overlap), now)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, "", context.Cause(ctx)
	case jumpcloud.IsUnserved(err):
		return nil, fmt.Sprintf("Directory Insights is not served to this credential (%v)", err), nil
	case err != nil:
		return nil, fmt.Sprintf("the events could not be read to their end (%v)", err), nil
	}
	return c, c.Doubt, nil
}
