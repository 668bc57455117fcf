package connector

import (
	"context"
	"fmt"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The page sizes that JumpCloud's lists allow. The client asks for fewer where a
// tenant refuses.
const (
	usersPerPage = 1000
	rowsPerPage  = 100
)

// rows reads and judges one list.
type rows struct {
	read   func(ctx context.Context, token string) (*syncer.Page, error)
	settle func(receipts [][]byte, occasion paging.Occasion) (paging.Verdict, error)
}

// rowsOf joins how a list is paged with what is made of its rows.
func rowsOf[T any](l paging.Lister[T], fill func(_ context.Context, page *syncer.Page, items []T) error) rows {
	return rows{
		read: func(ctx context.Context, token string) (*syncer.Page, error) {
			read, err := paging.ReadPage(ctx, l, token)
			if err != nil {
				return nil, err
			}
			page := &syncer.Page{
				Next: read.Next, Receipt: read.Receipt, Settled: read.Settled, Total: read.Total, Repeats: read.Repeats,
				Counted: read.Counted, Shown: read.Shown,
			}
			if read.Nulls > 0 && !l.Holes {
				page.Facts = append(page.Facts, nullRows(l.Name, token, read.Nulls))
			}
			if err := fill(ctx, page, read.Items); err != nil {
				return nil, err
			}
			return page, nil
		},
		settle: l.Settle,
	}
}

// rows finds the list of a kind.
func (s *Source) rows(k kind, owner syncer.Ref) (rows, error) {
	list := k.find()
	if list.open == nil {
		return rows{}, fmt.Errorf("unknown list %q; the work kept of an interrupted sync is of another version", k)
	}
	return list.open(s, k, owner), nil
}

// remarkOthers tells of edges that the model has no word for. JumpCloud has none
// today.
func remarkOthers(page *syncer.Page, owner syncer.Ref, types []string) {
	slices.Sort(types)
	for _, t := range slices.Compact(types) {
		page.Remarks = append(page.Remarks, fmt.Sprintf("%s %s has associations of the unknown type %q, which were left out",
			owner.Type, owner.ID, printable.Clip(t, 100)))
	}
}
