package limiter

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
)

const (
	// Retries end with the later of minAttempts and minRetryTime.
	minAttempts  = 10
	minRetryTime = 15 * time.Minute
	// maxFew bounds the attempts that end in a server's own fault or nonsense:
	// the first and three more, as JumpCloud's own command line tool makes them.
	maxFew = 4

	firstPause = 500 * time.Millisecond
	mostPause  = time.Minute
)

// Class says what to do after an attempt.
type Class uint8

// What to do after an attempt.
const (
	Done      Class = iota // nothing: it succeeded, or another cannot help
	RetryFew               // try again a few times: the server is at fault, or talks nonsense
	RetryLong              // try again until the policy ends: overload, rate limit, network
)

// Result is what a request's attempt came to.
type Result struct {
	Class Class
	// After is how long the server wants to be left alone; less than 0 where it does
	// not say.
	After time.Duration
	// Answered says that the server is there, whatever it said.
	Answered bool
}

// RetryPolicy repeats attempts, for all requests to one server. A time in which none of
// those that are tried side by side succeeds counts as one: a server that wants to be
// left alone is asked by one request at a time, so that each by itself would need hours
// for its attempts. That time ends with the last of these requests: when nothing is
// tried, it does not go on. It is safe for concurrent use.
type RetryPolicy struct {
	// MaxPauses bounds the pauses of one request together: where the next would exceed
	// it, there is no further attempt. 0 is no bound. It is set before the first use.
	MaxPauses time.Duration

	mu       sync.Mutex
	trying   int       // requests under way, pauses included
	began    time.Time // the first failure
	failures int
}

// Try makes attempts, counted from 1, until one is done, the policy ends, or the
// context. Again is told of each failed attempt that is followed by another, and of
// the pause between them.
func (p *RetryPolicy) Try(ctx context.Context, attempt func(n int) Result, again func(n int, pause time.Duration)) {
	p.enter(1)
	defer p.enter(-1)
	began, few, paused := time.Now(), 0, time.Duration(0)
	for n := 1; ; n++ {
		result := attempt(n)
		over := p.note(result)
		switch result.Class {
		case Done:
			over = true
		case RetryFew:
			few++
			over = over || few == maxFew
		case RetryLong:
			over = over || n >= minAttempts && time.Since(began) >= minRetryTime
		}
		if over {
			return
		}
		pause := backoff.Delay(n, firstPause, mostPause)
		if result.Class == RetryLong && result.After >= 0 {
			// Those who were told the same time do not all come back at once.
			pause = result.After + rand.N(firstPause) //nolint:gosec // Chance that spreads load needs no secrecy.
		}
		if paused += pause; p.MaxPauses > 0 && paused > p.MaxPauses {
			return
		}
		again(n, pause)
		if !backoff.Sleep(ctx, pause) {
			return
		}
	}
}

// enter adds to the requests that are tried.
func (p *RetryPolicy) enter(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trying += n; p.trying == 0 {
		p.failures = 0
	}
}

// note counts the result of an attempt, and X// has ended.
func (p *RetryPolicy) note(r Result) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Class != RetryLong {
		if r.Answered {
			p.failures = 0
		}
		return false
	}
	if p.failures == 0 {
		p.began = time.Now()
	}
	p.failures++
	return p.failures >= minAttempts && time.Since(p.began) >= minRetryTime
}
