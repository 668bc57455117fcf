package connector

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// readList reads a list that is short to its proven end, one page after the other. It
// counts the rows that were null.
func readList[T any](ctx context.Context, l jumpcloud.Lister[T]) (items []T, nulls int, err error) {
	var (
		notes [][]byte
		read  = map[string]bool{}
		seen  = map[string]bool{}
	)
	for tokens := []string{""}; len(tokens) > 0; {
		for len(tokens) > 0 {
			token := tokens[0]
			tokens = tokens[1:]
			if read[token] {
				continue
			}
			read[token] = true
			page, err := jumpcloud.ReadPage(ctx, l, token)
			if err != nil {
				return nil, 0, err
			}
			nulls += page.Nulls
			for _, item := range page.Items {
				if id := l.ID(item); !seen[id] {
					seen[id] = true
					items = append(items, item)
				}
			}
			if page.Settled {
				return items, nulls, nil
			}
			notes = append(notes, page.Note)
			tokens = append(tokens, page.Next...)
		}
		if tokens, err = l.Settle(notes); err != nil {
			return nil, 0, err
		}
	}
	return items, nulls, nil
}
