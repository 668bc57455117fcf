package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/health"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// firstRetry is how soon a sync that failed is tried again; it doubles up to the usual time.
const firstRetry = time.Minute

// watchTask is what metrics call a sync that nobody but the clock asked for.
const watchTask = "watch"

// Watch keeps an archive current without ConductorOne: it syncs at once and then every so
// often, until ctx ends, which is no error. After is called after each sync; its error is
// logged. A sync that fails is tried again, but for a first one that would fail again.
func Watch(ctx context.Context, o Options, every time.Duration, after func(context.Context) error) (err error) {
	w := &watch{cfg: o, metrics: newMetrics()}
	if o.Config.Health.Enabled {
		stop, wrong := serveProbes(ctx, o.Config.Health, o.Console.Log.Logger, health.Options{Validate: w.validate, Ready: w.ready, Metrics: w.metrics.handler()})
		if wrong != nil {
			return wrong
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	log := o.Console.Log.Logger
	for failures := 0; ; {
		began := time.Now()
		err := w.sync(ctx)
		if fault.WasInterrupted(ctx) || ctx.Err() != nil {
			return nil
		}
		w.metrics.TaskDone(watchTask, fault.Code(err), time.Since(began))
		w.told(err)
		var pause time.Duration
		switch {
		case err == nil:
			failures = 0
			if err := after(ctx); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "what changed could not be told", "error", err)
			}
			pause = max(0, every-time.Since(began))
		case !w.synced() && !isPassing(fault.Code(err)):
			return err
		default:
			failures++
			pause = min(every, backoff.Doubling(failures, firstRetry, every))
			log.ErrorContext(ctx, "sync failed", "error", err, "again_in", pause)
		}
		if !backoff.Sleep(ctx, pause) {
			return nil
		}
	}
}

// isPassing reports whether what failed may succeed later, without anybody doing anything.
func isPassing(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted:
		return true
	default:
		return false
	}
}

// watch is a connector that syncs by the clock.
type watch struct {
	cfg     Options
	metrics *metrics

	mu   sync.Mutex
	last error
	once bool // a sync succeeded
}

// sync reads the organization into the archive.
func (w *watch) sync(ctx context.Context) error {
	job := &syncrun.Job{
		Config: w.cfg.Config, Console: &console.Console{Log: &logs.Log{Logger: w.cfg.Console.Log.Logger}}, Previous: w.cfg.Config.Output.File,
		Limits: w.cfg.Limits, Done: w.metrics.synced,
		Traffic: network.Traffic{Transport: w.cfg.Network.Transport, Tell: w.metrics.requested},
	}
	return job.Run(ctx)
}

// told keeps what came of a sync, for probes.
func (w *watch) told(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.once = err, w.once || err == nil
}

func (w *watch) synced() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.once
}

// ready says why the archive is not current.
func (w *watch) ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.once && w.last == nil {
		return errors.New("the first sync is under way")
	}
	return w.last
}

// validate tries the JumpCloud credential.
func (w *watch) validate(ctx context.Context) error {
	cfg := w.cfg.Config
	client, err := network.NewClient(cfg.JumpCloud, 1, w.cfg.Console.Log.Logger, &network.Traffic{Transport: w.cfg.Network.Transport, Tell: w.metrics.requested})
	if err != nil {
		return err
	}
	_, err = connector.NewSource(client, connector.Options{OrgID: cfg.JumpCloud.OrgID, Logger: w.cfg.Console.Log.Logger}).Validate(ctx)
	return err
}
