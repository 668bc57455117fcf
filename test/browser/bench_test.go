package browser_test

import (
	"context"
	"flag"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The archives of the benchmark. Without any, an organization of the size is simulated
// and synced twice, which takes a quarter of an hour.
var (
	benchArchive = flag.String("archive", "", "measure the pages of this archive")
	benchBefore  = flag.String("before", "", "an earlier archive, which that one is compared with")
	benchSize    = flag.String("size", "large,expanded=8000000", "simulate an organization of this size where there is no archive")
)

// words are searched for in turn, so that no answer is one that was kept.
var words = []string{"e", "ada", "zoe ya", "al 1", "mar", "okafor", "example", "7", "eng", "new", "li", "ü", "berg", "user group", "admin", "nobody has this"}

// BenchmarkExplore asks the program for each page as a browser does, and reads the
// answers to their end: what the first takes, what most take, and what the slowest in
// twenty takes. Searches are for another word each time.
func BenchmarkExplore(b *testing.B) {
	archives := []string{*benchArchive}
	if *benchBefore != "" {
		archives = append(archives, *benchBefore)
	}
	if *benchArchive == "" {
		archives = simulateLarge(b)
	}
	s, wait, err := explore(b.Context(), archives...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(wait)
	c := newVisitor()
	began := time.Now()
	for _, page := range []string{s.door, s.root.String() + "reports", s.root.String() + "compare"} {
		// Each answer waits a little for the sync that it needs.
		for get(b, c, page).status == http.StatusServiceUnavailable {
		}
		b.Logf("%s is there after %s", strings.SplitN(page, "?", 2)[0], time.Since(began).Round(time.Millisecond))
	}
	overview := string(get(b, c, s.root.String()).body)
	for _, n := range regexp.MustCompile(`<dt>([^<]+)</dt><dd><a [^>]*>([0-9,]+)`).FindAllStringSubmatch(overview, -1) {
		b.Logf("%s: %s", n[1], n[2])
	}

	for _, page := range benchPages(b, c, s) {
		b.Run(page, func(b *testing.B) {
			var first time.Duration
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				path := strings.ReplaceAll(page, "WORD", url.QueryEscape(words[i%len(words)]))
				began := time.Now()
				res := get(b, c, s.root.String()+strings.TrimPrefix(path, "/"))
				if res.status != http.StatusOK {
					b.Fatalf("%s answers %d", path, res.status)
				}
				if i == 0 {
					first = time.Since(began)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(milliseconds(first), "ms-first")
			b.ReportMetric(milliseconds(took[len(took)/2]), "ms-p50")
			b.ReportMetric(milliseconds(took[len(took)*95/100]), "ms-p95")
		})
	}
}

// simulateLarge simulates a large organization and syncs it twice, with an edit in
// between. It returns the later archive and the earlier one.
func simulateLarge(b *testing.B) []string {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	sim, wait, err := start(ctx, announcedSimulator, "simulate", "--size", *benchSize, "--addr", "127.0.0.1:0", "--control")
	if err != nil {
		b.Fatal(err)
	}
	defer wait()
	defer stop()
	dir := b.TempDir()
	later, earlier := filepath.Join(dir, "later.c1z"), filepath.Join(dir, "earlier.c1z")
	if err := sync(b.Context(), sim, earlier); err != nil {
		b.Fatal(err)
	}
	r := &reader{ctx: ctx, client: newVisitor(), base: sim}
	r.call(http.MethodPost, "/_sim/edits", []map[string]any{{"op": "add-user", "object": newcomer}}, nil)
	if r.err != nil {
		b.Fatal(r.err)
	}
	if err := sync(b.Context(), sim, later); err != nil {
		b.Fatal(err)
	}
	return []string{later, earlier}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// benchPages are the pages to measure: each list with what one can ask of it, and one
// of everything that has a page.
func benchPages(b *testing.B, c *http.Client, s site) []string {
	b.Helper()
	pages := []string{
		"/",
		"/accounts", "/accounts?q=WORD", "/accounts?q=WORD&sort=-holdings", "/accounts?sort=department&page=1000", "/accounts?mfa=no&q=WORD",
		"/groups", "/groups?q=WORD", "/groups?sort=-members",
		"/applications", "/applications?q=WORD", "/applications?sort=-members", "/roles", "/roles?q=WORD",
		"/entitlements", "/entitlements?q=WORD&sort=-holders",
		"/grants", "/grants?q=WORD", "/grants?q=WORD&sort=principal", "/grants?sort=principal&page=100000", "/grants?kind=application&direct=no&q=WORD",
	}
	for _, list := range []string{"/accounts?sort=-holdings", "/groups?sort=-members", "/applications?sort=-members", "/roles?sort=-members", "/entitlements?sort=-holders"} {
		page := firstRow(b, c, s, list)
		if page == "" {
			continue
		}
		pages = append(pages, page, page+"&q=WORD")
		if strings.HasPrefix(page, "/resource") {
			pages = append(pages, page+"&tab=graph")
		}
	}
	for _, m := range regexp.MustCompile(`href="(/reports/[^"?]+)"`).FindAllSubmatch(get(b, c, s.root.String()+"reports").body, -1) {
		pages = append(pages, string(m[1]), string(m[1])+"?q=WORD")
	}
	pages = append(pages, "/reports", "/compare", "/compare?tab=grants&q=WORD", "/compare?tab=resources&q=WORD")
	return pages
}

// firstRow is what the first row of a list leads to, empty where there is none.
func firstRow(b *testing.B, c *http.Client, s site, list string) string {
	b.Helper()
	_, rows, _ := strings.Cut(string(get(b, c, s.root.String()+strings.TrimPrefix(list, "/")).body), "<tbody role=\"rowgroup\">")
	m := regexp.MustCompile(`href="(/(?:resource|entitlement)\?[^"]+)"`).FindStringSubmatch(rows)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}
