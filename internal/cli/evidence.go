package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/evidence"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/proof"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

// evidenceOptions are the flags of evidence and evidence verify.
type evidenceOptions struct{ out, sync, output string }

func newEvidence(a *program.App) *cobra.Command {
	var o evidenceOptions
	cmd := &cobra.Command{
		Use: "evidence", Short: "Write the evidence of a sync for an auditor",
		Long: `Write all lists and reports of a sync with a manifest: what it is of, how complete it is, and the
SHA-256 of each file and of the archive. The output is a ZIP file or a directory.`,
		Example: "  baton-jumpcloud evidence --out evidence-q4.zip\n  baton-jumpcloud evidence -f okta.c1z --out evidence\n  baton-jumpcloud evidence verify evidence-q4.zip",
		Args:    program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return program.UntilStopped(cmd.Context(), o.write(cmd.Context(), a, cmd))
		},
	}
	o.addOutput(cmd)
	cmd.Flags().StringVar(&o.out, "out", "", "Write the evidence to this ZIP file or directory (never replaces one)")
	cmd.Flags().StringVar(&o.sync, "sync", "", "ID, or ID prefix, of the sync (default: the one that Baton readers show)")
	_ = cmd.MarkFlagRequired("out") // The flag exists.
	cmd.AddCommand(newEvidenceVerify(a))
	return cmd
}

func (o *evidenceOptions) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "Output format: text or json")
	// The only error is a flag that is not there or has values already.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

func (o *evidenceOptions) check() error {
	if o.output != "text" && o.output != "json" {
		return fault.Invalid("--output is %q: want text or json", o.output)
	}
	return nil
}

// packed is what evidence tells, of writing as of verifying.
type packed struct {
	Path     string   `json:"path"`
	Files    int      `json:"files"`
	Manifest string   `json:"manifest_sha256"`
	Problems []string `json:"problems"`
}

// show writes the result.
func (o *evidenceOptions) show(a *program.App, p packed, text string) error {
	if o.output == "json" {
		e := json.NewEncoder(a.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	return program.Say(a.Stdout, "%s\n", printable.VisibleLines(text))
}

func (o *evidenceOptions) write(ctx context.Context, a *program.App, cmd *cobra.Command) (err error) {
	if err := errors.Join(o.check(), evidence.Check(o.out)); err != nil {
		return err
	}
	archive, err := archives.Open(ctx, a, cmd, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	s, err := archive.LoadSync(ctx, o.sync)
	if err != nil {
		return err
	}
	var before *review.Sync
	run, err := review.Previous(ctx, archive.Reader, s.Run)
	if err == nil {
		loaded, loadErr := archive.LoadSync(ctx, run.ID)
		if loadErr != nil {
			return loadErr
		}
		before = loaded.Sync.Sync
	} else if !errors.Is(err, c1z.ErrNotFound) {
		return err
	}
	p, err := s.Provenance(ctx, search.Query{})
	if err != nil {
		return err
	}
	temp, err := tempdir.New("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	m, sources, err := proof.Pack(ctx, s.Sync, before, p, temp.Path())
	if err != nil {
		return err
	}
	digest, err := evidence.Write(o.out, m, sources)
	if err != nil {
		return err
	}
	archive.Loading.End()
	return o.show(a, packed{o.out, len(sources), digest, []string{}}, fmt.Sprintf("Wrote %s: %s.\nSHA-256 of its manifest: %s", o.out, english.Plural(len(sources), "file", ""), digest))
}

func newEvidenceVerify(a *program.App) *cobra.Command {
	var o evidenceOptions
	cmd := &cobra.Command{
		Use: "verify EVIDENCE", Short: "Verify the evidence of a sync",
		Long: fmt.Sprintf(`Verify evidence: each file against the manifest, and the manifest against its hash. With --file, the
archive is compared too. Exits with code %d if anything was changed. Evidence of a review: review verify.`, fault.ExitFindings),
		Example: "  baton-jumpcloud evidence verify evidence-q4.zip\n  baton-jumpcloud evidence verify evidence-q4.zip --file sync.c1z",
		Args:    program.Exactly("EVIDENCE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"zip"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			archive := ""
			if cmd.Flags().Changed("file") {
				archive, _ = cmd.Flags().GetString("file") // The flag exists.
			}
			return program.UntilStopped(cmd.Context(), o.verify(cmd.Context(), a, args[0], archive))
		},
	}
	o.addOutput(cmd)
	return cmd
}

func (o *evidenceOptions) verify(ctx context.Context, a *program.App, path, archive string) (err error) {
	p, err := evidence.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if archive != "" {
		sum, err := regularfile.SHA256(ctx, archive)
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		var subject struct {
			SHA256 string `json:"archive_sha256"`
		}
		if json.Unmarshal(p.Subject, &subject) != nil || subject.SHA256 != sum {
			p.Problem("archive %s is not the one that the evidence is of: its SHA-256 is %s", archive, sum)
		}
	}
	result := packed{path, len(p.Manifest.Files), p.Digest, append([]string{}, p.Problems...)}
	text := fmt.Sprintf("%s: intact, %s, SHA-256 of the manifest %s", path, english.Plural(result.Files, "file", ""), p.Digest)
	if len(p.Problems) > 0 {
		text = path + ": changed\n  " + strings.Join(p.Problems, "\n  ")
	}
	if err := o.show(a, result, text); err != nil {
		return err
	}
	if n := len(p.Problems); n > 0 {
		return fault.Findings(english.Plural(n, "problem", "") + " found")
	}
	return nil
}
