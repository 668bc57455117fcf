// Package reviews has the commands of access reviews: making one, deciding, closing,
// carrying out and proving.
package reviews

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/audit"
	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/changes"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// New makes the command review and those below it.
func New(a *program.App) *cobra.Command {
	cmd := program.NewParent("review", "Run an access review: decide, carry out, prove",
		`Run an access review on one machine. A review is a file of its own, made from one sync of an
archive: who decides keep, revoke or exception for which access, what was carried out, and the proof
of both. The archive is never written.`)
	cmd.Example = `  baton-jumpcloud review new sync.c1z --out q4.review --scope app:Salesforce --reviewer-by manager
  baton-jumpcloud review export q4.review --out sheets
  baton-jumpcloud review import q4.review sheets/ana.xlsx
  baton-jumpcloud review status q4.review
  baton-jumpcloud review close q4.review --evidence q4.zip
  baton-jumpcloud review apply q4.review --dry-run
  baton-jumpcloud review check q4.review --file next.c1z
  baton-jumpcloud review verify q4.zip`
	cmd.AddCommand(
		newNew(a), newStatus(a), newList(a), newDecide(a), newExport(a), newImport(a), newClose(a), changes.NewReviewApply(a), newCheck(a), newVerify(a),
	)
	return cmd
}

// output is the flag that says how a result is shown.
type output struct{ format string }

func (o *output) addFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", "text", "Output format: text or json")
	// The only error is a flag that is not there or has values already.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

func (o *output) check() error {
	if o.format != "text" && o.format != "json" {
		return fault.Invalid("--output is %q: want text or json", o.format)
	}
	return nil
}

// show writes a result.
func (o *output) show(a *program.App, result any, text string) error {
	if o.format == "json" {
		e := json.NewEncoder(a.Stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(result)
	}
	return program.Say(a.Stdout, "%s\n", printable.VisibleLines(strings.TrimRight(text, "\n")))
}

// localUser is who runs the program.
func localUser() string {
	actor := audit.LocalActor()
	return cmp.Or(actor.User, actor.UID)
}

// addBy declares the flag that says who does something.
func addBy(flags *pflag.FlagSet, by *string, usage string) {
	flags.StringVar(by, "by", "", usage+" (default: the user of the operating system)")
}

// withReview opens a review for some work.
func withReview(ctx context.Context, path string, work func(*campaign.File) error) (err error) {
	f, err := campaign.Open(ctx, path)
	if err != nil {
		return withHint(path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return work(f)
}

// withHint adds to what says that a review was changed what to do.
func withHint(path string, err error) error {
	if _, tampered := fault.As[*campaign.TamperedError](err); tampered {
		return fault.WithHints(err, "restore it from a backup; see baton-jumpcloud review verify "+path)
	}
	return err
}

// completeReview completes the file names of reviews.
func completeReview(extensions ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return slices.Concat(extensions, []string{strings.TrimPrefix(campaign.Extension, ".")}), cobra.ShellCompDirectiveFilterFileExt
	}
}
