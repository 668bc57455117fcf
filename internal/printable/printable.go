// Package printable says what becomes of characters in foreign text that no reader
// should be handed: control characters, which command terminals and which XML and
// some databases cannot hold, characters that turn the direction of the text around
// them, and bytes that are not UTF-8.
//
// There is one rule for each of two purposes. [Clean] is for text that is stored or
// exported as data: the characters are replaced. [Visible] is for text that a person
// reads: they are written as escapes, and so are further ones that do not show.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns a text in which every control character, every character that turns
// the direction of writing beyond itself, every noncharacter and every run of bytes
// that is not UTF-8 is U+FFFD. Those that separate lines, words and columns become a
// space, CR LF a single one. Text without any of them is returned as it is.
//
// The marks U+200E, U+200F and U+061C stay: they belong into names in Hebrew and
// Arabic and reach no further than their neighbors.
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	return strings.Map(func(r rune) rune {
		switch {
		case separates(r):
			return ' '
		case unfit(r):
			return utf8.RuneError
		default:
			return r
		}
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// isClean is a quick look at what nearly all text is.
func isClean(s string) bool {
	for i := range len(s) {
		if b := s[i]; b < ' ' || b >= 0x7f {
			return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return separates(r) || unfit(r) }) < 0
		}
	}
	return true
}

// separates reports whether a character ends a line or a column.
func separates(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	default:
		return false
	}
}

// unfit reports whether a character cannot be kept and has no meaning that could.
func unfit(r rune) bool {
	switch {
	case unicode.IsControl(r), r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
		return true
	default:
		// Embeddings, overrides and isolates.
		return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}
}

// The joiners are invisible, and belong into names in Persian, Indic scripts and
// emoji.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// Visible returns a text of one line in which everything can be seen that would not
// show, or would change how the rest shows: control characters, marks that turn the
// direction of writing, other invisible characters, and bytes that are not UTF-8.
// They become \n, \u202e or \xff.
func Visible(s string) string { return visible(s, Hidden) }

// VisibleLines is [Visible] for a text of several lines, whose line feeds stay.
func VisibleLines(s string) string {
	return visible(s, func(r rune) bool { return r != '\n' && Hidden(r) })
}

func visible(s string, hidden func(rune) bool) string {
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

// Hidden reports whether [Visible] writes a character as an escape.
func Hidden(r rune) bool {
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
