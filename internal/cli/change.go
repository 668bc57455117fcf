package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/conductorone/baton-jumpcloud/internal/audit"
	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// changeJob is one grant or revoke of what an archive names. The archive is only
// read.
type changeJob struct {
	cfg *config.Config
	*console
	stdout  io.Writer
	limits  c1z.Limits
	traffic traffic

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
	return a.singleRun(ctx, cfg, &job.traffic, func(c *console, limits c1z.Limits) error {
		job.console, job.limits = c, limits
		return job.run(ctx)
	})
}

// hintedError is an error with a sentence on what to do about it.
type hintedError struct {
	error
	hint string
}

// Unwrap returns the error without its hint.
func (e hintedError) Unwrap() error { return e.error }

// Hints is that sentence.
func (e hintedError) Hints() []string { return []string{e.hint} }

// run prepares the change, and then shows it or makes it.
func (j *changeJob) run(ctx context.Context) error {
	p, plan, err := j.prepare(ctx)
	if err == nil && j.cfg.Change.DryRun {
		err = j.preview(ctx, p, plan)
	}
	switch {
	case err != nil && errors.As(context.Cause(ctx), new(Interrupted)):
		return fmt.Errorf("%w; nothing was sent", context.Cause(ctx))
	case err != nil || j.cfg.Change.DryRun:
		return err
	}
	outcome, err := p.Apply(ctx, plan)
	if err != nil {
		return fmt.Errorf("%s failed: %w", plan.Operation, err)
	}
	if !j.watched {
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
	client, err := newClient(j.cfg.JumpCloud, j.cfg.Sync.Workers, j.log.Logger, &j.traffic)
	if err != nil {
		return nil, nil, err
	}
	j.org, err = connector.NewSource(client, connector.Options{OrgID: j.cfg.JumpCloud.OrgID, Logger: j.log.Logger}).Validate(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := asked.archive.check(j.org); err != nil {
		return nil, nil, err
	}
	var trail connector.Audit
	if !j.cfg.Change.DryRun {
		if trail, err = startTrail(ctx, j.cfg, j.org, j.log.Logger); err != nil {
			return nil, nil, err
		}
	}
	p := newProvisioner(client, j.cfg, trail, j.log.Logger)
	plan, err := asked.plan(ctx, p)
	return p, plan, err
}

// preview shows what the change would be.
func (j *changeJob) preview(ctx context.Context, p *connector.Provisioner, plan *connector.Plan) error {
	if err := p.Inspect(ctx, plan); err != nil {
		return fmt.Errorf("%s failed: %w", plan.Operation, err)
	}
	j.log.InfoContext(ctx, "dry run: nothing was sent", "operation", string(plan.Operation), "entitlement", plan.Entitlement,
		"resource", plan.Resource.String(), "principal", plan.Principal.String(), "organization_id", j.org.ID,
		"method", plan.Request.Method, "path", plan.Request.Path, "body", string(plan.Request.Body), "effect", plan.Effect())
	return j.showPreview(plan)
}

// startTrail begins the record of changes that every mode keeps.
func startTrail(ctx context.Context, cfg *config.Config, org connector.Organization, logger *slog.Logger) (*audit.Trail, error) {
	base, _, err := endpoints(cfg.JumpCloud)
	if err != nil {
		return nil, err
	}
	return audit.Start(ctx, audit.Options{
		Path:         cfg.Change.AuditFile,
		Organization: audit.Organization{ID: org.ID, Name: org.Name, Host: base.Host},
		Actor:        audit.LocalActor(),
		Credential:   auditCredential(cfg.JumpCloud),
		Logger:       logger,
	})
}

// auditCredential is the credential in the form that may be written down.
func auditCredential(settings config.JumpCloud) audit.Credential {
	if settings.AuthMethod == config.GroupServiceAccount {
		return audit.Credential{ServiceAccount: settings.ClientID}
	}
	return audit.Credential{KeyPrefix: audit.KeyPrefix(settings.APIKey)}
}

// newProvisioner makes what changes access. It tells a trail of every change,
// unless the trail is nil, which is for previews only.
func newProvisioner(client *jumpcloud.Client, cfg *config.Config, trail connector.Audit, logger *slog.Logger) *connector.Provisioner {
	return connector.NewProvisioner(client, connector.ProvisionOptions{
		Applications: cfg.Change.Applications, Audit: trail, Command: commandFor(cfg.Output.File), Logger: logger,
	})
}
