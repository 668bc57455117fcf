package main

import (
	"context"
	"fmt"
	"log"
	"regexp"
	"time"
)

// slow is how long a cell may take and still run in every round.
const slow = time.Minute

// overhead is what a run takes beside the sync: the simulator makes an
// organization, and the next simulator another one.
const overhead = 2 * time.Second

// step is one run of a cell.
type step struct {
	cell  Cell
	round int
	takes time.Duration
}

// plan is what is still to be measured.
type plan struct {
	todo []step
	done int
}

// newPlan leaves out what was measured of the same commit.
func newPlan(all []Cell, results []Result, commit string, only *regexp.Regexp, o options) *plan {
	type key struct {
		cell  string
		round int
	}
	had, takes := map[key]bool{}, map[string]time.Duration{}
	for _, r := range results {
		takes[r.Cell] = time.Duration(r.Wall * float64(time.Second))
		if r.Commit == commit && r.Seed == o.seed {
			had[key{r.Cell, r.Round}] = true
		}
	}
	p := new(plan)
	for round := 1; round <= o.rounds; round++ {
		for _, c := range all {
			guess, known := takes[c.Name]
			if !known {
				guess = c.Guess
			}
			switch {
			case c.Full && !o.full, !only.MatchString(c.Name), round > 1 && guess > slow && !o.full:
			case had[key{c.Name, round}]:
				p.done++
			default:
				p.todo = append(p.todo, step{c, round, guess + overhead})
			}
		}
	}
	return p
}

// describe tells what will be done, and for how long.
func (p *plan) describe(say *log.Logger, limit time.Duration) {
	var all time.Duration
	for _, s := range p.todo {
		all += s.takes
	}
	say.Printf("%d syncs were measured of this commit, %d are to be: about %s", p.done, len(p.todo), all.Round(time.Second))
	if all > limit {
		say.Printf("of which %s are taken now; run it again for the rest", limit)
	}
	for _, s := range p.todo {
		say.Printf("  %-40s round %d, about %s", s.cell.Name, s.round, s.takes)
	}
}

// carryOut measures step by step, as long as time permits.
func (p *plan) carryOut(ctx context.Context, m *measurer, o options, say *log.Logger) error {
	began, left := time.Now(), 0
	for i, s := range p.todo {
		if time.Since(began)+s.takes > o.limit {
			left++
			continue
		}
		say.Printf("[%d/%d] %s, round %d", i+1, len(p.todo), s.cell.Name, s.round)
		r, err := m.measure(ctx, s.cell)
		if err != nil {
			return fmt.Errorf("%s: %w", s.cell.Name, err)
		}
		r.Round, r.Seed = s.round, o.seed
		if err := appendResult(o.results, r); err != nil {
			return err
		}
		say.Printf("      %.1f s, %d requests (at least %d), %.1f s of processor time, %d MiB", r.Wall, r.Requests, r.Minimum, r.CPU, r.Peak>>20)
	}
	if left > 0 {
		say.Printf("%d syncs were not run within %s; run it again for them", left, o.limit)
	}
	return nil
}
