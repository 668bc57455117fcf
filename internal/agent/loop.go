package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// maxPollPause is the longest pause after a poll that failed.
const maxPollPause = time.Minute

// errNoServer means that calls can never succeed again in this process.
var errNoServer = errors.New("unable to communicate with gRPC server")

// loop asks for tasks and starts them until ctx ends, which is no error, or until
// there is no point in going on. Tasks get the context work.
func (a *Agent) loop(ctx, work context.Context) error {
	source := a.source()
	failures := 0
	for delay := time.Duration(0); ; {
		if !backoff.Sleep(ctx, delay) || !a.takeSlot(ctx) {
			return ended(ctx)
		}
		task, next, err := source.next(ctx)
		delay = next
		if err != nil {
			a.freeSlot()
			if ctx.Err() != nil {
				return ended(ctx)
			}
			failures++
			delay = pollPause(failures)
			a.link.note(err)
			if a.link.refused() {
				return fmt.Errorf("%w: %w", ErrRefused, err)
			}
			a.cfg.Logger.WarnContext(ctx, "polling ConductorOne failed", "error", err, "in_a_row", failures, "again_in", delay)
			continue
		}
		failures = 0
		a.link.note(nil)
		if task == nil {
			a.freeSlot()
			continue
		}
		a.book.begin(task.GetId(), tasks.KindOf(task).Name)
		a.work.Go(func() {
			defer a.freeSlot()
			a.process(work, task)
		})
	}
}

// ended is why the loop was told to end: nil for a shutdown.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, errNoServer) {
		return cause
	}
	return nil
}

// pollPause is the pause after a number of failures in a row.
func pollPause(failures int) time.Duration {
	if failures >= 8 { // 8 squared is more than 60.
		return maxPollPause
	}
	return time.Duration(failures*failures) * time.Second
}

func (a *Agent) source() source {
	if a.cfg.Batch {
		return &batch{client: a.cfg.Client, hostID: a.cfg.HostID, book: a.book, concurrency: a.cfg.Concurrency, logger: a.cfg.Logger}
	}
	return &single{client: a.cfg.Client, hostID: a.cfg.HostID, book: a.book}
}

func (a *Agent) takeSlot(ctx context.Context) bool {
	select {
	case a.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (a *Agent) freeSlot() { <-a.slots }

// process carries a task out and reports how it went.
func (a *Agent) process(ctx context.Context, t *pb.Task) {
	kind := tasks.KindOf(t)
	begun := time.Now()
	if t.GetDebug() {
		defer a.debug(ctx)()
	}
	a.cfg.Logger.InfoContext(ctx, "task begun", "task_id", t.GetId(), "task_type", kind.Name)
	r := a.carryOut(ctx, t, kind)
	took := time.Since(begun)
	a.cfg.Metrics.TaskDone(kind.Name, r.Code(), took)
	if r.Err != nil {
		a.cfg.Logger.ErrorContext(ctx, "task failed", "task_id", t.GetId(), "task_type", kind.Name, "took", took, "error", r.Err, "reported", !r.unfinished)
		a.lost(r.Err)
	} else {
		a.cfg.Logger.InfoContext(ctx, "task done", "task_id", t.GetId(), "task_type", kind.Name, "took", took)
	}
	if r.unfinished {
		a.book.leave(t.GetId())
		return
	}
	p := newPendingResult(kind.Name, r.Request(a.cfg.HostID, t.GetId()), begun)
	p.once = r.once
	a.sender.deliver(a.delivery, p)
}

// carryOut does what a task asks for. A task that changes something is written
// down before.
func (a *Agent) carryOut(ctx context.Context, t *pb.Task, kind tasks.Kind) result {
	switch {
	case t.GetHello() != nil:
		return result{Outcome: tasks.Outcome{Err: a.greet(ctx, t.GetId())}, unfinished: true}
	case t.GetSyncFull() != nil:
		return a.fullSync(ctx, t)
	}
	again := false
	if kind.Effect != tasks.Harmless {
		var err error
		if again, err = a.ledger.Begin(t.GetId(), kind.Name); err != nil {
			// Nothing was done, so trying again is safe once the folder can be written.
			return result{Outcome: tasks.Outcome{Err: fmt.Errorf("no change was made: %w", err)}}
		}
	}
	out := a.runner.Run(ctx, t, again)
	// What was cut off by a shutdown may have taken effect or not. It comes again.
	return result{Outcome: out, unfinished: out.Err != nil && errors.Is(context.Cause(ctx), errShutdown)}
}

// greet introduces the connector, at the start or for a task.
func (a *Agent) greet(ctx context.Context, taskID string) error {
	answer, err := a.cfg.Connector.GetMetadata(ctx, &v2.ConnectorServiceGetMetadataRequest{})
	if err != nil {
		return fmt.Errorf("describe the connector: %w", err)
	}
	_, err = a.cfg.Client.Hello(ctx, c1api.NewHello(a.cfg.HostID, taskID, a.cfg.Facts, answer.GetMetadata()))
	a.link.note(err)
	return err
}

// debug writes the debug log until the function that it returns is called.
func (a *Agent) debug(ctx context.Context) func() {
	if err := a.cfg.DebugLog.file.start(a.debugLogPath()); err != nil {
		a.cfg.Logger.WarnContext(ctx, "writing the debug log failed", "error", err)
		return func() {}
	}
	return func() {
		if err := a.cfg.DebugLog.file.stop(); err != nil {
			a.cfg.Logger.WarnContext(ctx, "writing the debug log failed", "error", err)
		}
	}
}

// lost ends the loop after an error where the connection was closed for good.
func (a *Agent) lost(err error) {
	if a.cfg.Client.Closed() {
		a.stop(fmt.Errorf("%w: %w", errNoServer, err))
	}
}
