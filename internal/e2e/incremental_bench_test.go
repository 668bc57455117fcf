//go:build !race

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// BenchmarkIncremental makes 40 changes to 100,000 users, 5,000 groups, of which 500 are dynamic,
// and 2,000,000 memberships, and syncs them in full and incrementally. Time at a limit of requests
// is that of the requests alone.
//
//	go test -run xxx -bench Incremental -benchtime 1x -timeout 30m ./internal/e2e
func BenchmarkIncremental(b *testing.B) {
	size := jcsim.Large()
	size.Devices, size.DeviceGroups = 1, 1
	tenant := jcsim.Generate(1, size)
	dynamic := 0
	for _, g := range tenant.Groups() {
		if strings.HasPrefix(g.MembershipMethod, "DYNAMIC") {
			dynamic++
		}
	}
	o := newOffice(tenant, b.TempDir(), jcsim.Behavior{})
	o.undumped = true
	timed := func(name, file string, incrementally bool) {
		began := time.Now()
		run, _, err := o.sync(b.Context(), file, incrementally)
		if err != nil {
			b.Fatal(err)
		}
		took := o.ended.Sub(began)
		b.Logf("%s: %d requests, %s; at 20 requests a second at least %s; incremental %t, %d grants", name, o.requests, took.Round(100*time.Millisecond),
			(time.Duration(o.requests) * time.Second / 20).Round(time.Second), run.Basis.Incremental(), run.Stats.Grants)
		b.ReportMetric(float64(o.requests), name+"-requests")
		b.ReportMetric(took.Seconds(), name+"-s")
	}
	b.Logf("%d dynamic groups", dynamic)
	timed("first", "incremental.c1z", true)
	e := &editor{roll: rand.New(rand.NewPCG(1, 1)).IntN}
	for i := range 10 {
		for _, kind := range []string{"add member", "remove member", "associate", "other department"} {
			if err := o.edit(e, []string{kind}); err != nil {
				b.Fatal(fmt.Errorf("edit %d: %w", i, err))
			}
		}
	}
	timed("incremental", "incremental.c1z", true)
	b.Log(o.log.String())
	timed("full", "full.c1z", false)
}
