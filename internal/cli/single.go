package cli

import (
	"context"
	"errors"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// singleRun does the work of a run that is not a service: it opens the log and the
// network, says what its user should know first, and closes both behind it. Its
// requests go through t.
func (a *app) singleRun(ctx context.Context, cfg *config.Config, t *traffic, work func(*console, c1z.Limits) error) (err error) {
	c, err := a.openConsole(cfg.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.log.Close()) }()
	limits, err := a.limits()
	if err != nil {
		return c.fail(err)
	}
	end, err := a.connect(ctx, c, cfg, t)
	if err != nil {
		return c.fail(err)
	}
	defer func() { err = errors.Join(err, end(ctx)) }()
	c.tellSettings(ctx, cfg)
	if err := announceHost(c.screen, cfg.JumpCloud); err != nil {
		return err
	}
	return c.fail(work(c, limits))
}

// limits bound what an archive may cost to unpack, as the environment says.
func (a *app) limits() (c1z.Limits, error) {
	return c1z.LimitsFromEnv(func(name string) string { value, _ := a.Lookup(name); return value })
}
