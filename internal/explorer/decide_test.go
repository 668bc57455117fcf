package explorer_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/explorer"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// deciding is an explorer with a review of all access.
func deciding(t *testing.T) (*explorer.Explorer, *campaign.File) {
	t.Helper()
	path := small(t).archive(c1z.FormatV1)
	l, err := library.Open(t.Context(), []string{path}, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s, err := l.Sync(t.Context(), l.First())
	if err != nil {
		t.Fatal(err)
	}
	found, err := campaign.Select(t.Context(), tables.Of(s), campaign.Selection{Scopes: []string{campaign.ScopeAll}, Reviewer: "rea", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "q4.review")
	if err := campaign.Create(t.Context(), name, campaign.Header{ID: "r1", Title: "Q4", CreatedBy: "rea"}, found.Items); err != nil {
		t.Fatal(err)
	}
	f, err := campaign.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	e, err := explorer.New(explorer.Config{Library: l, TempDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Review: f})
	if err != nil {
		t.Fatal(err)
	}
	return e, f
}

// Forms without a script decide rows, selections and all that a filter lets through, and
// say what is wrong.
func TestDecisionsByForm(t *testing.T) {
	t.Parallel()
	e, f := deciding(t)
	items := len(f.Rows())
	for _, tt := range []struct {
		name      string
		form      url.Values
		status    int
		said      string
		undecided int // after it
	}{
		{"no name", url.Values{"one": {"1:keep"}}, http.StatusBadRequest, "say who decides", items},
		{"one", url.Values{"one": {"1:keep"}, "by": {"rea"}, "comment": {"needed"}}, http.StatusSeeOther, "", items - 1},
		{"no item", url.Values{"decide": {"keep"}, "by": {"rea"}}, http.StatusBadRequest, "no item is selected", items - 1},
		{"no such item", url.Values{"decide": {"keep"}, "item": {"2", "999"}, "by": {"rea"}}, http.StatusBadRequest, "item 999 does not exist", items - 1},
		{"no number", url.Values{"decide": {"keep"}, "item": {"x"}, "by": {"rea"}}, http.StatusBadRequest, "does not exist", items - 1},
		{"unknown decision", url.Values{"decide": {"maybe"}, "item": {"2"}, "by": {"rea"}}, http.StatusBadRequest, "unknown decision", items - 1},
		{"exception without a date", url.Values{"decide": {"exception"}, "item": {"2"}, "by": {"rea"}, "comment": {"x"}}, http.StatusBadRequest, "without an end date", items - 1},
		{"several", url.Values{"decide": {"revoke"}, "item": {"2", "3"}, "by": {"rea"}}, http.StatusSeeOther, "", items - 3},
		{"take back", url.Values{"decide": {"undecided"}, "item": {"2"}, "by": {"rea"}}, http.StatusSeeOther, "", items - 2},
		{"filter that is none", url.Values{"decide": {"keep"}, "filtered": {"1"}, "back": {"decision=maybe"}, "by": {"rea"}}, http.StatusBadRequest, "unknown decision", items - 2},
		{"all that match", url.Values{"decide": {"keep"}, "filtered": {"1"}, "back": {"decision=undecided"}, "by": {"rea"}}, http.StatusSeeOther, "", 0},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/review", strings.NewReader(tt.form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != tt.status || !strings.Contains(strings.ToLower(w.Body.String()), tt.said) {
			t.Errorf("%s: status %d, want %d with %q:\n%s", tt.name, w.Code, tt.status, tt.said, w.Body)
		}
		if n := campaign.Count(f.Rows()).Undecided; n != tt.undecided {
			t.Errorf("%s: %d items are undecided, want %d", tt.name, n, tt.undecided)
		}
		if where := w.Header().Get("Location"); where != "" && !strings.HasPrefix(where, "/review") {
			t.Errorf("%s: leads to %s", tt.name, where)
		}
	}
	if err := f.Freeze(t.Context(), "rea", campaign.Undecided); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/review", strings.NewReader("one=1:revoke&by=eve"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"error":"Review`) {
		t.Errorf("a closed review: %d, %s", w.Code, w.Body)
	}
}

// A page of a review shows the filter that its address has.
func TestReviewPage(t *testing.T) {
	t.Parallel()
	e, f := deciding(t)
	if _, err := f.Decide(t.Context(), campaign.Actor{By: "<rea>", From: "test"}, []campaign.Choice{{Item: 1, Decision: campaign.Keep, Comment: "<b>needed</b>"}}); err != nil {
		t.Fatal(err)
	}
	text := read(t, get(t, e, "/review?decision=keep"))
	if !strings.Contains(text, `data-item="1"`) || strings.Contains(text, `data-item="2"`) || !strings.Contains(text, "by &lt;rea&gt;") || strings.Contains(text, "<b>needed") {
		t.Errorf("the page is\n%s", text)
	}
	if res := get(t, e, "/review?decision=maybe"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown decision: status %d", res.StatusCode)
	}
}
