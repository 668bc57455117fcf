package browser_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds one walk through the pages, so that a browser that hangs fails the
// test.
const patience = 4 * time.Minute

// screenshots is where pictures of the pages go.
var screenshots = filepath.Join("..", "..", "dist", "screenshots")

//go:embed testdata/axe-core/axe.min.js
var axe string

// look is how a page is looked at.
type look struct {
	name          string
	width, height int64
	mobile        bool
	theme         string // light or dark, as the system prefers
}

var (
	desktop = look{name: "desktop", width: 1280, height: 900, theme: "light"}
	phone   = look{name: "phone", width: 390, height: 844, mobile: true, theme: "light"}
	looks   = []look{
		desktop,
		{name: "desktop-dark", width: 1280, height: 900, theme: "dark"},
		phone,
		{name: "phone-dark", width: 390, height: 844, mobile: true, theme: "dark"},
	}
)

// tab is a window of its own, without the cookies of others. Whatever a page
// complains of in its console fails the test, and so does a request to anywhere but
// the site.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site site
	look look

	mu       stdsync.Mutex
	problems []string
	expected *regexp.Regexp // of complaints that a test provokes
}

// open opens a tab and lets it in.
func open(t *testing.T, s site, l look) *tab {
	t.Helper()
	ctx, end := world.open()
	ctx, stop := context.WithTimeout(ctx, patience)
	t.Cleanup(func() { stop(); end() })
	b := &tab{t: t, ctx: ctx, site: s, look: l}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	command(b, network.Enable, network.EnableParams{})
	command(b, log.Enable, cdp.Empty{})
	command(b, runtime.Enable, cdp.Empty{})
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.mobile})
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	b.visit(s.door)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.problems {
			t.Error(p)
		}
	})
	return b
}

// hear keeps what must not happen.
func (b *tab) hear(event any) {
	var problem string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		problem = fmt.Sprintf("the browser logs: %s %s", e.Entry.Text, e.Entry.URL)
	case *runtime.EventExceptionThrown:
		problem = fmt.Sprintf("a script fails: %+v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			said := make([]string, len(e.Args))
			for i, arg := range e.Args {
				said[i] = string(arg.Value) + arg.Description
			}
			problem = "a script says: " + strings.Join(said, " ")
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Host != b.site.root.Host {
			problem = "a request leaves the site: " + e.Request.URL
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if problem != "" && (b.expected == nil || !b.expected.MatchString(problem)) {
		b.problems = append(b.problems, problem)
	}
}

// run carries out actions, or ends the test.
func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// command sends the browser a command of its protocol.
func command[P, R any](b *tab, cmd cdp.Command[P, R], params P) R {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, cmd, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// visit goes to a page of the site, or to an address.
func (b *tab) visit(path string) {
	b.t.Helper()
	to, err := b.site.root.Parse(path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.Navigate(to.String()), chromedp.WaitVisible(chromedp.CSS("main h1")))
}

// follow does what leads to another page, and waits for it.
func (b *tab) follow(action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, action); err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.WaitVisible(chromedp.CSS("main h1")))
}

// eval is the value of a script's expression.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// until waits for an expression to become true.
func (b *tab) until(script string) {
	b.t.Helper()
	b.run(chromedp.Poll[chromedp.Void](script, chromedp.WithPollingTimeout(30*time.Second)))
}

// text is what a place of the page shows.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(eval[string](b, fmt.Sprintf("document.querySelector(%s)?.innerText ?? ''", quote(selector))))
}

// texts is what all such places show.
func (b *tab) texts(selector string) []string {
	b.t.Helper()
	return eval[[]string](b, fmt.Sprintf("[...document.querySelectorAll(%s)].map(e => (e.innerText ?? e.textContent).trim())", quote(selector)))
}

// links are the addresses of links, from the root of the site on.
func (b *tab) links(selector string) []string {
	b.t.Helper()
	return eval[[]string](b, fmt.Sprintf("[...document.querySelectorAll(%s)].map(e => { const u = new URL(e.href.baseVal ?? e.href, location.href); return u.pathname + u.search; })", quote(selector)))
}

// here is the address of the page, from the root of the site on.
func (b *tab) here() string {
	b.t.Helper()
	return eval[string](b, "location.pathname + location.search")
}

// quote makes a string literal of JavaScript.
func quote(s string) string {
	content, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can be marshaled
	}
	return string(content)
}

// violation is what axe finds.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// check looks for what keeps people from using the page, and takes a picture.
func (b *tab) check(name string) {
	b.t.Helper()
	eval[chromedp.Void](b, axe+"; undefined")
	found := eval[[]violation](b, `axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"], preload: false,
	}).then(r => r.violations)`)
	for _, v := range found {
		for _, n := range v.Nodes {
			b.t.Errorf("%s, %s: %s (%s): %s\n%s", name, b.look.name, v.ID, v.Impact, n.FailureSummary, clip(n.HTML))
		}
	}
	if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > b.look.width {
		b.t.Errorf("%s, %s: the page is %d wide and scrolls sideways", name, b.look.name, wide)
	}
	b.picture(name)
}

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// picture keeps a picture of the whole page.
func (b *tab) picture(name string) {
	b.t.Helper()
	content, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+"-"+b.look.name+".png"), content, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
