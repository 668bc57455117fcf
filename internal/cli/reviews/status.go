package reviews

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/view"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// status is what review status tells.
type status struct {
	Path      string           `json:"path"`
	State     string           `json:"state"`
	Review    campaign.Header  `json:"review"`
	ClosedBy  string           `json:"closed_by,omitempty"`
	ClosedAt  time.Time        `json:"closed_at,omitzero"`
	Head      string           `json:"log_head"`
	Counts    campaign.Counts  `json:"counts"`
	Reviewers []reviewerCounts `json:"reviewers"`
}

type reviewerCounts struct {
	Reviewer string `json:"reviewer"`
	campaign.Counts
}

func newStatus(a *program.App) *cobra.Command {
	var o output
	var check bool
	cmd := &cobra.Command{
		Use: "status REVIEW", Short: "Show how far a review is",
		Long: `Show how far a review is: how many items each reviewer has decided, and how many revokes were
carried out.`,
		Example: "  baton-jumpcloud review status q4.review\n  baton-jumpcloud review status q4.review --check -o json",
		Args:    program.Exactly("REVIEW"), ValidArgsFunction: completeReview(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return withReview(cmd.Context(), args[0], func(f *campaign.File) error {
				s := statusOf(f)
				if err := o.show(a, s, s.text()); err != nil {
					return err
				}
				if n := s.Counts.Undecided + s.Counts.Open; check && n > 0 {
					return fault.Findings(s.open())
				}
				return nil
			})
		},
	}
	o.addFlag(cmd)
	cmd.Flags().BoolVar(&check, "check", false, fmt.Sprintf("Exit with code %d if items are undecided or revokes are not carried out", fault.ExitFindings))
	return cmd
}

func statusOf(f *campaign.File) *status {
	rows := f.Rows()
	s := &status{Path: f.Path(), State: "open", Review: f.Header(), Head: f.Head(), Counts: campaign.Count(rows), Reviewers: []reviewerCounts{}}
	if closed := f.Closed(); closed != nil {
		s.State, s.ClosedBy, s.ClosedAt = "closed", closed.By, closed.At
	}
	for _, name := range campaign.Reviewers(rows) {
		s.Reviewers = append(s.Reviewers, reviewerCounts{name, campaign.Count(campaign.Find(rows, campaign.RowFilter{Reviewer: name}))})
	}
	return s
}

// open says what is left to do.
func (s *status) open() string {
	var words []string
	if n := s.Counts.Undecided; n > 0 {
		words = append(words, english.Plural(n, "item", "")+" undecided")
	}
	if n := s.Counts.Open; n > 0 {
		words = append(words, english.Plural(n, "revoke", "")+" not carried out")
	}
	return strings.Join(words, ", ")
}

func (s *status) text() string {
	var b strings.Builder
	h := &s.Review
	fmt.Fprintf(&b, "%s: %s\n", s.Path, h.Title)
	state := "open"
	if s.State == "closed" {
		state = fmt.Sprintf("closed by %s on %s", s.ClosedBy, s.ClosedAt.Format(time.DateTime+" MST"))
	}
	fmt.Fprintf(&b, "%s, made by %s on %s from %s, sync %s of %s\n\n", state, h.CreatedBy, h.CreatedAt.Format(time.DateTime+" MST"),
		h.Source.Archive, h.Source.SyncID, h.Source.Started.UTC().Format(time.DateTime+" MST"))
	width := len("REVIEWER")
	for _, r := range s.Reviewers {
		width = max(width, len([]rune(r.Reviewer)))
	}
	line := func(name string, c campaign.Counts) {
		fmt.Fprintf(&b, "%-*s %9d %9d %9d %9d %9d\n", width, name, c.Items, c.Undecided, c.Keep, c.Revoke, c.Exception)
	}
	fmt.Fprintf(&b, "%-*s %9s %9s %9s %9s %9s\n", width, "REVIEWER", "ITEMS", "UNDECIDED", "KEEP", "REVOKE", "EXCEPTION")
	for _, r := range s.Reviewers {
		line(r.Reviewer, r.Counts)
	}
	if len(s.Reviewers) > 1 {
		line("all", s.Counts)
	}
	if s.Counts.Revoke > 0 {
		fmt.Fprintf(&b, "\n%d of %s carried out.\n", s.Counts.Done, english.Plural(s.Counts.Revoke, "revoke", ""))
	}
	return b.String()
}

func newList(a *program.App) *cobra.Command {
	var o view.Options
	var filter campaign.RowFilter
	cmd := &cobra.Command{
		Use: "list REVIEW", Short: "List the items of a review with their decisions",
		Long: `List the items of a review with their decisions. JSON, CSV and XLSX have all columns; choose those of
text tables with --columns.`,
		Example: `  baton-jumpcloud review list q4.review --decision undecided
  baton-jumpcloud review list q4.review --reviewer ana@example.com --columns item,account,resource,peers,findings
  baton-jumpcloud review list q4.review --decision revoke -o json`,
		Args: program.Exactly("REVIEW"), ValidArgsFunction: completeReview(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Check(a); err != nil {
				return err
			}
			if filter.Decision != "" && filter.Decision != campaign.Undecided.String() {
				if _, err := campaign.ParseDecision(filter.Decision); err != nil {
					return fault.Invalid("--decision is %q: want undecided, keep, revoke or exception", filter.Decision)
				}
			}
			return program.UntilStopped(cmd.Context(), withReview(cmd.Context(), args[0], func(f *campaign.File) error {
				q, paged := o.Query(a, cmd.Flags())
				filter.Search, q.Search = q.Search, ""
				t, err := o.Table(cmd.Context(), campaign.List(campaign.Find(f.Rows(), filter)), q, paged)
				if err != nil {
					return err
				}
				return o.Show(cmd.Context(), a, sheet.Document{Title: f.Header().Title, Tables: []sheet.Table{t}})
			}))
		},
	}
	flags := cmd.Flags()
	o.AddFlags(flags)
	_ = flags.MarkHidden("sync") // A review is of one sync.
	view.AddCompletions(cmd, map[string][]string{"decision": append(campaign.Decisions(), "undecided")})
	addRowFilters(cmd, &filter)
	flags.StringVar(&filter.Decision, "decision", "", "Only items with this decision: undecided, keep, revoke or exception")
	flags.StringVar(&filter.Result, "result", "", "Only items whose revoke has this result: started, revoked, already, inherited, dynamic, refused or failed")
	return cmd
}

// addRowFilters declares the flags that choose items.
func addRowFilters(cmd *cobra.Command, filter *campaign.RowFilter) {
	flags := cmd.Flags()
	flags.StringVar(&filter.Reviewer, "reviewer", "", "Only items of this reviewer")
	flags.StringVar(&filter.Via, "via", "", "Only access inherited via this group: name, ID or entitlement ID")
}
