package program

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

// App is what the commands share.
type App struct {
	Process
	// Typed masks those values that a person gave which may be keys.
	Typed *strings.Replacer
}

// Load reads the settings as the command needs them.
func (a *App) Load(cmd *cobra.Command, purpose config.Purpose) (*config.Config, error) {
	cfg, err := config.Load(cmd.Flags(), config.Environment{Lookup: a.Lookup, Dir: a.Dir}, purpose)
	if err == nil && cfg.Output.TempDir != "" {
		tempdir.Sweep(cfg.Output.TempDir)
	}
	return cfg, err
}

// SingleRun does the work of a run that is not a service. Its requests go through t.
func (a *App) SingleRun(ctx context.Context, cfg *config.Config, t *network.Traffic, work func(*console.Console, c1z.Limits) error) error {
	var limits c1z.Limits
	bounds := func(*console.Console) (err error) {
		limits, err = a.Limits()
		return err
	}
	return a.Connected(ctx, cfg, bounds, func(c *console.Console, n *network.Network) error {
		t.Transport = n.Transport
		return work(c, limits)
	})
}

// Connected opens the log, prepares, opens the network and says what the user should
// know first; it does the work, and closes both behind it.
func (a *App) Connected(ctx context.Context, cfg *config.Config, prepare func(*console.Console) error, work func(*console.Console, *network.Network) error) (err error) {
	if err := a.CheckFiles(cfg); err != nil {
		return err
	}
	c, err := a.OpenConsole(cfg.Log)
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

// Limits bound what an archive may cost to unpack, as the environment says.
func (a *App) Limits() (c1z.Limits, error) {
	return c1z.LimitsFromEnv(func(name string) string { value, _ := a.Lookup(name); return value })
}
