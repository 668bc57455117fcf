package cli

import (
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

func newRole(a *app) *cobra.Command {
	cmd := newParent("role", "Grant and revoke administrator roles",
		`Grant and revoke administrator roles, with --provision-types role. Never changes the
administrator whose API key is used, and never takes Administrator With Billing from the last
enabled administrator who has it.`)
	cmd.AddCommand(newRoleGrant(a), newRoleRevoke(a))
	return cmd
}

func newRoleGrant(a *app) *cobra.Command {
	return a.changing(namedChange{operation: provision.OperationGrant, role: true}, &cobra.Command{
		Use:   "grant WHO ROLE",
		Short: "Grant an administrator or user a role",
		Long: `Grant an administrator or user a role. A user becomes the administrator of the same email address,
and must be active with a second factor. Where JumpCloud knows one role for each administrator, the
role replaces the previous one; this asks for confirmation on a terminal, and requires --yes
elsewhere. WHO is a name, an email address, a login, an ID or TYPE:ID.`,
		Example: `  baton-jumpcloud role grant ops@example.com "Help Desk" --provision-types role --dry-run
  baton-jumpcloud role grant ana@example.com "Read Only" --provision-types role`,
		Args: exactly("WHO", "ROLE"),
	})
}

func newRoleRevoke(a *app) *cobra.Command {
	return a.changing(namedChange{operation: provision.OperationRevoke, role: true}, &cobra.Command{
		Use:   "revoke WHO ROLE",
		Short: "Revoke a role from an administrator or user",
		Long: `Revoke a role from an administrator or from the administrator of a user's email address. The only role of an
administrator can be revoked with --on-last-role delete, which deletes the administrator; a user
stays. Asks for confirmation on a terminal; elsewhere --yes is required.`,
		Example: `  baton-jumpcloud role revoke ops@example.com "Help Desk" --provision-types role --yes`,
		Args:    exactly("WHO", "ROLE"),
	})
}
