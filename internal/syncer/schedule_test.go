package syncer_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// slow makes every page of a tenant take a while.
func slow(tn *tenant, latency time.Duration) {
	tn.onRead = func(ctx context.Context, _ syncer.List, _ string) error {
		select {
		case <-time.After(latency):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// longChain is a tenant with one group of which the members come in a chain of 150
// pages, and 100 small groups.
func longChain() *tenant {
	tn := newTenant(600, 100, 30)
	tn.chains, tn.limit = true, 4
	for g := range tn.groups {
		tn.groups[g] = map[string]bool{"u001": true, "u002": true}
	}
	tn.groups["g050"] = map[string]bool{}
	for u := range tn.users {
		tn.groups["g050"][u] = true
	}
	return tn
}

// Reading takes at most 1.25 times what the requests need with all workers busy,
// and a second.
func TestReadingTime(t *testing.T) {
	t.Parallel()
	const latency = 20 * time.Millisecond
	for name, newTenant := range map[string]func() *tenant{
		"long chain": longChain,
		"side by side": func() *tenant {
			tn := longChain()
			tn.chains = false
			return tn
		},
		"small": mixed,
	} {
		for _, workers := range []int{1, 4, 16} {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					tn := newTenant()
					slow(tn, latency)
					start := time.Now()
					db := openStore(t, dir)
					if err := syncer.Run(t.Context(), syncer.Config{Source: tn, Store: db, Workers: workers, Logger: quiet}); err != nil {
						t.Fatal(err)
					}
					took := time.Since(start)
					ideal := time.Duration(len(tn.reads)) * latency / time.Duration(workers)
					if tn.chains {
						ideal = max(ideal, 151*latency) // nobody can read the chain faster
					}
					if limit := ideal*5/4 + time.Second; took > limit {
						t.Errorf("%d pages took %s, more than %s", len(tn.reads), took, limit)
					}
					t.Logf("%d pages took %s, %s are needed", len(tn.reads), took, ideal)
					if tn.peak > workers {
						t.Errorf("%d pages were read at once, more than %d", tn.peak, workers)
					}
					if workers > 1 && tn.peak < workers {
						t.Errorf("%d pages were read at once at most, fewer than %d", tn.peak, workers)
					}
				})
			})
		}
	}
}

// A chain starts as soon as it is known, and the first pages of small lists do not
// wait for the last ones of a long list.
func TestFairness(t *testing.T) {
	t.Parallel()
	tn := longChain()
	tn.chains = false
	var mu sync.Mutex
	var order []string
	tn.onRead = func(_ context.Context, l syncer.List, token string) error {
		mu.Lock()
		defer mu.Unlock()
		if l.Kind == "members" {
			order = append(order, l.Owner.ID+" "+token)
		}
		return nil
	}
	mustSync(t, tn, syncer.Scope{}, 1)
	ofLong := 0
	for i, page := range order {
		if strings.HasPrefix(page, "g050") {
			ofLong++
			continue
		}
		if ofLong > 10 {
			t.Fatalf("%q came as page %d, after %d pages of the long list", page, i, ofLong)
		}
	}
}

// Lists of different lengths end at about the same time.
func TestProportionalShares(t *testing.T) {
	t.Parallel()
	tn := newTenant(400, 2, 0)
	tn.limit = 10
	tn.groups["g000"], tn.groups["g001"] = map[string]bool{}, map[string]bool{}
	for i := range 400 {
		tn.groups["g000"][fmt.Sprintf("u%03d", i)] = true
		if i < 100 {
			tn.groups["g001"][fmt.Sprintf("u%03d", i)] = true
		}
	}
	var long, short int
	tn.onRead = func(_ context.Context, l syncer.List, _ string) error {
		if l.Kind != "members" {
			return nil
		}
		if l.Owner.ID == "g000" {
			long++
		} else {
			short++
		}
		// The shares are those of 40 and 10 pages.
		if d := long - 4*short; d < -8 || d > 8 {
			t.Errorf("after %d pages of the long list, %d of the short one were read", long, short)
		}
		return nil
	}
	mustSync(t, tn, syncer.Scope{}, 1)
	if long != 40 || short != 10 {
		t.Errorf("%d and %d pages were read", long, short)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tn := mixed()
		slow(tn, 90*time.Millisecond)
		var seen []syncer.Progress
		tell := func(p syncer.Progress) { seen = append(seen, p) }
		db := openStore(t, dir)
		if err := syncer.Run(t.Context(), syncer.Config{Source: tn, Store: db, Workers: 4, Logger: quiet, Progress: tell}); err != nil {
			t.Fatal(err)
		}
		sum, err := syncer.Build(t.Context(), syncer.BuildConfig{Store: db, Archive: &recorder{}, Logger: quiet, Progress: tell})
		if err != nil {
			t.Fatal(err)
		}
		last := map[syncer.Phase]syncer.Progress{}
		var phases []syncer.Phase
		for _, p := range seen {
			if len(phases) == 0 || phases[len(phases)-1] != p.Phase {
				phases = append(phases, p.Phase)
			}
			last[p.Phase] = p
		}
		if got := fmt.Sprint(phases); got != "[reading looking up reading looking up joining writing]" {
			t.Errorf("phases = %s", got)
		}
		kinds := map[string]syncer.KindProgress{}
		for _, k := range last[syncer.PhaseReading].Kinds {
			kinds[k.Kind] = k
			if k.Complete != k.Lists || k.PagesOpen != 0 || k.Rows != k.Total {
				t.Errorf("in the end: %+v", k)
			}
		}
		if k := kinds["users"]; k.Lists != 1 || k.Rows != 18 || k.PagesDone != 6 {
			t.Errorf("users: %+v", k)
		}
		if k := kinds["members"]; k.Lists != 12 {
			t.Errorf("members: %+v", k)
		}
		// A group that was looked up has a member who is in no list either.
		if p := last[syncer.PhaseLookup]; p.Done != 1 || p.Total != 1 {
			t.Errorf("looking up: %+v", p)
		}
		var grants int64
		for _, n := range sum.Grants {
			grants += n
		}
		if p := last[syncer.PhaseWriting]; p.Done != p.Total || p.Total != 24 || p.Grants != grants {
			t.Errorf("writing: %+v, want %d grants", p, grants)
		}
		if sum.Phases[0].Took < time.Second {
			t.Errorf("phases: %v", sum.Phases)
		}
	})
}
