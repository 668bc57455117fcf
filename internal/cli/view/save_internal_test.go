package view

import (
	"context"
	"errors"
	"testing"
)

// slow takes a write when it is told to.
type slow struct {
	goOn chan struct{}
	got  chan string
}

func (s slow) Write(b []byte) (int, error) {
	<-s.goOn
	s.got <- string(b)
	return len(b), nil
}

// A write that is left behind by a stop has a buffer of its own.
func TestPipeKeepsNoBuffer(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	w := slow{make(chan struct{}), make(chan string, 1)}
	p := &pipe{ctx: ctx, w: w}
	cancel(stop)
	b := []byte("first")
	if _, err := p.Write(b); !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
	copy(b, "other")
	close(w.goOn)
	if got := <-w.got; got != "first" {
		t.Errorf("%q was written", got)
	}
}
