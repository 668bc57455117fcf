package agent

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/agent/ledger"
	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const (
	finishTimeout = 30 * time.Second
	// The pauses between two attempts to deliver a result, before up to a quarter more.
	finishDelay    = time.Second
	finishMaxDelay = time.Minute
	// maxDeliveries is how many overdue results are sent at once. A result on its
	// first attempt is not held up by them.
	maxDeliveries = 4
)

// sender delivers results until ConductorOne certainly has them, or for as long as
// [ledger.MaxAge].
type sender struct {
	client pb.BatonServiceClient
	ledger *ledger.Ledger
	book   *book
	logger *slog.Logger
	lanes  chan struct{}
	work   sync.WaitGroup
	// lost is called when an error says that there is no connection any more.
	lost func(error)
}

// resume sends the pending results of the last run.
func (c *sender) resume(ctx context.Context) {
	for _, pending := range c.ledger.Pending() {
		req := &pb.BatonServiceFinishTaskRequest{}
		if err := proto.Unmarshal(pending.Result, req); err != nil {
			c.logger.ErrorContext(ctx, "unreadable task result of the last run, not sent", "task_id", pending.TaskID, "error", err)
			continue
		}
		p := newPendingResult(pending.Kind, req, pending.Begun)
		c.book.addPending(p)
		c.work.Go(func() { c.keepTrying(ctx, p, 0) })
	}
}

// deliver writes a result down, sends it once and, where that does not settle it,
// goes on in the background until ctx ends.
func (c *sender) deliver(ctx context.Context, p *pendingResult) {
	if !p.once {
		if err := c.writeDown(p); err != nil {
			// Sending it all the same is the lesser evil: held back, it would be late for
			// certain; sent, it is wrong only if the process dies before it is settled.
			c.logger.ErrorContext(ctx, "saving a task result before sending failed", "task_id", p.id, "task_type", p.kind, "error", err)
		}
	}
	c.book.addPending(p)
	if c.send(ctx, p) {
		return
	}
	if p.once {
		c.settle(ctx, p)
		return
	}
	if ctx.Err() != nil {
		return // It is written down for the next start.
	}
	c.work.Go(func() { c.keepTrying(ctx, p, 1) })
}

func (c *sender) writeDown(p *pendingResult) error {
	raw, err := proto.Marshal(p.req)
	if err != nil {
		return err
	}
	return c.ledger.Add(p.id, p.kind, raw)
}

// keepTrying sends a result again and again, after so many attempts that failed.
func (c *sender) keepTrying(ctx context.Context, p *pendingResult, failed int) {
	for ; ; failed++ {
		var delay time.Duration
		if failed > 0 {
			delay = backoff.Doubling(failed, finishDelay, finishMaxDelay)
			delay += rand.N(delay / 4) //nolint:gosec // Spreading attempts needs no secret randomness.
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-p.retry:
		case <-ctx.Done():
		}
		timer.Stop()
		select {
		case <-ctx.Done():
			return
		case c.lanes <- struct{}{}:
		}
		settled := c.send(ctx, p)
		<-c.lanes
		if settled || c.giveUp(ctx, p) {
			return
		}
	}
}

// giveUp reports whether a result that was not accepted need not be sent any more,
// because its task is too old to matter to anybody.
func (c *sender) giveUp(ctx context.Context, p *pendingResult) bool {
	age := time.Since(p.since)
	if age <= ledger.MaxAge || ctx.Err() != nil {
		return false
	}
	c.logger.ErrorContext(ctx, "giving up on a task result that ConductorOne never accepted", "task_id", p.id, "task_type", p.kind, "age", age)
	c.settle(ctx, p)
	return true
}

// send sends a result once and reports whether that settled it.
func (c *sender) send(ctx context.Context, p *pendingResult) bool {
	call, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	_, err := c.client.FinishTask(call, p.req)
	switch status.Code(err) {
	case codes.OK:
	case codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition:
		// Either an earlier attempt arrived, or the task was cancelled or given up.
		c.logger.InfoContext(ctx, "ConductorOne no longer expects the task result", "task_id", p.id, "task_type", p.kind, "error", err)
	default:
		if ctx.Err() == nil {
			c.logger.WarnContext(ctx, "delivering a task result failed", "task_id", p.id, "task_type", p.kind, "error", err)
			c.lost(err)
		}
		return false
	}
	c.settle(ctx, p)
	return true
}

func (c *sender) settle(ctx context.Context, p *pendingResult) {
	if err := c.ledger.Settle(p.id); err != nil {
		c.logger.ErrorContext(ctx, "removing a delivered task result failed; it will be sent again after a restart", "task_id", p.id, "error", err)
	}
	c.book.settle(p.id)
}
