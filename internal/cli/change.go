package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/network"
)

// changeJob is one grant or revoke of what an archive names. The archive is only
// read.
type changeJob struct {
	cfg *config.Config
	*console.Console
	stdout  io.Writer
	limits  c1z.Limits
	traffic network.Traffic

	org connector.Organization // that the credential leads to
}

// runChange grants or revokes what the settings ask for.
func runChange(ctx context.Context, a *app, cfg *config.Config) error {
	if cfg.Change.Entitlement != "" && cfg.Change.PrincipalType == "" {
		return hintedError{
			errors.New("unknown provisioning action"),
			"a grant takes --grant-entitlement, --grant-principal and --grant-principal-type (user or group)",
		}
	}
	job := &changeJob{cfg: cfg, stdout: a.Stdout}
	return a.singleRun(ctx, cfg, &job.traffic, func(c *console.Console, limits c1z.Limits) error {
		job.Console, job.limits = c, limits
		return job.run(ctx)
	})
}

// run prepares the change, and then shows it or makes it.
func (j *changeJob) run(ctx context.Context) error {
	p, plan, err := j.prepare(ctx)
	if err == nil && j.cfg.Change.DryRun {
		err = j.preview(ctx, p, plan)
	}
	switch {
	case err != nil && fault.WasInterrupted(ctx):
		return fmt.Errorf("%w; nothing was sent", context.Cause(ctx))
	case err != nil || j.cfg.Change.DryRun:
		return err
	}
	outcome, err := p.Apply(ctx, plan)
	if err != nil {
		return fmt.Errorf("%s failed: %w", plan.Operation, err)
	}
	if !j.Watched {
		return nil // The trail has logged it.
	}
	return say(j.stdout, "%s\n", told(plan, outcome))
}

// prepare goes from what is cheap to refuse to what is not: the archive, the
// organisation, the trail, and the plan.
func (j *changeJob) prepare(ctx context.Context) (*connector.Provisioner, *connector.Plan, error) {
	asked, err := j.lookUp(ctx)
	if err != nil {
		return nil, nil, err
	}
	client, err := network.NewClient(j.cfg.JumpCloud, j.cfg.Sync.Workers, j.Log.Logger, &j.traffic)
	if err != nil {
		return nil, nil, err
	}
	j.org, err = connector.NewSource(client, connector.Options{OrgID: j.cfg.JumpCloud.OrgID, Logger: j.Log.Logger}).Validate(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := asked.archive.Check(j.org); err != nil {
		return nil, nil, err
	}
	var trail connector.Audit
	if !j.cfg.Change.DryRun {
		if trail, err = changerun.StartTrail(ctx, j.cfg, j.org, j.Log.Logger); err != nil {
			return nil, nil, err
		}
	}
	p := changerun.NewProvisioner(client, j.cfg, trail, j.Log.Logger)
	plan, err := asked.plan(ctx, p)
	return p, plan, err
}

// preview shows what the change would be.
func (j *changeJob) preview(ctx context.Context, p *connector.Provisioner, plan *connector.Plan) error {
	if err := p.Inspect(ctx, plan); err != nil {
		return fmt.Errorf("%s failed: %w", plan.Operation, err)
	}
	j.Log.InfoContext(ctx, "dry run: nothing was sent", "operation", string(plan.Operation), "entitlement", plan.Entitlement,
		"resource", plan.Resource.String(), "principal", plan.Principal.String(), "organization_id", j.org.ID,
		"method", plan.Request.Method, "path", plan.Request.Path, "body", string(plan.Request.Body), "effect", plan.Effect())
	return j.showPreview(plan)
}
