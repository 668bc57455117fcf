package portal_test

import (
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	"github.com/conductorone/baton-jumpcloud/internal/sim/portal"
)

func newPortal(t *testing.T, dir string) *portal.Portal {
	t.Helper()
	server, err := c1sim.New(c1sim.Options{Host: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := portal.New(t.Context(), portal.Options{Server: server, Dir: dir, SyncEvery: time.Hour, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// ask gets a page, or sends a form to it, and returns the status, where it leads and
// the text.
func ask(t *testing.T, h http.Handler, path string, form url.Values) (status int, to, text string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	if form != nil {
		r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header().Get("Location"), html.UnescapeString(string(body))
}

const you = "You (admin@example.com)"

func TestWrongForms(t *testing.T) {
	t.Parallel()
	p := newPortal(t, t.TempDir())
	good := url.Values{"connector": {"baton"}, "to": {"new"}, "name": {"JumpCloud"}, "owner": {you}}
	if status, to, text := ask(t, p, "/connectors", good); status != http.StatusSeeOther || to != "/connectors/3" {
		t.Fatalf("status %d, to %q: %s", status, to, text)
	}
	with := func(key, value string) url.Values {
		form := url.Values{}
		maps.Copy(form, good)
		form.Set(key, value)
		return form
	}
	for _, c := range []struct {
		path   string
		form   url.Values
		status int
		says   string
	}{
		{"/connectors", with("connector", "okta"), 400, "not in the catalog"},
		{"/connectors", with("owner", "Eve"), 400, "not a user of this organization"},
		{"/connectors", url.Values{"connector": {"baton"}, "to": {"new"}, "name": {"x"}}, 400, "choose at least one"},
		{"/connectors", good, 400, `"JumpCloud" is managed already`},
		{"/connectors", with("name", " "), 400, "fill in a name"},
		{"/connectors", with("name", strings.Repeat("x", 201)), 400, "longer than 200 bytes"},
		{"/connectors", with("to", "elsewhere"), 400, "choose where"},
		{"/connectors", with("to", "managed"), 400, "choose a managed application"},
		{"/connectors", with("to", "unmanaged"), 400, "choose an unmanaged application"},
		{"/connectors/3/sync", url.Values{}, 400, "has no credentials yet"},
		{"/connectors/3/schedule", url.Values{"every": {"often"}}, 400, "fill in a duration"},
		{"/connectors/3/schedule", url.Values{"every": {"1ms"}}, 400, "from 1s"},
		{"/connectors/99/rotate", url.Values{}, 404, "page not found"},
		{"/connectors/99", nil, 404, "page not found"},
		{"/connectors/new?connector=okta", nil, 404, "page not found"},
		{"/applications/1/data/accounts", nil, 404, "page not found"},
		{"/applications/1/change?entitlement=x", nil, 404, "page not found"},
		{"/nowhere", nil, 404, "page not found"},
		{"/connectors/add?q=%3Cscript%3E", nil, 200, "No connector is found"},
	} {
		status, _, text := ask(t, p, c.path, c.form)
		if status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s with %v: status %d, want %d and %q", c.path, c.form, status, c.status, c.says)
		}
	}
}

// TestStateSurvives starts again in the same folder, and in one that something else
// wrote.
func TestStateSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPortal(t, dir)
	ask(t, p, "/connectors", url.Values{"connector": {"baton"}, "to": {"new"}, "name": {"Directory"}, "owner": {you}})
	_, _, rotated := ask(t, p, "/connectors/3/rotate", url.Values{})
	secret := regexp.MustCompile(`simulated:c1sim:v1:[\w-]+`).FindString(rotated)
	ask(t, p, "/connectors/3/schedule", url.Values{"every": {"90m"}})
	ask(t, p, "/connectors/3/disable", url.Values{})
	for _, name := range []string{"first", "second"} {
		_, _, page := ask(t, newPortal(t, dir), "/connectors/3", nil)
		for _, want := range []string{"Directory", "every 1h30m0s", "Disabled", "credentials made"} {
			if !strings.Contains(page, want) {
				t.Errorf("after the %s restart the page does not say %q", name, want)
			}
		}
	}
	path := filepath.Join(dir, "portal.json")
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if secret == "" || strings.Contains(string(kept), secret) {
		t.Error("the client secret is kept")
	}
	server, err := c1sim.New(c1sim.Options{Host: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"{", `{"version":2}`} {
		if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := portal.New(t.Context(), portal.Options{Server: server, Dir: dir, Logger: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("state %s: %v", wrong, err)
		}
	}
}
