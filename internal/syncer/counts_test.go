package syncer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// counting is a tenant whose lists of members count what they are told to, by group,
// and show so many of that.
func counting(lists ...[2]int) *tenant {
	tn := newTenant(5, len(lists), 2)
	tn.onSettle = func(l syncer.List, _ [][]byte, _ syncer.Occasion) (v syncer.Verdict, ok bool) {
		if l.Kind != "members" {
			return v, false
		}
		for i, n := range lists {
			if l.Owner.ID == fmt.Sprintf("g%03d", i) {
				v.Counted, v.Shown = n[0], n[1]
			}
		}
		return v, true
	}
	tn.unsettled = true
	return tn
}

// Lists that show none of what they count are a sentence, or too much to be true.
func TestListsThatShowNothing(t *testing.T) {
	t.Parallel()
	repeat := func(counted, shown, n int) [][2]int { return slices.Repeat([][2]int{{counted, shown}}, n) }
	tests := []struct {
		name  string
		lists [][2]int // counted and shown
		want  []string // remarks
		empty string   // what is too much to be true
	}{
		{name: "everything is shown", lists: repeat(40, 40, 3)},
		{name: "more is shown than counted", lists: [][2]int{{40, 43}, {3, 3}}},
		{name: "nothing is counted", lists: repeat(0, 0, 3)},
		{name: "a short list is all holes", lists: append(repeat(100, 100, 2), [2]int{9, 0})},
		{
			name: "a longer list is", lists: append(repeat(100, 100, 4), [2]int{10, 0}),
			want: []string{"members: 1 of 5 non-empty lists show none of the 10 rows that the server counts: group g004 (10)"},
		},
		{
			name: "short ones together", lists: append(repeat(100, 100, 3), [2]int{9, 0}, [2]int{8, 0}),
			want: []string{
				"members: the server counts 317 rows and shows 300; 17 (5%) are missing",
				"members: 2 of 5 non-empty lists show none of the 17 rows that the server counts: group g003 (9), group g004 (8)",
			},
		},
		{name: "few holes", lists: [][2]int{{100, 95}}},
		{name: "two holes of five", lists: [][2]int{{5, 3}}},
		{name: "many holes", lists: [][2]int{{60, 50}, {40, 40}, {0, 0}}, want: []string{"members: the server counts 100 rows and shows 90; 10 (10%) are missing"}},
		{
			name: "a lone list of nothing", lists: [][2]int{{34, 0}, {0, 0}},
			want: []string{
				"members: 1 of 1 non-empty lists show none of the 34 rows that the server counts: group g000 (34)",
				"members: the server counts 34 rows and shows 0; 34 (100%) are missing",
			},
		},
		{name: "a long lone list of nothing", lists: [][2]int{{342, 0}}, empty: "members: 1 of 1 non-empty lists show none of the 342 rows that the server counts: group g000 (342)"},
		{name: "all lists", lists: repeat(9, 0, 12), empty: "members: 12 of 12 non-empty lists show none of the 108 rows that the server counts: group g000 (9), group g001 (9), group g002 (9), group g003 (9), group g004 (9), 7 more"},
		{name: "most lists", lists: append(repeat(12, 0, 3), repeat(500, 500, 2)...), empty: "members: 3 of 5 non-empty lists show none of the 36 rows that the server counts: group g000 (12), group g001 (12), group g002 (12)"},
		{name: "half of the lists", lists: append(repeat(12, 0, 2), repeat(500, 500, 2)...), want: []string{"members: 2 of 4 non-empty lists show none of the 24 rows that the server counts: group g000 (12), group g001 (12)"}},
		{name: "most lists, of a few rows", lists: append(repeat(2, 0, 9), [2]int{500, 500}), want: []string{"members: 9 of 10 non-empty lists show none of the 18 rows that the server counts: group g000 (2), group g001 (2), group g002 (2), group g003 (2), group g004 (2), 4 more"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, sum := mustSync(t, counting(tt.lists...), syncer.Scope{}, 2)
			if tt.empty != "" {
				if len(sum.Empty) != 1 || sum.Empty[0].String() != tt.empty || !slices.Contains(sum.Remarks, tt.empty) {
					t.Errorf("empty: %v, remarks %q", sum.Empty, sum.Remarks)
				}
				return
			}
			got := slices.DeleteFunc(sum.Remarks, func(r string) bool { return !strings.HasPrefix(r, "members:") })
			if diff := cmp.Diff(tt.want, got, cmp.Transformer("sort", func(s []string) []string { return slices.Sorted(slices.Values(s)) })); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
			if len(sum.Empty) > 0 {
				t.Errorf("empty: %v", sum.Empty)
			}
		})
	}
}

// A list that waits is judged again when all others are complete, and knows by then
// whether one of them moved.
func TestListsThatWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		another string // what speaks for changes
		moved   bool
	}{
		{name: "nothing moves"},
		{name: "another list moves", another: "list", moved: true},
		{name: "somebody is in no list", another: "lookup", moved: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTenant(8, 4, 2)
			tn.unsettled = true
			if tt.another == "lookup" {
				for user := range tn.groups["g001"] {
					tn.hidden[user] = true
				}
			}
			var occasions []syncer.Occasion
			tn.onSettle = func(l syncer.List, receipts [][]byte, o syncer.Occasion) (v syncer.Verdict, ok bool) {
				switch {
				case l.Kind == "users" && tt.another == "list":
					return syncer.Verdict{Moved: true}, true
				case l.Kind != "members" || l.Owner.ID != "g002":
					return v, false
				case !o.Last:
					return syncer.Verdict{Wait: true}, true
				}
				tn.mu.Lock()
				defer tn.mu.Unlock()
				occasions = append(occasions, o)
				if o.Moved && len(occasions) == 1 {
					return syncer.Verdict{Next: []string{"0/1"}, Moved: true}, true
				}
				return v, true
			}
			want := []syncer.Occasion{{Last: true}}
			reads := 0
			if tt.moved {
				want, reads = []syncer.Occasion{{Last: true, Moved: true}}, 1
			}
			mustSync(t, tn, syncer.Scope{}, 3)
			if tn.reads["members (group g002) 0/1"] != reads {
				t.Errorf("the list was read again %d times, want %d", tn.reads["members (group g002) 0/1"], reads)
			}
			if tt.moved && len(occasions) == 2 {
				occasions = occasions[:1]
			}
			if diff := cmp.Diff(want, occasions); diff != "" {
				t.Errorf("occasions (-want +got):\n%s", diff)
			}
		})
	}
}

// A list that waits for ever fails the sync rather than hang it.
func TestListThatWaitsForEver(t *testing.T) {
	t.Parallel()
	tn := newTenant(8, 4, 2)
	tn.unsettled = true
	tn.onSettle = func(l syncer.List, _ [][]byte, _ syncer.Occasion) (syncer.Verdict, bool) {
		return syncer.Verdict{Wait: true}, l.Kind == "members"
	}
	_, _, err := runSync(t.Context(), openStore(t, t.TempDir()), tn, syncer.Scope{}, 2)
	if err == nil || !strings.Contains(err.Error(), "waits for others") {
		t.Errorf("err = %v", err)
	}
}
