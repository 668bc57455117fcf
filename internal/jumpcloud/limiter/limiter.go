// Package limiter bounds the requests to a server and repeats them: requests in
// flight and their rate, which it learns ([Limiter]), and whether and when an attempt
// that failed is followed by another ([RetryPolicy]). It knows nothing of HTTP: whoever
// asks says what became of a request.
package limiter

import (
	"context"
	"sync"
	"time"
)

// Outcome is what became of a request.
type Outcome uint8

// What can become of a request.
const (
	Unknown  Outcome = iota // no answer came
	Accepted                // the server took it out of its allowance
	Refused                 // the server asked to slow down
)

// Answer is what a server said about its limit.
type Answer struct {
	Outcome Outcome
	// After is how long a refusal asks to leave the server alone; 0 or less where it
	// does not say.
	After time.Duration
	// Left is how many more requests the server would take now; less than 0 where it
	// does not say.
	Left int
}

// Pass is the right to make one request.
type Pass struct {
	// InFlight is how many requests are under way, this one included.
	InFlight int

	epoch, seq uint64
	rate       float64 // at which it went
	paced      bool    // the rate made it wait
	probe      bool
}

// Limiter lets requests go one by one: in the order in which they came, no more at
// once than the bound, and no faster than the server was found to take. It is safe
// for concurrent use.
type Limiter struct {
	most int
	head chan struct{} // held by the one whose turn is next; the others queue for it
	wake chan struct{} // tells that one that something has changed

	mu   sync.Mutex
	pace pace
}

// New makes a limiter that lets at most so many requests be under way at once.
func New(most int) *Limiter {
	return &Limiter{most: most, head: make(chan struct{}, 1), wake: make(chan struct{}, 1), pace: newPace()}
}

// Acquire waits for the caller's turn. Whoever gets a pass must give it back with
// [Limiter.Release]. The error is that of the context.
func (l *Limiter) Acquire(ctx context.Context) (Pass, error) {
	arrived := time.Now()
	if err := ctx.Err(); err != nil {
		return Pass{}, err
	}
	select {
	case l.head <- struct{}{}:
		defer func() { <-l.head }()
	case <-ctx.Done():
		return Pass{}, ctx.Err()
	}
	for paced := false; ; {
		pass, wait := l.next(arrived, &paced)
		if wait <= 0 {
			return pass, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.wake:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return Pass{}, ctx.Err()
		}
	}
}

// next is the pass of the request whose turn it is, or how long it waits for it.
// Paced becomes true where it is the rate that makes it wait.
func (l *Limiter) next(arrived time.Time, paced *bool) (Pass, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pace.out >= l.most {
		return Pass{}, time.Hour // Whoever ends wakes it.
	}
	now := time.Now()
	wait, rated := l.pace.delay(now)
	*paced = *paced || rated
	if wait > 0 {
		return Pass{}, wait
	}
	return l.pace.take(now, arrived, *paced), 0
}

// Release ends a request.
func (l *Limiter) Release(p Pass, a Answer) {
	l.mu.Lock()
	l.pace.done(time.Now(), p, a)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
