package connector

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// readList reads a list that is short to its proven end, one page after the other.
func readList[T any](ctx context.Context, l jumpcloud.Lister[T]) ([]T, error) {
	var (
		items []T
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
				return nil, err
			}
			for _, item := range page.Items {
				if id := l.ID(item); !seen[id] {
					seen[id] = true
					items = append(items, item)
				}
			}
			if page.Settled {
				return items, nil
			}
			notes = append(notes, page.Note)
			tokens = append(tokens, page.Next...)
		}
		var err error
		if tokens, err = l.Settle(notes); err != nil {
			return nil, err
		}
	}
	return items, nil
}
