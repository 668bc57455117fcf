package reviews

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/cli/view"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// exported is a worksheet that was written.
type exported struct {
	Path     string `json:"path"`
	Reviewer string `json:"reviewer"`
	Items    int    `json:"items"`
}

func newExport(a *program.App) *cobra.Command {
	var o output
	var dir, reviewer string
	cmd := &cobra.Command{
		Use: "export REVIEW", Short: "Write a worksheet for each reviewer",
		Long: `Write a worksheet (XLSX) for each reviewer: locked but for decision, comment and end date, with the
decisions to choose from. Worksheets that are there already are replaced.`,
		Example: "  baton-jumpcloud review export q4.review --out sheets\n  baton-jumpcloud review export q4.review --out sheets --reviewer ana@example.com",
		Args:    program.Exactly("REVIEW"), ValidArgsFunction: completeReview(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return program.UntilStopped(cmd.Context(), withReview(cmd.Context(), args[0], func(f *campaign.File) error {
				list, err := export(f, dir, reviewer)
				if err != nil {
					return err
				}
				var b strings.Builder
				for _, w := range list {
					fmt.Fprintf(&b, "Wrote %s: %s of %s.\n", w.Path, english.Plural(w.Items, "item", ""), w.Reviewer)
				}
				return o.show(a, list, b.String())
			}))
		},
	}
	o.addFlag(cmd)
	cmd.Flags().StringVar(&dir, "out", "", "Directory for the worksheets (made where it is missing)")
	cmd.Flags().StringVar(&reviewer, "reviewer", "", "Only the worksheet of this reviewer")
	_ = cmd.MarkFlagRequired("out") // The flag exists.
	_ = cmd.MarkFlagDirname("out")
	return cmd
}

// export writes the worksheets.
func export(f *campaign.File, dir, only string) ([]exported, error) {
	if f.Closed() != nil {
		return nil, fault.WithHints(errors.New("review "+f.Path()+" is closed: nothing is left to decide"), "see its decisions with review list")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	rows := f.Rows()
	reviewers := campaign.Reviewers(rows)
	names := campaign.WorksheetNames(reviewers)
	now := time.Now()
	var list []exported
	for _, reviewer := range reviewers {
		own := campaign.Find(rows, campaign.RowFilter{Reviewer: reviewer})
		if only != "" && len(campaign.Find(own[:1], campaign.RowFilter{Reviewer: only})) == 0 {
			continue
		}
		path := filepath.Join(dir, names[reviewer])
		if err := view.SaveFile(path, func(w io.Writer) error { return f.WriteWorksheet(w, reviewer, own, now) }); err != nil {
			return nil, err
		}
		list = append(list, exported{path, reviewer, len(own)})
	}
	if len(list) == 0 {
		return nil, fault.WithHints(fault.Invalid("no items are of reviewer %q", only), "list the reviewers with review status")
	}
	return list, nil
}

func newImport(a *program.App) *cobra.Command {
	var o output
	var by string
	cmd := &cobra.Command{
		Use: "import REVIEW WORKSHEET...", Short: "Take over the decisions of worksheets",
		Long: `Take over the decisions of worksheets. A worksheet is refused as a whole, with the cells that are
wrong, if it is of another review, a locked cell differs, a decision is unknown, or an item was decided
otherwise after the export. Importing one again changes nothing.`,
		Example: "  baton-jumpcloud review import q4.review sheets/ana.xlsx\n  baton-jumpcloud review import q4.review sheets/*.xlsx",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fault.WithHints(errors.New("want a REVIEW and one or more WORKSHEETs"), "run "+cmd.CommandPath()+" --help for examples")
			}
			return nil
		},
		ValidArgsFunction: completeReview("xlsx"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return program.UntilStopped(cmd.Context(), withReview(cmd.Context(), args[0], func(f *campaign.File) error {
				var list []imported
				var b strings.Builder
				for _, path := range args[1:] {
					done, err := f.ImportWorksheet(cmd.Context(), path, by)
					if err != nil {
						return errors.Join(o.show(a, list, b.String()), err)
					}
					list = append(list, imported{path, done})
					fmt.Fprintf(&b, "Imported %s of %s: %s, %s, %d undecided.\n", path, done.Reviewer,
						english.Plural(done.Rows, "row", ""), english.Plural(done.Decided, "new decision", ""), done.Undecided)
				}
				return o.show(a, list, b.String())
			}))
		},
	}
	o.addFlag(cmd)
	cmd.Flags().StringVar(&by, "by", "", "Who decided (default: the reviewer of the worksheet)")
	return cmd
}

// imported is a worksheet that was taken over.
type imported struct {
	Path string `json:"path"`
	campaign.Imported
}
