package console

import (
	"io"
	"sync"
)

// Screen is a terminal that log lines and a progress display share: while a
// display is up, lines go above it. It is safe for concurrent use.
type Screen struct {
	out io.Writer

	mu    sync.Mutex
	above io.Writer // of the display; nil while there is none
}

// NewScreen makes a screen of a terminal, or of any other writer.
func NewScreen(out io.Writer) *Screen {
	return &Screen{out: out}
}

// Write writes lines.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.above != nil {
		return s.above.Write(p)
	}
	return s.out.Write(p)
}

// put routes lines above a display, or back with nil.
func (s *Screen) put(above io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.above = above
}
