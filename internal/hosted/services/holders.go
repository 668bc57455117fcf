package services

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// holders reads the list of who holds one resource to its proven end. One that was
// interrupted is continued by the next read.
type holders struct {
	sync  string
	list  syncer.List
	known map[string]bool // tokens that were named

	open     []string
	receipts [][]byte
	found    map[syncer.Ref]bool // whether the holder is administrator of the device that is held
	remarks  []string
	verdict  syncer.Verdict // of a list that is complete
}

func newHolders(sync string, list syncer.List) *holders {
	return &holders{sync: sync, list: list, known: map[string]bool{"": true}, open: []string{""}, found: map[syncer.Ref]bool{}}
}

// occasion is that of a judge who sees one list only. What would wait to see whether the
// organization changes during the sync is read again in another way at once: of two calls,
// neither knows what the other saw.
var occasion = syncer.Occasion{Last: true, Moved: true, Empty: true}

// read reads the list to its end.
func (h *holders) read(ctx context.Context, source *connector.Source, workers int) error {
	ctx, cancel := inTime(ctx)
	defer cancel()
	for {
		settled, err := h.readOpen(ctx, source, workers)
		if settled || err != nil {
			return err
		}
		verdict, err := source.Settle(ctx, h.list, h.receipts, occasion)
		switch {
		case err != nil:
			return fmt.Errorf("read %s: %w", h.list, err)
		case verdict.Wait:
			return fmt.Errorf("read %s: it waits for other lists: %w", h.list, paging.ErrIncomplete)
		case len(verdict.Next) == 0:
			h.verdict = verdict
			return nil
		}
		if h.name(verdict.Next); len(h.open) == 0 {
			return fmt.Errorf("read %s: only pages that were read are named: %w", h.list, paging.ErrIncomplete)
		}
	}
}

// name opens the tokens that were not named before.
func (h *holders) name(tokens []string) {
	for _, t := range tokens {
		if !h.known[t] {
			h.known[t] = true
			h.open = append(h.open, t)
		}
	}
}

// readOpen reads the open pages, and those that they name, side by side. A page that was
// read is not read again after an error.
func (h *holders) readOpen(ctx context.Context, source *connector.Source, workers int) (settled bool, err error) {
	for len(h.open) > 0 {
		tokens := h.open
		pages := make([]*syncer.Page, len(tokens))
		g, reading := errgroup.WithContext(ctx)
		g.SetLimit(workers)
		for i, token := range tokens {
			g.Go(func() (err error) {
				if reading.Err() != nil {
					return context.Cause(reading)
				}
				pages[i], err = source.Read(reading, h.list, token)
				return err
			})
		}
		failed := g.Wait()
		if ctx.Err() != nil {
			failed = context.Cause(ctx)
		}
		h.open = nil
		var next []string
		for i, page := range pages {
			if page == nil {
				h.open = append(h.open, tokens[i])
				continue
			}
			if page.Gone {
				return true, gone(h.list.Owner)
			}
			h.take(page)
			next = append(next, page.Next...)
			settled = settled || page.Settled
		}
		h.name(next)
		if failed != nil {
			return false, fmt.Errorf("read %s: %w", h.list, failed)
		}
	}
	return settled, nil
}

// take keeps what a page brought.
func (h *holders) take(page *syncer.Page) {
	for _, g := range page.Grants {
		// Of a device group's members, pages bring what holds the devices too.
		if refOf(g.GetEntitlement().GetResource().GetId()) == h.list.Owner {
			principal := refOf(g.GetPrincipal().GetId())
			h.found[principal] = h.found[principal] || connector.IsSudo(g)
		}
	}
	h.receipts = append(h.receipts, page.Receipt)
	for _, r := range page.Remarks {
		if !slices.Contains(h.remarks, r) {
			h.remarks = append(h.remarks, r)
		}
	}
	if page.Settled {
		h.verdict = syncer.Verdict{Counted: page.Counted, Shown: page.Shown}
	}
}

// maxUnfinished bounds how many lists are kept that a call could not read to their end.
const maxUnfinished = 16

// holders reads the holders of a resource, sorted, those left out who do not exist.
func (s *Services) holders(ctx context.Context, dir view, list syncer.List) ([]holder, error) {
	h := s.takeUnfinished(dir.syncID, list)
	if err := h.read(ctx, dir.source, s.options.Workers); err != nil {
		if canGoOn(ctx, err) {
			s.keepUnfinished(h)
		}
		return nil, err
	}
	for _, remark := range h.remarks {
		s.options.Logger.WarnContext(ctx, "sync remark", "remark", remark)
	}
	if err := dir.believe(list, h.verdict); err != nil {
		return nil, err
	}
	all, err := s.existing(ctx, dir, h.found)
	if err != nil || !connector.IsOfDevice(list) {
		return all, err
	}
	return s.withOwnSudo(ctx, dir, list.Owner, all)
}

