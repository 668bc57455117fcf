package gate_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/gate"
)

const host = "127.0.0.1:8400"

// secretPage is what the gate keeps.
const secretPage = "Ada has access to Payroll"

func keeper(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/broken" {
		panic("nil map")
	}
	_, _ = io.WriteString(w, secretPage)
}

func newGate(t *testing.T) (*gate.Gate, http.Handler, string) {
	t.Helper()
	g, token := gate.New(gate.Config{Hosts: []string{host, "localhost:8400"}, Cookie: "explore_8400", Logger: slog.New(slog.DiscardHandler)})
	return g, g.Wrap(http.HandlerFunc(keeper)), token.Reveal()
}

// ask sends a request to the gate as a browser would, with headers in pairs.
func ask(t *testing.T, h http.Handler, method, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://"+host+target, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// enter exchanges a token for a cookie.
func enter(t *testing.T, h http.Handler, token string) string {
	t.Helper()
	r := ask(t, h, http.MethodGet, "/?token="+token)
	if r.StatusCode != http.StatusSeeOther {
		t.Fatalf("the token was answered with %d", r.StatusCode)
	}
	return r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
}

func TestTokenBecomesACookieAndLeavesTheAddress(t *testing.T) {
	t.Parallel()
	_, h, token := newGate(t)
	r := ask(t, h, http.MethodGet, "/?token="+token)
	if got := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || got != "/" {
		t.Errorf("answer %d leads to %q, want 303 to /", r.StatusCode, got)
	}
	set := r.Header.Get("Set-Cookie")
	for _, want := range []string{"explore_8400=", "Path=/", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(set, want) {
			t.Errorf("cookie %q lacks %s", set, want)
		}
	}
	if strings.Contains(set, token) || strings.Contains(body(t, r), token) {
		t.Error("the token itself is in the answer")
	}
	page := ask(t, h, http.MethodGet, "/", "Cookie", enter(t, h, token))
	if got := body(t, page); page.StatusCode != http.StatusOK || got != secretPage {
		t.Errorf("with the cookie the answer is %d %q", page.StatusCode, got)
	}
}

func TestOverTLSTheCookieIsSecure(t *testing.T) {
	t.Parallel()
	g, token := gate.New(gate.Config{Hosts: []string{host}, Secure: true, Cookie: "explore", Logger: slog.New(slog.DiscardHandler)})
	set := ask(t, g.Wrap(http.HandlerFunc(keeper)), http.MethodGet, "/?token="+token.Reveal()).Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "__Host-explore=") || !strings.Contains(set, "; Secure") {
		t.Errorf("the cookie is %q", set)
	}
}

