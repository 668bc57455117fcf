package incremental

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

const (
	// holdersPerPage is how many holders a page that is carried over has at most. For each page
	// the list is gone through from its beginning.
	holdersPerPage = 50_000
	// carriedToken begins the tokens of the further pages.
	carriedToken = "carried:"
	// leastChecks is how many lists are checked at least in each sync, and checkShare which
	// part of the requests of a full sync checks may take: one in so many.
	leastChecks = 10
	checkShare  = 100
)

// Previous is the sync that is carried over, and the archive that it is in.
type Previous struct {
	Reader *c1z.Reader
	Run    c1z.SyncRun
}

// Source reads an organization as the source that it wraps does, but for lists that are
// carried over. It is safe for concurrent use. The archive must stay open as long as it
// is read.
type Source struct {
	*connector.Source

	previous Previous
	changes  *Changes
	rounds   uint32 // in so many syncs, every list is checked once
	perPage  int    // holders
	logger   *slog.Logger
	counts   struct{ carried, read, asked, differed atomic.Int64 }
}

var _ syncer.Source = (*Source)(nil)

// NewSource makes a source that carries over what changes do not touch.
func NewSource(source *connector.Source, previous Previous, changes *Changes, logger *slog.Logger) *Source {
	return &Source{Source: source, previous: previous, changes: changes, rounds: roundsOf(previous.Run.Stats), perPage: holdersPerPage, logger: logger}
}

// roundsOf is in how many syncs every list is checked once.
func roundsOf(stats *c1z.Stats) uint32 {
	if stats == nil {
		return 1
	}
	lists := stats.ResourcesByType[restype.Group] + stats.ResourcesByType[restype.App]
	pages := lists + stats.GrantsByType[restype.Group]/connector.ShortList
	checks := max(leastChecks, pages/checkShare)
	return uint32(max(1, min((lists+checks-1)/checks, 1<<20)))
}

// Read implements [syncer.Source].
func (s *Source) Read(ctx context.Context, list syncer.List, token string) (*syncer.Page, error) {
	if from, ok := strings.CutPrefix(token, carriedToken); ok {
		at, err := strconv.Atoi(from)
		if err != nil {
			return nil, fmt.Errorf("page of a list: %w", err)
		}
		page, _, err := s.carry(ctx, list, at)
		if err != nil {
			err = fmt.Errorf("%w: %w", syncer.ErrDiscard, err)
		}
		return page, err
	}
	if token == "" && connector.Carriable(list) {
		if page := s.carried(ctx, list); page != nil {
			s.counts.carried.Add(1)
			return page, nil
		}
		s.counts.read.Add(1)
	}
	return s.Source.Read(ctx, list, token)
}

// carried is the first page of a list that is carried over; nil for one that must be read.
func (s *Source) carried(ctx context.Context, list syncer.List) *syncer.Page {
	if s.changes.Touched(list.Owner.ID) {
		return nil
	}
	owner, err := s.previous.Reader.Resource(ctx, s.previous.Run.ID, list.Owner.Type, list.Owner.ID)
	switch {
	case errors.Is(err, c1z.ErrNotFound):
		return nil // It is new.
	case err != nil:
		s.unreadable(ctx, list, err)
		return nil
	case list.Owner.Type == restype.Group && connector.IsRuled(owner):
		return nil // A rule filled it.
	}
	page, n, err := s.carry(ctx, list, 0)
	if err != nil {
		s.unreadable(ctx, list, err)
		return nil
	}
	if s.due(list.Owner) && !s.unchanged(ctx, list, n) {
		return nil
	}
	return page
}

// unreadable tells that the previous archive does not help with a list.
func (s *Source) unreadable(ctx context.Context, list syncer.List, err error) {
	if ctx.Err() == nil {
		s.logger.WarnContext(ctx, "a list is read, as the previous archive does not tell it", "list", list.String(), "error", err)
	}
}

// carry makes a page of the holders from a number on, and counts all holders.
func (s *Source) carry(ctx context.Context, list syncer.List, from int) (*syncer.Page, int, error) {
	holders, n, err := s.holders(ctx, list.Owner, from)
	if err != nil {
		return nil, n, err
	}
	page, err := connector.Holders(list, holders)
	if err != nil {
		return nil, n, err
	}
	page.Total = n
	if end := from + len(holders); end < n {
		page.Next = []string{carriedToken + strconv.Itoa(end)}
		return page, n, nil
	}
	// A list that is carried over is one that counts what it shows.
	page.Settled, page.Counted, page.Shown = true, n, n
	return page, n, nil
}

// holders are those who held a resource directly, from a number on, and how many these are in
// all. A grant that is neither a direct one nor one that follows from others is an error.
func (s *Source) holders(ctx context.Context, owner syncer.Ref, from int) (holders []syncer.Ref, n int, err error) {
	entitlement := restype.EntitlementID(owner.Type, owner.ID)
	filter := c1z.GrantFilter{Entitlement: entitlement, ResourceType: owner.Type, Resource: owner.ID}
	for key, err := range s.previous.Reader.GrantKeys(ctx, s.previous.Run.ID, filter) {
		if err != nil {
			return nil, 0, err
		}
		switch key.ID {
		case restype.GrantID(owner.Type, owner.ID, key.PrincipalType, key.Principal):
		case entitlement + ":" + key.PrincipalType + ":" + key.Principal:
			continue
		default:
			return nil, 0, fmt.Errorf("grant %s has an id of an unknown form", key.ID)
		}
		if n >= from && len(holders) < s.perPage {
			holders = append(holders, syncer.Ref{Type: key.PrincipalType, ID: key.Principal})
		}
		n++
	}
	return holders, n, nil
}

// due reports whether it is a list's turn to be checked.
func (s *Source) due(owner syncer.Ref) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(owner.Type + ":" + owner.ID))                       // It cannot fail.
	return h.Sum32()%s.rounds == uint32(s.previous.Run.Basis.Number)%s.rounds //nolint:gosec // Overflow only turns the order.
}

// unchanged asks whether a list has as many rows as it had. One that a single request reads
// is read instead, which costs no more and tells more. So is one of which the total is
// not to be had: reading says why.
func (s *Source) unchanged(ctx context.Context, list syncer.List, had int) bool {
	if had <= connector.ShortList {
		return false
	}
	s.counts.asked.Add(1)
	total, err := s.Total(ctx, list)
	if err != nil || total != had {
		s.counts.differed.Add(1)
		return false
	}
	return true
}

// Report logs and returns how many lists were carried over by this process, and how many read.
func (s *Source) Report(ctx context.Context) (carried, read int64) {
	s.logger.InfoContext(ctx, "lists of holders", "carried_over", s.counts.carried.Load(), "read", s.counts.read.Load(),
		"totals_asked", s.counts.asked.Load(), "totals_differed", s.counts.differed.Load())
	return s.counts.carried.Load(), s.counts.read.Load()
}
