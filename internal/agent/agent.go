package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/agent/ledger"
	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// The bounds and the default of [Config.Concurrency].
const (
	MinConcurrency     = 1
	DefaultConcurrency = 3
	MaxConcurrency     = 100
)

// lastCall is how long tasks have, after the grace, to notice that they have to
// end.
const lastCall = time.Second

// Client is a connection to ConductorOne.
type Client interface {
	pb.BatonServiceClient
	// Closed reports whether the connection was closed for good, so that no call on it
	// can succeed again.
	Closed() bool
}

// Config is what an agent is made of. Fields without a remark are required.
type Config struct {
	// Client is the connection to ConductorOne.
	Client Client
	// ClientID keeps the state of several connectors apart in one folder.
	ClientID string
	// HostID names this process to ConductorOne; see [c1api.HostID].
	HostID string
	// Facts are for the greeting; see [c1api.GatherFacts].
	Facts c1api.Facts
	// Connector serves tasks and describes itself.
	Connector Connector
	// Syncer serves full syncs.
	Syncer Syncer
	// StateDir is a folder that survives a restart. The ledger lies in it.
	StateDir string
	// TempDir is where the debug log lies; "" is the working directory.
	TempDir string
	// Concurrency is how many tasks run at once, 1 to 100.
	Concurrency int
	// Batch fetches several tasks at once (BATON_GET_TASKS).
	Batch bool
	// SkipFullSync answers full sync tasks with a finished sync of nothing.
	SkipFullSync bool
	// ResourceTypes restricts syncs whose task does not; empty means all.
	ResourceTypes []string
	// Provisioning allows tasks that change access.
	Provisioning bool
	// Ticketing allows ticket tasks.
	Ticketing bool
	// ShutdownGrace is how long running tasks may take after Run was told to stop.
	// They are told to come to an end when four fifths of it are over, and are left
	// behind a second after all of it.
	ShutdownGrace time.Duration
	// Metrics is told what happens; nil for nobody.
	Metrics Metrics
	// DebugLog is the handler of the process's logger, so that debugged tasks have
	// everything in their log; nil has only what the agent itself logs.
	DebugLog *DebugLog
	// Logger gets one line for the beginning and one for the end of each task, and
	// what goes wrong.
	Logger *slog.Logger
}

// An Agent carries out the tasks of ConductorOne. Its methods are safe for
// concurrent use.
type Agent struct {
	cfg    Config
	runner tasks.Runner
	link   link
	book   *book
	slots  chan struct{} // one token for each task that is running or asked for
	work   sync.WaitGroup

	// Set by Run.
	ledger   *ledger.Ledger
	sender   *sender
	delivery context.Context //nolint:containedctx // Results are delivered after the context of their task has ended.
	stop     context.CancelCauseFunc
}

// New checks the configuration and makes an agent that does nothing yet.
func New(cfg Config) (*Agent, error) {
	if cfg.Client == nil || cfg.Connector == nil || cfg.Syncer == nil || cfg.Logger == nil {
		return nil, errors.New("make the agent: client, connector, syncer and logger are required")
	}
	if cfg.StateDir == "" || cfg.HostID == "" || cfg.ClientID == "" {
		return nil, errors.New("make the agent: state directory, host ID and client ID are required")
	}
	if cfg.Concurrency < MinConcurrency || cfg.Concurrency > MaxConcurrency {
		return nil, fmt.Errorf("make the agent: %d tasks at once, must be %d to %d", cfg.Concurrency, MinConcurrency, MaxConcurrency)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = noMetrics{}
	}
	if cfg.DebugLog == nil {
		cfg.DebugLog = NewDebugLog(cfg.Logger.Handler())
		cfg.Logger = slog.New(cfg.DebugLog)
	}
	return &Agent{
		cfg:    cfg,
		runner: tasks.Runner{Connector: cfg.Connector, Provisioning: cfg.Provisioning, Ticketing: cfg.Ticketing, Logger: cfg.Logger},
		book:   newBook(cfg.Metrics),
		slots:  make(chan struct{}, cfg.Concurrency),
	}, nil
}

