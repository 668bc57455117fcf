package syncer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Config is what [Run] works with.
type Config struct {
	// Source is read.
	Source Source
	// Store keeps what was read. A Store that an earlier process has filled is
	// resumed.
	Store Store
	// Scope is what is read; it must be the one with which the Store was filled.
	Scope Scope
	// Workers is how many pages are read at once; below 1 means 1.
	Workers int
	// Logger gets what an operator wants to know.
	Logger *slog.Logger
	// Progress, when set, is called now and then from one goroutine at a time.
	Progress func(Progress)
}

// Run reads everything that the source holds into the store: lists, principals
// that are in no list, and what Join makes of them. After it, [Build] needs no
// request. It ends soon after its context, and leaves a store that another Run
// continues. The first error ends it and names what could not be read.
func Run(ctx context.Context, cfg Config) error {
	stage, leftOut, err := newStager(cfg.Scope, cfg.Source.ResourceTypes())
	if err != nil {
		return err
	}
	cfg.Workers = max(cfg.Workers, 1)
	e := &engine{Config: cfg, stage: stage, meter: meter{tell: cfg.Progress}}
	return discardOn(ctx, cfg.Store, e.run(ctx, leftOut))
}

// engine is a Run.
type engine struct {
	Config
	stage *stager
	meter meter
}

func (e *engine) run(ctx context.Context, leftOut []string) error {
	st, err := e.Store.State(ctx)
	if err != nil {
		return err
	}
	if st.Phase == PhaseNew {
		if st, err = e.begin(ctx, leftOut); err != nil {
			return err
		}
	}
	if !sameScope(st.Scope, e.Scope) {
		return errors.New("the work database is of another resource selection")
	}
	// What is looked up may bring lists to read, and these more to look up.
	for phase := st.Phase; phase != PhaseWriting; {
		start := time.Now()
		e.Logger.DebugContext(ctx, "phase started", "phase", phase)
		next, err := e.step(ctx, phase)
		if err != nil {
			// The time that was worked counts even so; where it cannot be stored, the
			// error that is returned says more.
			_ = e.Store.Advance(context.WithoutCancel(ctx), phase, phase, time.Since(start))
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
		if phase == PhaseJoining {
			break // the join enters the next phase itself
		}
		if err := e.Store.Advance(ctx, phase, next, time.Since(start)); err != nil {
			return err
		}
		phase = next
	}
	return nil
}

// step does the work of one phase and says which one follows.
func (e *engine) step(ctx context.Context, phase Phase) (next Phase, err error) {
	switch phase {
	case PhaseReading:
		return PhaseLookup, e.read(ctx)
	case PhaseLookup:
		if err := e.lookUp(ctx); err != nil {
			return phase, err
		}
		unread, err := e.unread(ctx)
		if unread {
			return PhaseReading, err
		}
		if err == nil {
			err = e.Source.Confirm(ctx)
		}
		return PhaseJoining, err
	case PhaseJoining:
		return PhaseWriting, e.join(ctx)
	default:
		return phase, fmt.Errorf("the work database is in the unknown phase %q", phase)
	}
}

// begin asks the source for what is known before any list is read.
func (e *engine) begin(ctx context.Context, leftOut []string) (State, error) {
	st := State{Phase: PhaseReading, Scope: e.Scope, ResourceTypes: e.stage.types(), LeftOut: leftOut}
	page, err := e.Source.Start(ctx, e.Scope)
	if err != nil {
		return st, fmt.Errorf("start: %w", err)
	}
	batch, err := e.stage.start(page)
	if err != nil {
		return st, fmt.Errorf("start: %w", err)
	}
	return st, e.Store.Begin(ctx, st, batch)
}

// join lets the source work out what only all lists together tell.
func (e *engine) join(ctx context.Context) error {
	e.meter.update(true, func() Progress { return Progress{Phase: PhaseJoining} })
	holes, err := e.remarkCounts(ctx)
	if err != nil {
		return err
	}
	j := &joiner{stage: e.stage}
	var refused error
	err = e.Store.Join(ctx, func(tx JoinStore) error {
		j.tx = tx
		if refused = j.Remark(ctx, holes...); refused == nil {
			refused = e.Source.Join(ctx, e.Scope, j)
		}
		return refused
	})
	if refused != nil && j.failed == nil && ctx.Err() == nil {
		return &discardError{fmt.Errorf("join what was read: %w", refused)}
	}
	return err
}

func sameScope(a, b Scope) bool {
	if a.SkipGrants != b.SkipGrants || a.SkipEntitlementsAndGrants != b.SkipEntitlementsAndGrants ||
		!slices.Equal(distinct(a.ResourceTypes), distinct(b.ResourceTypes)) || len(a.Targets) != len(b.Targets) {
		return false
	}
	for i := range a.Targets {
		if ref(a.Targets[i]) != ref(b.Targets[i]) {
			return false
		}
	}
	return true
}

func distinct(ids []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}

// discardError is an error that another Run over the same Store would meet again,
// since it comes of what was read.
type discardError struct{ err error }

func (e *discardError) Error() string { return e.err.Error() }
func (e *discardError) Unwrap() error { return e.err }

// discardOn marks the store as not worth resuming after a [discardError] or [ErrDiscard].
func discardOn(ctx context.Context, store Stage, err error) error {
	if !errors.As(err, new(*discardError)) && !errors.Is(err, ErrDiscard) {
		return err
	}
	return errors.Join(err, store.Discard(context.WithoutCancel(ctx), err.Error()))
}
