package console

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vbauerster/mpb/v8"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// terminal is a writer that may be read while it is written.
type terminal struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.String()
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Error(err)
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out terminal
		screen := NewScreen(&out)
		bars := newBars(screen, mpb.ForceTTY(), mpb.WithAutoRefresh())
		reading := syncer.Progress{
			Phase: syncer.PhaseReading,
			Kinds: []syncer.KindProgress{
				{Kind: "users", Lists: 1, Rows: 2000, Total: 2400, PagesDone: 2, PagesOpen: 1},
				{Kind: "group members", Lists: 150, Complete: 12, Rows: 77, PagesDone: 2, PagesOpen: 15},
			},
		}
		bars.Update(reading)
		<-time.After(4 * time.Second)
		reading.Kinds[1].PagesDone, reading.Kinds[1].PagesOpen = 10, 7
		bars.Update(reading)
		write(t, screen, "a line of the log\n")
		<-time.After(time.Second)
		bars.Update(syncer.Progress{Phase: syncer.PhaseLookup, Done: 1, Total: 3})
		bars.Update(syncer.Progress{Phase: syncer.PhaseWriting, Done: 10, Total: 20, Grants: 54321})
		<-time.After(time.Second)
		bars.Close()
		bars.Close()
		write(t, screen, "a line after it\n")

		got := out.String()
		for _, want := range []string{
			"users ", "2,000 of 2,400", "group members ", "77 ", "12 of 150 lists", "pages ", "12 of 20", "2/s, 4s left",
			"looking up", "1 of 3", "54,321 grants", "a line of the log", "a line after it",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("display lacks %q:\n%s", want, got)
			}
		}
	})
}
