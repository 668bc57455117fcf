package connector

import (
	"strings"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// The longest texts that readers of the archive accept, in bytes.
const (
	maxID          = 1024
	maxDisplayName = 1024
	maxDescription = 2048
	maxURL         = 1024
)

// clip makes s fit to be stored and shown: clean, and of at most limit bytes, cut
// between two runes.
func clip(s string, limit int) string {
	s = printable.Clean(s)
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// firstText returns the first of its arguments that is more than white space, or
// "".
func firstText(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}
