package changes

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
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

// NewGrant makes the command that grants access.
func NewGrant(a *program.App) *cobra.Command {
	return changing(a, namedChange{operation: provision.OperationGrant}, &cobra.Command{
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
		Args: program.Exactly("WHO", "WHAT"),
	})
}

// NewRevoke makes the command that revokes access.
func NewRevoke(a *program.App) *cobra.Command {
	return changing(a, namedChange{operation: provision.OperationRevoke}, &cobra.Command{
		Use:   "revoke WHO WHAT",
		Short: "Revoke an entitlement from an account or group",
		Long: `Revoke group membership, or with --provision-types group,app access to an application. WHO and
WHAT are as for grant. Asks for confirmation on a terminal; elsewhere --yes is required. Access
that a group grants is refused, with the command that ends it. Repeating a revoke is safe.`,
		Example: `  baton-jumpcloud revoke ana@example.com Sales --dry-run
  baton-jumpcloud revoke ana@example.com Sales --yes`,
		Args: program.Exactly("WHO", "WHAT"),
	})
}

// changing makes a command that changes who has what, its two words. What can take
// something away, as a grant of a role can, has the flag --yes.
func changing(a *program.App, change namedChange, cmd *cobra.Command) *cobra.Command {
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		change.who, change.what = words[0], words[1]
		return changeAccess(a, cmd, change)
	}
	if change.role || change.operation == provision.OperationRevoke {
		change.yes.addFlag(cmd.Flags())
	}
	return cmd
}

// changeAccess makes a change by names as [runChange] makes one by IDs.
func changeAccess(a *program.App, cmd *cobra.Command, names namedChange) error {
	cfg, err := a.Load(cmd, config.ForChange)
	if err != nil {
		return err
	}
	names.yes.find(a)
	if names.operation == provision.OperationRevoke && !cfg.Change.DryRun {
		if err := names.yes.possible(fmt.Sprintf("revoke %q from %q", names.what, names.who)); err != nil {
			return err
		}
	}
	j := &job{cfg: cfg, stdout: a.Stdout, names: &names}
	j.find = func(ctx context.Context, found *changeTarget, s *archives.Shown) error {
		return found.accessNamed(ctx, s, names)
	}
	return j.start(cmd.Context(), a, j.run)
}

// confirm asks the person about a change by names that would take something away.
func (j *job) confirm(ctx context.Context, p *provision.Provisioner, plan *provision.Plan) error {
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

// NewRole makes the commands that grant and revoke roles.
func NewRole(a *program.App) *cobra.Command {
	cmd := program.NewParent("role", "Grant and revoke administrator roles",
		`Grant and revoke administrator roles, with --provision-types role. Never changes the
administrator whose API key is used, and never takes Administrator With Billing from the last
enabled administrator who has it.`)
	cmd.AddCommand(newRoleGrant(a), newRoleRevoke(a))
	return cmd
}

func newRoleGrant(a *program.App) *cobra.Command {
	return changing(a, namedChange{operation: provision.OperationGrant, role: true}, &cobra.Command{
		Use:   "grant WHO ROLE",
		Short: "Grant an administrator or user a role",
		Long: `Grant an administrator or user a role. A user becomes the administrator of the same email address,
and must be active with a second factor. Where JumpCloud knows one role for each administrator, the
role replaces the previous one; this asks for confirmation on a terminal, and requires --yes
elsewhere. WHO is a name, an email address, a login, an ID or TYPE:ID.`,
		Example: `  baton-jumpcloud role grant ops@example.com "Help Desk" --provision-types role --dry-run
  baton-jumpcloud role grant ana@example.com "Read Only" --provision-types role`,
		Args: program.Exactly("WHO", "ROLE"),
	})
}

func newRoleRevoke(a *program.App) *cobra.Command {
	return changing(a, namedChange{operation: provision.OperationRevoke, role: true}, &cobra.Command{
		Use:   "revoke WHO ROLE",
		Short: "Revoke a role from an administrator or user",
		Long: `Revoke a role from an administrator or from the administrator of a user's email address. The only role of an
administrator can be revoked with --on-last-role delete, which deletes the administrator; a user
stays. Asks for confirmation on a terminal; elsewhere --yes is required.`,
		Example: `  baton-jumpcloud role revoke ops@example.com "Help Desk" --provision-types role --yes`,
		Args:    program.Exactly("WHO", "ROLE"),
	})
}
