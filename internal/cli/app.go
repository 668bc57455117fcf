package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// Name is the name of the program and of the connector.
const Name = version.Program

// Process is the process as the program sees it.
type Process struct {
	// Args are the command line, the program's own name first.
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Lookup reads an environment variable, as [os.LookupEnv] does.
	Lookup func(string) (string, bool)
	// Dir is the working directory; empty means the process's own.
	Dir string
}

// app is what the commands share.
type app struct {
	Process
	// typed masks those values that a person gave which may be keys.
	typed *strings.Replacer
}

// load reads the settings as the command needs them.
func (a *app) load(cmd *cobra.Command, purpose config.Purpose) (*config.Config, error) {
	cfg, err := config.Load(cmd.Flags(), config.Environment{Lookup: a.Lookup, Dir: a.Dir}, purpose)
	if err == nil && cfg.Output.TempDir != "" {
		tempdir.Sweep(cfg.Output.TempDir)
	}
	return cfg, err
}

// singleRun does the work of a run that is not a service. Its requests go through t.
func (a *app) singleRun(ctx context.Context, cfg *config.Config, t *network.Traffic, work func(*console.Console, c1z.Limits) error) error {
	var limits c1z.Limits
	bounds := func(*console.Console) (err error) {
		limits, err = a.limits()
		return err
	}
	return a.connected(ctx, cfg, bounds, func(c *console.Console, n *network.Network) error {
		t.Transport = n.Transport
		return work(c, limits)
	})
}

// connected opens the log, prepares, opens the network and says what the user should
// know first; it does the work, and closes both behind it.
func (a *app) connected(ctx context.Context, cfg *config.Config, prepare func(*console.Console) error, work func(*console.Console, *network.Network) error) (err error) {
	if err := a.checkFiles(cfg); err != nil {
		return err
	}
	c, err := a.openConsole(cfg.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Log.Close()) }()
	if err := prepare(c); err != nil {
		return c.Fail(err)
	}
	n, err := network.Open(ctx, a.Lookup, c, cfg)
	if err != nil {
		return c.Fail(err)
	}
	defer n.CloseLogged(ctx, c.Log.Logger)
	c.TellSettings(ctx, cfg)
	if err := network.AnnounceHost(c.Screen, cfg.JumpCloud); err != nil {
		return err
	}
	return c.Fail(work(c, n))
}

// limits bound what an archive may cost to unpack, as the environment says.
func (a *app) limits() (c1z.Limits, error) {
	return c1z.LimitsFromEnv(func(name string) string { value, _ := a.Lookup(name); return value })
}
