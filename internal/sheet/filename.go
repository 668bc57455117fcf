package sheet

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// maxFileName bounds a part of a file name, in bytes.
const maxFileName = 60

// FileName makes a file name of words: lower-case letters, digits and dashes, such as
// "salesforce-holders-borealis-2026-11-30".
func FileName(words ...string) string {
	var parts []string
	for _, word := range words {
		word = strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				return r
			case r >= 'A' && r <= 'Z':
				return r - 'A' + 'a'
			}
			return '-'
		}, printable.Clean(word))
		for strings.Contains(word, "--") {
			word = strings.ReplaceAll(word, "--", "-")
		}
		if word = strings.Trim(word[:min(len(word), maxFileName)], "-"); word != "" {
			parts = append(parts, word)
		}
	}
	return strings.Join(parts, "-")
}
