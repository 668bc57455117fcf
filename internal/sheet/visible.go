package sheet

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
)

// The joiners are invisible, and belong into names in Persian, Indic scripts and
// emoji.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// Visible returns a text in which everything can be seen that would not show, or
// would change how the rest shows: control characters, which are how terminals are
// commanded, marks that turn the direction of writing, other invisible characters,
// and bytes that are no UTF-8. They become \n, \u202e or \xff.
func Visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case hidden(r):
			b.WriteString(escaped(r))
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// hidden reports whether a character must be shown as an escape.
func hidden(r rune) bool {
	return r != nonJoiner && r != joiner && !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r)
}

func escaped(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// Cut shortens a text to a width on a terminal, with an ellipsis where something
// is missing. Characters without a width count too, so that a pile of accents ends.
func Cut(s string, width int) string {
	if len(s) <= width {
		return s
	}
	taken, runes := 0, 0
	last := 0 // where the ellipsis would still fit
	for i, r := range s {
		taken += text.RuneWidth(r)
		runes++
		if taken > width || runes > 4*width {
			return s[:last] + "…"
		}
		if taken < width {
			last = i + utf8.RuneLen(r)
		}
	}
	return s
}
