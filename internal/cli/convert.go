package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

const convertLong = `Write one sync of an archive into a new archive of the other format: v1, which every Baton reader opens,
or v3, the default of Baton connectors since SDK v0.25. The old archive stays as it is. What the new
format cannot hold is listed, and the rows are counted before and after.`

// convertOptions are the flags of the convert command.
type convertOptions struct{ to, sync string }

func newConvert(a *program.App) *cobra.Command {
	var o convertOptions
	cmd := &cobra.Command{
		Use:   "convert --to v1|v3 FILE OUT",
		Short: "Write an archive in the other format",
		Long:  convertLong,
		Example: `  baton-jumpcloud convert --to v1 okta.c1z okta-v1.c1z
  baton-jumpcloud convert --to v3 sync.c1z sync-v3.c1z`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fault.WithHints(errors.New("convert takes an archive and the path of the new one"), "baton-jumpcloud convert --to v1 FILE OUT")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []cobra.Completion{"c1z"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return program.UntilStopped(cmd.Context(), o.run(a, cmd, args[0], args[1]))
		},
	}
	cmd.Flags().StringVar(&o.to, "to", "", "Format of the new archive: v1 or v3")
	cmd.Flags().StringVar(&o.sync, "sync", "", "Id of the sync, or its beginning (default: the one that Baton readers show)")
	if err := cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions([]cobra.Completion{"v1", "v3"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // The flag is declared above.
	}
	return cmd
}

func (o *convertOptions) run(a *program.App, cmd *cobra.Command, from, to string) (err error) {
	formats := map[string]c1z.Format{"v1": c1z.FormatV1, "v3": c1z.FormatV3}
	format, known := formats[o.to]
	if !known {
		return fault.WithHints(fmt.Errorf("--to is %q: want v1 or v3", o.to), "v1 is opened by every Baton reader, v3 by those since SDK v0.25")
	}
	cfg, err := a.Load(cmd, config.ForCommand)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fault.WithHints(fmt.Errorf("convert to %s: %w", to, fs.ErrExist), "name a file that does not exist yet")
	}
	ctx := cmd.Context()
	archive, err := archives.Open(ctx, a, cmd, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if archive.Format() == format {
		return fault.WithHints(fmt.Errorf("convert %s: it is of format %d already", from, format), "copy it, or choose the other format with --to")
	}
	run, err := archive.Run(ctx, o.sync)
	if err != nil {
		return err
	}
	limits, err := a.Limits()
	if err != nil {
		return err
	}
	parent := cfg.Output.TempDir
	if parent == "" {
		parent = filepath.Dir(to)
	}
	if parent, err = filepath.Abs(parent); err != nil {
		return fmt.Errorf("convert to %s: %w", to, err)
	}
	work, err := tempdir.New(parent)
	if err != nil {
		return fmt.Errorf("convert to %s: %w", to, err)
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	made, err := c1z.Convert(ctx, archive.Reader, run, c1z.ConvertOptions{Path: to, WorkDir: work.Path(), Format: format, Limits: limits})
	if err != nil {
		return archives.Unreadable(ctx, from, err)
	}
	archive.Loading.End()
	return writeConversion(cmd.OutOrStdout(), from, to, made)
}

// writeConversion says what came of a conversion.
func writeConversion(w io.Writer, from, to string, c c1z.Conversion) error {
	count := func(n int64) string { return humanize.Comma(n) }
	var text strings.Builder
	fmt.Fprintf(&text, "Converted sync %s of %s\n", c.Sync.ID, printable.Visible(from))
	fmt.Fprintf(&text, "     to %s (%s)\n", printable.Visible(to), humanize.IBytes(uint64(max(c.Size, 0))))
	fmt.Fprintf(&text, "   rows %s resource types, %s resources, %s entitlements, %s grants\n",
		count(c.After.ResourceTypes), count(c.After.Resources), count(c.After.Entitlements), count(c.After.Grants))
	if c.Merged > 0 {
		fmt.Fprintf(&text, " merged %s grants into others of the same entitlement and principal: format 3 holds one\n", count(c.Merged))
	}
	for _, lost := range c.Lost {
		fmt.Fprintf(&text, " left out: %s\n", lost)
	}
	_, err := io.WriteString(w, text.String())
	return err
}
