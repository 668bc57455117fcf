package identity

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.mau.fi/util/confusable"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Lookalikes finds, among texts that [Fold] or [FoldEmail] made, the sets of
// different ones that a reader takes for the same, of which at least one holds a
// character beyond ASCII: the digit 1 beside the letter l is no attempt at
// deception. Sets and their texts are in order. It takes a look at each text
// and little more where all are ASCII.
func Lookalikes(folded []string) [][]string {
	if !slices.ContainsFunc(folded, func(s string) bool { return !isASCII(s) }) {
		return nil
	}
	same := map[string][]string{}
	for _, s := range folded {
		key := skeleton(s)
		same[key] = append(same[key], s)
	}
	var sets [][]string
	for _, key := range slices.Sorted(maps.Keys(same)) {
		set := slices.Compact(slices.Sorted(slices.Values(same[key])))
		if len(set) > 1 && !isASCII(set[len(set)-1]) {
			sets = append(sets, set)
		}
	}
	slices.SortFunc(sets, slices.Compare)
	return sets
}

// BeyondASCII names the characters of a text that are not ASCII by their code points,
// each once: "U+212A U+0430".
func BeyondASCII(text string) string {
	var names []string
	for _, r := range text {
		if name := fmt.Sprintf("%U", r); r >= 0x80 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// skeleton is the same for texts that look alike: that of UTS #39, section 4, over
// the compatible forms of Unicode without regard to case, to white space and to the
// dot of an i.
func skeleton(s string) string {
	fold := cases.Fold()
	s = fold.String(norm.NFKC.String(s))
	s = fold.String(norm.NFKD.String(confusable.Skeleton(s)))
	s = strings.NewReplacer("i\u0307", "i", "j\u0307", "j").Replace(s)
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
