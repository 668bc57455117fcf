package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// Check compares the revokes of a review with a later sync and records what it shows. It
// returns the rows of the revokes.
func (f *File) Check(ctx context.Context, by string, s *tables.Sync) ([]Row, error) {
	source := f.header.Source
	if s.Run.Organization.ID != "" && source.OrganizationID != "" && s.Run.Organization.ID != source.OrganizationID {
		return nil, fault.WithHints(fault.WithCode(codes.FailedPrecondition, "the archive is of organization %s, and the review of %s", s.Run.Organization.ID, source.OrganizationID), "name an archive of the same organization with --file")
	}
	if s.Run.ID == source.SyncID || !s.Run.StartedAt.After(source.Started) {
		return nil, fault.WithHints(fault.WithCode(codes.FailedPrecondition, "sync %s of %s is not newer than that of the review (%s)", s.Run.ID, s.Run.StartedAt.UTC().Format(time.DateTime+" MST"), source.SyncID), "sync again, and name the archive with --file")
	}
	var changed []int
	err := f.change(ctx, func() ([]*Event, error) {
		var events []*Event
		for i := range f.states {
			if f.states[i].Decision != Revoke {
				continue
			}
			changed = append(changed, i)
			presence, detail := f.presence(i, s)
			events = append(events, &Event{At: f.now(), By: by, Action: ActionChecked, Item: i + 1, Sync: s.Run.ID, Presence: presence, Detail: detail})
		}
		return events, nil
	})
	if err != nil {
		return nil, err
	}
	all := f.Rows()
	rows := make([]Row, len(changed))
	for at, i := range changed {
		rows[at] = all[i]
	}
	return rows, nil
}

// presence is what a sync shows of an item.
func (f *File) presence(i int, s *tables.Sync) (Presence, string) {
	item, state := &f.items[i], &f.states[i]
	holding, there := find(item, s)
	if !there {
		return Gone, ""
	}
	detail := "via " + strings.Join(holding, "; ")
	revoked := state.Result.Final()
	if revoked && !s.Run.StartedAt.After(state.ResultAt) {
		return TooOld, fmt.Sprintf("revoked %s, sync began %s", dateText(state.ResultAt), dateText(s.Run.StartedAt))
	}
	if revoked || state.Check == Gone || state.Check == BackAgain {
		return BackAgain, detail
	}
	return StillThere, detail
}

// find looks for the access of an item in a sync, and says via what it is held.
func find(item *Item, s *tables.Sync) ([]string, bool) {
	e, ok := s.EntitlementByID(item.EntitlementID)
	if !ok {
		return nil, false
	}
	p, ok := s.ByID(item.Account.Type, item.Account.ID)
	if !ok {
		return nil, false
	}
	for _, g := range s.GrantsOf(p) {
		if s.EntitlementOf(g) == e {
			paths, more := s.Paths(p, e, review.MaxPaths)
			return s.Ways(review.Held{Paths: paths, MorePaths: more}), true
		}
	}
	return nil, false
}
