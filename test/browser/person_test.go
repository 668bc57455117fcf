package browser_test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// someone is a user who has applications directly and through groups.
func someone(t *testing.T) string {
	t.Helper()
	best, most := "", 0
	for id := range world.company.users {
		groups, apps := world.company.held(id)
		if n := len(groups) + len(apps); n > most || n == most && id < best {
			best, most = id, n
		}
	}
	if most < 5 {
		t.Fatalf("nobody has more than %d", most)
	}
	return best
}

// held are the groups and the applications that a user has.
func (c *company) held(user string) (groups, apps []string) {
	for id, members := range c.members {
		if slices.Contains(members, user) {
			groups = append(groups, id)
		}
	}
	for id, users := range c.effective {
		if slices.Contains(users, user) {
			apps = append(apps, id)
		}
	}
	slices.Sort(groups)
	slices.Sort(apps)
	return groups, apps
}

// TestPerson compares a person's page with the organization: the list and the graph
// show the same groups and applications, and no others.
func TestPerson(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	user := someone(t)
	b.visit("/resource?type=user&id=" + user)
	if got, want := b.text("main h1"), strings.Join(strings.Fields(world.company.users[user].name), " "); got != want {
		t.Errorf("the page is of %q, want %q", got, want)
	}
	groups, apps := world.company.held(user)
	held := b.links("main .list tbody th a")
	drawn := b.links("svg .node.group > a, svg .node.application > a, svg .node.app > a")
	for what, links := range map[string][]string{"the list": held, "the graph": drawn} {
		if got := idsOf(t, links, "group"); !slices.Equal(got, groups) {
			t.Errorf("%s has the groups %q, want %q", what, got, groups)
		}
		if got := idsOf(t, links, "app"); !slices.Equal(got, apps) {
			t.Errorf("%s has the applications %q, want %q", what, got, apps)
		}
	}
	if got := b.text("[data-testid=counts] dd"); got != strconv.Itoa(len(groups)+len(apps)) {
		t.Errorf("the page counts %s, want %d", got, len(groups)+len(apps))
	}
}

// idsOf are the ids that links to resources of a type lead to.
func idsOf(t *testing.T, links []string, kind string) []string {
	t.Helper()
	ids := []string{}
	for _, link := range links {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if q := u.Query(); u.Path == "/resource" && q.Get("type") == kind {
			ids = append(ids, q.Get("id"))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestGraph draws a graph further, and follows it with the keyboard to a group and
// from there to a person.
func TestGraph(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/resource?type=user&id=" + someone(t))
	before := len(b.texts("svg .node"))
	b.run(chromedp.Click(chromedp.CSS("svg a.plus")))
	b.until("document.querySelectorAll('svg .node').length > " + strconv.Itoa(before))
	if got := b.text(".graph [role=status]"); !strings.Contains(got, "more are drawn") {
		t.Errorf("a screen reader hears %q", got)
	}
	b.check("graph-drawn-further")

	b.run(chromedp.Focus(chromedp.CSS("svg .node.group > a")))
	want := b.links("svg .node.group > a")[0]
	b.follow(chromedp.KeyEvent(kb.Enter))
	if got := b.here(); got != want {
		t.Errorf("Enter leads to %s, want %s", got, want)
	}
}

// TestKeyboard goes through a page with the Tab key alone: the first stop skips to
// the content, each stop is visible and shows that it is one, and nothing holds the
// focus.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	for _, page := range []string{"/", "/accounts", "/resource?type=user&id=" + someone(t), "/compare"} {
		b.visit(page)
		reachable := eval[int](b, `[...document.querySelectorAll("a[href]:not([tabindex='-1']), button, input:not([type=hidden]), select, summary, [tabindex='0']")].filter(e => e.checkVisibility()).length`)
		b.run(chromedp.KeyEvent(kb.Tab))
		if got := b.text(":focus"); got != "Skip to content" {
			t.Errorf("%s: the first stop is %q", page, got)
		}
		seen := map[string]bool{}
		for range reachable + 5 {
			stop := eval[struct {
				Path   string
				Shown  bool
				Marked bool
			}](b, `(() => {
				const e = document.activeElement;
				if (e === document.body) return {path: "", shown: true, marked: true};
				const all = [...document.querySelectorAll("*")];
				const style = getComputedStyle(e);
				const inside = [...e.querySelectorAll("rect, circle")].map(c => getComputedStyle(c));
				const marked = [style, ...inside].some(s => s.outlineStyle !== "none" && s.outlineWidth !== "0px") || style.boxShadow !== "none" || inside.some(s => parseFloat(s.strokeWidth) >= 2);
				return {path: String(all.indexOf(e)), shown: e.checkVisibility(), marked};
			})()`)
			if stop.Path == "" || seen[stop.Path] {
				break
			}
			seen[stop.Path] = true
			if !stop.Shown || !stop.Marked {
				t.Errorf("%s: stop %d is seen: %v, shows the focus: %v: %s", page, len(seen), stop.Shown, stop.Marked,
					clip(eval[string](b, "document.activeElement.outerHTML")))
			}
			b.run(chromedp.KeyEvent(kb.Tab))
		}
		if len(seen) < reachable {
			t.Errorf("%s: Tab reaches %d of %d", page, len(seen), reachable)
		}
	}
}

// TestTheme chooses a theme, which stays for other pages.
func TestTheme(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	shade := `getComputedStyle(document.body).backgroundColor`
	light := eval[string](b, shade)
	b.follow(chromedp.Click(chromedp.CSS("button[name=set][value=dark]")))
	b.visit("/groups")
	if dark := eval[string](b, shade); dark == light {
		t.Errorf("light and dark are both %s", dark)
	}
	if got := b.text("button[name=set][aria-pressed=true]"); got != "Dark" {
		t.Errorf("the theme that is chosen is %q", got)
	}
}
