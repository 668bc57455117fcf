package sheet

import (
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
)

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
