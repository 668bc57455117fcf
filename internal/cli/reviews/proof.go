package reviews

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/evidence"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

// closedReview is what review close tells.
type closedReview struct {
	Path     string          `json:"path"`
	Evidence string          `json:"evidence"`
	Manifest string          `json:"manifest_sha256"`
	Head     string          `json:"log_head"`
	Counts   campaign.Counts `json:"counts"`
}

func newClose(a *program.App) *cobra.Command {
	var o output
	var pack, undecided, by string
	cmd := &cobra.Command{
		Use: "close REVIEW", Short: "Close a review and write its evidence",
		Long: `Close a review: its decisions become final. Undecided items are refused unless --undecided says what
they mean. The evidence, a ZIP file or a directory, has every decision with who made it and when, the
log as a hash chain, and a manifest with the SHA-256 of each file. Closing a closed review writes its
evidence again, with what was carried out since.`,
		Example: "  baton-jumpcloud review close q4.review --evidence q4.zip\n  baton-jumpcloud review close q4.review --evidence q4.zip --undecided revoke",
		Args:    program.Exactly("REVIEW"), ValidArgsFunction: completeReview(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			as := campaign.Decision(undecided)
			if as != campaign.Undecided && as != campaign.Keep && as != campaign.Revoke {
				return fault.Invalid("--undecided is %q: want keep or revoke", undecided)
			}
			if by == "" {
				by = localUser()
			}
			return program.UntilStopped(cmd.Context(), withReview(cmd.Context(), args[0], func(f *campaign.File) error {
				return closeReview(cmd.Context(), a, &o, f, pack, by, as)
			}))
		},
	}
	o.addFlag(cmd)
	cmd.Flags().StringVar(&pack, "evidence", "", "Write the evidence to this ZIP file or directory (never replaces one)")
	cmd.Flags().StringVar(&undecided, "undecided", "", "Decide undecided items: keep or revoke")
	addBy(cmd.Flags(), &by, "Who closes the review")
	_ = cmd.MarkFlagRequired("evidence") // The flags exist.
	_ = cmd.RegisterFlagCompletionFunc("undecided", cobra.FixedCompletions([]string{"keep", "revoke"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func closeReview(ctx context.Context, a *program.App, o *output, f *campaign.File, pack, by string, as campaign.Decision) (err error) {
	// What stands in the way of the evidence shows before the review is closed.
	if err := evidence.Check(pack); err != nil {
		return err
	}
	temp, err := tempdir.New("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	if err := f.Freeze(ctx, by, as); err != nil {
		return err
	}
	manifest, err := f.WritePack(ctx, pack, temp.Path())
	if err != nil {
		return fault.WithHints(fmt.Errorf("review is closed, but its evidence could not be written: %w", err), "write it again: baton-jumpcloud review close "+f.Path()+" --evidence "+pack)
	}
	if err := f.Packed(ctx, by, manifest); err != nil {
		return err
	}
	c := closedReview{f.Path(), pack, manifest, f.Head(), campaign.Count(f.Rows())}
	text := fmt.Sprintf("Closed %s: %s, %d keep, %d revoke, %d exception.\nEvidence: %s\nSHA-256 of its manifest: %s\n", c.Path,
		english.Plural(c.Counts.Items, "item", ""), c.Counts.Keep, c.Counts.Revoke, c.Counts.Exception, pack, manifest)
	if c.Counts.Open > 0 {
		text += fmt.Sprintf("Carry %s out: baton-jumpcloud review apply %s --dry-run\n", english.Plural(c.Counts.Open, "revoke", ""), f.Path())
	}
	return o.show(a, c, text)
}

// checked is what review check tells of an item.
type checked struct {
	Item     int               `json:"item"`
	Account  string            `json:"account"`
	Email    string            `json:"email,omitempty"`
	Access   string            `json:"access"`
	Result   campaign.Result   `json:"result"`
	Presence campaign.Presence `json:"presence"`
	Detail   string            `json:"detail,omitempty"`
}

func newCheck(a *program.App) *cobra.Command {
	var o output
	var by, sync string
	cmd := &cobra.Command{
		Use: "check REVIEW", Short: "Check the revokes of a review against a later sync",
		Long: fmt.Sprintf(`Check the revokes of a review against a later sync, which --file names: each revoked access is gone,
still there, or back again. The answer is recorded in the review. Exits with code %d if any is not gone.`, fault.ExitFindings),
		Example: "  baton-jumpcloud review check q4.review --file next.c1z",
		Args:    program.Exactly("REVIEW"), ValidArgsFunction: completeReview(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if by == "" {
				by = localUser()
			}
			ctx := cmd.Context()
			return program.UntilStopped(ctx, withReview(ctx, args[0], func(f *campaign.File) error {
				s, err := archives.Read(ctx, a, cmd, "", sync)
				if err != nil {
					return err
				}
				rows, err := f.Check(ctx, by, s.Sync)
				if err != nil {
					return err
				}
				return showChecked(a, &o, rows)
			}))
		},
	}
	o.addFlag(cmd)
	cmd.Flags().StringVar(&sync, "sync", "", "ID, or ID prefix, of the sync to compare with (default: the one that Baton readers show)")
	addBy(cmd.Flags(), &by, "Who checks")
	return cmd
}

func showChecked(a *program.App, o *output, rows []campaign.Row) error {
	list := []checked{}
	counts := map[campaign.Presence]int{}
	var b strings.Builder
	for i := range rows {
		r := &rows[i]
		c := checked{r.Item.ID, r.Account.Name, r.Account.Email, r.Resource.Name + " " + r.Entitlement, r.Result, r.Check, r.CheckDetail}
		list = append(list, c)
		counts[c.Presence]++
		fmt.Fprintf(&b, "item %d: %s: %s, %s", c.Item, c.Presence, named(r), c.Access)
		if c.Detail != "" {
			fmt.Fprintf(&b, " (%s)", c.Detail)
		}
		b.WriteString("\n")
	}
	var words []string
	for _, p := range []campaign.Presence{campaign.Gone, campaign.StillThere, campaign.BackAgain, campaign.TooOld} {
		if n := counts[p]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, p))
		}
	}
	summary := english.Plural(len(rows), "revoke", "") + ": " + strings.Join(words, ", ")
	if len(rows) == 0 {
		summary = "No revokes in this review"
	}
	if err := o.show(a, list, b.String()+summary+"."); err != nil {
		return err
	}
	if counts[campaign.Gone] < len(rows) {
		return fault.Findings(summary)
	}
	return nil
}

// named is an account that is told from others of the same name.
func named(r *campaign.Row) string {
	if r.Account.Email == "" || r.Account.Email == r.Account.Name {
		return r.Account.Name
	}
	return r.Account.Name + " <" + r.Account.Email + ">"
}

func newVerify(a *program.App) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "verify REVIEW|EVIDENCE...", Short: "Verify reviews and their evidence",
		Long: fmt.Sprintf(`Verify reviews and evidence: the hash chain of the log, the items, each file of the evidence against
the manifest, and the decisions against the log. Given a review and its evidence, they are compared
too. Exits with code %d if anything was changed.`, fault.ExitFindings),
		Example: "  baton-jumpcloud review verify q4.review\n  baton-jumpcloud review verify q4.review q4.zip",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.WithHints(errors.New("want REVIEW or EVIDENCE"), "run "+cmd.CommandPath()+" --help for examples")
			}
			return nil
		},
		ValidArgsFunction: completeReview("zip"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return program.UntilStopped(cmd.Context(), verify(cmd.Context(), a, &o, args))
		},
	}
	o.addFlag(cmd)
	return cmd
}

