// Package backoff is how long this program waits before it tries something again, and
// the waiting itself.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Delay is the pause after the nth failure in a row, counted from 1: that of [Doubling]
// less a random part of up to a half, so that those who failed together do not come
// back together.
func Delay(n int, first, most time.Duration) time.Duration {
	d := Doubling(n, first, most)
	return d - rand.N(d/2+1) //nolint:gosec // Chance that spreads load needs no secrecy.
}

// Doubling is the pause after the nth failure in a row, counted from 1: it doubles from
// first to most.
func Doubling(n int, first, most time.Duration) time.Duration {
	d := first
	for range n - 1 {
		if d >= most {
			break
		}
		d *= 2
	}
	return min(d, most)
}

// Sleep waits, and reports false when the context ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
