package limiter_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/limiter"
)

// limit is how a server counts. It reports whether a request is taken, how many more
// would be, and if it is refused, when the next one may come.
type limit interface {
	take(now time.Time) (ok bool, left int, next time.Duration)
}

// bucket is filled at a steady rate.
type bucket struct {
	rate, size, level float64
	last              time.Time
}

func (b *bucket) take(now time.Time) (bool, int, time.Duration) {
	if b.last.IsZero() {
		b.last, b.level = now, b.size
	}
	b.level = min(b.size, b.level+b.rate*now.Sub(b.last).Seconds())
	b.last = now
	// A hair's breadth allows for rounding.
	if b.level < 1-1e-6 {
		return false, 0, time.Duration((1 - b.level) / b.rate * float64(time.Second))
	}
	b.level--
	return true, int(max(0, b.level)), 0
}

// window takes so many requests in each span of time.
type window struct {
	most  int
	span  time.Duration
	start time.Time
	taken int
}

func (w *window) take(now time.Time) (bool, int, time.Duration) {
	if w.start.IsZero() {
		w.start = now
	}
	for now.Sub(w.start) >= w.span {
		w.start, w.taken = w.start.Add(w.span), 0
	}
	if w.taken == w.most {
		return false, 0, w.start.Add(w.span).Sub(now)
	}
	w.taken++
	return true, w.most - w.taken, 0
}

// sliding takes so many requests in any span of time.
type sliding struct {
	most int
	span time.Duration
	log  []time.Time
}

func (s *sliding) take(now time.Time) (bool, int, time.Duration) {
	for len(s.log) > 0 && now.Sub(s.log[0]) >= s.span {
		s.log = s.log[1:]
	}
	if len(s.log) == s.most {
		return false, 0, s.log[0].Add(s.span).Sub(now)
	}
	s.log = append(s.log, now)
	return true, s.most - len(s.log), 0
}

// What a server tells of its limit.
const (
	nothing    = "nothing"
	retryAfter = "Retry-After"
	headers    = "rate limit headers"
)

// server is asked by callers that wait and try again as the client does.
type server struct {
	limit   limit
	latency time.Duration
	tells   string
	limiter *limiter.Limiter

	retries limiter.RetryPolicy
	mu      sync.Mutex
	log     []arrival
}

type arrival struct {
	at time.Time
	ok bool
}

// ask makes one request until it is taken.
func (s *server) ask(ctx context.Context) {
	s.retries.Try(ctx, func(int) limiter.Result {
		pass, err := s.limiter.Acquire(ctx)
		if err != nil {
			return limiter.Result{}
		}
		answer := limiter.Answer{Outcome: limiter.Accepted, After: -1, Left: -1}
		defer func() { s.limiter.Release(pass, answer) }()
		if !backoff.Sleep(ctx, s.latency/2) {
			answer.Outcome = limiter.Unknown
			return limiter.Result{}
		}
		s.mu.Lock()
		ok, left, next := s.limit.take(time.Now())
		s.log = append(s.log, arrival{time.Now(), ok})
		s.mu.Unlock()
		if !backoff.Sleep(ctx, s.latency/2) {
			answer.Outcome = limiter.Unknown
			return limiter.Result{}
		}
		if s.tells == headers {
			answer.Left = left
		}
		if ok {
			return limiter.Result{Answered: true}
		}
		answer.Outcome = limiter.Refused
		if s.tells != nothing {
			answer.After = time.Duration(math.Ceil(next.Seconds())) * time.Second
		}
		return limiter.Result{Class: limiter.RetryLong, After: answer.After, Answered: true}
	}, func(int, time.Duration) {})
}

// load asks from 16 goroutines until the context ends.
func (s *server) load(ctx context.Context) {
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for ctx.Err() == nil {
				s.ask(ctx)
			}
		})
	}
	group.Wait()
}

