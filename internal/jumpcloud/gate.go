package jumpcloud

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// gate lets requests go one by one: in the order in which they came, no more at
// once than the bound, and no faster than the pacer says. It is safe for
// concurrent use.
type gate struct {
	mu       sync.Mutex
	limit    int
	inFlight int
	queue    *list.List // of *waiter
	pacer    pacer
	timer    *time.Timer // wakes the head of the queue; nil when nothing is due
}

// waiter is a request that waits for its turn.
type waiter struct {
	arrived time.Time
	paced   bool
	pass    pass
	ready   chan struct{} // closed when it may go
}

func newGate(limit int) *gate {
	return &gate{limit: limit, queue: list.New(), pacer: newPacer()}
}

// enter waits for the caller's turn. Whoever gets a pass must give it back with
// leave. The error is that of the context.
func (g *gate) enter(ctx context.Context) (pass, error) {
	if err := ctx.Err(); err != nil {
		return pass{}, err
	}
	now := time.Now()
	w := &waiter{arrived: now, ready: make(chan struct{})}
	g.mu.Lock()
	place := g.queue.PushBack(w)
	g.pump(now)
	g.mu.Unlock()

	select {
	case <-w.ready:
		return w.pass, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready:
		// The turn came at the same moment.
		g.inFlight--
		g.pacer.done(time.Now(), w.pass, signal{kind: unknown})
	default:
		g.queue.Remove(place)
	}
	g.pump(time.Now())
	return pass{}, ctx.Err()
}

// leave ends a request.
func (g *gate) leave(p pass, s signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.inFlight--
	g.pacer.done(now, p, s)
	g.pump(now)
}

// pump lets go whoever may, and sets the timer for the next. It is called with
// the lock held whenever something has changed.
func (g *gate) pump(now time.Time) {
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
	for g.queue.Len() > 0 && g.inFlight < g.limit {
		head := g.queue.Front()
		w := head.Value.(*waiter) //nolint:forcetypeassert // Only waiters are put there.
		wait, paced := g.pacer.delay(now)
		w.paced = w.paced || paced
		if wait > 0 {
			g.timer = time.AfterFunc(wait, g.wake)
			return
		}
		g.queue.Remove(head)
		g.inFlight++
		w.pass = g.pacer.take(now, w.arrived, w.paced)
		w.pass.inFlight = g.inFlight
		close(w.ready)
	}
}

// wake looks again after a wait.
func (g *gate) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pump(time.Now())
}
