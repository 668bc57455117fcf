package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const (
	heartbeatTimeout = 30 * time.Second
	defaultHeartbeat = 30 * time.Second
	minHeartbeat     = time.Second
	maxHeartbeat     = 5 * time.Minute
	// maxLostBeats is how many heartbeats may get lost one after the other.
	maxLostBeats = 9
)

// Why a task's context ended.
var (
	// ErrTaskCancelled means that ConductorOne cancelled the task.
	ErrTaskCancelled = errors.New("task was cancelled")
	// ErrTaskHeartbeatFailed means that ConductorOne could not be told that the task
	// is alive, and therefore believes that it is not.
	ErrTaskHeartbeatFailed = errors.New("task failed heartbeat")
	// errShutdown means that the agent was told to stop and the task took too long.
	errShutdown = errors.New("the connector is shutting down")
)

// heart tells ConductorOne that a task is alive.
type heart struct {
	client pb.BatonServiceClient
	hostID string
	taskID string
	link   *link
	logger *slog.Logger
}

// beat sends one heartbeat and returns when the next is due. The error of a task
// that was cancelled is [ErrTaskCancelled].
func (h *heart) beat(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	resp, err := h.client.Heartbeat(ctx, &pb.BatonServiceHeartbeatRequest{HostId: h.hostID, TaskId: h.taskID})
	if err == nil {
		h.link.note(nil)
	}
	switch {
	case err != nil:
		return 0, err
	case resp.GetCancelled():
		return 0, ErrTaskCancelled
	default:
		return heartbeatDelay(resp.GetNextHeartbeat()), nil
	}
}

func heartbeatDelay(d *durationpb.Duration) time.Duration {
	if d.AsDuration() == 0 {
		return defaultHeartbeat
	}
	return min(max(d.AsDuration(), minHeartbeat), maxHeartbeat)
}

// keepBeating beats until ctx ends, and ends the task where ConductorOne cancels
// it or too many beats get lost.
func (h *heart) keepBeating(ctx context.Context, delay time.Duration, end context.CancelCauseFunc) {
	for lost := 0; lost < maxLostBeats; {
		if !backoff.Sleep(ctx, delay) {
			return
		}
		next, err := h.beat(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrTaskCancelled):
			end(ErrTaskCancelled)
			return
		case err != nil:
			lost++
			h.logger.WarnContext(ctx, "heartbeat failed", "task_id", h.taskID, "in_a_row", lost, "error", err)
		default:
			lost, delay = 0, next
		}
	}
	end(ErrTaskHeartbeatFailed)
}
