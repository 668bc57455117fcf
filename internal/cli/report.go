package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/view"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// reportOptions are the flags of the report command.
type reportOptions struct {
	view.Options
	previous string
	days     int
	check    bool
}

func newReport(a *program.App) *cobra.Command {
	var o reportOptions
	var names []cobra.Completion
	var list strings.Builder
	for _, r := range findings.Reports() {
		names = append(names, cobra.CompletionWithDesc(r.Name, r.Title))
		fmt.Fprintf(&list, "\n  %-22s %s", r.Name, r.Question)
	}
	cmd := &cobra.Command{
		Use:   "report [NAME...]",
		Short: "Show access review reports",
		Long: `Show access review reports of an archive: all of them, or those named.

Reports:` + list.String(),
		Example: `  baton-jumpcloud report
  baton-jumpcloud report admins-without-mfa disabled-with-access --check
  baton-jumpcloud report --save review.html
  baton-jumpcloud report unused-access --days 180 --check
  baton-jumpcloud report no-manager -o csv
  baton-jumpcloud report changes --previous last-week.c1z`,
		ValidArgsFunction: cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			return program.UntilStopped(cmd.Context(), runReport(a, cmd, &o, args))
		},
	}
	flags := cmd.Flags()
	o.AddFlags(flags)
	flags.StringVar(&o.previous, "previous", "", "Archive to compare with in the report of changes (default: the previous sync in the same archive)")
	flags.IntVar(&o.days, "days", findings.DefaultDays, "Days without use after which "+findings.UnusedAccess+" lists access")
	flags.BoolVar(&o.check, "check", false, fmt.Sprintf("Exit with code %d if there are findings (role-holders, everybody and changes have none)", fault.ExitFindings))
	view.AddCompletions(cmd, nil)
	_ = cmd.MarkFlagFilename("previous", "c1z")
	return cmd
}

func runReport(a *program.App, cmd *cobra.Command, o *reportOptions, names []string) error {
	if err := o.Options.Check(a); err != nil {
		return err
	}
	infos, err := chosenReports(names)
	if err != nil {
		return err
	}
	if len(infos) > 1 {
		if err := o.checkMany(cmd); err != nil {
			return err
		}
	}
	if o.days < 1 {
		return fmt.Errorf("invalid --days %d: must be positive", o.days)
	}
	ctx := cmd.Context()
	s, previous, err := o.load(ctx, a, cmd, infos)
	if err != nil {
		return err
	}
	q, paged := o.Query(a, cmd.Flags())
	doc := sheet.Document{Title: "Access review", Lead: syncLead(s.Path, s.Run)}
	if name := s.Run.Organization.Name; name != "" {
		doc.Title += " of " + name
	}
	var found, with int
	var made []*findings.Report
	for _, info := range infos {
		r, err := findings.MakeFor(ctx, s.Sync.Sync, info.Name, previous, o.days)
		if err != nil {
			return err
		}
		t, err := o.Table(ctx, tables.Report(r), q, paged)
		if err != nil {
			return err
		}
		doc.Tables = append(doc.Tables, t)
		found += r.Findings
		with += min(r.Findings, 1)
		made = append(made, r)
	}
	if len(infos) > 1 {
		summary, err := o.Table(ctx, tables.ReportSummary(made), search.Query{}, false)
		if err != nil {
			return err
		}
		doc.Tables, doc.Many = slices.Insert(doc.Tables, 0, summary), true
	}
	if doc.About, err = aboutExport(ctx, &o.Options, s, q, doc.Title); err != nil {
		return err
	}
	if err := o.Show(ctx, a, doc); err != nil {
		return err
	}
	if o.check && found > 0 {
		return fault.Findings(english.Plural(found, "finding", "") + " in " + english.Plural(with, "report", ""))
	}
	return nil
}

// chosenReports are the reports of the given names, all when there are none.
func chosenReports(names []string) ([]findings.Info, error) {
	all := findings.Reports()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []findings.Info
	for _, name := range names {
		i := slices.IndexFunc(all, func(r findings.Info) bool { return r.Name == name })
		if i < 0 {
			var known []string
			for _, r := range all {
				known = append(known, r.Name)
			}
			return nil, fmt.Errorf("unknown report %q; reports: %s", name, strings.Join(known, ", "))
		}
		if !slices.Contains(chosen, all[i]) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

// checkMany refuses what makes sense for one report only.
func (o *reportOptions) checkMany(cmd *cobra.Command) error {
	for _, name := range []string{"sort", "page", "columns"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s requires exactly one report; name it: %s", name, cmd.UseLine())
		}
	}
	if f, err := o.Format(); err == nil && f == sheet.FormatCSV {
		return fault.WithHints(errors.New("csv holds one report"), "name one: "+cmd.CommandPath()+" no-manager -o csv; or choose xlsx, json or html")
	}
	return nil
}

// load reads the sync, and the one before where a report asks for it.
func (o *reportOptions) load(ctx context.Context, a *program.App, cmd *cobra.Command, infos []findings.Info) (s *archives.Shown, previous *review.Sync, err error) {
	archive, err := archives.Open(ctx, a, cmd, "")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if s, err = archive.LoadSync(ctx, o.Sync); err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(infos, func(r findings.Info) bool { return r.Name == findings.Changes }) {
		return s, nil, nil
	}
	var before *archives.Shown
	if o.previous != "" {
		before, err = archives.Read(ctx, a, cmd, o.previous, "")
	} else {
		run, lookErr := review.Previous(ctx, archive.Reader, s.Run)
		if errors.Is(lookErr, c1z.ErrNotFound) {
			return s, nil, nil // The report says so.
		}
		if lookErr != nil {
			return nil, nil, lookErr
		}
		before, err = archive.LoadSync(ctx, run.ID)
	}
	if err != nil {
		return nil, nil, err
	}
	return s, before.Sync.Sync, nil
}
