package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/view"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

const inspectLong = `Show the contents of an archive of any Baton connector, offline: without a subcommand
the totals of a sync, else one of its lists.`

const inspectExample = `  baton-jumpcloud inspect
  baton-jumpcloud inspect resources --type user --status disabled
  baton-jumpcloud inspect grants --principal ana@example.com --inherited
  baton-jumpcloud inspect grants -f okta.c1z -o csv --save grants.csv
  baton-jumpcloud inspect principals --sort holdings --desc --limit 10`

func newInspect(a *program.App) *cobra.Command {
	var o view.Options
	cmd := &cobra.Command{
		Use: "inspect", Short: "Show the contents of an archive", Long: inspectLong, Example: inspectExample,
		Args: program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return program.UntilStopped(cmd.Context(), runList(&o, a, cmd, stats))
		},
	}
	o.AddFlags(cmd.Flags())
	view.AddCompletions(cmd, nil)
	cmd.AddCommand(
		newInspectSyncs(a),
		newInspectList(a, "resource-types", "List the resource types", nil, func(s *archives.Shown, _ search.Query) (tables.List, error) {
			return tables.Types(s.Sync), nil
		}),
		newInspectList(a, "resources", "List accounts, groups, applications and roles", view.AddResourceFilters, func(s *archives.Shown, q search.Query) (tables.List, error) {
			return tables.Resources(s.Sync, onlyAccounts(s, q)), nil
		}),
		newInspectList(a, "entitlements", "List entitlements", view.AddEntitlementFilters, func(s *archives.Shown, q search.Query) (tables.List, error) {
			return tables.Entitlements(s.Sync), archives.NameFilters(s, q)
		}),
		newInspectList(a, "grants", "List grants: who has what, and via what", view.AddGrantFilters, func(s *archives.Shown, q search.Query) (tables.List, error) {
			return tables.Grants(s.Sync), archives.NameFilters(s, q)
		}),
		newInspectList(a, "principals", "List principals: who has any access", view.AddResourceFilters, func(s *archives.Shown, q search.Query) (tables.List, error) {
			return tables.Principals(s.Sync, onlyAccounts(s, q)), nil
		}),
	)
	return cmd
}

// listOf makes a list of a sync. It may change names in the filter of a query into ids.
type listOf func(s *archives.Shown, q search.Query) (tables.List, error)

// runList reads a sync, makes a list of it and shows it.
func runList(o *view.Options, a *program.App, cmd *cobra.Command, list listOf) error {
	if err := o.Check(a); err != nil {
		return err
	}
	ctx := cmd.Context()
	read := archives.Ask
	if o.NoCache {
		read = func(ctx context.Context, a *program.App, cmd *cobra.Command, id string) (*archives.Shown, error) {
			return archives.Read(ctx, a, cmd, "", id)
		}
	}
	s, err := read(ctx, a, cmd, o.Sync)
	if err != nil {
		return err
	}
	q, paged := o.Query(a, cmd.Flags())
	l, err := list(s, q)
	if err != nil {
		return err
	}
	t, err := o.Table(ctx, l, q, paged)
	if err != nil {
		return err
	}
	d := sheet.Document{Lead: syncLead(s.Path, s.Run), Tables: []sheet.Table{t}}
	if d.About, err = aboutExport(ctx, o, s, q, l.Title); err != nil {
		return err
	}
	return o.Show(ctx, a, d)
}

// aboutExport says what an export is of; nil where nothing is exported.
func aboutExport(ctx context.Context, o *view.Options, s *archives.Shown, q search.Query, title string) (*sheet.About, error) {
	if !o.Exports() {
		return nil, nil //nolint:nilnil // A document without it is a good one.
	}
	p, err := s.Provenance(ctx, q)
	if err != nil {
		return nil, err
	}
	return p.About(title), nil
}

// syncLead says to people which sync they look at.
func syncLead(path string, run c1z.SyncRun) []string {
	text := path + ": "
	if org := run.Organization; org.ID != "" {
		text += connector.Organization{ID: org.ID, Name: org.Name}.String() + ", "
	}
	lead := []string{text + "sync " + archives.DescribeRun(run)}
	if !run.Finished() {
		lead = append(lead, "This sync did not finish: what it lacks may exist all the same.")
	}
	return lead
}

