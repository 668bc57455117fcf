package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/gate"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// demoFile is where the demo's archive goes. It is not the default of a sync, so
// that a real archive is never in the way.
const demoFile = "demo.c1z"

// demoLatency makes the simulated server about as far away as a real one.
const demoLatency = 20 * time.Millisecond

// demoOptions are the flags of the demo command.
type demoOptions struct {
	tenantOptions
	latency time.Duration
	explore bool
}

func (o *demoOptions) addFlags(flags *pflag.FlagSet) {
	o.tenantOptions.addFlags(flags, "medium")
	flags.DurationVar(&o.latency, "latency", demoLatency, "Latency of every response of the simulated JumpCloud")
	flags.BoolVar(&o.explore, "explore", false, "Open the archive in a browser afterwards (see baton-jumpcloud explore)")
}

func newDemo(a *program.App) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Sync a simulated organization, without an account or a network",
		Long: `Start a simulated JumpCloud in this process, sync its organization like any other
and show the result. Nothing leaves this machine. The archive is demo.c1z in the
working directory or, if that is not writable, in the directory for temporary files; --file
names another file. With --explore it opens in a browser.`,
		Args: program.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), a, cmd.Flags(), o) },
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runDemo(ctx context.Context, a *program.App, flags *pflag.FlagSet, o demoOptions) error {
	cfg, err := syncDemo(ctx, a, flags, o)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(cfg.Output.File)
	if err != nil {
		return err
	}
	if err := program.Say(a.Stdout, `
The archive is %s. Every Baton reader opens it.

Open it in a browser (make demo OPEN=1 does so at once):
  %s explore %s

Next:
  baton-jumpcloud simulate                  keep a simulated JumpCloud running to try things with
  BATON_API_KEY=... baton-jumpcloud         sync your own organization
`, path, program.Name, console.ShellWord(path)); err != nil || !o.explore {
		return err
	}
	if err := program.Say(a.Stdout, "\n"); err != nil {
		return err
	}
	return runExplore(ctx, a, cfg, exploreOptions{files: []string{path}, place: gate.Place{Address: "127.0.0.1"}})
}

// syncDemo syncs a simulated organization, which is gone afterwards, and returns the
// configuration that did.
func syncDemo(ctx context.Context, a *program.App, flags *pflag.FlagSet, o demoOptions) (cfg *config.Config, err error) {
	tenants, err := o.tenants()
	if err != nil {
		return nil, err
	}
	sim, err := startSimulator(ctx, "127.0.0.1:0", "", jcsim.Options{Tenant: tenants[0], Settings: jcsim.Settings{Latency: o.latency}, Seed: o.seed})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	cfg, err = demoConfig(a, flags, sim.url)
	if err != nil {
		return nil, err
	}
	if err := a.CheckFiles(cfg); err != nil {
		return nil, err
	}
	c, err := a.OpenConsole(cfg.Log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Log.Close()) }()

	org := tenants[0].Organization()
	if err := program.Say(a.Stdout, "Simulated JumpCloud at %s. It serves %s:\n%s.\nA full sync takes at least %d requests.\n\n",
		sim.url, connector.Organization{ID: org.ID, Name: org.Name}, describe(tenants[0]), tenants[0].MinimumRequests()); err != nil {
		return nil, err
	}
	job := &syncrun.Job{Config: cfg, Previous: cfg.Output.File, Console: c, Text: a.Stdout}
	return cfg, job.Run(ctx)
}

// demoConfig is the configuration of a first run: none but what the demo needs
// and what was given on its command line.
func demoConfig(a *program.App, flags *pflag.FlagSet, url string) (*config.Config, error) {
	file := ""
	if !flags.Changed("file") {
		var err error
		if file, err = demoPath(a.Dir); err != nil {
			return nil, err
		}
	}
	for name, value := range map[string]string{"base-url": url, "api-key": jcsim.DefaultKey} {
		if err := flags.Set(name, value); err != nil {
			return nil, err
		}
	}
	for name, value := range map[string]string{"file": file, "log-level": "warn", "log-format": "console"} {
		if flags.Changed(name) {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return nil, err
		}
	}
	nothing := func(string) (string, bool) { return "", false }
	return config.Load(flags, config.Environment{Lookup: nothing, NoFile: true}, config.ForRun)
}

// demoPath is a place for the archive that can be written, also in a container
// with nothing but a folder for temporary files.
func demoPath(dir string) (string, error) {
	if dir == "" {
		dir = "."
	}
	for _, dir := range []string{dir, os.TempDir()} {
		probe, err := os.CreateTemp(dir, ".demo-*")
		if err != nil {
			continue
		}
		if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
			return "", fmt.Errorf("choose a place for the archive: %w", err)
		}
		return filepath.Join(dir, demoFile), nil
	}
	return "", errors.New("choose a place for the archive: neither the working directory nor the directory for temporary files is writable; choose one with --file")
}
