package search_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Ada": "ada", "Chloé": "chloe", "Łukasz": "lukasz", "ﬁne": "fine", "\xff": "\uFFFD", "Straße": "strasse",
	} {
		if got := search.Fold(text); got != want || search.Fold(got) != got {
			t.Errorf("Fold(%q) = %q, want %q", text, got, want)
		}
	}
	if got := search.Words("  ADA  chloé ada "); !slices.Equal(got, []string{"ada", "chloe"}) {
		t.Errorf("words %q", got)
	}
}

// TestTexts finds words in the text of a thing and nowhere between two.
func TestTexts(t *testing.T) {
	t.Parallel()
	texts := search.NewTexts(3)
	texts.Add("Ada", "", "line\nbreak")
	texts.Add()
	texts.Add("adabreak", "Bo")
	for words, want := range map[string][]bool{
		"ada": {true, false, true}, "bo ada": {false, false, true}, "adaline": {false, false, false}, "line": {true, false, false},
	} {
		if got := texts.Search(strings.Fields(words)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", words, got, want)
		}
	}
	if texts.Search(nil) != nil || texts.First(2) != "adabreak" || texts.First(1) != "" || !texts.Has(0, "break") || texts.Has(1, "a") {
		t.Error("texts are mixed up")
	}
}

// TestOrder keeps what is equal in its own order, both ways, whether ranks are near to each
// other and counted or far and compared.
func TestOrder(t *testing.T) {
	t.Parallel()
	var c search.Cache
	for name, ranks := range map[string][]int64{"near": {2, 1, 2, -1}, "far": {2 << 40, 1, 2 << 40, -1 << 40}} {
		rank := func(i int32) int64 { return ranks[i] }
		if got := search.ArrangedRanks(&c, name, 4, false, rank); !slices.Equal(got, []int32{3, 1, 0, 2}) {
			t.Errorf("%s: %v", name, got)
		}
		if got := search.ArrangedRanks(&c, name, 4, true, rank); !slices.Equal(got, []int32{0, 2, 1, 3}) {
			t.Errorf("%s, from the end: %v", name, got)
		}
	}
	names := []string{"b", "", "A"}
	got := search.Arranged(&c, "names", 3, false, func(i int32) string { return search.EmptyLast(names[i]) })
	if !slices.Equal(got, []int32{2, 0, 1}) {
		t.Errorf("names: %v", got)
	}
	if again := search.Arranged(&c, "names", 3, false, func(int32) string { return "" }); &again[0] != &got[0] {
		t.Error("an order is made twice")
	}
	if got := search.ArrangedRanks(&c, "none", 0, false, nil); len(got) != 0 {
		t.Errorf("nothing: %v", got)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		q    search.Query
		want []int
	}{
		{search.Query{}, []int{0, 1, 2, 3}},
		{search.Query{Offset: 1, Limit: 2}, []int{1, 2}},
		{search.Query{Offset: -1, Limit: 1}, []int{0}},
		{search.Query{Offset: 9}, nil},
	} {
		w := tt.q.Window()
		var got []int
		for i := range 4 {
			if w.Take() {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, tt.want) || w.Seen() != 4 {
			t.Errorf("%+v: %v of %d, want %v", tt.q, got, w.Seen(), tt.want)
		}
	}
}
