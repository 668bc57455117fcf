package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// reading reads the lists. One goroutine hands work out and takes what comes of
// it; each piece of work has a goroutine of its own.
type reading struct {
	*engine
	queue  *queue
	events chan event
	kinds  []KindProgress
	index  map[string]int // of kinds

	fetching int // pages that are being fetched
	busy     int // pieces of work that are not over
}

// event is what a piece of work tells: once that its page was fetched, so that the
// next one can be fetched while it is stored, and once that it is over.
type event struct {
	fetched   bool
	token     *Token
	list      *OpenList
	batch     *Batch
	committed Committed
	err       error
}

// read reads all lists to their end and checks what vanished meanwhile.
func (e *engine) read(ctx context.Context) error {
	kinds, err := e.Store.Kinds(ctx)
	if err != nil {
		return err
	}
	r := &reading{
		engine: e, queue: newQueue(e.Store, queueSize), events: make(chan event),
		kinds: kinds, index: map[string]int{},
	}
	for i, k := range kinds {
		r.index[k.Kind] = i
	}
	if err := r.queue.load(ctx); err != nil {
		return err
	}
	if err := r.run(ctx); err != nil {
		return err
	}
	e.meter.update(true, r.progress)
	return e.checkVanished(ctx)
}

func (r *reading) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var failed error
	for {
		if failed == nil {
			failed = r.start(ctx)
		}
		if failed == nil && ctx.Err() != nil {
			failed = context.Cause(ctx)
		}
		if failed != nil {
			cancel(failed)
		}
		if r.busy == 0 {
			return failed
		}
		// Everything that was started tells that it is over, and soon after its
		// context has ended, so that nothing but its events needs waiting for.
		ev := <-r.events
		if ev.fetched {
			r.fetching--
			continue
		}
		r.busy--
		if ev.err != nil && failed == nil {
			failed = ev.err
		}
		if ev.err == nil {
			r.take(ev)
		}
	}
}

// start hands out work as long as there is some and a worker is free. Pages that
// wait to be stored do not keep workers from fetching, but they are few.
func (r *reading) start(ctx context.Context) error {
	for r.fetching < r.Workers && r.busy < r.Workers+max(2, r.Workers/2) && ctx.Err() == nil {
		list, token, err := r.queue.next(ctx)
		if err != nil {
			return err
		}
		switch {
		case list != nil:
			go r.settle(ctx, *list)
		case token != nil:
			go r.page(ctx, *token)
		default:
			return nil
		}
		r.fetching++
		r.busy++
	}
	return nil
}

// page reads one page and stores it. A page that has been read is stored even when
// the context has ended meanwhile: that takes a moment and saves a request.
func (r *reading) page(ctx context.Context, tok Token) {
	page, err := r.Source.Read(ctx, tok.List, tok.Token)
	r.events <- event{fetched: true}
	ev := event{token: &tok}
	if err == nil {
		ev.batch, err = r.stage.batch(tok, page)
	}
	if err != nil {
		ev.err = fmt.Errorf("read %s: %w", tok.List, err)
	} else {
		ev.committed, ev.err = r.Store.Commit(context.WithoutCancel(ctx), ev.batch)
	}
	r.events <- ev
}

// settle asks the source whether a list is complete.
func (r *reading) settle(ctx context.Context, list OpenList) {
	ev := event{list: &list}
	verdict, err := r.judge(ctx, list, Occasion{})
	r.events <- event{fetched: true}
	if err == nil {
		ev.committed, err = r.keep(ctx, list, verdict)
	}
	ev.err = err
	r.events <- ev
}

// judge asks the source about a list of which all named pages are read.
func (e *engine) judge(ctx context.Context, list OpenList, occasion Occasion) (Verdict, error) {
	receipts, err := e.Store.Receipts(ctx, list.ID)
	if err != nil {
		return Verdict{}, err
	}
	verdict, err := e.Source.Settle(ctx, list.List, receipts, occasion)
	if err != nil && ctx.Err() == nil {
		err = &discardError{fmt.Errorf("read %s: %w", list.List, err)}
	}
	return verdict, err
}

