package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/service"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// runSync reads the organization into the archive.
func runSync(ctx context.Context, a *app, cfg *config.Config) error {
	job := &syncrun.Job{Config: cfg, Previous: cfg.Output.File}
	return a.singleRun(ctx, cfg, &job.Traffic, func(c *console.Console, limits c1z.Limits) error {
		job.Console, job.Limits = c, limits
		if c.Watched {
			job.Text = a.Stdout
		}
		return job.Run(ctx)
	})
}

// runService stays connected to ConductorOne and carries out its tasks until it is
// told to stop.
func runService(ctx context.Context, a *app, cfg *config.Config) error {
	followed := func(c *console.Console) error {
		c.Watched = false // It goes on for days; the log is what is followed.
		return nil
	}
	return a.connected(ctx, cfg, followed, func(c *console.Console, n *network.Network) error {
		limits, err := a.limits()
		if err != nil {
			return err
		}
		return service.Run(ctx, service.Options{Config: cfg, Console: c, Network: n, Limits: limits})
	})
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

// openConsole starts the log as the settings ask for.
func (a *app) openConsole(settings config.Log) (*console.Console, error) {
	format := settings.Format
	if format == "" {
		format = logs.FormatJSON
		if a.isTerminal(a.Stdout) {
			format = logs.FormatConsole
		}
	}
	c := &console.Console{
		Mask:    a.typed.Replace,
		Screen:  console.NewScreen(a.Stderr),
		Watched: format == logs.FormatConsole && a.isTerminal(a.Stdout) && a.isTerminal(a.Stderr),
	}
	log, err := logs.New(logs.Options{
		Level: settings.Level, DebugUntil: settings.DebugUntil, Format: format, Paths: settings.Paths,
		Color:  a.isTerminal(a.Stderr) && a.wantsColor(),
		Stdout: a.Stdout, Stderr: c.Screen,
	})
	if err != nil {
		return nil, err
	}
	c.Log = log
	return c, nil
}

// isTerminal reports whether somebody watches what is written there and can see
// it drawn again in place.
func (a *app) isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	kind, _ := a.Lookup("TERM")
	return kind != "dumb"
}

// wantsColor reports whether color may be used on a terminal, by the convention
// of https://no-color.org.
func (a *app) wantsColor() bool {
	no, _ := a.Lookup("NO_COLOR")
	return no == ""
}