func TestWhoIsRefused(t *testing.T) {
	t.Parallel()
	_, h, token := newGate(t)
	cookie := enter(t, h, token)
	tests := []struct {
		name, method, target string
		headers              []string
		want                 int
	}{
		{"no cookie", http.MethodGet, "/", nil, http.StatusUnauthorized},
		{"wrong cookie", http.MethodGet, "/", []string{"Cookie", "explore_8400=" + token}, http.StatusUnauthorized},
		{"empty cookie", http.MethodGet, "/", []string{"Cookie", "explore_8400="}, http.StatusUnauthorized},
		{"wrong token", http.MethodGet, "/?token=A", nil, http.StatusUnauthorized},
		{"empty token", http.MethodGet, "/?token=", nil, http.StatusUnauthorized},
		{"wrong token with the cookie", http.MethodGet, "/?token=A", []string{"Cookie", cookie}, http.StatusUnauthorized},
		{"token at another page", http.MethodGet, "/accounts?token=" + token, nil, http.StatusUnauthorized},
		{"token as a header", http.MethodGet, "/", []string{"Authorization", "Bearer " + token}, http.StatusUnauthorized},
		{"token by HEAD", http.MethodHead, "/?token=" + token, nil, http.StatusUnauthorized},
		{"assets without a cookie", http.MethodGet, "/assets/app.css", nil, http.StatusUnauthorized},
		{"cookie of others beside ours", http.MethodGet, "/", []string{"Cookie", "explore_8400=x; " + cookie}, http.StatusOK},
		{"second name", http.MethodGet, "/", []string{"Cookie", cookie, "Host", "localhost:8400"}, http.StatusOK},
		{"rebound name", http.MethodGet, "/", []string{"Cookie", cookie, "Host", "evil.example:8400"}, http.StatusMisdirectedRequest},
		{"another port", http.MethodGet, "/", []string{"Cookie", cookie, "Host", "127.0.0.1:8401"}, http.StatusMisdirectedRequest},
		{"no port", http.MethodGet, "/", []string{"Cookie", cookie, "Host", "127.0.0.1"}, http.StatusMisdirectedRequest},
		{"name that begins like ours", http.MethodGet, "/", []string{"Cookie", cookie, "Host", "localhost:8400.evil.example"}, http.StatusMisdirectedRequest},
		{"own origin", http.MethodGet, "/", []string{"Cookie", cookie, "Origin", "http://" + host}, http.StatusOK},
		{"other origin", http.MethodGet, "/", []string{"Cookie", cookie, "Origin", "http://evil.example"}, http.StatusForbidden},
		{"own origin by another scheme", http.MethodGet, "/", []string{"Cookie", cookie, "Origin", "https://" + host}, http.StatusForbidden},
		{"null origin", http.MethodGet, "/", []string{"Cookie", cookie, "Origin", "null"}, http.StatusForbidden},
		{"two origins", http.MethodGet, "/", []string{"Cookie", cookie, "Origin", "http://" + host, "Origin", "http://evil.example"}, http.StatusForbidden},
		{"script of another port", http.MethodGet, "/", []string{"Cookie", cookie, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, http.StatusForbidden},
		{"frame of another site", http.MethodGet, "/", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, http.StatusForbidden},
		{"link on another site", http.MethodGet, "/", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, http.StatusOK},
		{"own script", http.MethodGet, "/", []string{"Cookie", cookie, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, http.StatusOK},
		{"typed address", http.MethodGet, "/", []string{"Cookie", cookie, "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, http.StatusOK},
		{"POST", http.MethodPost, "/", []string{"Cookie", cookie}, http.StatusMethodNotAllowed},
		{"DELETE", http.MethodDelete, "/", []string{"Cookie", cookie}, http.StatusMethodNotAllowed},
		{"OPTIONS", http.MethodOptions, "/", []string{"Cookie", cookie, "Access-Control-Request-Method", "GET"}, http.StatusMethodNotAllowed},
		{"HEAD", http.MethodHead, "/", []string{"Cookie", cookie}, http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := ask(t, h, tt.method, tt.target, tt.headers...)
			text := body(t, r)
			if r.StatusCode != tt.want {
				t.Errorf("status %d, want %d", r.StatusCode, tt.want)
			}
			if tt.want != http.StatusOK && (strings.Contains(text, "Ada") || strings.Contains(text, token) || len(r.Cookies()) > 0) {
				t.Errorf("the refusal says too much: %q, cookies %v", text, r.Cookies())
			}
			for name, want := range map[string]string{
				"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
			} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if csp := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; ") || strings.Contains(csp, "unsafe") {
				t.Errorf("content security policy %q", csp)
			}
			if r.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("other sites are allowed to read")
			}
		})
	}
}

// The page that asks for the token leads back to what was asked for, and nowhere
// else.
func TestRefusalLeadsBack(t *testing.T) {
	t.Parallel()
	_, h, _ := newGate(t)
	for target, want := range map[string]string{
		`/accounts?q="><script>alert(1)</script>`: `href="/accounts?q=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E"`,
		`//evil.example/`:                         `href="/"`,
		`/\evil.example/`:                         `href="/%5Cevil.example/"`,
		`/?token=abc`:                             `href="/"`,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Host = host
		path, query, _ := strings.Cut(target, "?")
		r.URL.Path, r.URL.RawQuery = path, query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s: the page is %q, want it to have %s", target, got, want)
		}
	}
}

