package c1sim

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// State is where a task is in its life.
type State string

// The states of a task.
const (
	Waiting   State = "waiting"
	Leased    State = "leased"
	Finished  State = "finished"
	Cancelled State = "cancelled"
)

// An Asset is something that was uploaded whole for a task.
type Asset struct {
	// Size is in bytes.
	Size int64
	// SHA256 is its checksum, which was compared with the one that was sent.
	SHA256 [sha256.Size]byte
	// Path is the file that it was kept in; empty where nothing is kept.
	Path string
}

// A TaskInfo is what became of a task.
type TaskInfo struct {
	// Task is what was, or will be, handed out.
	Task *pb.Task
	// State is where it is in its life.
	State State
	// HandedOut counts how many times it was handed out.
	HandedOut int
	// Result is the first FinishTask that arrived and counted; nil if there is none.
	Result *pb.BatonServiceFinishTaskRequest
	// Results counts the different FinishTask requests that arrived, whatever they
	// were answered with. More than one breaks the protocol.
	Results int
	// Assets are what was uploaded, in order of arrival. A second attempt whose first
	// one had arrived is there twice.
	Assets []Asset
}

type task struct {
	info    TaskInfo
	lease   time.Time // when a leased task waits again
	results map[[sha256.Size]byte]bool
}

// queue is all tasks that there ever were.
type queue struct {
	lease time.Duration

	mu        sync.Mutex
	syncEvery time.Duration
	rng       *rand.Rand
	tasks     map[string]*task
	order     []string // open tasks in the order in which they are handed out
	all       []string
	nextSync  time.Time
}

func newQueue(seed uint64, lease, syncEvery time.Duration) *queue {
	return &queue{
		lease: lease, syncEvery: syncEvery, tasks: map[string]*task{},
		rng: rand.New(rand.NewPCG(seed, 2)), //nolint:gosec // Ids of a simulator need not be secret.
	}
}

// schedule changes how often a full sync is queued.
func (q *queue) schedule(every time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.syncEvery = every
}

// add queues a task and gives it an id if it has none.
func (q *queue) add(t *pb.Task) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.addLocked(t)
}

func (q *queue) addLocked(t *pb.Task) string {
	t = proto.CloneOf(t)
	if t.GetId() == "" {
		t.Id = q.newID()
	}
	t.Status = pb.Task_STATUS_PENDING
	q.tasks[t.GetId()] = &task{info: TaskInfo{Task: t, State: Waiting}, results: map[[sha256.Size]byte]bool{}}
	q.order = append(q.order, t.GetId())
	q.all = append(q.all, t.GetId())
	return t.GetId()
}

// newID is 27 letters and digits, as real ids are.
func (q *queue) newID() string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := make([]byte, idLength)
	for i := range id {
		id[i] = alphabet[q.rng.IntN(len(alphabet))]
	}
	return string(id)
}

// take hands out up to n tasks that are not among those known to the client.
func (q *queue) take(n int, known []string, now time.Time) []*pb.Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.scheduleLocked(now)
	var taken []*pb.Task
	open := q.order[:0]
	for _, id := range q.order {
		t := q.tasks[id]
		if t.info.State == Finished || t.info.State == Cancelled {
			continue
		}
		open = append(open, id)
		if len(taken) == n || slices.Contains(known, id) || t.info.State == Leased && now.Before(t.lease) {
			continue
		}
		t.info.State = Leased
		t.info.HandedOut++
		t.lease = now.Add(q.lease)
		// A hello task is answered by a greeting and never finished.
		if t.info.Task.GetHello() != nil {
			t.info.State = Finished
		}
		copied := proto.CloneOf(t.info.Task)
		copied.Status = pb.Task_STATUS_RUNNING
		taken = append(taken, copied)
	}
	q.order = open
	return taken
}

// scheduleLocked queues a full sync when the next one is due, unless the last one
// is still open.
func (q *queue) scheduleLocked(now time.Time) {
	if q.syncEvery <= 0 || now.Before(q.nextSync) {
		return
	}
	for _, id := range q.order {
		if t := q.tasks[id]; t.info.Task.GetSyncFull() != nil && (t.info.State == Waiting || t.info.State == Leased) {
			return
		}
	}
	q.nextSync = now.Add(q.syncEvery)
	q.addLocked(&pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: &pb.Task_SyncFullTask{}}})
}

// beat keeps a task alive and reports whether it was cancelled.
func (q *queue) beat(id string, now time.Time) (cancelled bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, ok := q.tasks[id]
	switch {
	case !ok:
		return false, status.Error(codes.NotFound, "no such task")
	case t.info.State == Leased:
		t.lease = now.Add(q.lease)
	case t.info.State == Finished:
		return false, status.Error(codes.FailedPrecondition, "task is finished")
	}
	return t.info.State == Cancelled, nil
}

// cancel ends an open task.
func (q *queue) cancel(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t, ok := q.tasks[id]; ok && t.info.State != Finished {
		t.info.State = Cancelled
	}
}

// notice remembers a result, whether or not it will count.
func (q *queue) notice(req *pb.BatonServiceFinishTaskRequest) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return // What arrived over the wire can be put on it again.
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if t, ok := q.tasks[req.GetTaskId()]; ok {
		t.results[sha256.Sum256(raw)] = true
		t.info.Results = len(t.results)
	}
}

// finish ends a task with a result.
func (q *queue) finish(req *pb.BatonServiceFinishTaskRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, ok := q.tasks[req.GetTaskId()]
	switch {
	case !ok:
		return status.Error(codes.NotFound, "no such task")
	case t.info.State == Finished:
		return status.Error(codes.NotFound, "task is finished already")
	case t.info.State == Cancelled:
		return status.Error(codes.FailedPrecondition, "task was cancelled")
	case t.info.HandedOut == 0:
		return status.Error(codes.FailedPrecondition, "task was never handed out")
	}
	t.info.State = Finished
	t.info.Result = proto.CloneOf(req)
	return nil
}

// received adds an asset to a task.
func (q *queue) received(id string, a Asset) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t, ok := q.tasks[id]; ok {
		t.info.Assets = append(t.info.Assets, a)
	}
}

// exists reports whether there ever was such a task.
func (q *queue) exists(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.tasks[id] != nil
}

// snapshot copies what became of all tasks, oldest first.
func (q *queue) snapshot() []TaskInfo {
	q.mu.Lock()
	defer q.mu.Unlock()
	infos := make([]TaskInfo, 0, len(q.all))
	for _, id := range q.all {
		info := q.tasks[id].info
		info.Assets = slices.Clone(info.Assets)
		infos = append(infos, info)
	}
	return infos
}
