package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// namedChange is a change of access in the words of a person.
type namedChange struct {
	operation provision.Operation
	who, what string
	role      bool // what is a role
	// yes confirms what would be asked.
	yes confirmation
}

func newGrant(a *app) *cobra.Command {
	return a.changing(namedChange{operation: provision.OperationGrant}, &cobra.Command{
		Use:   "grant WHO WHAT",
		Short: "Grant an account or group an entitlement",
		Long: `Grant group membership, or with --provision-types group,app access to an application. WHO is
a name, an email address, a login, an ID or TYPE:ID. WHAT is the name or ID of a group or application,
or the ID or name of an entitlement. Names are looked up in the archive, or in JumpCloud where there
is none. Repeating a grant is safe.`,
		Example: `  baton-jumpcloud grant ana@example.com Sales --dry-run
  baton-jumpcloud grant ana@example.com Sales
  baton-jumpcloud grant "Sales Admins" "AWS Prod" --provision-types group,app
  baton-jumpcloud grant user:64b0000000000000000000a1 group:64b0000000000000000000b1`,
		Args: exactly("WHO", "WHAT"),
	})
}

func newRevoke(a *app) *cobra.Command {
	return a.changing(namedChange{operation: provision.OperationRevoke}, &cobra.Command{
		Use:   "revoke WHO WHAT",
		Short: "Revoke an entitlement from an account or group",
		Long: `Revoke group membership, or with --provision-types group,app access to an application. WHO and
WHAT are as for grant. Asks for confirmation on a terminal; elsewhere --yes is required. Access
that a group grants is refused, with the command that ends it. Repeating a revoke is safe.`,
		Example: `  baton-jumpcloud revoke ana@example.com Sales --dry-run
  baton-jumpcloud revoke ana@example.com Sales --yes`,
		Args: exactly("WHO", "WHAT"),
	})
}

// changing makes a command that changes who has what, its two words. What can take
// something away, as a grant of a role can, has the flag --yes.
func (a *app) changing(change namedChange, cmd *cobra.Command) *cobra.Command {
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		change.who, change.what = words[0], words[1]
		return a.changeAccess(cmd, change)
	}
	if change.role || change.operation == provision.OperationRevoke {
		change.yes.addFlag(cmd.Flags())
	}
	return cmd
}

// changeAccess makes a change by names as [runChange] makes one by IDs.
func (a *app) changeAccess(cmd *cobra.Command, names namedChange) error {
	cfg, err := a.load(cmd, config.ForChange)
	if err != nil {
		return err
	}
	names.yes.find(a)
	if names.operation == provision.OperationRevoke && !cfg.Change.DryRun {
		if err := names.yes.possible(fmt.Sprintf("revoke %q from %q", names.what, names.who)); err != nil {
			return err
		}
	}
	job := &changeJob{cfg: cfg, stdout: a.Stdout, names: &names}
	job.find = func(ctx context.Context, found *changeTarget, s *shownSync) error {
		return found.accessNamed(ctx, s, names)
	}
	return job.start(cmd.Context(), a, job.run)
}

// confirm asks the person about a change by names that would take something away.
func (j *changeJob) confirm(ctx context.Context, p *provision.Provisioner, plan *provision.Plan) error {
	destructive := plan.Operation == provision.OperationRevoke || len(plan.Replaced) > 0
	if j.names == nil || !destructive || !j.names.yes.asks() {
		return nil
	}
	if err := p.Inspect(ctx, plan); err != nil {
		return fmt.Errorf("%s failed: %w", plan.Operation, err)
	}
	if plan.State == provision.StateMade {
		return nil
	}
	if err := j.names.yes.possible(plan.Effect()); err != nil {
		return err
	}
	return j.names.yes.ask(ctx, j.Screen, plan.Effect())
}
