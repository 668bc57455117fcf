package browser_test

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stops are the pages that a walk visits: a name each and how to get there.
func stops(t *testing.T) map[string]string {
	t.Helper()
	b := open(t, world.site, desktop)
	all := map[string]string{}
	for _, link := range b.links("nav[aria-label=Main] a") {
		all[stopName(link)] = link
	}
	for _, list := range []string{"accounts", "groups", "applications", "roles", "entitlements"} {
		b.visit(all[list])
		rows := b.links("table tbody tr th a")
		if len(rows) == 0 {
			t.Fatalf("the list of %s leads nowhere", list)
		}
		all["one-of-"+list] = rows[0]
		b.visit(rows[0])
		for _, tab := range b.links("nav.tabs a:not([aria-current])") {
			u, err := url.Parse(tab)
			if err != nil {
				t.Fatal(err)
			}
			all["one-of-"+list+"-"+u.Query().Get("tab")] = tab
		}
	}
	b.visit(all["reports"])
	for _, report := range b.links("main h2 a") {
		all["report-"+stopName(report)] = report
	}
	return all
}

func stopName(link string) string {
	name, _, _ := strings.Cut(link, "?")
	if name = path.Base(name); name == "/" {
		return "overview"
	}
	return name
}

// TestEveryPage looks at each page at both widths and in both themes.
func TestEveryPage(t *testing.T) {
	all := stops(t)
	if len(all) < 25 {
		t.Fatalf("there are only %d pages: %v", len(all), all)
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, world.site, l)
			for _, name := range names {
				b.visit(all[name])
				b.check(name)
			}
			b.expected = regexp.MustCompile("404")
			b.visit("/nothing/here")
			b.check("not-found")
		})
	}
}