// TestLimits asks servers with limits of 10 and 50 requests a second, which count in
// all the usual ways and tell more or less of it. The bounds lie a little below what
// is measured: see docs/PERFORMANCE.md.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rate  float64
		limit func() limit
		// The least parts of what the server takes, with Retry-After and without.
		first, firstSilent float64
		then               float64
	}{
		{name: "10 a second, no burst", rate: 10, limit: func() limit { return &bucket{rate: 10, size: 1} }, first: 0.82, firstSilent: 0.92, then: 0.9},
		{name: "10 a second, burst of 10", rate: 10, limit: func() limit { return &bucket{rate: 10, size: 10} }, first: 0.97, firstSilent: 0.99, then: 0.97},
		{name: "100 in 10 s", rate: 10, limit: func() limit { return &window{most: 100, span: 10 * time.Second} }, first: 0.93, firstSilent: 0.9, then: 0.93},
		{name: "100 in any 10 s", rate: 10, limit: func() limit { return &sliding{most: 100, span: 10 * time.Second} }, first: 0.9, firstSilent: 0.88, then: 0.9},
		{name: "50 a second, no burst", rate: 50, limit: func() limit { return &bucket{rate: 50, size: 1} }, first: 0.82, firstSilent: 0.87, then: 0.9},
		{name: "50 a second, burst of 50", rate: 50, limit: func() limit { return &bucket{rate: 50, size: 50} }, first: 0.9, firstSilent: 0.9, then: 0.95},
		{name: "50 in 1 s", rate: 50, limit: func() limit { return &window{most: 50, span: time.Second} }, first: 0.77, firstSilent: 0.84, then: 0.94},
		{name: "50 in any 1 s", rate: 50, limit: func() limit { return &sliding{most: 50, span: time.Second} }, first: 0.75, firstSilent: 0.84, then: 0.94},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			silent := measure(t, tt.limit(), tt.rate, nothing)
			silent.check(t, "nothing told", tt.firstSilent, tt.then)
			for _, tells := range []string{retryAfter, headers} {
				told := measure(t, tt.limit(), tt.rate, tells)
				told.check(t, tells, tt.first, tt.then)
				// What is told is no reason to be slower, but for a second or two in which
				// the server wants to be left alone.
				told.check(t, tells+", compared", 0.88*silent.first, 0.92*silent.then)
			}
		})
	}
}

// share is which parts of what a server takes were used: by the first 1,000 requests,
// and in the long run, and what was refused then.
type share struct{ first, then, refused float64 }

func (s share) check(t *testing.T, what string, first, then float64) {
	t.Helper()
	t.Logf("%s: the first 1,000 %.0f %%, then %.0f %%, %.2f %% refused", what, 100*s.first, 100*s.then, 100*s.refused)
	if s.first < first {
		t.Errorf("%s: the first 1,000 requests used %.0f %% of what the server takes, want %.0f %%", what, 100*s.first, 100*first)
	}
	if s.then < then {
		t.Errorf("%s: %.0f %% of what the server takes was used, want %.0f %%", what, 100*s.then, 100*then)
	}
	if s.refused > 0.015 {
		t.Errorf("%s: %.2f %% of the requests were refused", what, 100*s.refused)
	}
}

// measure asks a server for the time of 7,500 requests.
func measure(t *testing.T, l limit, rate float64, tells string) (got share) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &server{limit: l, latency: 20 * time.Millisecond, tells: tells, limiter: limiter.New(16)}
		settle := time.Duration(2500 / rate * float64(time.Second))
		whole := 3 * settle
		ctx, cancel := context.WithTimeout(t.Context(), whole)
		defer cancel()
		began := time.Now()
		s.load(ctx)
		var taken int
		var then, refused float64
		for _, a := range s.log {
			late := a.at.Sub(began) >= settle
			switch {
			case a.ok:
				if taken++; taken == 1000 {
					got.first = 1000 / a.at.Sub(began).Seconds() / rate
				}
				if late {
					then++
				}
			case late:
				refused++
			}
		}
		got.refused = refused / (then + refused)
		got.then = then / (whole - settle).Seconds() / rate
	})
	return got
}

// TestWaitsAsToldTo asks nothing of a server before the time that it names is over,
// except where it names the second that stands for any moment, and goes on taking
// requests meanwhile.
func TestWaitsAsToldTo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		after  time.Duration
		others limiter.Outcome // what becomes of a request that was under way
		waited time.Duration
	}{
		{after: time.Second, others: limiter.Unknown, waited: time.Second},
		{after: time.Second, others: limiter.Refused, waited: time.Second},
		{after: time.Second, others: limiter.Accepted, waited: 10 * time.Millisecond},
		{after: 2 * time.Second, others: limiter.Accepted, waited: 2 * time.Second},
		{after: 5 * time.Minute, others: limiter.Accepted, waited: 5 * time.Minute},
		{after: 0, others: limiter.Accepted, waited: 50 * time.Millisecond},
		{after: -1, others: limiter.Unknown, waited: 50 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("told %s, others get %d", tt.after, tt.others), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := limiter.New(16)
				refused, other := acquire(t, l), acquire(t, l)
				l.Release(refused, limiter.Answer{Outcome: limiter.Refused, After: tt.after, Left: -1})
				began := time.Now()
				time.AfterFunc(10*time.Millisecond, func() {
					l.Release(other, limiter.Answer{Outcome: tt.others, After: -1, Left: -1})
				})
				l.Release(acquire(t, l), limiter.Answer{Outcome: limiter.Accepted})
				if waited := time.Since(began); waited != tt.waited {
					t.Errorf("the next request waited %s, want %s", waited, tt.waited)
				}
			})
		})
	}
}

