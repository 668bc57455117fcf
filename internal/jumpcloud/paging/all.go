package paging

import (
	"context"
	"fmt"
)

// maxPagesOfAll bounds the pages that [ReadAll] reads of one list.
const maxPagesOfAll = 1000

// ReadAll reads a list to its end, one page after the other, and shows each row at
// least once, until visit returns false. An error says that the list could not be
// read to its end, has none within 1,000 pages, or shows none of what it counts. Nulls
// is how many rows were null.
func ReadAll[T any](ctx context.Context, l Lister[T], visit func(T) bool) (nulls int, err error) {
	var receipts [][]byte
	open, named := []string{""}, map[string]struct{}{"": {}}
	for len(open) > 0 {
		if len(receipts) >= maxPagesOfAll {
			return nulls, fmt.Errorf("%s: the list does not end within %d pages", l.Name, maxPagesOfAll)
		}
		page, err := ReadPage(ctx, l, open[0])
		if err != nil {
			return nulls, err
		}
		nulls += page.Nulls
		for _, row := range page.Items {
			if !visit(row) {
				return nulls, nil
			}
		}
		if page.Settled {
			return nulls, l.shownOf(page.Counted, page.Shown)
		}
		receipts = append(receipts, page.Receipt)
		open = appendNew(open[1:], named, page.Next)
		if len(open) > 0 {
			continue
		}
		verdict, err := l.Settle(receipts, Occasion{Last: true})
		if err != nil {
			return nulls, err
		}
		if open = appendNew(nil, named, verdict.Next); len(open) == 0 && len(verdict.Next) > 0 {
			return nulls, fmt.Errorf("%s: the list is not complete, and only pages that were read are named", l.Name)
		}
		if len(open) == 0 {
			return nulls, l.shownOf(verdict.Counted, verdict.Shown)
		}
	}
	return nulls, nil
}

// shownOf refuses a list that shows none of what it counts: it says nothing about who
// is in it.
func (l Lister[T]) shownOf(counted, shown int) error {
	if counted >= minCounted && shown == 0 {
		return l.spec().incomplete(fmt.Sprintf("the server counts %d and returned none", counted))
	}
	return nil
}

// appendNew appends the tokens that were not named before.
func appendNew(open []string, named map[string]struct{}, tokens []string) []string {
	for _, token := range tokens {
		if _, ok := named[token]; !ok {
			named[token] = struct{}{}
			open = append(open, token)
		}
	}
	return open
}
