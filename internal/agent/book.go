package agent

import (
	"maps"
	"slices"
	"sync"
	"time"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// maxKnown is how many task ids a poll names at most.
const maxKnown = 100

// A pendingResult is a task result that ConductorOne does not have yet.
type pendingResult struct {
	id   string // of the task
	kind string
	req  *pb.BatonServiceFinishTaskRequest
	// since is from when on the result may have been pending.
	since time.Time
	// once is of a task that ConductorOne cancelled: it may hear of it, but need not.
	once bool
	// retry ends the wait for the next attempt: ConductorOne has sent the task again.
	retry chan struct{}
}

func newPendingResult(kind string, req *pb.BatonServiceFinishTaskRequest, since time.Time) *pendingResult {
	return &pendingResult{id: req.GetTaskId(), kind: kind, req: req, since: since, retry: make(chan struct{}, 1)}
}

// book knows every task in hand. A task is first running, then pending, then
// settled, and never two of them at once.
type book struct {
	metrics Metrics

	mu      sync.Mutex
	running map[string]string // task id -> kind
	pending map[string]*pendingResult
	// settled are those that came to be so since the last poll was begun. The answer
	// of that poll may still bring one of them: it was given before.
	settled map[string]bool
}

func newBook(m Metrics) *book {
	return &book{metrics: m, running: map[string]string{}, pending: map[string]*pendingResult{}, settled: map[string]bool{}}
}

// pollBegins is called before ConductorOne is asked for tasks. There is one poll
// at a time.
func (b *book) pollBegins() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.settled)
}

// isNew reports whether a task that a poll brought is to be carried out. One whose
// result is pending is sent at once.
func (b *book) isNew(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, pending := b.pending[id]; pending {
		select {
		case p.retry <- struct{}{}:
		default:
		}
		return false
	}
	_, running := b.running[id]
	return !running && !b.settled[id]
}

// begin enters a task that is about to be carried out.
func (b *book) begin(id, kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running[id] = kind
}

// leave takes a running task out that has no result.
func (b *book) leave(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.running, id)
}

// addPending enters the result of a task.
func (b *book) addPending(p *pendingResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.running, p.id)
	b.pending[p.id] = p
	b.metrics.PendingResults(len(b.pending))
}

// settle takes out a result that need not be sent again.
func (b *book) settle(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pending, id)
	b.settled[id] = true
	b.metrics.PendingResults(len(b.pending))
}

// inHand is the ids and kinds of the running tasks.
func (b *book) inHand() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.running)
}

// pendingCount counts the pending results.
func (b *book) pendingCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending)
}

// known is the ids that ConductorOne need not send: of queued, running and pending
// tasks. It leaves out ids of a form that ConductorOne would refuse.
func (b *book) known(queued []string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := slices.Concat(queued, slices.Sorted(maps.Keys(b.running)), slices.Sorted(maps.Keys(b.pending)))
	ids = slices.DeleteFunc(ids, func(id string) bool { return !wellFormed(id) })
	return ids[:min(len(ids), maxKnown)]
}

// wellFormed reports whether an id is 27 letters and digits, as ConductorOne's are.
func wellFormed(id string) bool {
	if len(id) != 27 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
