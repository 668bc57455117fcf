package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// runProgram runs the program to its end.
func runProgram(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), world.program, args...)
	cmd.Dir = world.dir
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out
}

// decidedItem is an item of a review as the command line tells of it.
type decidedItem struct {
	Item                     int
	Account                  string
	Decision, Comment, Until string
	By                       string `json:"decided_by"`
	From                     string `json:"decided_from"`
}

func itemsOf(t *testing.T, path string) []decidedItem {
	t.Helper()
	var items []decidedItem
	if err := json.Unmarshal(runProgram(t, "review", "list", path, "-o", "json"), &items); err != nil {
		t.Fatal(err)
	}
	return items
}

// openReview makes a review of all applications and serves it.
func openReview(t *testing.T, name string) (site, string) {
	t.Helper()
	archive, path := filepath.Join(world.dir, "company.c1z"), filepath.Join(world.dir, name)
	runProgram(t, "review", "new", archive, "--out", path, "--scope", "all", "--kind", "application")
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	s, wait, err := explore(ctx, archive, "--review", path)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); wait() })
	return s, path
}

// decidedOnPage waits until so many items are decided.
func (b *tab) decidedOnPage(n int) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.getElementById("progress").value === %d`, n))
}

// TestDecideByKeyboard decides 60 items of a review by keyboard, undoes, comments, excepts,
// and decides a selection. What the page shows as decided is in the review at once.
func TestDecideByKeyboard(t *testing.T) {
	t.Parallel()
	s, path := openReview(t, "keyboard.review")
	b := open(t, s, desktop)
	b.visit("/review")
	keys := func(list ...string) {
		for _, key := range list {
			if key == kb.ArrowUp || key == kb.ArrowDown {
				b.run(chromedp.KeyEvent(key))
				continue
			}
			// As a keyboard does it: what a page prevents is not typed either.
			command(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
			command(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key})
		}
	}
	keys("k")
	if got := b.text("#review-error"); got != "Say who decides first." {
		t.Errorf("without a name, the page says %q", got)
	}
	b.run(chromedp.SendKeys(chromedp.CSS("#review-by"), "Rea Viewer"+kb.Enter))
	for i := range 60 {
		if i == 50 {
			b.decidedOnPage(50)
			b.visit("/review?decision=undecided")
		}
		keys([]string{"k", "k", "r"}[i%3])
	}
	b.decidedOnPage(60)
	for _, item := range itemsOf(t, path)[:60] {
		if want := []string{"keep", "keep", "revoke"}[(item.Item-1)%3]; item.Decision != want || item.By != "Rea Viewer" || item.From != "browser" {
			t.Errorf("item %+v, want %s", item, want)
		}
	}

	// Undo, a comment on what is decided, an exception, and two items at once.
	keys("u")
	b.decidedOnPage(59)
	keys("r")
	b.decidedOnPage(60)
	keys(kb.ArrowUp, "c")
	b.run(chromedp.SendKeys(chromedp.CSS("#review-comment"), "left the team"+kb.Enter))
	b.until(`[...document.querySelectorAll("[data-note]")].some(e => e.innerText.includes("left the team"))`)
	keys("x")
	b.run(chromedp.SendKeys(chromedp.CSS("#review-comment"), "on call"+kb.Enter))
	b.decidedOnPage(61)
	keys(" ", kb.ArrowDown, " ", "r")
	b.decidedOnPage(63)
	keys("u")
	b.decidedOnPage(61)
	items := itemsOf(t, path)
	if got := items[59]; got.Comment != "left the team" || got.Decision != "revoke" {
		t.Errorf("item 60 is %+v", got)
	}
	if got := items[60]; got.Decision != "exception" || got.Comment != "on call" || got.Until == "" {
		t.Errorf("item 61 is %+v", got)
	}
	if got := items[61]; got.Decision != "undecided" {
		t.Errorf("item 62 is %+v after the undo", got)
	}
	// The name is asked for once.
	b.visit("/review")
	if got := eval[string](b, `document.getElementById("review-by").value`); got != "Rea Viewer" {
		t.Errorf("the name is %q on the next page", got)
	}
	if out := runProgram(t, "review", "verify", path); !strings.Contains(string(out), ": intact, ") {
		t.Errorf("verify: %s", out)
	}
}

// TestDecideEverywhere looks at the page in every width and theme, and decides by its
// buttons.
func TestDecideEverywhere(t *testing.T) {
	t.Parallel()
	s, path := openReview(t, "buttons.review")
	page := "/review?q=" + url.QueryEscape(itemsOf(t, path)[0].Account) // A page of few rows is looked at quickly.
	for i, l := range looks {
		b := open(t, s, l)
		b.visit(page)
		decision := []string{"keep", "revoke"}[i%2]
		b.run(chromedp.SetValue(chromedp.CSS("#review-by"), "Rea"))
		b.run(chromedp.Click(chromedp.CSS(fmt.Sprintf("button[value='1:%s']", decision))))
		b.until(fmt.Sprintf(`document.querySelector("[data-item='1']").dataset.decision === %q`, decision))
		b.check("review")
	}
	runProgram(t, "review", "close", path, "--evidence", filepath.Join(world.dir, "buttons.zip"), "--undecided", "revoke")
	b := open(t, s, desktop)
	b.visit(page)
	b.check("review-closed")
	if got := b.text(".note.good"); !strings.Contains(got, "its decisions are final") || len(b.texts("#review button")) > 0 {
		t.Errorf("a closed review says %q and has buttons %q", got, b.texts("#review button"))
	}
}

// TestDecidingIsGuarded sends decisions as another site would, and without a script.
func TestDecidingIsGuarded(t *testing.T) {
	t.Parallel()
	s, path := openReview(t, "guarded.review")
	c := client(t, s)
	form := url.Values{"one": {"1:revoke"}, "by": {"Rea"}, "back": {"decision=undecided&page=1"}}
	send := func(origin, site string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.root.String()+"review", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		if site != "" {
			req.Header.Set("Sec-Fetch-Site", site)
		}
		c := *c
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res
	}
	own := strings.TrimSuffix(s.root.String(), "/")
	for _, from := range [][2]string{{"", ""}, {"http://evil.example", ""}, {"http://evil.example", "cross-site"}, {own, "cross-site"}, {"null", "same-origin"}} {
		if res := send(from[0], from[1]); res.StatusCode != http.StatusForbidden {
			t.Errorf("from %q, %q: status %d, want 403", from[0], from[1], res.StatusCode)
		}
	}
	if got := itemsOf(t, path)[0].Decision; got != "undecided" {
		t.Errorf("item 1 is %s after refused requests", got)
	}
	if res := send(own, "same-origin"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/review?decision=undecided&page=1" {
		t.Errorf("a form of the page: status %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	if got := itemsOf(t, path)[0].Decision; got != "revoke" {
		t.Errorf("item 1 is %s, want revoke", got)
	}
	// What cannot be decided is said on a page.
	form.Set("one", "1:exception")
	if res := send(own, "same-origin"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("an exception without a date: status %d, want 400", res.StatusCode)
	}
}
