package browser_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/xuri/excelize/v2"
)

// column is the text of one column of the list that is shown, by its head.
func (b *tab) column(head string) []string {
	b.t.Helper()
	return eval[[]string](b, fmt.Sprintf(`(() => {
		const heads = [...document.querySelectorAll("main .list thead th")].map(e => e.innerText.replace(/[▲▼↕]/g, "").trim());
		const at = heads.indexOf(%s);
		return at < 0 ? [] : [...document.querySelectorAll("main .list tbody tr")].map(r => (r.children[at].querySelector("bdi, a, .badge") ?? r.children[at]).innerText.trim());
	})()`, quote(head)))
}

// sortBy follows the head of a column.
func (b *tab) sortBy(head string) {
	b.t.Helper()
	b.follow(chromedp.Click(chromedp.JSPath(fmt.Sprintf(`[...document.querySelectorAll("main .list thead a")].find(a => a.innerText.startsWith(%s))`, quote(head)))))
}

// TestSearchAsOneTypes types into the search of a list: the rows change without
// another page, and the address names them.
func TestSearchAsOneTypes(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/accounts")
	b.run(chromedp.SendKeys(chromedp.CSS("main input[type=search]"), "new.comer"))
	b.until(`document.querySelectorAll("main tbody tr").length === 1 && location.search.includes("new.comer")`)
	if got := b.column("Name"); !slices.Equal(got, []string{"New Comer"}) {
		t.Errorf("new.comer finds %q", got)
	}
	here := b.here()
	b.visit(here)
	if got := b.column("Name"); !slices.Equal(got, []string{"New Comer"}) {
		t.Errorf("the address %s shows %q", here, got)
	}
	b.run(chromedp.SendKeys(chromedp.CSS("main input[type=search]"), " nobody has this"))
	b.until(`document.querySelectorAll("main tbody tr").length === 0`)
	b.check("nothing-found")
}

// TestSort follows the heads of lists.
func TestSort(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/groups")
	b.sortBy("Members")
	first := b.here()
	members := b.column("Members")
	b.sortBy("Members")
	turned := b.column("Members")
	if first == b.here() || len(members) != len(world.company.groups) {
		t.Fatalf("%d groups at %s", len(members), first)
	}
	number := func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}
	up, down := members, turned
	if number(members[0], members[len(members)-1]) > 0 {
		up, down = turned, members
	}
	if !slices.IsSortedFunc(up, number) {
		t.Errorf("not ascending: %q", up)
	}
	if slices.Reverse(down); !slices.IsSortedFunc(down, number) {
		t.Errorf("not descending: %q", down)
	}
	if got := b.texts("th[aria-sort]:not([aria-sort=none])"); len(got) != 1 || !strings.HasPrefix(got[0], "Members") {
		t.Errorf("the list says that it is sorted by %q", got)
	}
}

// TestPages turns the pages of a list: everybody is on exactly one.
func TestPages(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	b.visit("/accounts")
	seen := b.links("main tbody th a")
	for range 10 {
		if len(b.links("a[rel=next]")) == 0 {
			break
		}
		b.follow(chromedp.Click(chromedp.CSS("a[rel=next]")))
		seen = append(seen, b.links("main tbody th a")...)
	}
	slices.Sort(seen)
	want := len(world.company.users) + len(world.company.admins)
	if all := len(slices.Compact(slices.Clone(seen))); len(seen) != want || all != want {
		t.Errorf("%d rows of %d accounts, want %d", len(seen), all, want)
	}
}

// TestExports clicks the export of a list in every form, and compares what is in the
// files that the browser keeps with the organization.
func TestExports(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	group := largest(world.company.members)
	b.visit(resource("group", group))
	for form, ids := range map[string]func([]byte) ([]string, error){"csv": readCSV, "xlsx": readXLSX, "json": readJSON} {
		got, err := ids(b.download(fmt.Sprintf(".exports a[href*='format=%s']", form)))
		if err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if slices.Sort(got); !slices.Equal(got, world.company.members[group]) {
			t.Errorf("%s of %s holds\n%q, want\n%q", form, world.company.groups[group], got, world.company.members[group])
		}
	}
}

// download clicks a link and returns what the browser stores.
func (b *tab) download(selector string) []byte {
	b.t.Helper()
	dir, events := b.t.TempDir(), true
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	progress := chromedp.BrowserEvents(ctx, browser.DownloadProgress)
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
		DownloadPath: dir, EventsEnabled: &events,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.Click(chromedp.CSS(selector)))
	for event, err := range progress {
		if err != nil {
			b.t.Fatal(err)
		}
		switch event.State {
		case browser.DownloadProgressStateCompleted:
			content, err := os.ReadFile(filepath.Join(dir, event.GUID))
			if err != nil {
				b.t.Fatal(err)
			}
			return content
		case browser.DownloadProgressStateCanceled:
			b.t.Fatalf("the browser does not store what %s leads to", selector)
		}
	}
	b.t.Fatalf("nothing came of %s", selector)
	return nil
}

// The ids in an export, by its form.

func readCSV(content []byte) ([]string, error) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\uFEFF")))).ReadAll()
	return ids(rows), err
}

func readXLSX(content []byte) ([]string, error) {
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := f.GetRows(f.GetSheetName(0))
	return ids(rows), err
}

func ids(rows [][]string) []string {
	if len(rows) == 0 {
		return nil
	}
	at := slices.IndexFunc(rows[0], func(head string) bool { return strings.EqualFold(head, "id") })
	if at < 0 {
		return nil
	}
	var found []string
	for _, row := range rows[1:] {
		found = append(found, row[at])
	}
	return found
}

func readJSON(content []byte) ([]string, error) {
	var rows []struct{ ID string }
	err := json.Unmarshal(content, &rows)
	var found []string
	for _, row := range rows {
		found = append(found, row.ID)
	}
	return found, err
}
