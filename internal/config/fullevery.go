package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// maxFullEvery is the longest time between full syncs, well within the 90 days of events.
const maxFullEvery = 30 * 24 * time.Hour

// parseFullEvery reads how old the last full sync may be. 0 makes every sync a full one.
func parseFullEvery(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil || d < 0 || d > maxFullEvery {
		return 0, fmt.Errorf("value must be a duration from 0s to 720h, such as 24h, but got '%s'", redact.Value(text))
	}
	return d, nil
}
