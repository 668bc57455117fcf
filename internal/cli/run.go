package cli

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/service"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// runSync reads the organization into the archive.
func runSync(ctx context.Context, a *program.App, cfg *config.Config) error {
	job := &syncrun.Job{Config: cfg, Previous: cfg.Output.File}
	return a.SingleRun(ctx, cfg, &job.Traffic, func(c *console.Console, limits c1z.Limits) error {
		job.Console, job.Limits = c, limits
		if c.Watched {
			job.Text = a.Stdout
		}
		return job.Run(ctx)
	})
}

// runService stays connected to ConductorOne and carries out its tasks until it is
// told to stop.
func runService(ctx context.Context, a *program.App, cfg *config.Config) error {
	followed := func(c *console.Console) error {
		c.Watched = false // It goes on for days; the log is what is followed.
		return nil
	}
	return a.Connected(ctx, cfg, followed, func(c *console.Console, n *network.Network) error {
		limits, err := a.Limits()
		if err != nil {
			return err
		}
		return service.Run(ctx, service.Options{Config: cfg, Console: c, Network: n, Limits: limits})
	})
}
