package printable

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Clip returns s clean (see [Clean]) and of at most limit bytes, cut between two
// runes.
func Clip(s string, limit int) string {
	s = Clean(s)
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// Enumerate writes the first limit words of a list and how many follow.
func Enumerate(words []string, limit int) string {
	if len(words) <= limit {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:limit], ", "), len(words)-limit)
}
