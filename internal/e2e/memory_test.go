//go:build !race

package e2e_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// heap tells the most that a sync holds in memory, in bytes, without what was there
// before. Nothing else may run meanwhile.
func heap(t *testing.T, p pipeline) int64 {
	t.Helper()
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most := live(), int64(0)
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond): // what the sync itself can use
				most = max(most, live()-before)
			}
		}
	}()
	_, err := p.run(t.Context())
	close(ended)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	return most
}

// TestMemoryIsFlatInGrants syncs some people with many grants: the sync takes far
// less memory than the grants would, unless somebody keeps them.
//
//nolint:paralleltest // the memory of other tests would count
func TestMemoryIsFlatInGrants(t *testing.T) {
	const limit = 48 << 20
	grants := 160_000
	if testing.Short() {
		grants = 80_000
	}
	pipelineOf := func(grants int) pipeline {
		size := jcsim.Size{Users: 1000, Groups: 2, Apps: 200, Admins: 3, Expanded: grants, Dangling: -1}
		return newPipeline(jcsim.New(jcsim.Options{Tenant: jcsim.Generate(3, size)}), t.TempDir())
	}
	// The first sync of a process makes what all others use.
	heap(t, pipelineOf(1000))
	flat := heap(t, pipelineOf(grants))
	var kept []*v2.Grant
	keeping := pipelineOf(grants)
	keeping.archive = func(a syncer.Archive) syncer.Archive {
		return &badArchive{Archive: a, grants: func(g []*v2.Grant) []*v2.Grant {
			kept = append(kept, slices.Clone(g)...)
			return g
		}}
	}
	leaky := heap(t, keeping)
	t.Logf("%d KiB for %d grants, %d KiB when they are kept", flat>>10, grants, leaky>>10)
	if flat > limit {
		t.Errorf("%d grants take %d bytes, more than %d", grants, flat, limit)
	}
	if len(kept) < grants || leaky < limit {
		t.Errorf("%d grants were kept, which does not show: %d bytes", len(kept), leaky)
	}
}
