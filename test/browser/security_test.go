package browser_test

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// request is a GET of a page of the site.
func request(t *testing.T, s site, path string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.root.String()+strings.TrimPrefix(path, "/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// TestStrangersAreRefused asks without the token, with wrong ones, by other hosts and
// from other origins. None of the answers has anything of the archive.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	known, stranger := client(t, world.site), newVisitor()
	paths := []string{
		"/", "/accounts", "/groups?format=csv", "/accounts?format=xlsx", "/grants?format=json", "/compare", "/reports", "/reports/empty-groups",
		resource("group", largest(world.company.members)), "/?token=", "/?token=AAAAAAAAAAAAAAAAAAAAAAAAAA", "/accounts?token=AAAAAAAAAAAAAAAAAAAAAAAAAA", "/graph", "/theme?set=dark",
	}
	host, port := world.site.root.Host, world.site.root.Port()
	for name, c := range map[string]struct {
		client *http.Client
		change func(r *http.Request)
		status int
	}{
		"no token":             {stranger, func(*http.Request) {}, http.StatusUnauthorized},
		"wrong cookie":         {stranger, func(r *http.Request) { r.Header.Set("Cookie", "explore-"+port+"=AAAAAAAAAAAAAAAAAAAAAAAAAA") }, http.StatusUnauthorized},
		"other host":           {known, func(r *http.Request) { r.Host = "evil.example:" + port }, http.StatusMisdirectedRequest},
		"host without port":    {known, func(r *http.Request) { r.Host = "127.0.0.1" }, http.StatusMisdirectedRequest},
		"host that begins so":  {known, func(r *http.Request) { r.Host = host + ".evil.example" }, http.StatusMisdirectedRequest},
		"other origin":         {known, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
		"origin null":          {known, func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
		"origin of other port": {known, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }, http.StatusForbidden},
		"origin by TLS":        {known, func(r *http.Request) { r.Header.Set("Origin", "https://"+host) }, http.StatusForbidden},
		"other site's script": {known, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "cors")
		}, http.StatusForbidden},
		"POST":   {known, func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		"DELETE": {known, func(r *http.Request) { r.Method = http.MethodDelete }, http.StatusMethodNotAllowed},
	} {
		for _, path := range paths {
			r := request(t, world.site, path)
			c.change(r)
			res := do(t, c.client, r)
			if res.status != c.status {
				t.Errorf("%s: %s answers %d, want %d", name, path, res.status, c.status)
			}
			if len(res.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s: %s sets a cookie", name, path)
			}
			for _, secret := range []string{"Borealis", "@example", "All Users"} {
				if bytes.Contains(res.body, []byte(secret)) {
					t.Errorf("%s: %s tells of %q", name, path, secret)
				}
			}
			checkHeaders(t, name+": "+path, res.header)
		}
	}
	if res := do(t, known, request(t, world.site, "/accounts")); res.status != http.StatusOK || !bytes.Contains(res.body, []byte("@example")) {
		t.Errorf("whoever was let in gets %d", res.status)
	}
}

// checkHeaders looks at what every answer says.
func checkHeaders(t *testing.T, of string, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", of, name, got, want)
		}
	}
	directives := strings.Split(h.Get("Content-Security-Policy"), "; ")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !slices.Contains(directives, want) {
			t.Errorf("%s: the policy %q lacks %q", of, directives, want)
		}
	}
	if h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%s: other origins may read the answer", of)
	}
}

// TestPagesHaveHeaders looks at the headers of pages, exports and assets.
func TestPagesHaveHeaders(t *testing.T) {
	t.Parallel()
	c := client(t, world.site)
	for _, path := range []string{"/", "/accounts", "/accounts?format=csv", "/nothing/here", resource("group", largest(world.company.members))} {
		checkHeaders(t, path, do(t, c, request(t, world.site, path)).header)
	}
	assets := regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllSubmatch(do(t, c, request(t, world.site, "/")).body, -1)
	if len(assets) < 3 {
		t.Fatalf("the overview names %d assets", len(assets))
	}
	for _, asset := range assets {
		res := do(t, c, request(t, world.site, string(asset[1])))
		if res.status != http.StatusOK || res.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", asset[1], res.status, res.header)
		}
	}
}

// TestTokenIsExchanged follows the printed address: it gives a cookie that scripts and
// other sites do not get, and leads to an address without the token.
func TestTokenIsExchanged(t *testing.T) {
	t.Parallel()
	c := newVisitor()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res := get(t, c, world.site.door)
	if res.status != http.StatusSeeOther || res.header.Get("Location") != "/" {
		t.Errorf("the printed address answers %d and leads to %q", res.status, res.header.Get("Location"))
	}
	cookies := (&http.Response{Header: res.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("it sets %d cookies", len(cookies))
	}
	token := tokenOf(t, world.site)
	if k := cookies[0]; !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Domain != "" || len(k.Value) < 22 || k.Value == token {
		t.Errorf("the cookie is %v", k)
	}
	if len(token) < 22 {
		t.Errorf("the token has %d characters", len(token))
	}
}

func tokenOf(t *testing.T, s site) string {
	t.Helper()
	door, err := url.Parse(s.door)
	if err != nil {
		t.Fatal(err)
	}
	return door.Query().Get("token")
}

// TestTokenIsNowhere walks on from the printed address: no later address, page or
// history has the token, and scripts see no cookie of the session.
func TestTokenIsNowhere(t *testing.T) {
	t.Parallel()
	b := open(t, world.site, desktop)
	token := tokenOf(t, world.site)
	b.visit(world.site.door)
	for _, page := range []string{"/", "/accounts", "/compare"} {
		b.visit(page)
		if strings.Contains(eval[string](b, "document.documentElement.outerHTML + location.href + document.referrer"), token) {
			t.Errorf("%s has the token in it", page)
		}
		if got := eval[string](b, "document.cookie"); strings.Contains(got, "explore") && !strings.Contains(got, "theme") {
			t.Errorf("scripts see the cookies %q", got)
		}
	}
	history, err := chromedp.Run(b.ctx, chromedp.NavigationEntries())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range history.Entries {
		if strings.Contains(entry.URL, token) {
			t.Errorf("the history has %s", entry.URL)
		}
	}
}
