package hosted

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/hosted/rpc"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

const (
	// rebuildPause is how long after one rebuild there is no other, and samePause how
	// long there is none for the same version.
	rebuildPause = time.Second
	samePause    = 5 * time.Second
	// drainTime is how long a generation's calls may take to end after the next one
	// serves, and closeTime how long closing it may take.
	drainTime = 30 * time.Second
	closeTime = 10 * time.Second
)

// rebuild is when a generation was made, after the first one, and for which version; its
// zero value is none.
type rebuild struct {
	at      time.Time
	version string
}

// permits reports whether another generation may be made for a version.
func (r rebuild) permits(version string, now time.Time) bool {
	since := now.Sub(r.at)
	return r.at.IsZero() || since >= rebuildPause && (since >= samePause || version != r.version)
}

// generation is the connector as one version of the settings makes it.
type generation struct {
	settings
	server    *rpc.Server
	connector Connector
	closeIdle func()
	calls     sync.WaitGroup
}

// build makes the generation of a version; empty means the current one.
func (f *Function) build(ctx context.Context, version string) (*generation, error) {
	served, err := f.fetch(ctx, version)
	if err != nil {
		return nil, err
	}
	logger := f.options.Logger
	for _, warning := range served.config.Warnings {
		logger.WarnContext(ctx, "configuration warning", "warning", warning)
	}
	way, closeIdle := f.options.Network.HostedTransport(context.WithoutCancel(ctx), served.policy, logger)
	connector, err := f.options.Build(ctx, Settings{Config: served.config, Transport: way, Key: f.credentials.Key(), Logger: logger})
	if err != nil {
		closeIdle()
		return nil, err
	}
	g := &generation{settings: served, connector: connector, closeIdle: closeIdle}
	g.server = rpc.New(rpc.Options{Authenticate: f.authenticate, Logger: logger, Known: served.config.Secrets()})
	connector.Register(g.server)
	return g, nil
}

// acquire returns the generation that serves a call, which must be released; nil where the
// function is closed.
func (f *Function) acquire() *generation {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != nil {
		f.current.calls.Add(1)
	}
	return f.current
}

func (g *generation) release() { g.calls.Done() }

// ensure makes the generation of a version serve, unless it does already or one was made
// just now. The previous one goes on where the next one cannot be made.
func (f *Function) ensure(ctx context.Context, version string) error {
	if version == "" {
		return nil
	}
	f.rebuilding.Lock()
	defer f.rebuilding.Unlock()
	f.mu.Lock()
	previous := f.current
	f.mu.Unlock()
	if previous == nil || version == previous.label || !f.last.permits(version, time.Now()) {
		return nil
	}
	next, err := f.build(ctx, version)
	if err != nil {
		f.options.Logger.ErrorContext(ctx, "connector config not reloaded", "version", version, "error", err)
		text := redact.Text(err.Error(), f.secrets()...)
		return status.Error(codes.Unavailable, "lambda-run: failed to reload connector config: "+text)
	}
	f.last = rebuild{time.Now(), version}
	f.install(ctx, next)
	f.retiring.Go(func() { f.retire(context.WithoutCancel(ctx), previous) })
	return nil
}

// install makes a generation the one that serves.
func (f *Function) install(ctx context.Context, g *generation) {
	f.mu.Lock()
	f.current = g
	f.mu.Unlock()
	f.options.Level.Set(g.config.Log.Level, g.config.Log.DebugUntil)
	f.options.Logger.InfoContext(ctx, "serving connector config", "config_version", g.label)
}

// retire closes a generation after its calls, or after a time.
func (f *Function) retire(ctx context.Context, g *generation) {
	if !within(drainTime, g.calls.Wait) {
		f.options.Logger.WarnContext(ctx, "calls of the previous connector config are still running", "config_version", g.label)
	}
	var err error
	if !within(closeTime, func() { err = g.connector.Close() }) {
		f.options.Logger.WarnContext(ctx, "the previous connector config is still closing", "config_version", g.label)
		return
	}
	g.closeIdle()
	if err != nil {
		f.options.Logger.WarnContext(ctx, "previous connector config not closed", "config_version", g.label, "error", err)
	}
}

// within runs a function and reports whether it ended within a time. One that did not goes
// on: there is no way to end it.
func within(limit time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
