package paging

import (
	"context"
	"strings"
	"testing"
)

// FuzzToken reads page tokens, which a damaged work database may hold in any form:
// what is taken is written as it was and asks for a window that makes sense.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		"", "S0.0.100", "s1.99.100", "P0.0.10", "p12.2147483647.1", "q0.99.100.1f.0.3", "q0.0.10.0.ffffffffffffffff.0", "c1.50.100",
		"p0.0", "p-1.0.10", "p0.0.0", "P00.0.10", "q0.0.10.0.0.0", "p0.0.99999999999", "\x00", "é1.2.3", "x0.0.10",
	} {
		f.Add(seed, true, false)
		f.Add(seed, false, true)
	}
	f.Fuzz(func(t *testing.T, token string, sorted, holes bool) {
		l := Lister[string]{
			Name: "things", Limit: 100, Sorted: sorted, Holes: holes, ID: func(s string) string { return s },
			Fetch: func(_ context.Context, w Window) (Page[string], error) {
				if w.Skip < 0 || w.Limit < 1 {
					t.Errorf("token %q asks for %+v", token, w)
				}
				return Page[string]{Items: []string{"a", "b"}, Total: 350, Raw: 2}, nil
			},
		}
		page, err := ReadPage(t.Context(), l, token)
		if err != nil {
			return
		}
		spec := l.spec()
		for _, next := range page.Next {
			if cursor, err := spec.parse(next); err != nil || cursor.String() != next {
				t.Errorf("token %q names %q, which reads as %v, %v", token, next, cursor, err)
			}
		}
		if !page.Settled {
			_, _ = l.Settle([][]byte{page.Receipt}, Occasion{}) // must only not panic
		}
	})
}

// FuzzSettle judges lists by notes that may be anything. It must end, name few
// tokens that can be read, and never find a list complete that has no page.
func FuzzSettle(f *testing.F) {
	seed := func(receipts ...receipt) {
		var lines [][]byte
		for _, n := range receipts {
			lines = append(lines, n.encode())
		}
		for _, form := range []byte{0, 1, 2, 3, 6, 14, 30} {
			f.Add(bytesJoin(lines), form)
		}
	}
	page := func(kind kind, skip, total int, ids ...string) receipt {
		return newReceipt(cursor{kind: kind, skip: skip, limit: 10}, ids, len(ids), 0, total, "")
	}
	seed()
	seed(page(sortedStart, 0, 25, "a", "b", "c"), page(sortedWindow, 2, 25, "c", "d"), page(sortedWindow, 11, 25, "x", "y"))
	seed(page(plainStart, 0, 12, "b", "a"), page(plainWindow, 10, 13, "c"))
	seed(page(plainStart, 0, -1, "b", "a"), page(chained, 1, -1, "a", "q"))
	seed(page(plainStart, 0, 50, "1", "2", "3", "4", "5", "6", "7", "8", "9", "0"), page(probeWindow, 10, 50, "x"))
	seed(page(sortedStart, 0, 0), page(sortedWindow, 1<<30, 10_000_000, "z"))
	f.Add([]byte(`{"k":115,"l":-1}`), byte(0))
	f.Fuzz(func(t *testing.T, lines []byte, form byte) {
		var receipts [][]byte
		for line := range strings.SplitSeq(string(lines), "\n") {
			if line != "" {
				receipts = append(receipts, []byte(line))
			}
		}
		spec := listSpec{name: "things", limit: 100, sorted: form&1 != 0, holes: form&2 != 0, parts: []partSpec{{}}}
		if form&4 != 0 {
			spec.parts = []partSpec{{traverse: true, candidates: 100}, {traverse: true, longer: true}}
		}
		verdict, err := spec.judge(receipts, Occasion{Last: form&8 != 0, Moved: form&16 != 0})
		if err == nil && len(receipts) == 0 {
			t.Error("a list without a page is complete")
		}
		for _, token := range verdict.Next {
			if cursor, err := spec.parse(token); err != nil || cursor.String() != token {
				t.Errorf("%q is named, which reads as %v, %v", token, cursor, err)
			}
		}
	})
}

func bytesJoin(lines [][]byte) []byte {
	var b []byte
	for _, l := range lines {
		b = append(append(b, l...), '\n')
	}
	return b
}