// busy refuses the first requests, whatever their rate, and then takes all.
type busy struct{ refusals int }

func (b *busy) take(time.Time) (bool, int, time.Duration) {
	b.refusals--
	return b.refusals < 0, -1, 0
}

// TestRefusedAtOnce is soon as fast as a server without a limit that refused the first
// requests: refusals before anything was accepted say nothing of a rate.
func TestRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for _, refusals := range []int{1, 2, 3, 5} {
		for _, callers := range []int{1, 16} {
			t.Run(fmt.Sprintf("%d refusals, %d callers", refusals, callers), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &server{limit: &busy{refusals: refusals}, latency: 20 * time.Millisecond, tells: nothing, limiter: limiter.New(16)}
					began := time.Now()
					var group sync.WaitGroup
					for range callers {
						group.Go(func() {
							for range 320 / callers {
								s.ask(t.Context())
							}
						})
					}
					group.Wait()
					// The pauses between the attempts of one request are most of it.
					if took := time.Since(began); took > 40*time.Second {
						t.Errorf("320 requests took %s", took)
					}
				})
			})
		}
	}
}

// TestBelievesAServerAgain asks early, once, where a server's second was seen to stand
// for less; when that is refused, the second is waited for again.
func TestBelievesAServerAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(16)
		refusal := limiter.Answer{Outcome: limiter.Refused, After: time.Second, Left: -1}
		ok := limiter.Answer{Outcome: limiter.Accepted, Left: -1}
		refused, other := acquire(t, l), acquire(t, l)
		l.Release(refused, refusal)
		l.Release(other, ok) // It means less than a second.
		l.Release(acquire(t, l), ok)
		l.Release(acquire(t, l), refusal)
		began := time.Now()
		early := acquire(t, l)
		if waited := time.Since(began); waited >= time.Second {
			t.Errorf("it was waited %s, although the server takes requests before", waited)
		}
		l.Release(early, refusal)
		began = time.Now()
		l.Release(acquire(t, l), ok)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("it was waited %s, want a second: the server meant it", waited)
		}
	})
}

// acquire waits for a pass, for as long as it takes.
func acquire(t *testing.T, l *limiter.Limiter) limiter.Pass {
	t.Helper()
	pass, err := l.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pass
}

// TestSlowsDownBeforeARefusal learns the rate from what a server says is left, so that
// it is hardly ever refused.
func TestSlowsDownBeforeARefusal(t *testing.T) {
	t.Parallel()
	refusals := make(map[string]int)
	for _, tells := range []string{nothing, headers} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{limit: &bucket{rate: 50, size: 50}, latency: 20 * time.Millisecond, tells: tells, limiter: limiter.New(16)}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			began := time.Now()
			s.load(ctx)
			for _, a := range s.log {
				if !a.ok && a.at.Sub(began) > time.Minute {
					refusals[tells]++
				}
			}
		})
	}
	if refusals[headers] > refusals[nothing]/4 {
		t.Errorf("%d refusals where the server tells what is left, %d where it does not", refusals[headers], refusals[nothing])
	}
}

// TestAcquireEnds gives the turn of a caller who leaves to the next, whatever it
// waited for.
func TestAcquireEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(1)
		held := acquire(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if _, err := l.Acquire(ctx); err == nil {
					t.Error("a second request went")
				}
			})
		}
		got := make(chan struct{})
		go func() {
			acquire(t, l)
			close(got)
		}()
		if !backoff.Sleep(t.Context(), time.Minute) {
			t.Fatal("the test was ended")
		}
		cancel()
		group.Wait()
		l.Release(held, limiter.Answer{Outcome: limiter.Accepted})
		<-got
		if _, err := l.Acquire(ctx); err == nil {
			t.Error("a caller whose context has ended got a pass")
		}
	})
}
