package backoff_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/backoff"
)

// TestDelay doubles from first to most, less up to a half, for any number of failures.
func TestDelay(t *testing.T) {
	t.Parallel()
	whole := []time.Duration{1: 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second}
	seen := make(map[time.Duration]bool)
	for n := 1; n <= 200; n++ {
		want := whole[min(n, len(whole)-1)]
		if got := backoff.Doubling(n, 500*time.Millisecond, 5*time.Second); got != want {
			t.Errorf("after %d failures: %s, want %s", n, got, want)
		}
		got := backoff.Delay(n, 500*time.Millisecond, 5*time.Second)
		if got < want/2 || got > want {
			t.Errorf("after %d failures: %s, want %s to %s", n, got, want/2, want)
		}
		seen[got] = true
	}
	if len(seen) < 100 {
		t.Errorf("200 pauses had %d lengths: they are not spread", len(seen))
	}
	if got := backoff.Delay(3, 10*time.Second, time.Second); got > time.Second {
		t.Errorf("a pause of at most a second is %s", got)
	}
}

// TestSleep waits for the whole time, or until the context ends.
func TestSleep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		d, left time.Duration // left until the context ends
		took    time.Duration
		slept   bool
	}{
		{name: "time enough", d: time.Minute, left: time.Hour, took: time.Minute, slept: true},
		{name: "no time", d: time.Hour, left: time.Minute, took: time.Minute},
		{name: "nothing to wait for", left: time.Minute, slept: true},
		{name: "less than nothing", d: -time.Second, left: time.Minute, slept: true},
		{name: "over before it began", left: 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.left)
				defer cancel()
				began := time.Now()
				if slept := backoff.Sleep(ctx, tt.d); slept != tt.slept || time.Since(began) != tt.took {
					t.Errorf("slept: %t for %s, want %t for %s", slept, time.Since(began), tt.slept, tt.took)
				}
			})
		})
	}
}