func newInspectList(a *program.App, name, short string, addFilters func(*view.Options, *cobra.Command), list listOf) *cobra.Command {
	var o view.Options
	cmd := &cobra.Command{
		Use: name, Short: short,
		Example: "  baton-jumpcloud inspect " + name + "\n  baton-jumpcloud inspect " + name + " --search ana --limit 20 --page 2\n" +
			"  baton-jumpcloud inspect " + name + " -f other.c1z --save list.xlsx",
		Args: program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return program.UntilStopped(cmd.Context(), runList(&o, a, cmd, list))
		},
	}
	o.AddFlags(cmd.Flags())
	if addFilters != nil {
		addFilters(&o, cmd)
	} else {
		view.AddCompletions(cmd, nil)
	}
	return cmd
}

func newInspectSyncs(a *program.App) *cobra.Command {
	var o view.Options
	cmd := &cobra.Command{
		Use: "syncs", Short: "List the syncs of the archive, newest first",
		Example: "  baton-jumpcloud inspect syncs\n  baton-jumpcloud inspect syncs -f other.c1z -o json",
		Args:    program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return program.UntilStopped(cmd.Context(), runInspectSyncs(cmd.Context(), a, cmd, &o))
		},
	}
	o.AddFlags(cmd.Flags())
	// A sync is what is listed here.
	_ = cmd.Flags().MarkHidden("sync")
	_ = cmd.Flags().MarkHidden("no-cache")
	view.AddCompletions(cmd, nil)
	return cmd
}

func runInspectSyncs(ctx context.Context, a *program.App, cmd *cobra.Command, o *view.Options) (err error) {
	if err := o.Check(a); err != nil {
		return err
	}
	archive, err := archives.Open(ctx, a, cmd, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	runs, err := archive.Syncs(ctx)
	if err != nil {
		return err
	}
	runs = archives.NewestFirst(runs)
	for i := range runs {
		if runs[i].Stats == nil {
			counted, err := archive.Stats(ctx, runs[i].ID)
			if err != nil {
				return err
			}
			runs[i].Stats = &counted
		}
	}
	q, paged := o.Query(a, cmd.Flags())
	t, err := o.Table(ctx, tables.Syncs(runs), q, paged)
	if err != nil {
		return err
	}
	archive.Loading.End()
	return o.Show(ctx, a, sheet.Document{Tables: []sheet.Table{t}})
}

// stats counts a sync by type.
func stats(s *archives.Shown, _ search.Query) (tables.List, error) {
	l := tables.Types(s.Sync)
	l.ID, l.Note = "stats", statsNote(s)
	return l, nil
}

// statsNote sums a sync up.
func statsNote(s *archives.Shown) string {
	count := func(n int) string { return humanize.Comma(int64(n)) }
	o := s.Overview()
	text := fmt.Sprintf("%s grants: %s direct, %s inherited.", count(o.Grants.All), count(o.Grants.Direct), count(o.Grants.Inherited()))
	accounts := 0
	for _, kind := range review.AccountKinds() {
		accounts += o.Counts[kind]
	}
	if accounts > 0 {
		var states []string
		for _, c := range o.Statuses {
			state := count(c.Count) + " " + c.Status.String()
			if c.Details != "" {
				state += " (" + c.Details + ")"
			}
			states = append(states, state)
		}
		text += fmt.Sprintf(" %s accounts: %s.", count(accounts), strings.Join(states, ", "))
	}
	return text
}

// onlyAccounts reports whether a query restricts a list of resources to accounts.
func onlyAccounts(s *archives.Shown, q search.Query) bool {
	for _, key := range []string{"status", "details", "mfa", "account_type", "department", "manager", "admin"} {
		if q.Filter[key] != "" {
			return true
		}
	}
	for _, t := range s.Types() {
		if t.ID == q.Filter["type"] {
			return t.Kind.IsAccount()
		}
	}
	kind, _ := review.ParseKind(q.Filter["kind"])
	return kind.IsAccount()
}
