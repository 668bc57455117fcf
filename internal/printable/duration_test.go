package printable_test

import (
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "1m": time.Minute, "10m": 10 * time.Minute, "1h": time.Hour, "10h": 10 * time.Hour,
		"1h30m": 90 * time.Minute, "1h0m10s": time.Hour + 10*time.Second, "1m30s": 90 * time.Second, "1.5s": 1500 * time.Millisecond,
	} {
		if got := printable.Duration(d); got != want {
			t.Errorf("%s: %q", want, got)
		}
	}
}
