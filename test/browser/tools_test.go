package browser_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPageTools takes more rows, another page and other columns.
func TestPageTools(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	everybody := len(world.company.users) + len(world.company.admins)
	b.visit("/accounts?rows=20&sort=-email")
	if got := len(b.column("Name")); got != 20 {
		t.Errorf("a page of 20 rows has %d", got)
	}
	last := (everybody-1)/20 + 1
	b.run(chromedp.SetValue(chromedp.CSS(".pager input[name=page]"), strconv.Itoa(last)))
	b.follow(chromedp.Click(chromedp.JSPath(`[...document.querySelectorAll(".pager button")].find(e => e.innerText === "Go")`)))
	if got, want := len(b.column("Name")), everybody-20*(last-1); got != want {
		t.Errorf("page %d has %d rows, want %d", last, got, want)
	}
	if u, err := url.Parse(b.here()); err != nil || u.Query().Get("sort") != "-email" || u.Query().Get("rows") != "20" {
		t.Errorf("another page is at %s (%v)", b.here(), err)
	}
	b.run(chromedp.SetValue(chromedp.CSS(".pager select"), "500"))
	b.follow(chromedp.Click(chromedp.JSPath(`[...document.querySelectorAll(".pager button")].find(e => e.innerText === "Show")`)))
	if got := len(b.column("Name")); got != everybody {
		t.Errorf("a page of 500 rows has %d of %d", got, everybody)
	}
	// The heads and the names stay in sight.
	b.visit("/accounts?rows=500")
	b.run(chromedp.Evaluate[chromedp.Void](`document.querySelector(".list").scrollTo(0, 900); undefined`))
	if seen := eval[bool](b, `(() => {
		const [frame, head] = [".list", ".list thead th"].map(s => document.querySelector(s).getBoundingClientRect());
		return document.querySelector(".list").scrollTop > 300 && Math.abs(head.top - frame.top) < 4;
	})()`); !seen {
		t.Error("the heads are scrolled away")
	}

	// Columns that are seldom wanted are offered, and those that are not wanted go.
	before := b.texts("main .list thead th")
	b.run(chromedp.Click(chromedp.CSS("details.columns summary")))
	b.check("columns")
	tick := func(title string) {
		t.Helper()
		b.run(chromedp.Click(chromedp.JSPath(fmt.Sprintf(`[...document.querySelectorAll("details.columns label")].find(e => e.innerText.trim() === %s)`, quote(title)))))
	}
	further := eval[string](b, `[...document.querySelectorAll("details.columns label")].find(e => !e.querySelector("input").checked).innerText.trim()`)
	tick(further)
	tick("Department")
	b.follow(chromedp.Click(chromedp.CSS("details.columns button")))
	titles := func() (list []string) {
		for _, text := range b.texts("main .list thead th") {
			list = append(list, strings.TrimRight(text, " \n▲▼↕"))
		}
		return list
	}
	if got := titles(); !slices.Contains(got, further) || slices.Contains(got, "Department") || got[0] != "Name" || len(got) != len(before) {
		t.Errorf("the columns are %q, and were %q", got, before)
	}
	b.run(chromedp.SendKeys(chromedp.CSS("main input[type=search]"), "new.comer"))
	b.until(`document.querySelectorAll("main tbody tr").length === 1`)
	if got := titles(); !slices.Contains(got, further) {
		t.Errorf("a search shows the columns %q", got)
	}
	b.run(chromedp.Click(chromedp.CSS("details.columns summary")))
	b.follow(chromedp.Click(chromedp.CSS("details.columns form a")))
	if got := b.texts("main .list thead th"); len(got) != len(before) || slices.Contains(titles(), further) {
		t.Errorf("the usual columns are %q, and were %q", got, before)
	}
}

// TestPhone shows rows as cards, each with what the heads would say, and all of the menu.
func TestPhone(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, phone)
	b.visit("/accounts")
	if shown := b.texts("nav[aria-label=Main] a"); slices.ContainsFunc(shown, func(s string) bool { return s != "" }) && eval[bool](b, `document.querySelector("nav[aria-label=Main]").checkVisibility()`) {
		t.Errorf("the menu is open: %q", shown)
	}
	if cut := eval[[]string](b, `[...document.querySelectorAll("main .list tbody :is(th, td)")].filter(e => e.checkVisibility() && (e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 1)).map(e => e.innerText)`); len(cut) > 0 {
		t.Errorf("cards are cut off: %q", cut[:min(5, len(cut))])
	}
	if heads := eval[int](b, `[...document.querySelectorAll("main .list tbody tr:first-child td")].filter(e => e.checkVisibility() && getComputedStyle(e, "::before").content.length < 4).length`); heads > 0 {
		t.Errorf("%d fields of a card do not say what they are", heads)
	}
	b.run(chromedp.Click(chromedp.CSS("button.menu")))
	if hidden := eval[[]string](b, `[...document.querySelectorAll("nav[aria-label=Main] a")].filter(e => { const r = e.getBoundingClientRect(); return r.left < 0 || r.right > innerWidth || !e.checkVisibility(); }).map(e => e.innerText)`); len(hidden) > 0 {
		t.Errorf("the open menu hides %q", hidden)
	}
	b.check("menu-open")
}

