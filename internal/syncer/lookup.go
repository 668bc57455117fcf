package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// lookUp reads the principals that grants name and that no list contained, each
// once. A group among them was made while the groups were read, and has members,
// whose list is read after it: without them it would read as an empty one.
func (e *engine) lookUp(ctx context.Context) error {
	if !e.Scope.full() || !e.Scope.grants() {
		return nil
	}
	missing, err := e.missing(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	e.Logger.InfoContext(ctx, "looking up principals that no list contains", "count", len(missing))
	var (
		mu   sync.Mutex // guards done and the meter
		done int64
	)
	tell := func(looked int64) {
		mu.Lock()
		defer mu.Unlock()
		done += looked
		e.meter.update(looked == 0 || done == int64(len(missing)), func() Progress {
			return Progress{Phase: PhaseLookup, Done: done, Total: int64(len(missing))}
		})
	}
	tell(0)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(e.Workers)
	for _, ref := range missing {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error {
			if err := e.lookUpOne(gctx, ref); err != nil {
				return err
			}
			tell(1)
			return nil
		})
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// missing lists the principals of grants that are not stored and not known to be
// absent, in order.
func (e *engine) missing(ctx context.Context) ([]Ref, error) {
	known, err := readPrincipals(ctx, e.Store, nil)
	if err != nil {
		return nil, err
	}
	vanished, err := e.Store.Vanished(ctx)
	if err != nil {
		return nil, err
	}
	absent, err := e.Store.AbsentPrincipals(ctx)
	if err != nil {
		return nil, err
	}
	skip := map[Ref]bool{}
	for _, r := range slices.Concat(vanished, absent) {
		skip[r] = true
	}
	return unknownPrincipals(ctx, e.Store, known, func(r Ref) bool { return e.stage.synced[r.Type] == nil || skip[r] })
}

// unknownPrincipals lists the principals of grants that are not known and not to
// be skipped, in order.
func unknownPrincipals(ctx context.Context, rows Rows, known *principals, skip func(Ref) bool) ([]Ref, error) {
	unknown := map[Ref]bool{}
	for block, err := range rows.AllBlocks(ctx) {
		if err != nil {
			return nil, err
		}
		for g, err := range unpack(block.Data) {
			if err != nil {
				return nil, fmt.Errorf("grants on %s: %w", block.Entitlement, err)
			}
			if _, ok := known.number(g.pattern.principalType, g.principal); ok {
				continue
			}
			if r := (Ref{g.pattern.principalType, string(g.principal)}); !unknown[r] && !skip(r) {
				unknown[r] = true
			}
		}
	}
	refs := make([]Ref, 0, len(unknown))
	for r := range unknown {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, Ref.Compare)
	return refs, nil
}

func (e *engine) lookUpOne(ctx context.Context, r Ref) error {
	page, err := e.Source.Lookup(ctx, r.id())
	if errors.Is(err, ErrNotFound) {
		var facts []Fact
		if page != nil {
			facts = page.Facts
		}
		return e.Store.Absent(context.WithoutCancel(ctx), r, facts...)
	}
	if err != nil {
		return fmt.Errorf("look up %s: %w", r, err)
	}
	batch, err := e.stage.found(r, page)
	if err != nil {
		return fmt.Errorf("look up %s: %w", r, err)
	}
	return e.Store.Found(context.WithoutCancel(ctx), batch)
}

// unread reports whether lists are to be read: those that came with what was
// looked up, and those that had waited and are judged now that all else is read.
func (e *engine) unread(ctx context.Context) (bool, error) {
	tokens, _, err := e.Store.OpenTokens(ctx, 1)
	if err != nil || len(tokens) > 0 {
		return len(tokens) > 0, err
	}
	waiting, err := e.Store.IdleLists(ctx)
	if err != nil || len(waiting) == 0 {
		return false, err
	}
	counters, err := e.Store.Counters(ctx)
	if err != nil {
		return false, err
	}
	kinds, err := e.Store.Counts(ctx)
	if err != nil {
		return false, err
	}
	empty := map[string]bool{}
	for _, k := range kinds {
		empty[k.Kind] = k.mostEmpty() || counters[CounterBlind] > 0
	}
	again := false
	for _, list := range waiting {
		// Whoever is found in no list came after it was read.
		occasion := Occasion{Last: true, Moved: counters[CounterMoved]+counters[CounterLookedUp] > 0, Empty: empty[list.List.Kind]}
		verdict, err := e.judge(ctx, list, occasion)
		if err != nil {
			return false, err
		}
		if verdict.Wait {
			return false, &discardError{fmt.Errorf("read %s: it waits for others, and all others are complete", list.List)}
		}
		if _, err := e.keep(ctx, list, verdict); err != nil {
			return false, err
		}
		again = again || len(verdict.Next) > 0
	}
	return again, nil
}
