package changes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// job is one grant or revoke of what an archive names. The archive is only
// read.
type job struct {
	cfg *config.Config
	*console.Console
	stdout  io.Writer
	limits  c1z.Limits
	traffic network.Traffic
	// names is a change by names; nil for one that the settings name.
	names *namedChange
	// find looks up by names what is changed; nil where the settings have IDs.
	find func(ctx context.Context, found *changeTarget, names *archives.Shown) error

	source *connector.Source
	org    connector.Organization // that the credential leads to
}

// RunAccess grants or revokes what the settings ask for.
func RunAccess(ctx context.Context, a *program.App, cfg *config.Config) error {
	if cfg.Change.Entitlement != "" && cfg.Change.PrincipalType == "" {
		return fault.WithHints(
			errors.New("unknown provisioning action"),
			"a grant takes --grant-entitlement, --grant-principal and --grant-principal-type (user or group)",
		)
	}
	j := &job{cfg: cfg, stdout: a.Stdout}
	return j.start(ctx, a, j.run)
}

// start does the work of a change as a run that is not a service.
func (j *job) start(ctx context.Context, a *program.App, work func(context.Context) error) error {
	return a.SingleRun(ctx, j.cfg, &j.traffic, func(c *console.Console, limits c1z.Limits) error {
		j.Console, j.limits = c, limits
		return work(ctx)
	})
}

// run prepares the change, and then shows it or makes it.
func (j *job) run(ctx context.Context) error {
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
	if err := j.confirm(ctx, p, plan); err != nil {
		return err
	}
	outcome, err := p.Apply(ctx, plan)
	if err != nil {
		return fmt.Errorf("%s failed: %w", plan.Operation, err)
	}
	if !j.Watched && j.names == nil {
		return nil // The audit trail has logged it.
	}
	return program.Say(j.stdout, "%s\n", outcomeText(plan, outcome))
}

// prepare goes from what is cheap to refuse to what is not: the archive, the
// organization, the trail, and the plan.
func (j *job) prepare(ctx context.Context) (*provision.Provisioner, *provision.Plan, error) {
	target, err := j.lookUp(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := j.connect(ctx, target.archive.Check)
	if err != nil {
		return nil, nil, err
	}
	plan, err := target.plan(ctx, p)
	return p, plan, err
}

// connect finds out which organization the credential leads to, has it checked, and opens
// the trail of changes unless nothing is to be sent.
func (j *job) connect(ctx context.Context, check func(connector.Organization) error) (*provision.Provisioner, error) {
	client, err := network.NewClient(j.cfg.JumpCloud, j.cfg.Sync.Workers, j.Log.Logger, &j.traffic)
	if err != nil {
		return nil, err
	}
	j.source = connector.NewSource(client, connector.Options{OrgID: j.cfg.JumpCloud.OrgID, Logger: j.Log.Logger})
	j.org, err = j.source.Validate(ctx)
	if err != nil {
		return nil, err
	}
	if err := check(j.org); err != nil {
		return nil, err
	}
	var trail provision.Audit
	if !j.cfg.Change.DryRun {
		if trail, err = changerun.StartTrail(ctx, j.cfg, j.org, j.Log.Logger); err != nil {
			return nil, err
		}
	}
	return changerun.NewProvisioner(client, j.cfg, trail, j.Log.Logger), nil
}

// preview shows what the change would be.
func (j *job) preview(ctx context.Context, p *provision.Provisioner, plan *provision.Plan) error {
	if err := p.Inspect(ctx, plan); err != nil {
		return fmt.Errorf("%s failed: %w", plan.Operation, err)
	}
	return j.showInspected(ctx, plan)
}

// previewer shows plans in place of carrying them out; nil unless nothing is to be sent.
func (j *job) previewer() func(context.Context, *provision.Plan) error {
	if !j.cfg.Change.DryRun {
		return nil
	}
	return j.showInspected
}

// showInspected logs and prints a plan that was held against JumpCloud.
func (j *job) showInspected(ctx context.Context, plan *provision.Plan) error {
	attrs := []any{"operation", string(plan.Operation), "resource", plan.Resource.String()}
	if plan.IsAccess() {
		attrs = append(attrs, "entitlement", plan.Entitlement, "principal", plan.Principal.String())
	}
	j.Log.InfoContext(ctx, "dry run: nothing was sent", append(attrs, "organization_id", j.org.ID,
		"method", plan.Request.Method, "path", plan.Request.Path, "body", string(plan.Request.Body), "effect", plan.Effect())...)
	return j.showPreview(plan)
}

// outcomeText describes the outcome of a change to a person.
func outcomeText(plan *provision.Plan, outcome provision.Outcome) string {
	if !plan.IsAccess() {
		if outcome.Result == provision.ResultAlready {
			return "No change needed: " + plan.Effect() + "."
		}
		return "Done: " + plan.Effect() + "."
	}
	what := plan.Holding() + " " + plan.Resource.String()
	granting, already := plan.Operation == provision.OperationGrant, outcome.Result == provision.ResultAlready
	var text string
	switch {
	case granting && already:
		text = fmt.Sprintf("No change needed: %s already has %s.", plan.Principal, what)
	case granting:
		text = fmt.Sprintf("Granted: %s now has %s.", plan.Principal, what)
	case already:
		text = fmt.Sprintf("No change needed: %s does not have %s.", plan.Principal, what)
	default:
		text = fmt.Sprintf("Revoked: %s no longer has %s.", plan.Principal, what)
	}
	if len(outcome.Inherited) == 0 {
		return text
	}
	groups := make([]string, 0, len(outcome.Inherited))
	for _, g := range outcome.Inherited {
		groups = append(groups, g.String())
	}
	return text + "\nAccess remains via " + strings.Join(groups, ", ") + "."
}

// showPreview prints what would be sent, in full, and what would come of it.
func (j *job) showPreview(plan *provision.Plan) error {
	base, _, err := network.Endpoints(j.cfg.JumpCloud)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("Dry run: nothing was sent.\n\n")
	row := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-14s %s\n", label, fmt.Sprintf(format, args...))
	}
	row("Organization", "%s", connector.Organization{ID: j.org.ID, Name: j.org.Name}.String())
	row("Effect", "%s", plan.Effect())
	if plan.Request.Method == "" {
		row("Request", "none")
	} else {
		row("Request", "%s %s%s", plan.Request.Method, strings.TrimSuffix(base.String(), "/"), plan.Request.Path)
	}
	if id := j.cfg.JumpCloud.OrgID; id != "" {
		row("", "x-org-id: %s", id)
	}
	if len(plan.Request.Body) > 0 {
		row("", "%s", plan.Request.Body)
	}
	row("Credential", "%s", credentialText(j.cfg))
	if plan.Undo != "" {
		row("Undo", "%s", plan.Undo)
	}
	return program.Say(j.stdout, "%s", b.String())
}

// credentialText tells a credential without telling it.
func credentialText(cfg *config.Config) string {
	c, from := changerun.AuditCredential(cfg.JumpCloud), cfg.CredentialOrigin()
	switch {
	case c.ServiceAccount != "":
		return fmt.Sprintf("service account %s, with the secret from %s", c.ServiceAccount, from)
	case c.KeyPrefix != "":
		return fmt.Sprintf("API key %s..., from %s", c.KeyPrefix, from)
	default:
		return "API key from " + from
	}
}
