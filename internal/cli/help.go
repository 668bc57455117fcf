package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// helpWidth is where lines of the help text are wrapped.
const helpWidth = 100

const rootLong = `baton-jumpcloud syncs a JumpCloud organization - accounts, groups, applications, administrator
roles, and who holds what - and writes it as a .c1z archive that every Baton reader opens.

A sync is complete or it fails: an incomplete list is an error, and the existing archive
stays as it is. An interrupted run resumes when it is repeated.

It also grants and revokes group membership and, if enabled, application access: by name with
grant and revoke, or by the IDs of an archive with --grant-entitlement, --grant-principal and
--grant-principal-type, or with --revoke-grant. Repeating a change is safe.`

const rootExample = `  # Try it without a JumpCloud account
  baton-jumpcloud demo

  # Sync an organization into sync.c1z
  export BATON_API_KEY=...            # My API Key, in the JumpCloud console
  baton-jumpcloud

  # API key from a file, EU region, another archive
  BATON_API_KEY_FILE=/run/secrets/key baton-jumpcloud --region eu --file eu.c1z

  # Service account instead of an API key; users and groups only
  BATON_JUMPCLOUD_CLIENT_ID=... BATON_JUMPCLOUD_CLIENT_SECRET=... \
    baton-jumpcloud --sync-resource-types user,group

  # Show what a grant would do, grant, and revoke
  baton-jumpcloud grant ana@example.com "Sales Admins" --dry-run
  baton-jumpcloud grant ana@example.com "Sales Admins"
  baton-jumpcloud revoke ana@example.com "Sales Admins"

  # The same in scripts; the IDs are in the archive
  baton-jumpcloud --grant-entitlement group:ID --grant-principal ID --grant-principal-type user --dry-run
  baton-jumpcloud --grant-entitlement group:ID --grant-principal ID --grant-principal-type user
  baton-jumpcloud --revoke-grant group-grant:ID:user:ID:ID`

const exitCodes = `Exit codes:
  0 success; 1 interrupted or not confirmed; 2 invalid settings or another failure;
  3 invalid request; 4 timeout; 5 not found; 7 permission denied; 9 failed precondition;
  12 unsupported; 14 JumpCloud unavailable; 16 credential missing or rejected;
  20 --check found something`

// writeUsage writes everything of the help text but the description.
func writeUsage(w io.Writer, cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.Runnable() {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", cmd.CommandPath())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(&b, "  %-14s %s\n", sub.Name(), sub.Short)
			}
		}
	}
	if cmd.HasParent() {
		writeFlags(&b, "Flags", cmd.LocalNonPersistentFlags())
		fmt.Fprintf(&b, "\nSettings of all commands: %s --help\n", cmd.Root().Name())
	} else {
		writeSections(&b, cmd)
		fmt.Fprintf(&b, "\n%s\n\nEvery setting can also be set by the environment variable in brackets, or in ./.baton.yaml.\n", exitCodes)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeSections writes the shared settings under the headings of the table.
func writeSections(b *strings.Builder, cmd *cobra.Command) {
	for _, section := range config.Sections() {
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.SortFlags = false
		for _, o := range config.Options() {
			if o.Section == section && !o.EnvOnly && o.Command == "" && o.Status != config.Never {
				flags.AddFlag(cmd.PersistentFlags().Lookup(o.Name))
			}
		}
		writeFlags(b, section.Title(), flags)
	}
	writeFlags(b, "Flags", cmd.LocalNonPersistentFlags())
	writeNever(b)
}

// writeNever names the flags of other Baton connectors that this one knows and
// refuses.
func writeNever(b *strings.Builder) {
	var names []string
	for _, o := range config.Options() {
		if o.Status == config.Never && !o.Hidden {
			names = append(names, "--"+o.Name)
		}
	}
	fmt.Fprintf(b, "\nFlags of other Baton connectors that are unsupported here:\n")
	line := ""
	for _, name := range names {
		if len(line)+len(name) > helpWidth-4 {
			fmt.Fprintf(b, " %s\n", line)
			line = ""
		}
		line += " " + name
	}
	fmt.Fprintf(b, " %s\n", line)
}

func writeFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(b, "\n%s:\n%s", title, flags.FlagUsagesWrapped(helpWidth))
	}
}
