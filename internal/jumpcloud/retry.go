package jumpcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

const (
	// Patience ends with the later of minAttempts and minPatience.
	minAttempts = 10
	minPatience = 15 * time.Minute
	// maxBrief bounds the attempts that end in a server's own fault or nonsense:
	// the first and three more, as JumpCloud's own command line tool makes them.
	maxBrief = 4

	firstBackoff = 500 * time.Millisecond
	maxBackoff   = time.Minute
	// maxRetryAfter caps what a server may ask for. Longer waits are cut into
	// attempts of this distance.
	maxRetryAfter = 5 * time.Minute
)

// retrier repeats attempts. It is safe for concurrent use.
type retrier struct {
	executor failsafe.Executor[any]
	outage   *outage
}

// outage is a time in which none of the requests that are tried side by side
// succeeds. A server that wants to be left alone is asked by one request at a time,
// so that each by itself would need hours for its attempts. It ends with the last
// of these requests: time in which nothing is tried does not count. It is safe for
// concurrent use.
type outage struct {
	mu       sync.Mutex
	trying   int       // requests under way, pauses included
	began    time.Time // the first failure
	failures int
}

// enter adds a request to those that are tried, leave takes it out.
func (o *outage) enter() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trying++
}

func (o *outage) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.trying--; o.trying == 0 {
		o.failures = 0
	}
}

// note counts the outcome of an attempt, and reports whether patience with the
// server has ended.
func (o *outage) note(f *failure, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case f == nil, f.class != patient && f.err.Status != 0:
		o.failures = 0
		return false
	case f.class != patient:
		return false
	}
	if o.failures == 0 {
		o.began = now
	}
	o.failures++
	return o.failures >= minAttempts && now.Sub(o.began) >= minPatience
}

// pause is the error of an attempt that is to be repeated after a delay.
type pause struct {
	cause error
	delay time.Duration
}

// Error implements error.
func (p *pause) Error() string { return p.cause.Error() }

// newRetrier makes a retrier whose attempts decide by themselves whether to
// continue: they return a [pause] when another one shall follow.
func newRetrier() retrier {
	policy := retrypolicy.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return asPause(err) != nil }).
		WithMaxRetries(-1).
		WithDelayFunc(func(exec failsafe.ExecutionAttempt[any]) time.Duration {
			if p := asPause(exec.LastError()); p != nil {
				return p.delay
			}
			return 0
		}).
		ReturnLastFailure().
		Build()
	return retrier{executor: failsafe.With[any](policy), outage: new(outage)}
}

func asPause(err error) *pause {
	p, _ := errors.AsType[*pause](err)
	return p
}

// run makes attempts until one succeeds or no further one is to be made.
func (r retrier) run(ctx context.Context, logger *slog.Logger, call call, attempt func(n int) *failure) error {
	r.outage.enter()
	defer r.outage.leave()
	patience := patience{started: time.Now()}
	var last error
	_, err := r.executor.WithContext(ctx).GetWithExecution(func(failsafe.Execution[any]) (any, error) {
		fail := attempt(patience.attempts + 1)
		over := r.outage.note(fail, time.Now())
		if fail == nil {
			return nil, nil //nolint:nilnil // The executor wants a value; attempts have none.
		}
		delay, ok := patience.next(fail, rand.Float64(), time.Now()) //nolint:gosec // Jitter needs no secrecy.
		ok = ok && !over
		fail.err.Elapsed = time.Since(patience.started)
		err := fail.result(ctx)
		if !ok {
			return nil, err
		}
		level := slog.LevelDebug
		if patience.attempts > 2 {
			level = slog.LevelWarn
		}
		logger.Log(ctx, level, "a request is repeated", slog.String("method", call.route.Method), slog.String("route", call.route.Pattern),
			slog.Int("attempt", patience.attempts), slog.Duration("delay", delay), slog.Any("error", err))
		last = err
		return nil, &pause{cause: err, delay: delay}
	})
	if err == nil {
		return nil
	}
	// The executor ends a pause when the context ends.
	if ctxErr := ctx.Err(); ctxErr != nil {
		if errors.Is(ctxErr, context.DeadlineExceeded) && last != nil && !errors.Is(last, ctxErr) {
			// Whoever gives little time wants to know what took it.
			return fmt.Errorf("%w, and before it: %v", ctxErr, last) //nolint:errorlint // It is no error of the kind of the last one.
		}
		return (&failure{err: &Error{Method: call.route.Method, Route: call.route.Pattern}, stop: ctxErr}).result(ctx)
	}
	return err
}

// patience decides whether and when another attempt follows. It belongs to one
// request.
type patience struct {
	started  time.Time
	attempts int
	briefs   int
	renewed  bool
	unnamed  bool
}

// next counts a failed attempt and returns the delay before the next one. Random
// lies in [0, 1).
func (p *patience) next(f *failure, random float64, now time.Time) (time.Duration, bool) {
	p.attempts++
	switch f.class {
	case again:
		if p.renewed {
			return 0, false
		}
		p.renewed = true
		return 0, true
	case unnamed:
		if p.unnamed {
			return 0, false
		}
		p.unnamed = true
		return 0, true
	case brief:
		p.briefs++
		if p.briefs >= maxBrief {
			return 0, false
		}
	case patient:
		if p.attempts >= minAttempts && now.Sub(p.started) >= minPatience {
			return 0, false
		}
	default:
		return 0, false
	}
	delay := backoff(p.attempts, random)
	if f.class == patient && f.after >= 0 {
		// Those who were told the same time do not all come back at once.
		delay = f.after + time.Duration(random*float64(firstBackoff))
	}
	return delay, true
}

// backoff doubles from half a second to a minute, less a random part of up to a
// half.
func backoff(attempts int, random float64) time.Duration {
	delay := maxBackoff
	if shift := attempts - 1; shift < 7 {
		delay = min(maxBackoff, firstBackoff<<shift)
	}
	return delay - time.Duration(random*float64(delay)/2)
}

// retryAfter reads for how long a server wants to be left alone: seconds, or a
// date, which is compared with the server's own clock where the answer tells it.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return parseRetryAfter(h.Get("Retry-After"), now)
}

// parseRetryAfter reads a Retry-After header, capped at maxRetryAfter. It reports
// false for what is neither a number of seconds nor a date.
func parseRetryAfter(s string, now time.Time) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if seconds, err := strconv.ParseFloat(s, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		if math.IsNaN(seconds) || seconds < 0 {
			return 0, false
		}
		if seconds >= maxRetryAfter.Seconds() {
			return maxRetryAfter, true
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0, false
	}
	return min(max(0, at.Sub(now)), maxRetryAfter), true
}
