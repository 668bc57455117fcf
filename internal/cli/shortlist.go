package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// shortList fills a table with rows that are all at hand, searched, sorted and cut
// as those of long lists are. Any column can be sorted by.
func shortList(ctx context.Context, o *viewOptions, t *sheet.Table, q search.Query, paged bool, rows [][]any) error {
	all := len(rows)
	rows = searchRows(rows, q.Search)
	if q.Sort != "" {
		i := slices.IndexFunc(t.Columns, func(c sheet.Column) bool { return c.Key == q.Sort })
		if i < 0 {
			var known []string
			for _, c := range t.Columns {
				known = append(known, c.Key)
			}
			return o.inFlags(&search.KeyError{Use: "sort", Key: q.Sort, Known: known})
		}
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b []any) int {
			if q.Desc {
				a, b = b, a
			}
			return compareCells(a[i], b[i])
		})
	}
	return list(ctx, o, t, q, paged, func(q search.Query) (search.Page[[]any], error) {
		from := min(q.Offset, len(rows))
		to := len(rows)
		if q.Limit > 0 {
			to = min(from+q.Limit, to)
		}
		return search.Page[[]any]{Rows: rows[from:to], Total: len(rows), All: all}, nil
	}, func(row []any) []any { return row })
}

// searchRows keeps the rows that hold all words.
func searchRows(rows [][]any, search string) [][]any {
	words := strings.Fields(strings.ToLower(search))
	if len(words) == 0 {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(row []any) bool {
		text := strings.ToLower(fmt.Sprint(row...))
		return slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
}

// compareCells compares two cells of one column; nothing comes first.
func compareCells(a, b any) int {
	switch a := a.(type) {
	case int:
		if b, ok := b.(int); ok {
			return cmp.Compare(a, b)
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	}
	return strings.Compare(strings.ToLower(cellText(a)), strings.ToLower(cellText(b)))
}

func cellText(cell any) string {
	if cell == nil {
		return ""
	}
	return fmt.Sprint(cell)
}
