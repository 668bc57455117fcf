package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/hostedsync"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

const (
	// hostedWorkers is how many lists a simulated platform reads side by side.
	hostedWorkers = 3
	// hostedAttempts bounds how often it repeats a call.
	hostedAttempts = 10
)

// hostedRun is a simulated platform that runs this program as a function.
type hostedRun struct {
	function platform.Function
	dir      string // of archives, absolute
	tenant   *jcsim.Tenant
	out      io.Writer
	logger   *slog.Logger
}

// simulatePlatform runs this program as a function, as a platform does, and syncs it
// again and again until the context ends.
func simulatePlatform(ctx context.Context, a *program.App, o conductorOptions, sim *simulator, tenant *jcsim.Tenant) (err error) {
	if o.every <= 0 {
		return fmt.Errorf("--sync-every %s: must be positive", o.every)
	}
	dir, temp, err := o.folder()
	if err != nil {
		return err
	}
	if temp != nil {
		defer func() { err = errors.Join(err, temp.Close()) }()
	}
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("run the connector as a function: %w", err)
	}
	r := hostedRun{
		function: platform.Function{
			Program: executable, Dir: dir,
			Settings: map[string]any{"base-url": sim.url, "api-key": jcsim.DefaultKey},
		},
		dir: dir, tenant: tenant, out: a.Stdout,
		logger: slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	err = program.Say(a.Stdout, `
A simulated platform runs the connector as a function, and syncs it every %s.
Archives are kept in %s and compared with the organization.
%s
`, printable.Duration(o.every), dir, stopIt)
	if err != nil {
		return err
	}
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	for {
		if err := r.sync(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sync starts the function, reads it whole through its calls, and tells what came of it.
func (r *hostedRun) sync(ctx context.Context) error {
	var last string
	f := r.function
	f.Log = func(text string) { last = text }
	began := time.Now()
	var ready time.Duration
	var summary hostedsync.Summary
	err := f.Run(ctx, func(ctx context.Context, conn *platform.Conn) (err error) {
		ready = time.Since(began)
		summary, err = hostedsync.Run(ctx, hostedsync.Options{
			Conn: conn, Path: filepath.Join(r.dir, began.UTC().Format("20060102T150405.000")+".c1z"), WorkDir: r.dir,
			Workers: hostedWorkers, Attempts: hostedAttempts, Logger: r.logger,
		})
		return err
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // It was asked to stop, and says nothing of a sync that was cut off.
	}
	at := time.Now().Format(time.TimeOnly)
	switch {
	case err != nil && last != "" && last != err.Error():
		return program.Say(r.out, "%s  sync failed: %v\n          the function said last: %s\n", at, err, last)
	case err != nil:
		return program.Say(r.out, "%s  sync failed: %v\n", at, err)
	}
	verdict, err := compareArchive(ctx, summary.Archive.Path, r.dir, r.tenant)
	if err != nil {
		verdict = "it cannot be read: " + err.Error()
	}
	return program.Say(r.out, "%s  function ready in %s, synced in %s by %s calls, %s: %s\n", at,
		ready.Round(time.Millisecond), time.Since(began).Round(10*time.Millisecond), humanize.Comma(int64(summary.Calls)),
		filepath.Base(summary.Archive.Path), verdict)
}
