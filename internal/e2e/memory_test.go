package e2e_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
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
			default:
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

// TestMemoryIsFlatInGrants syncs the same people with some and with four times as
// many grants: it takes the same memory, unless somebody keeps the grants.
//
//nolint:paralleltest // the memory of other tests would count
func TestMemoryIsFlatInGrants(t *testing.T) {
	size := jcsim.Size{Users: 1000, Groups: 20, Apps: 200, Admins: 3, Dangling: -1}
	const few, many = 40_000, 160_000
	pipelineOf := func(grants int) pipeline {
		s := size
		s.Expanded = grants
		return newPipeline(jcsim.New(jcsim.Options{Tenant: jcsim.Generate(3, s)}), t.TempDir())
	}
	// The first sync of a process makes what all others use.
	heap(t, pipelineOf(1000))
	base := heap(t, pipelineOf(few))
	flat := heap(t, pipelineOf(many))
	var kept []*v2.Grant
	keeping := pipelineOf(many)
	keeping.archive = func(a syncer.Archive) syncer.Archive {
		return &badArchive{Archive: a, grants: func(g []*v2.Grant) []*v2.Grant {
			kept = append(kept, slices.Clone(g)...)
			return g
		}}
	}
	leaky := heap(t, keeping)
	t.Logf("%d KiB for %d grants, %d KiB for %d, %d KiB when they are kept", base>>10, few, flat>>10, many, leaky>>10)
	const room = 24 << 20
	if flat > base+room {
		t.Errorf("%d grants take %d bytes, and four times as many %d", few, base, flat)
	}
	if len(kept) < many || leaky < base+room {
		t.Errorf("%d grants were kept, which does not show: %d bytes", len(kept), leaky)
	}
}
