package explorer_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

func structOf(values map[string]any) (*structpb.Struct, error) { return structpb.NewStruct(values) }

// What bounds a crawl: no more than maxCrawled are ever found, and with smaller
// inputs, fewCrawled are enough.
const maxCrawled, fewCrawled = 4_000, 60

var (
	hrefs   = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	scripts = regexp.MustCompile(`(?is)<script\b[^>]*>`)
	inline  = regexp.MustCompile(`(?i)<[a-z][^>]*\s(?:on[a-z]+|style)\s*=`)
	// quoted are values of attributes, which may hold anything.
	quoted = regexp.MustCompile(`="[^"]*"`)
)

// checkPage is what must hold of every page: it is whole, and there is nothing in it
// that the content security policy would have to stop.
func checkPage(t *testing.T, address, text string) {
	t.Helper()
	for _, tag := range []string{"<h1>", "<title>", "<main ", `<nav class="nav"`, "</html>"} {
		if n := strings.Count(text, tag); n != 1 {
			t.Errorf("%s has %d %s, want 1", address, n, tag)
		}
	}
	shown := quoted.ReplaceAllString(text, `=""`)
	for _, tag := range scripts.FindAllString(text, -1) {
		if !strings.Contains(tag, ` src="/assets/`) && !strings.Contains(tag, `type="application/json"`) {
			t.Errorf("%s has the script %s", address, tag)
		}
	}
	if found := inline.FindString(shown); found != "" {
		t.Errorf("%s has within a tag %s", address, found)
	}
	for _, planted := range []string{"<script>alert", "<img src=x", "onerror=alert(1)>", "\u202e", `href="javascript:`, "Example <b>"} {
		// What is not shown, as the value of an option, must be what it is.
		if strings.Contains(text, planted) && (planted != "\u202e" || strings.Contains(shown, planted)) {
			t.Errorf("%s has %q in it as it was in the archive", address, planted)
		}
	}
	if len(text) > 1<<20 {
		t.Errorf("%s has %d bytes", address, len(text))
	}
}

// crawl follows every link from the first page on, without those that have one of
// some parameters, and checks every page.
func crawl(t *testing.T, h http.Handler, without ...string) map[string]bool {
	t.Helper()
	most := maxCrawled
	if testing.Short() {
		most = fewCrawled
	}
	seen := map[string]bool{"/": true}
	paths := map[string]bool{}
	for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
		address := queue[0]
		r := get(t, h, address)
		text := read(t, r)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("the link %s is answered with %d", address, r.StatusCode)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		paths[u.Path+" "+u.Query().Get("tab")] = true
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || u.Query().Has("format") {
			continue
		}
		checkPage(t, address, text)
		for _, found := range hrefs.FindAllStringSubmatch(text, -1) {
			link := html.UnescapeString(found[1])
			if link == "#main" {
				continue
			}
			if !strings.HasPrefix(link, "/") || strings.HasPrefix(link, "//") {
				t.Errorf("%s leads to %q", address, link)
				continue
			}
			// Every list can be sorted, restricted and exported everywhere: once is enough.
			u, err := url.Parse(link)
			if err != nil {
				t.Errorf("%s leads to %q: %v", address, link, err)
				continue
			}
			if len(u.Query()) > 1 && (u.Query().Has("format") || u.Query().Has("sort") || u.Query().Has("direct")) || slices.ContainsFunc(without, u.Query().Has) {
				continue
			}
			if !seen[link] && len(seen) < most {
				seen[link] = true
				queue = append(queue, link)
			}
		}
	}
	t.Logf("%d addresses", len(seen))
	if len(seen) == maxCrawled {
		t.Errorf("there are more than %d addresses", maxCrawled)
	}
	return paths
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	before := small(t)
	before.grant("app:pay", "user:ada")
	paths := crawl(t, explore(t, shelve(small(t), before)))
	for _, want := range []string{
		"/ ", "/accounts ", "/groups ", "/applications ", "/roles ", "/resources ", "/entitlements ", "/grants ", "/entitlement ",
		"/resource ", "/resource members", "/resource holdings", "/resource entitlements", "/resource graph",
		"/reports ", "/reports/disabled-with-access ", "/reports/changes ", "/compare ", "/compare grants", "/compare resources", "/compare entitlements",
	} {
		if !paths[want] && !testing.Short() {
			t.Errorf("no link leads to %q", want)
		}
	}
}

// hostile is a tenant whose names are made to do harm.
func hostile(t testing.TB) *tenant {
	t.Helper()
	n := newTenant(t)
	names := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `javascript:alert(1)`,
		"{{.Title}}", "\u202egnihsihp", "=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "nul\x00l", strings.Repeat("Long ", 2000),
		strings.Repeat("x", 10_000), "مرحبا بالعالم", "שלום", "   ", "",
	}
	for i, name := range names {
		id := string(rune('a'+i)) + "/../?&#%" + name
		n.user(id, name, name)
		typ := []string{"group", "app", "role", "vault"}[i%4]
		r := n.resource(typ, id, name)
		r.Description = name
		n.grant(typ+":"+id, "user:"+id)
		if typ == "app" {
			r.Annotations = append(r.Annotations, annotation(t, &v2.AppTrait{HelpUrl: "javascript:alert(1)"}))
		}
	}
	n.grant("group:nowhere", "user:nobody")
	return n
}

func TestHostileNamesAreText(t *testing.T) {
	t.Parallel()
	before := hostile(t)
	before.resources, before.grants = before.resources[5:], before.grants[5:]
	crawl(t, explore(t, shelve(hostile(t), before)), "sort", "direct", "department")
}