// keep stores a verdict. A page that has been read is never read again, so that a
// verdict which names such pages only would never end.
func (e *engine) keep(ctx context.Context, list OpenList, verdict Verdict) (Committed, error) {
	tokens, err := e.Store.Settle(context.WithoutCancel(ctx), list, verdict)
	if err == nil && len(verdict.Next) > 0 && len(tokens) == 0 {
		err = &discardError{fmt.Errorf("read %s: it is not complete, and only pages that were read are named", list.List)}
	}
	return Committed{Tokens: tokens, Complete: len(verdict.Next) == 0 && !verdict.Wait}, err
}

// take takes over what a piece of work brought.
func (r *reading) take(ev event) {
	var list List
	if ev.token != nil {
		list = ev.token.List
		r.queue.done(*ev.token)
		if ev.batch.Gone {
			for _, t := range r.queue.drop(list.Owner) {
				r.kinds[r.kind(t.List)].PagesOpen--
			}
		}
		if ev.committed.Idle {
			r.queue.lists = append(r.queue.lists, OpenList{ID: ev.token.ListID, List: list})
		}
	} else {
		list = ev.list.List
	}
	r.queue.add(ev.committed.Tokens)

	k := r.kind(list)
	if ev.token != nil {
		r.kinds[k].PagesDone++
		r.kinds[k].PagesOpen--
		r.kinds[k].Rows += int64(ev.batch.Rows)
		if ev.token.Token == "" {
			r.kinds[k].Total += int64(ev.batch.Total)
		}
	}
	if ev.committed.Complete {
		r.kinds[k].Complete++
	}
	for _, t := range ev.committed.Tokens {
		k := r.kind(t.List)
		r.kinds[k].PagesOpen++
		if t.Token == "" {
			r.kinds[k].Lists++
		}
	}
	r.meter.update(false, r.progress)
}

func (r *reading) kind(l List) int {
	i, ok := r.index[l.Kind]
	if !ok {
		i = len(r.kinds)
		r.index[l.Kind] = i
		r.kinds = append(r.kinds, KindProgress{Kind: l.Kind, Label: l.Label})
	}
	return i
}

func (r *reading) progress() Progress {
	return Progress{Phase: PhaseReading, Kinds: slices.Clone(r.kinds)}
}

// A few objects may be deleted while they are read. When they are many, the source
// is more likely wrong than right about them.
const (
	vanishedFew     = 10 // objects of a type
	vanishedPercent = 1  // of the objects of a type
)

// checkVanished fails when more objects of a type vanished than is likely.
func (e *engine) checkVanished(ctx context.Context) error {
	vanished, err := e.Store.Vanished(ctx)
	if err != nil {
		return err
	}
	gone := map[string]int{}
	for _, v := range vanished {
		gone[v.Type]++
	}
	many := func(n int) bool { return n > vanishedFew }
	if !slices.ContainsFunc(vanished, func(v Ref) bool { return many(gone[v.Type]) }) {
		return nil
	}
	all := map[string]int{}
	for r, err := range e.Store.Resources(ctx, true) {
		if err != nil {
			return err
		}
		all[r.Ref.Type]++
	}
	var errs []error
	for _, t := range e.stage.types() {
		n := gone[t.GetId()]
		if total := n + all[t.GetId()]; many(n) && n*100 > total*vanishedPercent {
			var names []string
			for _, v := range vanished {
				if v.Type == t.GetId() && len(names) < 5 {
					names = append(names, v.ID)
				}
			}
			errs = append(errs, fmt.Errorf("%d of %d resources of type %s were listed but not found (%s, ...), which is implausible; run again",
				n, total, t.GetId(), strings.Join(names, ", ")))
		}
	}
	if len(errs) > 0 {
		return &discardError{errors.Join(errs...)}
	}
	return nil
}
