package printable

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Clip returns s clean (see [Clean]) and of at most limit bytes, cut between two
// runes.
func Clip(s string, limit int) string {
	return cut(Clean(s), limit)
}

// Shorten returns s if it has at most limit bytes, and its beginning with three dots
// otherwise. It does not clean it.
func Shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return cut(s, limit) + "..."
}

// cut returns at most limit bytes of s, cut between two runes.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// Enumerate writes the first limit words of a list and how many follow.
func Enumerate(words []string, limit int) string {
	if len(words) <= limit {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:limit], ", "), len(words)-limit)
}
