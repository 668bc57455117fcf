package console

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

const (
	// refresh is how often the display is drawn.
	refresh = 150 * time.Millisecond
	// nameWidth, countWidth and barWidth align the columns of the display, in characters.
	nameWidth  = 24
	countWidth = 18
	barWidth   = 12
	// belowKinds is the place of the rows that follow those of the lists.
	belowKinds = 1000
)

// Bars shows the progress of a sync: a row for each kind of list with what is
// read of it, and one for the pages in all with the rate and the time left. Its
// methods are safe for concurrent use.
type Bars struct {
	screen   *Screen
	progress *mpb.Progress

	mu    sync.Mutex
	rows  map[string]*row
	began time.Time // of the phase
	phase syncer.Phase
	base  int64 // pages that were done when the phase began
}

// row is one line of the display.
type row struct {
	bar  *mpb.Bar
	note atomic.Pointer[string] // text behind the bar
	text atomic.Pointer[string] // count before the bar
}

// NewBars puts a display on the screen. Close it before anything else but log
// lines is written there.
func NewBars(screen *Screen) *Bars {
	return newBars(screen)
}

func newBars(screen *Screen, options ...mpb.ContainerOption) *Bars {
	options = append([]mpb.ContainerOption{mpb.WithOutput(screen.out), mpb.WithRefreshRate(refresh)}, options...)
	b := &Bars{screen: screen, progress: mpb.New(options...), rows: make(map[string]*row)}
	screen.put(b.progress)
	return b
}

// Close takes the display off the screen. It may be called again.
func (b *Bars) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.rows {
		r.bar.Abort(true)
	}
	b.screen.put(nil)
	b.progress.Wait()
}

// pageCount counts pages of all kinds.
type pageCount struct{ done, open int64 }

func (c pageCount) all() int64 { return c.done + c.open }

// Update shows a moment of the sync.
func (b *Bars) Update(p syncer.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var pages pageCount
	for _, k := range p.Kinds {
		pages.done += k.PagesDone
		pages.open += k.PagesOpen
	}
	if p.Phase != b.phase {
		b.phase, b.began, b.base = p.Phase, time.Now(), pages.done
	}
	switch p.Phase {
	case syncer.PhaseReading:
		for i, k := range p.Kinds {
			b.showKind(i, k)
		}
		b.show("pages", belowKinds, pages.done, pages.all(), count(pages.done, pages.all()), b.pace(pages))
	case syncer.PhaseLookup:
		b.show("looking up", belowKinds+1, p.Done, p.Total, count(p.Done, p.Total), "")
	case syncer.PhaseWriting:
		note := ""
		if p.Done == p.Total {
			note = "packing"
		}
		b.show("writing", belowKinds+2, p.Done, p.Total, humanize.Comma(p.Grants)+" grants", note)
	case syncer.PhaseNew, syncer.PhaseJoining:
	}
}

// showKind shows what is read of the lists of one kind. Where the server tells
// no total, complete lists are what there is to count.
func (b *Bars) showKind(place int, k syncer.KindProgress) {
	note := ""
	if k.Lists > 1 {
		note = fmt.Sprintf("%s of %s lists", humanize.Comma(k.Complete), humanize.Comma(k.Lists))
	}
	done, total := k.PagesDone, k.PagesDone+k.PagesOpen
	rows := k.Rows
	if k.Total > 0 {
		rows = min(rows, k.Total) // pages overlap
	}
	b.show(k.Name(), place, done, total, count(rows, k.Total), note)
}

// pace tells the rate of a phase and how long it will take at that rate.
func (b *Bars) pace(pages pageCount) string {
	took := time.Since(b.began)
	done := pages.done - b.base
	if done <= 0 || pages.open == 0 || took < time.Second {
		return ""
	}
	rate := float64(done) / took.Seconds()
	left := time.Duration(float64(pages.open) / rate * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%.0f/s, %s left", rate, left)
}

// show draws a row, which is made where it is new.
func (b *Bars) show(name string, place int, done, total int64, text, note string) {
	r := b.rows[name]
	if r == nil {
		r = new(row)
		column := func(text *atomic.Pointer[string]) decor.DecorFunc {
			return func(decor.Statistics) string {
				if s := text.Load(); s != nil {
					return *s
				}
				return ""
			}
		}
		r.bar = b.progress.AddBar(0,
			mpb.BarPriority(place),
			mpb.BarWidth(barWidth),
			mpb.PrependDecorators(
				decor.Name(name, decor.WC{W: nameWidth, C: decor.DindentRight}),
				decor.Any(column(&r.text), decor.WC{W: countWidth}),
				decor.Name(" "),
			),
			mpb.AppendDecorators(decor.Name(" "), decor.Any(column(&r.note))),
		)
		b.rows[name] = r
	}
	r.text.Store(&text)
	r.note.Store(&note)
	r.bar.SetTotal(max(total, done), false)
	r.bar.SetCurrent(done)
}

// count tells how many of how many, as far as the total is known.
func count(done, total int64) string {
	if total < done || total == 0 {
		return humanize.Comma(done)
	}
	return humanize.Comma(done) + " of " + humanize.Comma(total)
}