// TestMenuFolds folds the menu beside a page, for the next page too.
func TestMenuFolds(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/groups")
	wide := func() int {
		return eval[int](b, `Math.round(document.querySelector("main").getBoundingClientRect().width)`)
	}
	before := wide()
	b.run(chromedp.Click(chromedp.CSS("button.menu")))
	if folded := wide(); folded <= before {
		t.Errorf("the page is %d wide with the menu folded, and was %d", folded, before)
	}
	b.check("menu-folded")
	b.visit("/accounts")
	if eval[bool](b, `document.querySelector("nav[aria-label=Main] a").checkVisibility({visibilityProperty: true})`) {
		t.Error("the next page shows the menu")
	}
	b.run(chromedp.Click(chromedp.CSS("button.menu")))
	if got := wide(); got != before {
		t.Errorf("the page is %d wide with the menu back, and was %d", got, before)
	}
}

// TestGraphIsSized draws a graph larger and smaller, fits it, and moves it.
func TestGraphIsSized(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/resource?type=user&id=" + someone(t))
	width := func() float64 {
		return eval[float64](b, `document.querySelector(".graph svg").getBoundingClientRect().width`)
	}
	click := func(name string) { b.run(chromedp.Click(chromedp.CSS("[data-zoom=" + name + "]"))) }
	drawn := width()
	click("in")
	if got := width(); got < 1.2*drawn || got > 1.3*drawn {
		t.Errorf("larger, the graph is %f wide, and was %f", got, drawn)
	}
	click("out")
	click("out")
	if got := width(); got > 0.85*drawn {
		t.Errorf("smaller, the graph is %f wide, and was %f", got, drawn)
	}
	for range 6 {
		click("in")
	}
	at := func() int { return eval[int](b, `document.querySelector(".canvas").scrollLeft`) }
	b.run(chromedp.Evaluate[chromedp.Void](`document.querySelector(".canvas").scrollTo(0, 0); document.querySelector(".canvas").scrollIntoView(); undefined`))
	b.run(chromedp.Evaluate[chromedp.Void](`(() => {
		const c = document.querySelector(".canvas"), r = c.getBoundingClientRect();
		const tell = (on, name, x) => on.dispatchEvent(new PointerEvent(name, {bubbles: true, pointerType: "mouse", button: 0, clientX: r.left + x, clientY: r.top + 40}));
		tell(c, "pointerdown", 300); tell(window, "pointermove", 180); tell(window, "pointerup", 180);
	})(); undefined`))
	if got := at(); got != 120 {
		t.Errorf("dragged by 120, the graph is moved by %d", got)
	}
	click("fit")
	if eval[bool](b, `(() => { const c = document.querySelector(".canvas"); return c.scrollWidth > c.clientWidth || c.scrollHeight > c.clientHeight; })()`) {
		t.Error("fitted, the graph does not fit")
	}
	b.check("graph-fitted")
	// With the keyboard a node is one stop, and + draws it further.
	nodes := len(b.texts("svg .node"))
	if stops := eval[int](b, `[...document.querySelectorAll("svg a")].filter(e => e.tabIndex >= 0).length`); stops != nodes {
		t.Errorf("%d nodes are %d stops", nodes, stops)
	}
	b.run(chromedp.Focus(chromedp.CSS("svg .node:has(.plus) > a:not(.plus)")), chromedp.KeyEvent("+"))
	b.until(fmt.Sprintf("document.querySelectorAll('svg .node').length > %d", nodes))
}

// TestPrint prints a list: no row is cut off by the frame that it is scrolled in on a screen, and the
// paper says which rows these are and of which archive.
func TestPrint(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/accounts")
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if eval[bool](b, `(() => { const l = document.querySelector(".list"); return l.scrollHeight > l.clientHeight + 1; })()`) {
		t.Error("rows are cut off")
	}
	if got := b.text(".pager .where"); !strings.HasPrefix(got, "1 to 50 of ") {
		t.Errorf("the paper says %q of its rows", got)
	}
	if got := b.text("footer"); !strings.Contains(got, "company.c1z") {
		t.Errorf("the paper says %q of where it is from", got)
	}
	for _, of := range []string{"nav[aria-label=Main]", ".filters", ".exports", ".pager a", ".theme"} {
		if eval[bool](b, fmt.Sprintf(`[...document.querySelectorAll(%s)].some(e => e.checkVisibility())`, quote(of))) {
			t.Errorf("%s is printed", of)
		}
	}
}
