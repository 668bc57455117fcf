// Command bench measures whole syncs of the real binary against the simulator, each
// in a process of its own, and makes the table and the plot of docs/PERFORMANCE.md
// of what it found.
//
// A cell is one organization behind one network. Cells vary one axis at a time from
// a centre, and a few corners vary several. Each is run several times, in rounds
// over all of them, so that a machine that was busy for a while does not spoil one
// cell alone. A result is appended to the results file as soon as it is there; a run
// that was interrupted goes on where it stopped, as long as the binary is made of the
// same commit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// Where things are in the project.
const (
	resultsFile = "docs/bench/results.jsonl"
	plotFile    = "docs/bench/sync.svg"
	docFile     = "docs/PERFORMANCE.md"
)

type options struct {
	source  string
	results string
	only    string
	full    bool
	list    bool
	render  bool
	rounds  int
	seed    uint64
	limit   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.source, "source", ".", "folder of the project")
	flag.StringVar(&o.results, "results", "", "file to append results to (default "+resultsFile+" of the project)")
	flag.StringVar(&o.only, "only", ".", "run only the cells whose names match; `full` adds cells and rounds")
	flag.BoolVar(&o.list, "list", false, "show the cells, what was measured of them, and how long the rest takes; run nothing")
	flag.BoolVar(&o.render, "render", false, "write the table and the plot of the results; run nothing")
	flag.IntVar(&o.rounds, "rounds", 3, "how often a cell runs at most; those that take over a minute run once")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the organizations")
	flag.DurationVar(&o.limit, "limit", 40*time.Minute, "begin no cell that would probably end later than this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // The first context.
	defer stop()
	if err := run(ctx, o, log.New(os.Stdout, "", 0)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic,forbidigo // stop was called; this is main.
	}
}

func run(ctx context.Context, o options, say *log.Logger) error {
	if o.full = o.only == "full"; o.full {
		o.only, o.limit = ".", max(o.limit, 24*time.Hour)
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("which cells: %w", err)
	}
	if o.results == "" {
		o.results = filepath.Join(o.source, resultsFile)
	}
	results, err := loadResults(o.results)
	if err != nil {
		return err
	}
	if o.render {
		return render(o.source, results)
	}
	commit, err := commitOf(ctx, o.source)
	if err != nil {
		return err
	}
	plan := newPlan(cells(), results, commit, only, o)
	plan.describe(say, o.limit)
	if o.list || len(plan.todo) == 0 {
		return nil
	}
	m, err := prepare(ctx, o, commit)
	if err != nil {
		return err
	}
	err = errors.Join(plan.carryOut(ctx, m, o, say), m.Close())
	// What was measured is shown, whatever came after it.
	if results, loadErr := loadResults(o.results); loadErr == nil && o.results == filepath.Join(o.source, resultsFile) {
		return errors.Join(err, render(o.source, results))
	}
	return err
}