func verify(ctx context.Context, a *program.App, o *output, paths []string) error {
	var list []campaign.Verified
	problems := 0
	for _, path := range paths {
		info, err := os.Stat(path)
		var v campaign.Verified
		if err == nil && (info.IsDir() || evidence.IsZIP(path)) {
			v, err = campaign.VerifyPack(ctx, path)
		} else {
			v, err = campaign.VerifyFile(ctx, path)
		}
		if err != nil {
			return err
		}
		list = append(list, v)
	}
	campaign.Compare(list)
	var b strings.Builder
	for i := range list {
		v := &list[i]
		problems += len(v.Problems)
		if len(v.Problems) == 0 {
			fmt.Fprintf(&b, "%s: intact, %s, %s", v.Path, english.Plural(v.Items, "item", ""), english.Plural(v.Events, "event", ""))
			if v.Manifest != "" {
				fmt.Fprintf(&b, ", SHA-256 of the manifest %s", v.Manifest)
			}
			b.WriteString("\n")
			continue
		}
		fmt.Fprintf(&b, "%s: changed\n", v.Path)
		for _, p := range slices.Compact(v.Problems) {
			fmt.Fprintf(&b, "  %s\n", p)
		}
	}
	if err := o.show(a, list, b.String()); err != nil {
		return err
	}
	if problems > 0 {
		return fault.Findings(english.Plural(problems, "problem", "") + " found")
	}
	return nil
}
