package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// strokes are letters that differ from a plain one by a stroke, or stand for two,
// and that Unicode does not take apart.
var strokes = strings.NewReplacer(
	"ł", "l", "ø", "o", "đ", "d", "ð", "d", "ħ", "h", "ı", "i", "ŧ", "t", "æ", "ae", "œ", "oe", "þ", "th",
)

// Fold brings text into the form in which it is searched and sorted: without case
// and accents, and the same for equal-looking forms of Unicode.
func Fold(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return foldUnicode(text)
		}
	}
	return strings.ToLower(text)
}

func foldUnicode(text string) string {
	text = cases.Fold().String(norm.NFKD.String(strings.ToValidUTF8(text, "\uFFFD")))
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(text))
	return strokes.Replace(text)
}

// Words are what a search looks for, each once.
func Words(search string) []string {
	var found []string
	for w := range strings.FieldsSeq(Fold(search)) {
		if !slices.Contains(found, w) {
			found = append(found, w)
		}
	}
	return found
}
