package changes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/audit"
	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// reviewOptions are the flags of review apply.
type reviewOptions struct {
	leave      []string
	by, output string
}

// NewReviewApply makes the command that carries the revokes of a review out.
func NewReviewApply(a *program.App) *cobra.Command {
	var o reviewOptions
	cmd := &cobra.Command{
		Use: "apply REVIEW", Short: "Carry the revokes of a review out",
		Long: fmt.Sprintf(`Carry the revokes of a closed review out, each at most once; run again after an interruption, it
continues. --dry-run shows each change and sends nothing. Inherited access ends when the account leaves
every group that it comes from: the groups, and what else would end, are listed, and --leave allows it,
unless that would end access that the review keeps. Access of a dynamic group ends with its rule. Results are
recorded in the review. Exits with code %d if revokes are left to a person.`, fault.ExitFindings),
		Example: `  baton-jumpcloud review apply q4.review --dry-run
  baton-jumpcloud review apply q4.review --provision-types group,app --audit-file audit.jsonl
  baton-jumpcloud review apply q4.review --leave Contractors`,
		Args: program.Exactly("REVIEW"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{strings.TrimPrefix(campaign.Extension, ".")}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error { return applyReview(a, cmd, &o, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.leave, "leave", nil, "Group that accounts may be removed from to end inherited access: name or ID (repeatable)")
	flags.StringVar(&o.by, "by", "", "Who carries it out (default: the user of the operating system)")
	flags.StringVarP(&o.output, "output", "o", "text", "Output format: text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)) // The flag exists.
	return cmd
}

func applyReview(a *program.App, cmd *cobra.Command, o *reviewOptions, path string) (err error) {
	if o.output != "text" && o.output != "json" {
		return fault.Invalid("--output is %q: want text or json", o.output)
	}
	if o.by == "" {
		o.by = audit.LocalActor().User
	}
	ctx := cmd.Context()
	f, err := campaign.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	cfg, err := a.Load(cmd, config.ForChange)
	if err != nil {
		return err
	}
	if err := f.Ready(cfg.Change.DryRun); err != nil {
		return err
	}
	j := &job{cfg: cfg, stdout: a.Stdout}
	r := &applied{DryRun: cfg.Change.DryRun, Items: []campaign.Applied{}, counts: map[campaign.Result]int{}, j: j, json: o.output == "json"}
	if err := j.start(ctx, a, func(ctx context.Context) error { return j.applyReview(ctx, f, o, r) }); err != nil || r.DryRun {
		return err
	}
	// What is left to a person is no failure of the run.
	return r.err()
}

// applyReview carries the revokes of a review out, or shows them.
func (j *job) applyReview(ctx context.Context, f *campaign.File, o *reviewOptions, r *applied) (err error) {
	if !j.cfg.Change.DryRun {
		lock, err := regularfile.Lock(f.Path() + ".lock")
		if errors.Is(err, regularfile.ErrLocked) {
			return fault.WithHints(fault.WithCode(codes.FailedPrecondition, "another process carries review %s out", f.Path()), "wait for it to finish")
		}
		if err != nil {
			return fmt.Errorf("lock review: %w", err)
		}
		defer func() { err = errors.Join(err, lock.Unlock()) }()
		if err := f.Refresh(ctx); err != nil {
			return err
		}
	}
	p, err := j.connect(ctx, func(org connector.Organization) error {
		if of := f.Header().Source; of.OrganizationID != "" && of.OrganizationID != org.ID {
			return fault.WithHints(
				fault.WithCode(codes.FailedPrecondition, "review %s is of organization %s (%s), but this credential belongs to %s", f.Path(), of.OrganizationName, of.OrganizationID, org),
				"use a credential of that organization, or --org-id",
			)
		}
		return nil
	})
	if err != nil {
		return err
	}
	ended := f.Apply(ctx, reviewRevoker{p, r.DryRun}, campaign.ApplyOptions{By: o.by, DryRun: r.DryRun, Leave: o.leave, Each: r.add})
	if ended != nil && len(r.Items) == 0 {
		return ended
	}
	if err := r.show(f); err != nil {
		return err
	}
	if ended != nil && ctx.Err() != nil {
		return fmt.Errorf("%w; run again to continue", context.Cause(ctx))
	}
	return ended
}

// reviewRevoker makes the revokes of a review as every other change is made.
type reviewRevoker struct {
	*provision.Provisioner
	inspect bool
}

// Plan implements [campaign.Revoker].
func (r reviewRevoker) Plan(ctx context.Context, e campaign.Edge) (*campaign.Planned, error) {
	who := &v2.ResourceId{ResourceType: e.Account.Type, Resource: e.Account.ID}
	grant := connector.DirectGrant(e.Resource.Type, e.Resource.ID, who)
	grant.Entitlement.Id = e.EntitlementID
	grant.Entitlement.Resource.DisplayName, grant.Principal.DisplayName = e.Resource.Name, e.Account.Name
	plan, err := r.PlanRevoke(ctx, grant)
	if err != nil {
		return nil, err
	}
	if r.inspect {
		if err := r.Inspect(ctx, plan); err != nil {
			return nil, err
		}
	}
	return &campaign.Planned{
		ID: plan.ID, Effect: plan.Effect(), Absent: plan.State == provision.StateMade,
		Request: strings.TrimSpace(plan.Request.Method + " " + plan.Request.Path + " " + string(plan.Request.Body)),
		Send: func(ctx context.Context) (bool, []string, error) {
			outcome, err := r.Apply(ctx, plan)
			var remains []string
			for _, g := range outcome.Inherited {
				remains = append(remains, g.String())
			}
			return outcome.Result == provision.ResultAlready, remains, err
		},
	}, nil
}

// applied is what review apply tells.
type applied struct {
	DryRun bool               `json:"dry_run"`
	Items  []campaign.Applied `json:"items"`
	Counts struct {
		Revoked   int `json:"revoked"`
		Already   int `json:"already"`
		Inherited int `json:"inherited"`
		Dynamic   int `json:"dynamic"`
		Refused   int `json:"refused"`
		Failed    int `json:"failed"`
	} `json:"counts"`

	counts map[campaign.Result]int
	j      *job
	json   bool
}

// add takes an item, and shows it at once where people read.
func (r *applied) add(done campaign.Applied) {
	r.Items = append(r.Items, done)
	r.counts[done.Result]++
	if r.json {
		return
	}
	var b strings.Builder
	result := string(done.Result)
	if r.DryRun && done.Result == campaign.ResultRevoked {
		result = "would be revoked"
	}
	fmt.Fprintf(&b, "item %d: %s: %s, %s\n", done.Item, result, done.Account, done.Access)
	for i, effect := range done.Effects {
		fmt.Fprintf(&b, "  %s\n", effect)
		if r.DryRun && i < len(done.Requests) {
			fmt.Fprintf(&b, "  %s\n", done.Requests[i])
		}
	}
	if done.Detail != "" {
		fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(done.Detail, "\n", "\n  "))
	}
	if len(done.Ends) > 0 {
		fmt.Fprintf(&b, "  also ends: %s\n", strings.Join(done.Ends, ", "))
	}
	if done.Result == campaign.ResultOffered {
		for _, group := range done.Groups {
			fmt.Fprintf(&b, "  to allow it: --leave %q\n", group)
		}
	}
	_ = program.Say(r.j.stdout, "%s", printable.VisibleLines(b.String())) // The summary fails too, and says so.
}

// show writes the summary.
func (r *applied) show(f *campaign.File) error {
	c := &r.Counts
	c.Revoked, c.Already, c.Inherited = r.counts[campaign.ResultRevoked], r.counts[campaign.ResultAlready], r.counts[campaign.ResultOffered]
	c.Dynamic, c.Refused, c.Failed = r.counts[campaign.ResultDynamic], r.counts[campaign.ResultRefused], r.counts[campaign.ResultFailed]
	if r.json {
		e := json.NewEncoder(r.j.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	if len(r.Items) == 0 {
		return program.Say(r.j.stdout, "No revokes are left to carry out.\n")
	}
	verb := "revoked"
	if r.DryRun {
		verb = "would be revoked"
	}
	parts := []string{fmt.Sprintf("%s: %d %s, %d already gone", english.Plural(len(r.Items), "revoke", ""), c.Revoked, verb, c.Already)}
	for _, more := range []struct {
		n    int
		what string
	}{{c.Inherited, "inherited"}, {c.Dynamic, "by a rule"}, {c.Refused, "refused"}, {c.Failed, "failed"}} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", more.n, more.what))
		}
	}
	text := strings.Join(parts, ", ")
	if r.DryRun {
		text = "Dry run: nothing was sent. " + text
	}
	if f.Closed() == nil {
		text += ". The review is not closed: its decisions may still change"
	}
	return program.Say(r.j.stdout, "%s.\n", text)
}

// err is the error of what is left to be done, nil for nothing.
func (r *applied) err() error {
	c := &r.Counts
	if c.Failed > 0 {
		return fault.WithHints(fmt.Errorf("%s failed: %w", english.Plural(c.Failed, "revoke", ""), r.firstOf(campaign.ResultFailed)), "run again to repeat them")
	}
	if err := r.firstOf(campaign.ResultRefused); err != nil && fault.Code(err) == codes.Unimplemented {
		return fmt.Errorf("%s refused: %w", english.Plural(c.Refused, "revoke", ""), err)
	}
	if left := c.Inherited + c.Dynamic + c.Refused; left > 0 {
		return fault.Findings(english.Plural(left, "revoke is", "revokes are") + " left to a person")
	}
	return nil
}

// firstOf is the error of the first item with a result.
func (r *applied) firstOf(result campaign.Result) error {
	for i := range r.Items {
		if r.Items[i].Result == result && r.Items[i].Err != nil {
			return r.Items[i].Err
		}
	}
	return nil
}
