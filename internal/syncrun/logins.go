package syncrun

import (
	"context"
	"errors"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// rememberLogins tells a source what the previous archive knew of sign-ins. One that cannot be
// read is no reason not to sync: all sign-ins are then read anew.
func (j *Job) rememberLogins(ctx context.Context, source *connector.Source, previous *Previous, org connector.Organization) error {
	if !j.Config.JumpCloud.LastLogin || j.Previous == "" {
		return nil
	}
	logins, err := previous.logins(ctx, org, j.settings())
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		j.Console.Log.WarnContext(ctx, "the previous archive cannot be read", "path", j.Previous, "error", err)
		return nil
	}
	source.RememberLogins(logins)
	return nil
}

// tracksUse reports whether the archive tells of the last use of applications: most access is
// inherited, and an archive without inherited grants has nowhere to tell of it.
func (j *Job) tracksUse() bool { return j.Config.JumpCloud.LastLogin && !j.Unexpanded }

// logins are what the newest full sync of an organization knew of sign-ins.
func (p *Previous) logins(ctx context.Context, org connector.Organization, settings string) (connector.Logins, error) {
	run := p.Full
	none := connector.Logins{}
	if p.Reader == nil || run.ID == "" || org.ID == "" || run.Organization.ID != org.ID {
		return none, nil
	}
	known := connector.NewLogins(run.StartedAt, run.Organization.Settings == settings)
	for account, err := range p.Reader.Resources(ctx, run.ID, c1z.ResourceFilter{Type: restype.User}) {
		if err != nil {
			return none, err
		}
		if err := known.Add(account); err != nil {
			return none, err
		}
	}
	if run.Stats != nil && run.Stats.Grants == 0 {
		known.Complete = false // Grants were not read, and so neither the use of anything.
	}
	err := p.Reader.ScanGrants(ctx, run.ID, 1, func(_ int, g *c1z.GrantEdge) error {
		if string(g.ResourceType) != restype.App || string(g.PrincipalType) != restype.User {
			return nil
		}
		var m connector.UseMetadata
		var errs [3]error
		m.LastUsed, errs[0] = g.MetadataText(connector.MetadataLastUsed)
		m.Precision, errs[1] = g.MetadataText(connector.MetadataLastUsedPrecision)
		m.NotUsedSince, errs[2] = g.MetadataText(connector.MetadataNotUsedSince)
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		known.Uses.Add(g.Resource, g.Principal, m)
		return nil
	})
	return known, err
}