func TestTicketIsGoodOnce(t *testing.T) {
	t.Parallel()
	g, h, token := newGate(t)
	own := enter(t, h, token)
	ticket := g.Ticket().Reveal()
	browser := enter(t, h, ticket)
	if r := ask(t, h, http.MethodGet, "/", "Cookie", browser); r.StatusCode != http.StatusOK {
		t.Errorf("the browser that came with the ticket gets %d", r.StatusCode)
	}
	if r := ask(t, h, http.MethodGet, "/?token="+ticket); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("the ticket's second use is answered with %d", r.StatusCode)
	}
	if r := ask(t, h, http.MethodGet, "/", "Cookie", browser); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the ticket was used twice, who came with it gets %d", r.StatusCode)
	}
	if r := ask(t, h, http.MethodGet, "/", "Cookie", own); r.StatusCode != http.StatusOK {
		t.Errorf("who came with the token gets %d", r.StatusCode)
	}
}

func TestTicketEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, h, _ := newGate(t)
		ticket := g.Ticket().Reveal()
		time.Sleep(time.Minute) //nolint:forbidigo // the clock is synctest's: no time passes.
		if r := ask(t, h, http.MethodGet, "/?token="+ticket); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("after a minute the ticket is answered with %d", r.StatusCode)
		}
	})
}

// Before there is a ticket, nothing is one.
func TestNoTicketIsNone(t *testing.T) {
	t.Parallel()
	_, h, token := newGate(t)
	if r := ask(t, h, http.MethodGet, "/?token="+strings.ToLower(token)); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("answered with %d", r.StatusCode)
	}
}

func TestBrowsersAreBounded(t *testing.T) {
	t.Parallel()
	_, h, token := newGate(t)
	first := enter(t, h, token)
	second := enter(t, h, token)
	for range 31 {
		enter(t, h, token)
	}
	if r := ask(t, h, http.MethodGet, "/", "Cookie", first); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("the first of 33 browsers gets %d", r.StatusCode)
	}
	if r := ask(t, h, http.MethodGet, "/", "Cookie", second); r.StatusCode != http.StatusOK {
		t.Errorf("the second of 33 browsers gets %d", r.StatusCode)
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	_, h, token := newGate(t)
	r := ask(t, h, http.MethodGet, "/broken", "Cookie", enter(t, h, token))
	if text := body(t, r); r.StatusCode != http.StatusInternalServerError || strings.Contains(text, "nil map") {
		t.Errorf("answer %d %q", r.StatusCode, text)
	}
}

// TestForms sends forms. Only those of pages from here arrive, and only where forms are
// taken at all.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		writes  bool
		method  string
		headers []string
		status  int
	}{
		{"from here", true, http.MethodPost, []string{"Origin", "http://" + host, "Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		{"from here by an old browser", true, http.MethodPost, []string{"Origin", "http://localhost:8400"}, http.StatusOK},
		{"from nowhere", true, http.MethodPost, nil, http.StatusForbidden},
		{"from another site", true, http.MethodPost, []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"from another port", true, http.MethodPost, []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		{"from null", true, http.MethodPost, []string{"Origin", "null"}, http.StatusForbidden},
		{"from here and elsewhere", true, http.MethodPost, []string{"Origin", "http://" + host, "Origin", "http://evil.example"}, http.StatusForbidden},
		{"from a page of another site that navigates", true, http.MethodPost, []string{"Origin", "http://" + host, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, http.StatusForbidden},
		{"by another method", true, http.MethodPut, []string{"Origin", "http://" + host}, http.StatusMethodNotAllowed},
		{"where forms are not taken", false, http.MethodPost, []string{"Origin", "http://" + host, "Sec-Fetch-Site", "same-origin"}, http.StatusMethodNotAllowed},
	} {
		g, token := gate.New(gate.Config{Hosts: []string{host, "localhost:8400"}, Cookie: "explore_8400", Writes: c.writes, Logger: slog.New(slog.DiscardHandler)})
		h := g.Wrap(http.HandlerFunc(keeper))
		cookie := enter(t, h, token.Reveal())
		if r := ask(t, h, c.method, "/form", append(c.headers, "Cookie", cookie)...); r.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", c.name, r.StatusCode, c.status)
		}
		if r := ask(t, h, c.method, "/form", c.headers...); r.StatusCode == http.StatusOK {
			t.Errorf("%s: answered without a cookie", c.name)
		}
	}
}
