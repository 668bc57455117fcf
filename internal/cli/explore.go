package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/cli/archives"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/explorer"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/gate"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

// exploreOptions are the flags of the explore command.
type exploreOptions struct {
	files  []string
	place  gate.Place
	noOpen bool
	review string // a review to be decided; empty for none
	watch  bool
}

func (o *exploreOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&o.files, "file", "f", nil, "Archive to show (repeatable)")
	flags.StringVar(&o.place.Address, "address", "127.0.0.1", "Bind address (other machines can connect only with TLS)")
	flags.IntVar(&o.place.Port, "port", 0, "Port to listen on (0: any free port)")
	flags.StringVar(&o.place.CertFile, "tls-cert", "", "TLS certificate chain (PEM file); enables HTTPS")
	flags.StringVar(&o.place.KeyFile, "tls-key", "", "TLS private key (PEM file)")
	flags.StringVar(&o.review, "review", "", "Review to decide in the browser, which is the only thing that is written")
	flags.BoolVar(&o.watch, "watch", false, "Show new syncs as their archives arrive (without: when the page is asked to)")
	flags.BoolVar(&o.noOpen, "no-open", false, "Do not open a browser")
}

func newExplore(a *program.App) *cobra.Command {
	var o exploreOptions
	cmd := &cobra.Command{
		Use:   "explore [FILE...]",
		Short: "Explore archives in a browser: who has what, and via what",
		Long: `Explore archives of this or any other Baton connector in a browser: accounts, groups,
applications, roles, entitlements and grants to search, sort and export, what a person has and via
what, the changes between two syncs, and reports for a review. Nothing is changed, and nothing leaves
this machine; with --review, a review is decided on a page of its own. The printed address contains a
token: whoever has it sees everything. On a terminal, a browser is opened.`,
		Example: `  baton-jumpcloud explore
  baton-jumpcloud explore jumpcloud.c1z okta.c1z
  baton-jumpcloud explore -f sync.c1z --port 8400 --no-open
  baton-jumpcloud explore sync.c1z --review q4.review
  baton-jumpcloud explore --address 0.0.0.0 --tls-cert cert.pem --tls-key key.pem`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"c1z"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			// The flag of the same name takes one archive, and this command's several.
			cfg, err := config.Load(cmd.Root().PersistentFlags(), config.Environment{Lookup: a.Lookup, Dir: a.Dir}, config.ForCommand)
			if err != nil {
				return err
			}
			o.files = append(o.files, args...)
			return runExplore(cmd.Context(), a, cfg, o)
		},
	}
	o.addFlags(cmd.Flags())
	for _, name := range []string{"tls-cert", "tls-key"} {
		cobra.CheckErr(cmd.MarkFlagFilename(name, "pem", "crt", "key"))
	}
	cobra.CheckErr(cmd.MarkFlagFilename("file", "c1z"))
	cobra.CheckErr(cmd.MarkFlagFilename("review", "review"))
	return cmd
}

func runExplore(ctx context.Context, a *program.App, cfg *config.Config, o exploreOptions) (err error) {
	var review *campaign.File
	if o.review != "" {
		if review, err = campaign.Open(ctx, o.review); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, review.Close()) }()
		o.place.Writes = true
	}
	if len(o.files) == 0 {
		o.files = []string{archiveToExplore(cfg.Output.File, review)}
	}
	claims := a.InputClaims()
	for _, file := range o.files {
		claims = append(claims, program.ClaimOf("the archive", file, false))
	}
	claims = append(program.ReadTwice(claims), program.LogClaims(cfg.Log)...)
	if err := program.CheckClaims(claims); err != nil {
		return err
	}
	if err := a.CheckStreams(claims); err != nil {
		return err
	}
	c, err := a.OpenConsole(cfg.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Log.Close()) }()
	limits, err := a.Limits()
	if err != nil {
		return err
	}
	// The address is taken first: unpacking a large archive in vain takes long.
	server, err := gate.Listen(ctx, o.place, c.Log.Logger)
	if err != nil {
		return err
	}
	temp, err := tempdir.New(cfg.Output.TempDir)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	lib, err := library.Open(ctx, o.files, c1z.OpenOptions{TempDir: temp.Path(), Limits: limits, Logger: c.Log.Logger})
	if err != nil {
		return errors.Join(archives.Unreadable(ctx, o.files[0], err), server.Close())
	}
	defer func() { err = errors.Join(err, lib.Close()) }()
	pages, err := explorer.New(explorer.Config{Library: lib, TempDir: temp.Path(), Logger: c.Log.Logger, Review: review})
	if err != nil {
		return errors.Join(err, server.Close())
	}
	if o.watch {
		watching, stop := context.WithCancel(ctx)
		var watcher sync.WaitGroup
		watcher.Go(func() { watchArchives(watching, c, lib) })
		defer watcher.Wait()
		defer stop()
	}
	return serveExplorer(ctx, a, c, server, pages, !o.noOpen && a.IsTerminal(a.Stdout))
}

// watchEvery is how often archives are looked at for another file.
const watchEvery = 2 * time.Second

// watchArchives opens archives again as their files are replaced. One that cannot be read is
// tried again, and told once.
func watchArchives(ctx context.Context, c *console.Console, lib *library.Library) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		refreshed, err := lib.Refresh(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && err.Error() != told:
			told = err.Error()
			c.Log.WarnContext(ctx, "the newer archive cannot be read", "error", err)
		case err == nil:
			told = ""
		}
		if refreshed {
			c.Log.InfoContext(ctx, "showing a newer archive", "sync_id", lib.First().Sync)
		}
	}
}

// archiveToExplore is the archive of the settings, or where that does not exist, the one
// beside a review that the review was made from.
func archiveToExplore(file string, review *campaign.File) string {
	if review == nil {
		return file
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(filepath.Dir(review.Path()), review.Header().Source.Archive)
	}
	return file
}

// serveExplorer says where the explorer answers, opens a browser if it shall, and
// answers until it is stopped, which is how it ends well.
func serveExplorer(ctx context.Context, a *program.App, c *console.Console, server *gate.Server, pages http.Handler, open bool) error {
	if err := program.Say(a.Stdout, "Open %s in a browser; press Ctrl-C to stop.\n", server.Address().Reveal()); err != nil {
		return errors.Join(err, server.Close())
	}
	if open {
		if err := openBrowser(server.BrowserAddress().Reveal()); err != nil {
			c.Log.DebugContext(ctx, "browser not opened", "error", err)
		}
	}
	if err := server.Serve(ctx, pages); err != nil {
		return fmt.Errorf("explore: %w", err)
	}
	return nil
}

// openBrowser has the system open an address in the browser of its user. It does not
// wait: some systems' way to open one ends when the browser does.
func openBrowser(address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	// No context ends it, and neither does Ctrl-C in this terminal: the browser is
	// its user's.
	cmd := exec.Command(name, args...) //nolint:gosec,noctx // The address is ours.
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
