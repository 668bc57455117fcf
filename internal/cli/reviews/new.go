package reviews

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/segmentio/ksuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/view"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// newOptions are the flags of review new.
type newOptions struct {
	output
	filters                  view.Options
	out, title, by, reviewer string
	reviewerBy, previous     string
	search, sync             string
	scopes, owners           []string
}

func newNew(a *program.App) *cobra.Command {
	var o newOptions
	cmd := &cobra.Command{
		Use:   "new [ARCHIVE]",
		Short: "Make a review from a sync",
		Long: `Make a review from a sync of an archive. --scope says what is reviewed: a resource (app:ID,
group:ID, role:ID, or a name in place of the ID), privileged (all roles and the administration of
JumpCloud), department:NAME, changed:FILE (only what is new or different since that review, whose
scope is taken over, and what it revoked and is still there), or all. Several scopes are united. The
filters of inspect grants narrow them. Access of groups is not an item, unless --principal,
--principal-type or --principal-kind asks for it.`,
		Example: `  baton-jumpcloud review new sync.c1z --out q4.review --scope app:Salesforce --reviewer-by one --reviewer ana@example.com
  baton-jumpcloud review new --out admins.review --scope privileged
  baton-jumpcloud review new --out sales.review --scope department:Sales --reviewer-by manager
  baton-jumpcloud review new next.c1z --out q1.review --scope changed:q4.review
  baton-jumpcloud review new --out crm.review --scope all --kind application --direct`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"c1z"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			return program.UntilStopped(cmd.Context(), o.run(a, cmd, path))
		},
	}
	flags := cmd.Flags()
	o.addFlag(cmd)
	flags.StringVar(&o.out, "out", "", "Write the review to this file (never replaces one)")
	flags.StringArrayVar(&o.scopes, "scope", nil, "What is reviewed: app:ID, group:ID, privileged, department:NAME, changed:FILE or all (repeatable)")
	flags.StringVar(&o.reviewerBy, "reviewer-by", campaign.ByOne, "Who decides: one, manager or app-owner")
	flags.StringVar(&o.reviewer, "reviewer", "", "Reviewer of everything, or of what has no known manager or owner (default: the user of the operating system)")
	flags.StringArrayVar(&o.owners, "owner", nil, "Owner of a resource, as RESOURCE=REVIEWER (repeatable, for --reviewer-by app-owner)")
	flags.StringVar(&o.previous, "previous", "", "Earlier review whose decisions are shown")
	flags.StringVar(&o.title, "title", "", "Title of the review (default: the scope)")
	flags.StringVar(&o.search, "search", "", "Only access that contains all these words (ignoring case and accents)")
	flags.StringVar(&o.sync, "sync", "", "ID, or ID prefix, of the sync to review (default: the one that Baton readers show)")
	addBy(flags, &o.by, "Who makes the review")
	view.AddGrantFilters(&o.filters, cmd)
	_ = cmd.MarkFlagRequired("out") // The flags exist.
	_ = cmd.MarkFlagRequired("scope")
	_ = cmd.RegisterFlagCompletionFunc("reviewer-by", cobra.FixedCompletions(campaign.ReviewerWays(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagFilename("previous", "review")
	return cmd
}

func (o *newOptions) run(a *program.App, cmd *cobra.Command, path string) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if !slices.Contains(campaign.ReviewerWays(), o.reviewerBy) {
		return fault.Invalid("--reviewer-by is %q: want one, manager or app-owner", o.reviewerBy)
	}
	if strings.HasSuffix(strings.ToLower(o.out), ".c1z") {
		return fault.Invalid("--out %s: name of an archive; choose another, such as q4.review", o.out)
	}
	ctx := cmd.Context()
	sel := campaign.Selection{By: o.reviewerBy, Reviewer: o.reviewer, Now: time.Now()}
	if sel.Reviewer == "" {
		sel.Reviewer = localUser()
	}
	header := campaign.Header{
		ID: ksuid.New().String(), Title: o.title, ReviewerBy: o.reviewerBy, CreatedAt: sel.Now.UTC().Truncate(time.Millisecond), CreatedBy: o.by,
		Tool: version.Program + " " + version.Read().String(),
	}
	if header.CreatedBy == "" {
		header.CreatedBy = localUser()
	}
	if err := o.earlier(ctx, &sel, &header); err != nil {
		return err
	}
	archive, err := archives.Open(ctx, a, cmd, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	shown, err := archive.LoadSync(ctx, o.sync)
	if err != nil {
		return err
	}
	if !shown.Run.Finished() || shown.Run.Type != c1z.SyncFull {
		return fault.WithHints(fault.WithCode(codes.FailedPrecondition, "sync %s is not a finished full sync: what it lacks would not be reviewed", shown.Run.ID), "choose another with --sync, or sync again")
	}
	if header.Source, err = sourceOf(ctx, shown); err != nil {
		return err
	}
	sel.Query, _ = o.filters.Query(a, cmd.Flags())
	sel.Query.Search, sel.Query.Limit, sel.Query.Offset = o.search, 0, 0
	if err := archives.NameFilters(shown, sel.Query); err != nil {
		return err
	}
	if err := o.ownersOf(shown, &sel); err != nil {
		return err
	}
	found, err := campaign.Select(ctx, shown.Sync, sel)
	if err != nil {
		return archives.Naming("resource", o.filters.InFlags(err))
	}
	header.Scope, header.Filter, header.Search = sel.Scopes, sel.Query.Filter, o.search
	if header.Title == "" {
		header.Title = "Access review of " + strings.Join(sel.Scopes, ", ")
	}
	if err := campaign.Create(ctx, o.out, header, found.Items); err != nil {
		return err
	}
	archive.Loading.End()
	return o.report(a, &header, found)
}

// earlier opens the review that a delta review or --previous names.
func (o *newOptions) earlier(ctx context.Context, sel *campaign.Selection, header *campaign.Header) error {
	path := o.previous
	for _, scope := range o.scopes {
		name, changed := strings.CutPrefix(scope, campaign.ScopeChanged)
		if !changed {
			sel.Scopes = append(sel.Scopes, scope)
			continue
		}
		if sel.Delta || path != "" && path != name {
			return fault.Invalid("--scope %s: only one earlier review can be named", scope)
		}
		path, sel.Delta = name, true
	}
	if path == "" {
		return nil
	}
	return withReview(ctx, path, func(f *campaign.File) error {
		sel.Earlier = campaign.Earlier(f.Rows())
		header.Previous, header.Delta = f.Header().ID, sel.Delta
		if len(sel.Scopes) == 0 {
			sel.Scopes = f.Header().Scope
		}
		return nil
	})
}

// ownersOf finds the resources that --owner names.
func (o *newOptions) ownersOf(s *archives.Shown, sel *campaign.Selection) error {
	if len(o.owners) > 0 && o.reviewerBy != campaign.ByOwner {
		return fault.Invalid("--owner requires --reviewer-by app-owner")
	}
	sel.Owners = map[string]string{}
	for _, text := range o.owners {
		name, owner, ok := strings.Cut(text, "=")
		if !ok || name == "" || owner == "" {
			return fault.Invalid("--owner is %q: want RESOURCE=REVIEWER", text)
		}
		r, err := s.FindResource(name)
		if err != nil {
			return archives.Naming("resource", err)
		}
		b := s.Brief(r)
		sel.Owners[b.Type+":"+b.ID] = owner
	}
	return nil
}

// sourceOf says what the sync is of.
func sourceOf(ctx context.Context, s *archives.Shown) (campaign.Source, error) {
	run, overview := s.Run, s.Overview()
	source := campaign.Source{
		OrganizationID: run.Organization.ID, OrganizationName: run.Organization.Name, Host: run.Organization.Host, Settings: run.Organization.Settings,
		Archive: filepath.Base(s.Path), SyncID: run.ID, Type: string(run.Type), Started: run.StartedAt, Ended: run.EndedAt,
		Accounts: overview.Counts[review.Account], Grants: s.GrantCount(),
	}
	for _, n := range overview.Counts {
		source.Resources += n
	}
	var err error
	if source.SHA256, err = regularfile.SHA256(ctx, s.Path); err != nil {
		return source, fmt.Errorf("read archive: %w", err)
	}
	return source, nil
}

// made is what review new tells.
type made struct {
	Path      string          `json:"path"`
	Review    campaign.Header `json:"review"`
	Items     int             `json:"items"`
	Accounts  int             `json:"accounts"`
	Fallback  int             `json:"items_without_manager_or_owner,omitempty"`
	Unchanged int             `json:"items_unchanged_since_previous,omitempty"`
	Reviewers []reviewerItems `json:"reviewers"`
}

type reviewerItems struct {
	Reviewer string `json:"reviewer"`
	Items    int    `json:"items"`
}

func (o *newOptions) report(a *program.App, header *campaign.Header, found *campaign.Selected) error {
	m := made{Path: o.out, Review: *header, Items: len(found.Items), Fallback: found.Fallback, Unchanged: found.Same}
	accounts := map[string]bool{}
	for i := range found.Items {
		item := &found.Items[i]
		accounts[item.Account.Type+":"+item.Account.ID] = true
		if n := len(m.Reviewers); n == 0 || m.Reviewers[n-1].Reviewer != item.Reviewer {
			m.Reviewers = append(m.Reviewers, reviewerItems{Reviewer: item.Reviewer})
		}
		m.Reviewers[len(m.Reviewers)-1].Items++
	}
	m.Accounts = len(accounts)
	var b strings.Builder
	fmt.Fprintf(&b, "Made %s: %s of %s, for %s.\n", o.out, english.Plural(m.Items, "item", ""), english.Plural(m.Accounts, "account", ""), english.Plural(len(m.Reviewers), "reviewer", ""))
	for _, r := range m.Reviewers {
		fmt.Fprintf(&b, "  %-40s %s\n", r.Reviewer, humanize.Comma(int64(r.Items)))
	}
	if m.Fallback > 0 {
		what := "manager"
		if o.reviewerBy == campaign.ByOwner {
			what = "owner"
		}
		fmt.Fprintf(&b, "%s without a known %s: reviewed by the default reviewer.\n", english.Plural(m.Fallback, "item", ""), what)
	}
	if m.Unchanged > 0 {
		fmt.Fprintf(&b, "%s unchanged since the previous review, and left out.\n", english.Plural(m.Unchanged, "item", ""))
	}
	return o.show(a, m, b.String())
}