// Ready says why the agent is not connected to ConductorOne; nil means that it is.
func (a *Agent) Ready() error { return a.link.ready() }

// Run connects and serves until ctx ends; it must be called once. Then it gives
// running tasks the grace that was configured and returns nil, whatever they made
// of it: what was left is logged and comes again. It returns an error when it
// cannot go on: the greeting is not accepted, the credentials have been refused
// for five minutes ([ErrRefused]), or the state folder is not usable.
func (a *Agent) Run(ctx context.Context) error {
	l, err := ledger.Open(a.ledgerDir(), a.cfg.Logger)
	if err != nil {
		return fmt.Errorf("runner: %w", err)
	}
	a.ledger = l
	if err := c1api.UntilGreeted(ctx, a.cfg.Logger, func(ctx context.Context) error { return a.greet(ctx, "") }); err != nil {
		return errors.Join(a.greetingError(ctx, err), l.Close())
	}
	a.cfg.Logger.InfoContext(ctx, "connected to ConductorOne", "host_id", a.cfg.HostID, "pending_results", len(l.Pending()), "interrupted_tasks", l.Unfinished())

	delivery, endDelivery := context.WithCancel(context.WithoutCancel(ctx))
	defer endDelivery()
	work, endWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endWork(nil)
	polling, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a.delivery, a.stop = delivery, stop
	a.sender = &sender{
		client: a.cfg.Client, ledger: l, book: a.book, logger: a.cfg.Logger,
		lanes: make(chan struct{}, maxDeliveries), lost: a.lost,
	}
	a.sender.resume(delivery)

	err = a.loop(polling, work)
	a.cfg.Logger.InfoContext(ctx, "stopping", "running_tasks", len(a.book.inHand()), "pending_results", a.book.pendingCount(), "grace", a.cfg.ShutdownGrace)
	finished := a.drain(work, endWork, endDelivery)
	a.sender.work.Wait()
	if n := a.book.pendingCount(); n > 0 {
		a.cfg.Logger.WarnContext(ctx, "pending task results will be delivered after the next start", "pending_results", n)
	}
	if !finished {
		// A task that outlived its grace still holds on to the ledger; the end of the
		// process will unlock it.
		return err
	}
	return errors.Join(err, l.Close())
}

func (a *Agent) greetingError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // It was told to stop, which is no failure.
	case a.link.refusing():
		return fmt.Errorf("runner: startup Hello failed: %w: %w", ErrRefused, err)
	default:
		return fmt.Errorf("runner: startup Hello failed: %w", err)
	}
}

// drain waits for the running tasks and reports whether all came to an end. When
// it returns, nothing is delivered any more.
func (a *Agent) drain(work context.Context, endWork context.CancelCauseFunc, endDelivery context.CancelFunc) bool {
	defer endDelivery()
	done := make(chan struct{})
	go func() {
		a.work.Wait()
		close(done)
	}()
	for _, step := range []struct {
		wait time.Duration
		then func()
	}{
		{a.cfg.ShutdownGrace * 4 / 5, func() {
			a.logInHand(work, slog.LevelWarn, "task interrupted; ConductorOne will send it again")
			endWork(errShutdown)
		}},
		{a.cfg.ShutdownGrace / 5, endDelivery},
		{lastCall, func() { a.logInHand(work, slog.LevelError, "task did not stop in time") }},
	} {
		timer := time.NewTimer(step.wait)
		select {
		case <-done:
			timer.Stop()
			return true
		case <-timer.C:
			step.then()
		}
	}
	return false
}

func (a *Agent) logInHand(ctx context.Context, level slog.Level, msg string) {
	for id, kind := range a.book.inHand() {
		a.cfg.Logger.Log(ctx, level, msg, "task_id", id, "task_type", kind)
	}
}

// ledgerDir lies in the state folder, apart from those of other clients: what is
// pending for one must not be sent as another.
func (a *Agent) ledgerDir() string {
	sum := sha256.Sum256([]byte(a.cfg.ClientID))
	return filepath.Join(a.cfg.StateDir, "tasks-"+hex.EncodeToString(sum[:8]))
}