// withOwnSudo adds the users who administer a device by a setting of their own, which its
// bindings do not show.
func (s *Services) withOwnSudo(ctx context.Context, dir view, device syncer.Ref, all []holder) ([]holder, error) {
	if len(dir.sudo) == 0 || !connector.LeadsToDevices(s.options.ResourceTypes) {
		return all, nil
	}
	reached := map[syncer.Ref]bool{}
	if err := dir.source.ReachDevice(ctx, device.ID, func(user string) {
		if ref := (syncer.Ref{Type: restype.User, ID: user}); dir.sudo[ref] {
			reached[ref] = true
		}
	}); err != nil {
		return nil, fmt.Errorf("read the users of %s: %w", device, err)
	}
	for i, h := range all {
		all[i].own = dir.sudo[h.Ref]
		all[i].sudo = h.sudo || all[i].own
		delete(reached, h.Ref)
	}
	for ref := range reached {
		all = append(all, holder{Ref: ref, sudo: true, own: true, reached: true})
	}
	slices.SortFunc(all, func(a, b holder) int { return a.Ref.Compare(b.Ref) })
	return all, nil
}

// takeUnfinished finds a list that an earlier call has begun to read, or begins it.
func (s *Services) takeUnfinished(sync string, list syncer.List) *holders {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.unfinished, func(h *holders) bool { return h.sync == sync && h.list == list })
	if i < 0 || sync == "" {
		return newHolders(sync, list)
	}
	h := s.unfinished[i]
	s.unfinished = slices.Delete(s.unfinished, i, i+1)
	return h
}

func (s *Services) keepUnfinished(h *holders) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unfinished) == maxUnfinished {
		s.unfinished = s.unfinished[1:]
	}
	s.unfinished = append(s.unfinished, h)
}

// existing finds the holders in the directory and looks the others up, one by one, as the
// engine does with principals that are in no list.
func (s *Services) existing(ctx context.Context, dir view, found map[syncer.Ref]bool) ([]holder, error) {
	var all, missing []holder
	known := map[syncer.Ref]bool{}
	for ref, sudo := range found {
		for to, ok := dir.aliases[ref]; ok; to, ok = dir.aliases[ref] {
			ref = to
		}
		if known[ref] || !s.has(ref.Type) {
			continue
		}
		known[ref] = true
		if _, ok := dir.name(ref); ok {
			all = append(all, holder{Ref: ref, sudo: sudo})
		} else {
			missing = append(missing, holder{Ref: ref, sudo: sudo})
		}
	}
	exists := make([]bool, len(missing))
	g, looking := errgroup.WithContext(ctx)
	g.SetLimit(s.options.Workers)
	for i := range missing {
		g.Go(func() error {
			if looking.Err() != nil {
				return context.Cause(looking)
			}
			l, err := dir.lookUp(looking, missing[i].Ref)
			exists[i], missing[i].name = l.found, l.name
			return err
		})
	}
	if err := errors.Join(g.Wait(), ctx.Err()); err != nil {
		return nil, err
	}
	absent := 0
	for i, h := range missing {
		if exists[i] {
			all = append(all, h)
		} else {
			absent++
		}
	}
	if absent > 0 {
		s.options.Logger.WarnContext(ctx, "grants left out: principals not found", "count", absent)
	}
	slices.SortFunc(all, func(a, b holder) int { return a.Ref.Compare(b.Ref) })
	return all, nil
}

// emptiness sums up lists of a kind that count rows, and those among them that show none.
type emptiness struct{ lists, empty, counted int }

const (
	// Of lists that show nothing of what they count, some are believed: the objects in
	// them were deleted. When most of them are so, and count this much together, or one
	// by itself counts loneMany, the credential is more likely to see none.
	emptyMany = 20
	loneMany  = 50
)

// believe refuses a list that shows none of what it counts, when most lists of its kind
// that this process has read in the sync do.
func (d *directory) believe(list syncer.List, v syncer.Verdict) error {
	if v.Counted == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.kinds[list.Kind]
	if e == nil {
		e = new(emptiness)
		d.kinds[list.Kind] = e
	}
	e.lists++
	if v.Shown > 0 {
		return nil
	}
	e.empty++
	e.counted += v.Counted
	if 2*e.empty > e.lists && e.counted >= emptyMany && (e.empty > 1 || e.counted >= loneMany) {
		return fault.WithCode(codes.FailedPrecondition,
			"%s: the server counts %d rows and shows none, as in %d of %d lists of this kind; check that the credential may read them",
			list, v.Counted, e.empty, e.lists)
	}
	return nil
}
