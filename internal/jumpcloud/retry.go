package jumpcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/limiter"
)

// maxRetryAfter caps what a server may ask for. Longer waits are cut into attempts of
// this distance.
const maxRetryAfter = 5 * time.Minute

// tryOften makes attempts until one succeeds, no further one can help, or the policy
// ends.
func tryOften(ctx context.Context, retries *limiter.RetryPolicy, logger *slog.Logger, call call, attempt func(n int) *failure) error {
	var fail, last *failure
	began := time.Now()
	retries.Try(ctx, func(n int) limiter.Result {
		if fail = attempt(n); fail != nil {
			fail.err.Elapsed = time.Since(began)
		}
		return fail.retryResult()
	}, func(n int, pause time.Duration) {
		level := slog.LevelDebug
		if n > 2 {
			level = slog.LevelWarn
		}
		logger.Log(ctx, level, "retrying request", slog.String("method", call.route.Method), slog.String("route", call.route.Pattern),
			slog.Int("attempt", n), slog.Duration("delay", pause), slog.Any("error", fail.result(ctx)))
		last = fail
	})
	ended := ctx.Err()
	switch {
	case fail == nil:
		return nil
	case ended == nil:
		return fail.result(ctx)
	case errors.Is(ended, context.DeadlineExceeded) && last != nil && last.stop == nil:
		// Whoever gives little time wants to know what took it.
		return fmt.Errorf("%w (previous attempt: %v)", ended, last.err) //nolint:errorlint // It is no error of the kind of the last one.
	default:
		return stopped(call, ended).result(ctx)
	}
}

// retryResult says whether another attempt may follow; nil is success.
func (f *failure) retryResult() limiter.Result {
	if f == nil {
		return limiter.Result{Answered: true}
	}
	result := limiter.Result{After: f.after, Answered: f.err.Status != 0}
	switch f.class {
	case retryFew:
		result.Class = limiter.RetryFew
	case retryLong:
		result.Class = limiter.RetryLong
	case retryNever, retryNow, retryUnnamed:
		result.Class = limiter.Done
	}
	return result
}

// retryAfter reads for how long a server that refuses wants to be left alone: seconds,
// or a date, which is compared with the server's own clock where the answer tells it.
// Where it only tells when its allowance is renewed, until then.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	if after, ok := parseRetryAfter(h.Get("Retry-After"), now); ok {
		return after, true
	}
	if left(h) != 0 {
		return 0, false
	}
	for _, name := range limitHeaders {
		reset, err := strconv.ParseInt(h.Get(name+"Reset"), 10, 64)
		switch {
		case err != nil:
		case reset > time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix():
			return min(max(0, time.Unix(reset, 0).Sub(now)), maxRetryAfter), true
		default:
			return parseRetryAfter(h.Get(name+"Reset"), now)
		}
	}
	return 0, false
}

// limitHeaders begin the names of the headers in which servers tell of their limit.
var limitHeaders = []string{"X-Ratelimit-", "Ratelimit-", "X-Rate-Limit-"}

// left reads how many more requests a server would take now; -1 where it does not say.
func left(h http.Header) int {
	for _, name := range limitHeaders {
		if n, err := strconv.Atoi(h.Get(name + "Remaining")); err == nil {
			return max(0, n)
		}
	}
	return -1
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
