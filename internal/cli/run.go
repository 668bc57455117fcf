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

// runSync reads the organisation into the archive.
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
func runService(ctx context.Context, a *app, cfg *config.Config) (err error) {
	if err := a.checkFiles(cfg); err != nil {
		return err
	}
	c, err := a.openConsole(cfg.Log)
	if err != nil {
		return err
	}
	c.Watched = false // It goes on for days; the log is what is followed.
	defer func() { err = errors.Join(err, c.Log.Close()) }()
	n, err := network.Open(ctx, a.Lookup, c, cfg)
	if err != nil {
		return c.Fail(err)
	}
	defer func() { n.CloseLogged(ctx, c.Log.Logger) }()
	c.TellSettings(ctx, cfg)
	if err := network.AnnounceHost(c.Screen, cfg.JumpCloud); err != nil {
		return err
	}
	limits, err := a.limits()
	if err != nil {
		return c.Fail(err)
	}
	return c.Fail(service.Run(ctx, service.Options{Config: cfg, Console: c, Network: n, Limits: limits}))
}

// singleRun does the work of a run that is not a service: it opens the log and the
// network, says what its user should know first, and closes both behind it. Its
// requests go through t.
func (a *app) singleRun(ctx context.Context, cfg *config.Config, t *network.Traffic, work func(*console.Console, c1z.Limits) error) (err error) {
	if err := a.checkFiles(cfg); err != nil {
		return err
	}
	c, err := a.openConsole(cfg.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Log.Close()) }()
	limits, err := a.limits()
	if err != nil {
		return c.Fail(err)
	}
	n, err := network.Open(ctx, a.Lookup, c, cfg)
	if err != nil {
		return c.Fail(err)
	}
	defer n.CloseLogged(ctx, c.Log.Logger)
	t.Transport = n.Transport
	c.TellSettings(ctx, cfg)
	if err := network.AnnounceHost(c.Screen, cfg.JumpCloud); err != nil {
		return err
	}
	return c.Fail(work(c, limits))
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
