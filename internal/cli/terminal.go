package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// isTerminal reports whether somebody watches what is written there and can see
// it drawn again in place.
func (a *app) isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	kind, _ := a.Lookup("TERM")
	return kind != "dumb"
}

// wantsColor reports whether color may be used on a terminal, by the convention
// of https://no-color.org.
func (a *app) wantsColor() bool {
	no, _ := a.Lookup("NO_COLOR")
	return no == ""
}
