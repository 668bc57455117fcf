package browser_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestNewerSync syncs while an archive is explored: an open page says so and leads to the same page of
// the newer sync, and with --watch other pages show it by themselves.
func TestNewerSync(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"asked": nil, "watched": {"--watch"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			archive := filepath.Join(t.TempDir(), "sync.c1z")
			if err := sync(ctx, world.sim, archive); err != nil {
				t.Fatal(err)
			}
			site, wait, err := explore(ctx, append(args, archive)...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { stop(); wait() })
			b := open(t, site, desktop)
			b.visit("/groups?sort=-members")
			look := `document.dispatchEvent(new Event("visibilitychange")); undefined`
			b.run(chromedp.Evaluate[chromedp.Void](look))
			before := b.text("footer")
			if err := sync(ctx, world.sim, archive); err != nil {
				t.Fatal(err)
			}
			if got := b.text("[data-newer]"); got != "" {
				t.Errorf("before there is a newer sync, the page says %q", got)
			}
			if name == "watched" {
				b.until(`fetch("/").then(r => r.text()).then(text => !text.includes(` + quote("sync "+syncOf(before)) + `))`)
			}
			b.run(chromedp.Evaluate[chromedp.Void](look))
			b.until(`document.querySelector("[data-newer]").checkVisibility()`)
			if got := b.text("[data-newer]"); got != "A newer sync is there: show it" {
				t.Errorf("the page says %q", got)
			}
			b.check("newer-sync")
			b.follow(chromedp.Click(chromedp.CSS("[data-newer] a")))
			if here := b.here(); here != "/groups?sort=-members" || syncOf(b.text("footer")) == syncOf(before) {
				t.Errorf("the newer sync is at %s: %s", here, b.text("footer"))
			}
		})
	}
}

// syncOf is the ID of the sync in the foot of a page.
func syncOf(foot string) string {
	_, rest, _ := strings.Cut(foot, "sync ")
	return strings.Fields(rest)[0]
}
