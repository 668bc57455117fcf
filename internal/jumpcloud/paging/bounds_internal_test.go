package paging

import (
	"fmt"
	"strings"
	"testing"
)

// TestClaimsAreBounded reads first pages of servers that claim ten million rows. At a
// hundred a page that is a long list; at ten a page it is more than is ever read.
func TestClaimsAreBounded(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{100, 10} {
		for _, sorted := range []bool{true, false} {
			t.Run(fmt.Sprintf("rows=%d,sorted=%t", rows, sorted), func(t *testing.T) {
				t.Parallel()
				spec := listSpec{name: "things", limit: 100, sorted: sorted, parts: []partSpec{{}}}
				first, err := spec.parse("")
				if err != nil {
					t.Fatal(err)
				}
				ids := make([]string, rows)
				for i := range ids {
					ids[i] = fmt.Sprintf("%04d", i)
				}
				page := newReceipt(first, ids, rows, 0, maxRows, "")
				next, settled, err := spec.follow(first, page)
				switch {
				case settled:
					t.Error("the list is complete")
				case rows == 100 && (err != nil || len(next) < maxRows/100-1):
					t.Errorf("%d pages follow: %v", len(next), err)
				case rows == 10 && (err == nil || !strings.Contains(err.Error(), "more than 200000 requests") || len(next) > maxPages+1):
					t.Errorf("%d pages follow: %v", len(next), err)
				}
				// What settles it is bounded too, wherever the gap is.
				page.Kind = first.kind
				far := newReceipt(cursor{kind: sortedWindow, skip: maxRows - 10, limit: 10}, []string{"zz"}, 1, 0, maxRows, "")
				if next, _, _ := spec.settle([]receipt{page, far}, Occasion{Last: true, Moved: true}); len(next) > maxPages+1 {
					t.Errorf("%d pages are named to fill a gap", len(next))
				}
			})
		}
	}
}
