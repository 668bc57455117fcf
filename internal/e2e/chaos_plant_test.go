//go:build unix

package e2e_test

import (
	"net/http"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
)

// plant is a fault that the oracle must see.
type plant struct {
	name string
	// proxy stands between the program and the simulator.
	proxy func(*jcsim.Tenant, http.Handler) http.Handler
	// after comes between a sync and its judgement.
	after func(*ordeal, result)
	// limit is the time for one sync.
	limit time.Duration
	sees  string
}
