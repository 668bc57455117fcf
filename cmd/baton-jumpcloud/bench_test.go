package main

import (
	"testing"
	"time"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// BenchmarkSync measures whole syncs of a mid-size company by the real program,
// its start included, at two distances from the server.
func BenchmarkSync(b *testing.B) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		b.Run("latency="+latency.String(), func(b *testing.B) {
			sim := jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Medium()), Settings: jcsim.Settings{Latency: latency}})
			url := serve(b, sim)
			for b.Loop() {
				syncOnce(b, url)
			}
			b.ReportMetric(float64(sim.Requests().Requests)/float64(b.N), "requests/op")
			b.ReportMetric(float64(sim.Tenant().MinimumRequests()), "minimum-requests")
		})
	}
}
