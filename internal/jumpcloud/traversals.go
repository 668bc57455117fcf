package jumpcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// sortKeys are the names under which a traversal of the graph may know the id of its
// objects: that of the answer, that of the documented filter, and that of API v1.
func sortKeys() []string { return []string{"id", "object_id", "_id"} }

// traversal is a route that lists what the graph leads to. Whether it is served, and
// obeys an order, shows when it is first asked. Its methods are safe for concurrent
// use.
type traversal struct {
	name        string
	key         atomic.Int32 // the first of the sortKeys that was not refused or ignored
	worked, off atomic.Bool
}

// UserGroupMembership reads a window of a group's users with the paths that lead
// to them, sorted by id where the tenant obeys; at most 100 rows may be asked for. It
// is [ErrNotServed] where the tenant refuses the route.
//
// JumpCloud API v2, GET /usergroups/{id}/membership.
func (c *Client) UserGroupMembership(ctx context.Context, groupID string, w paging.Window) (paging.Page[Traversal], error) {
	return c.traverse(ctx, &c.short.membership, call{route: routeGroupMembership, id: groupID}, w)
}

// traverse reads a window in the order of ids, if there is a key for that.
func (c *Client) traverse(ctx context.Context, t *traversal, call call, w paging.Window) (paging.Page[Traversal], error) {
	if t.off.Load() {
		return paging.Page[Traversal]{}, paging.ErrNotServed
	}
	keys := sortKeys()
	for i := int(t.key.Load()); ; i++ {
		call.query = queryOf(w)
		if i < len(keys) {
			call.query.Set("sort", keys[i])
		}
		page, err := readPage(ctx, c, call, (*traversalRow).model)
		var e *Error
		switch {
		case err == nil:
			t.worked.Store(true)
			if i == len(keys) || len(page.Items) < paging.MinWindow || slices.IsSortedFunc(page.Items, compareIDs) {
				return page, nil
			}
		case i < len(keys) && errors.As(err, &e) && e.Status == http.StatusBadRequest:
		default:
			return page, t.refusal(ctx, c.logger, err)
		}
		t.key.CompareAndSwap(int32(i), int32(i+1)) //nolint:gosec // there are three keys.
	}
}

func compareIDs(a, b Traversal) int { return strings.Compare(a.ID, b.ID) }

// refusal tells the refusal of the route from an error that says something of the
// object or the network.
func (t *traversal) refusal(ctx context.Context, logger *slog.Logger, err error) error {
	var e *Error
	if !errors.As(err, &e) || t.worked.Load() && e.Kind == KindNotFound {
		return err
	}
	if !IsUnserved(err) && e.Kind != KindProtocol && e.Status != http.StatusInternalServerError {
		return err
	}
	// The object of a first request may be gone: that says nothing of the route.
	if e.Kind != KindNotFound && t.off.CompareAndSwap(false, true) {
		logger.WarnContext(ctx, "route not served; lists that change during a sync take more requests",
			slog.String("route", t.name), slog.Any("refusal", err))
	}
	return fmt.Errorf("%w: %w", paging.ErrNotServed, err)
}
