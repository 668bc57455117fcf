//go:build unix && !race

package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// The flags of TestChaos; make chaos sets them.
//
//nolint:gochecknoglobals // test flags
var (
	chaosFrom     = flag.Uint64("chaos.from", 1, "the first seed of TestChaos")
	chaosSeeds    = flag.Int("chaos.seeds", 9, "how many seeds TestChaos tries; 0 means as many as -chaos.time allows")
	chaosTime     = flag.Duration("chaos.time", 0, "after which time TestChaos begins no further seed; 0 means never")
	chaosSeed     = flag.Uint64("chaos.seed", 0, "the only seed that TestChaos tries, with everything it does; 0 means many")
	chaosParallel = flag.Int("chaos.parallel", 4, "how many seeds TestChaos tries side by side; most of a seed is waiting")
	chaosResults  = flag.String("chaos.results", "", "the file to which TestChaos appends a line for each seed")
	chaosCommit   = flag.String("chaos.commit", "", "the commit to name in the results")
)

// chaosResult is one line of the results.
type chaosResult struct {
	Seed    uint64   `json:"seed"`
	Mode    string   `json:"mode"`
	Outcome string   `json:"outcome"` // right or wrong
	Syncs   []string `json:"syncs"`   // how each of them ended
	Edits   int      `json:"edits"`   // of the tenant, while it was read
	Seconds float64  `json:"seconds"`
	Commit  string   `json:"commit,omitempty"`
}

// serviceSeed reports whether a seed is one of a service: each third is.
func serviceSeed(seed uint64) bool { return seed%3 == 0 }

// TestChaos carries out plans full of faults against the whole program. Each of its
// syncs ends with an archive that is right, or with an error that is clear and the
// old archive untouched; and when the faults are over, with an archive that equals
// the tenant.
func TestChaos(t *testing.T) {
	t.Parallel()
	executable(t)
	first, count := *chaosFrom, *chaosSeeds
	if testing.Short() {
		count = min(count, 3)
	}
	if *chaosSeed > 0 {
		first, count = *chaosSeed, 1
	}
	start := time.Now()
	var mu sync.Mutex
	var results []chaosResult
	var group errgroup.Group
	group.SetLimit(*chaosParallel)
	for seed := first; (count == 0 || seed < first+uint64(count)) && (*chaosTime == 0 || time.Since(start) < *chaosTime); seed++ {
		group.Go(func() error {
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				r := chaos(t, seed)
				mu.Lock()
				defer mu.Unlock()
				results = append(results, r)
			})
			return nil
		})
		if t.Context().Err() != nil {
			break
		}
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	tellChaos(t, results)
}

// chaos carries out the plan of one seed.
func chaos(t *testing.T, seed uint64) (r chaosResult) {
	t.Helper()
	begin := time.Now()
	p := drawPlan(seed, serviceSeed(seed))
	o := newOrdeal(t, p, plant{})
	r = chaosResult{Seed: seed, Mode: "one-shot", Outcome: "wrong", Commit: *chaosCommit}
	if p.service {
		r.Mode = "service"
	}
	// Also where the test ends in the middle.
	defer func() {
		r.Syncs, r.Edits, r.Seconds = o.ends, o.edits, time.Since(begin).Round(10*time.Millisecond).Seconds()
		if !t.Failed() {
			r.Outcome = "right"
		}
		appendResult(t, r)
	}()
	if p.service {
		o.serve()
	} else {
		o.oneShot()
	}
	for _, wrong := range o.wrong {
		t.Error(wrong)
	}
	if len(o.wrong) > 0 {
		t.Logf("to repeat it: make chaos CHAOS_SEED=%d", seed)
	}
	return r
}

// tellChaos says how many syncs ended how. A test whose syncs all end the same way
// tries nothing.
func tellChaos(t *testing.T, results []chaosResult) {
	t.Helper()
	ends, edited := map[string]int{}, 0
	for _, r := range results {
		for _, end := range r.Syncs {
			ends[end]++
		}
		if r.Edits > 0 {
			edited++
		}
	}
	t.Logf("%d seeds, %d of them with edits; the syncs: %v", len(results), edited, ends)
	if *chaosSeed == 0 && len(results) > 8 && (len(ends) < 3 || edited == 0) {
		t.Error("nothing was tried")
	}
}

// appendResult adds a line to the results, if they are kept.
func appendResult(t *testing.T, r chaosResult) {
	t.Helper()
	if *chaosResults == "" {
		return
	}
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(*chaosResults, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, strings.TrimSpace(string(line))); err != nil {
		t.Error(err)
	}
}
