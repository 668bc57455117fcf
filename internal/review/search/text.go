package search

import (
	"bytes"
	"sort"
	"strings"
)

// Texts are the folded texts of numbered things, one after the other, so that a word
// is looked for in all of them at the speed of memory.
type Texts struct {
	all []byte
	// start has where each one begins, and one more.
	start []int
}

// textEnd stands between texts. No word of a search holds it, since it is a space.
const textEnd = '\n'

// NewTexts makes room for the texts of so many things, which are added in their order.
func NewTexts(n int) *Texts { return &Texts{start: append(make([]int, 0, n+1), 0)} }

// Parts are what the texts are made of, for [TextsOf]. The caller must not change them.
func (t *Texts) Parts() (all []byte, start []int) { return t.all, t.start }

// TextsOf puts texts together again, and keeps what they are made of.
func TextsOf(all []byte, start []int) *Texts { return &Texts{all: all, start: start} }

// Add adds the texts of the next thing.
func (t *Texts) Add(parts ...string) {
	for _, p := range parts {
		if p != "" {
			t.all = append(t.all, OneLine(Fold(p))...)
			t.all = append(t.all, textEnd)
		}
	}
	t.start = append(t.start, len(t.all))
}

// OneLine takes what separates texts out of one.
func OneLine(folded string) string { return strings.ReplaceAll(folded, string(textEnd), " ") }

func (t *Texts) len() int { return len(t.start) - 1 }

// Find calls found for each thing that holds a word, once and in order.
func (t *Texts) Find(word string, found func(i int)) {
	w := []byte(word)
	at, i := 0, 0
	for at < len(t.all) {
		n := bytes.Index(t.all[at:], w)
		if n < 0 {
			return
		}
		at += n
		rest := t.start[i+1:]
		i += sort.Search(len(rest), func(j int) bool { return rest[j] > at })
		found(i)
		at = t.start[i+1]
		i++
		if i >= t.len() {
			return
		}
	}
}

// Search returns which things hold all words, nil when there are none: everything
// matches then.
func (t *Texts) Search(words []string) []bool {
	if len(words) == 0 {
		return nil
	}
	hits := make([]int32, t.len())
	for n, w := range words {
		t.Find(w, func(i int) {
			if hits[i] == int32(n) {
				hits[i]++
			}
		})
	}
	match := make([]bool, t.len())
	for i, h := range hits {
		match[i] = h == int32(len(words))
	}
	return match
}

// Has reports whether a thing holds a word.
func (t *Texts) Has(i int, word string) bool {
	return bytes.Contains(t.all[t.start[i]:t.start[i+1]], []byte(word))
}

// First is the first text of a thing.
func (t *Texts) First(i int) string {
	all := t.all[t.start[i]:t.start[i+1]]
	if end := bytes.IndexByte(all, textEnd); end >= 0 {
		all = all[:end]
	}
	return string(all)
}
