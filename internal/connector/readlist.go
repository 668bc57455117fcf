package connector

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// readList reads a list that is short to its proven end, one page after the other. It
// counts the rows that were null.
func readList[T any](ctx context.Context, l paging.Lister[T]) (items []T, nulls int, err error) {
	seen := map[string]bool{}
	nulls, err = paging.ReadAll(ctx, l, func(item T) bool {
		if id := l.ID(item); !seen[id] {
			seen[id] = true
			items = append(items, item)
		}
		return true
	})
	return items, nulls, err
}
