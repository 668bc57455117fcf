package cli

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// loading shows on a terminal that an archive is being read, which takes a while where
// it is large. Its methods are safe for concurrent use.
type loading struct {
	text atomic.Pointer[string]
	end  func()
}

// loadingRefresh is how often the display is drawn. What is read sooner shows none.
const loadingRefresh = 300 * time.Millisecond

// startLoading puts the display on the terminal, if there is one.
func (a *app) startLoading(path string) *loading {
	l := &loading{end: func() {}}
	l.say("unpacking " + path)
	if !a.isTerminal(a.Stderr) {
		return l
	}
	progress := mpb.New(mpb.WithOutput(a.Stderr), mpb.WithRefreshRate(loadingRefresh))
	bar := progress.New(0, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return *l.text.Load() })))
	l.end = sync.OnceFunc(func() {
		bar.Abort(true)
		progress.Wait()
	})
	return l
}

func (l *loading) say(text string) {
	l.text.Store(&text)
}

// update shows how far reading has come.
func (l *loading) update(p review.Progress) {
	text := "read " + humanize.Comma(p.Grants)
	if p.Total > 0 {
		text += " of " + humanize.Comma(p.Total)
	}
	l.say(text + " grants")
}
