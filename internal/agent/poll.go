package agent

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const (
	maxPoll = 5 * time.Minute
	// knownPause follows a poll that brought a task which is in hand already: such a
	// poll comes with the pause that suits a new task.
	knownPause = time.Second
	// idlePause follows a poll that brought nothing and did not say when to ask again,
	// so that a ConductorOne that says nothing at all is not asked all the time.
	idlePause = time.Second
	// queuePause is between two looks at a queue that nothing is due for.
	queuePause = 100 * time.Millisecond
	// maxPage is how many tasks ConductorOne gives at once.
	maxPage = 100
)

// source finds the next task. It is used by one goroutine.
type source interface {
	// next returns a task to carry out, or nil, and when to ask again. It returns
	// each task that is in hand only once.
	next(ctx context.Context) (*pb.Task, time.Duration, error)
}

// pollDelay is when ConductorOne wants to be asked again.
func pollDelay(d *durationpb.Duration) time.Duration {
	return min(max(d.AsDuration(), 0), maxPoll)
}

// isWork reports whether a task is one at all. Nothing can be said of one that has
// no id. One without a type is of a type that came up after this version was made,
// and ConductorOne is to hear that it is not served.
func isWork(t *pb.Task) bool {
	return t.GetId() != "" && t.GetNone() == nil
}

// single asks for one task at a time.
type single struct {
	client pb.BatonServiceClient
	hostID string
	book   *book
}

func (s *single) next(ctx context.Context) (*pb.Task, time.Duration, error) {
	s.book.pollBegins()
	resp, err := s.client.GetTask(ctx, &pb.BatonServiceGetTaskRequest{HostId: s.hostID})
	if err != nil {
		return nil, 0, err
	}
	delay := pollDelay(resp.GetNextPoll())
	switch task := resp.GetTask(); {
	case !isWork(task) && delay == 0:
		return nil, idlePause, nil
	case !isWork(task):
		return nil, delay, nil
	case !s.book.isNew(task.GetId()):
		return nil, max(delay, knownPause), nil
	default:
		return task, delay, nil
	}
}

// batch asks for as many tasks as keep all slots busy for a while, and queues
// them.
type batch struct {
	client      pb.BatonServiceClient
	hostID      string
	book        *book
	concurrency int
	logger      *slog.Logger

	queue []*pb.Task
	due   time.Time // when ConductorOne may be asked again
}

func (b *batch) next(ctx context.Context) (*pb.Task, time.Duration, error) {
	inHand := len(b.queue) + len(b.book.inHand())
	if inHand < b.concurrency && !time.Now().Before(b.due) {
		if err := b.fetch(ctx, 2*b.concurrency-inHand); err != nil {
			if len(b.queue) == 0 {
				return nil, 0, err
			}
			b.logger.WarnContext(ctx, "fetching more tasks failed; continuing with the queue", "error", err, "queued", len(b.queue))
		}
	}
	if len(b.queue) > 0 {
		task := b.queue[0]
		b.queue = slices.Delete(b.queue, 0, 1)
		return task, 0, nil
	}
	if wait := time.Until(b.due); wait > 0 {
		return nil, wait, nil
	}
	return nil, queuePause, nil
}

func (b *batch) fetch(ctx context.Context, n int) error {
	var queued []string
	for _, t := range b.queue {
		queued = append(queued, t.GetId())
	}
	b.book.pollBegins()
	resp, err := b.client.GetTasks(ctx, &pb.BatonServiceGetTasksRequest{
		HostId:       b.hostID,
		PageSize:     uint32(min(max(n, 1), maxPage)),
		KnownTaskIds: b.book.known(queued),
	})
	if err != nil {
		return err
	}
	b.due = time.Now().Add(pollDelay(resp.GetNextPoll()))
	for _, task := range resp.GetTasks() {
		id := task.GetId()
		if isWork(task) && !slices.Contains(queued, id) && b.book.isNew(id) {
			queued = append(queued, id)
			b.queue = append(b.queue, task)
		}
	}
	return nil
}
