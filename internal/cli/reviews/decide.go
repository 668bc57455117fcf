package reviews

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// decideOptions are the flags of review decide.
type decideOptions struct {
	output
	items                        []string
	filter                       campaign.RowFilter
	all, overwrite               bool
	decision, comment, until, by string
}

func newDecide(a *program.App) *cobra.Command {
	var o decideOptions
	cmd := &cobra.Command{
		Use: "decide REVIEW", Short: "Decide items of a review",
		Long: `Decide items: one or several by --item, what is inherited via a group by --via, or --all. --via and
--all leave alone what is decided already, unless --overwrite is given. The decision undecided takes a
decision back. A decision that was reported is on the disk.`,
		Example: `  baton-jumpcloud review decide q4.review --item 17 --decision revoke --comment "changed teams" --by ana@example.com
  baton-jumpcloud review decide q4.review --via Contractors --decision revoke --by ana@example.com
  baton-jumpcloud review decide q4.review --item 3 --decision exception --until 2027-03-31 --comment "migration" --by ana@example.com
  baton-jumpcloud review decide q4.review --all --decision keep --by ana@example.com`,
		Args: program.Exactly("REVIEW"), ValidArgsFunction: completeReview(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return withReview(cmd.Context(), args[0], func(f *campaign.File) error { return o.run(cmd.Context(), a, f) })
		},
	}
	flags := cmd.Flags()
	o.addFlag(cmd)
	flags.StringArrayVar(&o.items, "item", nil, "Item to decide: its number, or the ID of its grant (repeatable)")
	addRowFilters(cmd, &o.filter)
	flags.BoolVar(&o.all, "all", false, "Decide all undecided items")
	flags.StringVar(&o.filter.Search, "search", "", "With --via or --all: only items that contain all these words")
	flags.BoolVar(&o.overwrite, "overwrite", false, "With --via or --all: change what is decided already, too")
	flags.StringVar(&o.decision, "decision", "", "Decision: keep, revoke, exception or undecided")
	flags.StringVar(&o.comment, "comment", "", "Reason, required for an exception")
	flags.StringVar(&o.until, "until", "", "Last day of an exception, as YYYY-MM-DD")
	addBy(flags, &o.by, "Who decides")
	_ = cmd.MarkFlagRequired("decision") // The flag exists.
	cmd.MarkFlagsOneRequired("item", "via", "all")
	cmd.MarkFlagsMutuallyExclusive("item", "via", "all")
	_ = cmd.RegisterFlagCompletionFunc("decision", cobra.FixedCompletions(append(campaign.Decisions(), "undecided"), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// decided is what review decide tells.
type decided struct {
	Decision  string `json:"decision"`
	Items     []int  `json:"items"`
	Decided   int    `json:"decided"`
	Unchanged int    `json:"unchanged"`
	Skipped   int    `json:"skipped"`
}

func (o *decideOptions) run(ctx context.Context, a *program.App, f *campaign.File) error {
	decision := campaign.Decision(o.decision)
	if o.decision == campaign.Undecided.String() {
		decision = campaign.Undecided
	} else if _, err := campaign.ParseDecision(o.decision); err != nil {
		return fault.Invalid("--decision is %q: want keep, revoke, exception or undecided", o.decision)
	}
	if o.by == "" {
		o.by = localUser()
	}
	chosen, skipped, err := o.choose(f.Rows())
	if err != nil {
		return err
	}
	choices := make([]campaign.Choice, len(chosen))
	for i, item := range chosen {
		choices[i] = campaign.Choice{Item: item, Decision: decision, Comment: o.comment, Until: o.until}
	}
	n, err := f.Decide(ctx, campaign.Actor{By: o.by, From: "command line"}, choices)
	if err != nil {
		return err
	}
	d := decided{decision.String(), chosen, n, len(chosen) - n, skipped}
	text := fmt.Sprintf("Decided %s: %s, by %s.", english.Plural(n, "item", ""), decision, o.by)
	if d.Unchanged > 0 {
		text += fmt.Sprintf(" %d unchanged.", d.Unchanged)
	}
	if skipped > 0 {
		text += fmt.Sprintf(" %d decided already and left alone (--overwrite changes them).", skipped)
	}
	return o.show(a, d, text)
}

// choose finds the items that the flags name.
func (o *decideOptions) choose(rows []campaign.Row) (chosen []int, skipped int, err error) {
	if len(o.items) > 0 {
		if o.filter != (campaign.RowFilter{}) || o.overwrite {
			return nil, 0, fault.Invalid("--reviewer, --search and --overwrite require --via or --all")
		}
		for _, text := range o.items {
			item, err := findItem(rows, text)
			if err != nil {
				return nil, 0, err
			}
			if !slices.Contains(chosen, item) {
				chosen = append(chosen, item)
			}
		}
		return chosen, 0, nil
	}
	found := campaign.Find(rows, o.filter)
	if len(found) == 0 {
		return nil, 0, o.nothing(rows)
	}
	chosen = []int{}
	for i := range found {
		if found[i].Decision != campaign.Undecided && !o.overwrite && o.decision != campaign.Undecided.String() {
			skipped++
			continue
		}
		chosen = append(chosen, found[i].Item.ID)
	}
	return chosen, skipped, nil
}

// findItem finds an item by its number, or by the ID of its grant.
func findItem(rows []campaign.Row, text string) (int, error) {
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(rows) {
		return n, nil
	}
	for i := range rows {
		if rows[i].GrantID == text && text != "" {
			return rows[i].Item.ID, nil
		}
	}
	return 0, fault.WithHints(fault.WithCode(codes.NotFound, "item %q does not exist: the review has items 1 to %d", text, len(rows)), "list them with review list")
}

// nothing says that no item was found, and by which groups there are some.
func (o *decideOptions) nothing(rows []campaign.Row) error {
	err := fault.WithCode(codes.NotFound, "no item matches")
	if o.filter.Via == "" {
		return fault.WithHints(err, "list the items with review list")
	}
	var groups []string
	for i := range rows {
		for _, s := range rows[i].Steps {
			if !slices.Contains(groups, s.Name) {
				groups = append(groups, s.Name)
			}
		}
	}
	slices.Sort(groups)
	if len(groups) == 0 {
		return fault.WithHints(err, "no access in this review is inherited")
	}
	if len(groups) > 20 {
		groups = append(groups[:20], fmt.Sprintf("and %d more", len(groups)-20))
	}
	return fault.WithHints(err, "access in this review is inherited via "+strings.Join(groups, ", "))
}
