package jumpcloud

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// FuzzDecoding checks that no answer is too odd, and that what is decoded is
// usable.
func FuzzDecoding(f *testing.F) {
	user := `{"_id":"a","mfa":{"exclusionUntil":"2026-12-01"},"attributes":[{"name":"n","value":1}],"admin":{"roleNames":["x"]},"created":1785574800000}`
	for _, seed := range []string{
		user, `{"results":[` + user + `],"totalCount":1}`, `[{"to":{"id":"a","type":"user"}},null]`, `{}`, `[]`, `null`, `[[`, `{"results":`,
		`{"results":{},"totalCount":{}}`, `{"Results":[{"_ID":"a"}],"TOTALCOUNT":-5}`, `{"results":[1]}`, `{"totalCount":1e400,"results":[]}`,
		`[{"id":"a","created":99999999999999999999,"mfa":{"exclusionUntil":-1}}]`, `{"results":[{"id":"a"}],"results":null}`,
		`[{"id":"a","paths":[[null,{"to":1}],3]}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		decodes(t, body, (*userRow).model, func(u User) string { return u.ID })
		decodes(t, body, (*adminRow).model, func(a Admin) string { return a.ID })
		decodes(t, body, (*connectionRow).model, func(c Connection) string { return c.ID })
		decodes(t, body, (*applicationRow).model, func(a Application) string { return a.ID })
		decodes(t, body, (*traversalRow).model, func(a Traversal) string { return a.ID })
	})
}

// decodes reads a body as a list and checks what it yields.
func decodes[W, T any](t *testing.T, body string, model func(*W) (T, bool, error), id func(T) string) {
	t.Helper()
	page := paging.Page[T]{Total: -1}
	err := decodeList(json.NewDecoder(strings.NewReader(body)), &page, "things", model)
	if page.Raw < len(page.Items) || page.Total < -1 {
		t.Errorf("%d rows, %d items, total %d", page.Raw, len(page.Items), page.Total)
	}
	for _, item := range page.Items {
		if id(item) == "" {
			t.Error("an object without an id")
		}
	}
	var row *rowError
	if errors.As(err, &row) && row.Error() == "" {
		t.Error("an error without words")
	}
	if err == nil && !json.Valid([]byte(strings.TrimSpace(body))) && !startsWithValue(body) {
		t.Errorf("%q was taken", body)
	}
}

// startsWithValue reports whether a text begins with one JSON value.
func startsWithValue(s string) bool {
	var v json.RawMessage
	return json.NewDecoder(strings.NewReader(s)).Decode(&v) == nil
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, " 30 ": 30 * time.Second, "1.5": 1500 * time.Millisecond, "301": maxRetryAfter,
		"99999999999999999999999999": maxRetryAfter, "1e400": maxRetryAfter, "Inf": maxRetryAfter,
		"Sat, 01 Jan 2000 00:00:09 GMT": 9 * time.Second, "Saturday, 01-Jan-00 00:00:09 GMT": 9 * time.Second,
		"Fri, 31 Dec 1999 00:00:00 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": maxRetryAfter,
		"": -1, "-1": -1, "soon": -1, "NaN": -1, "-Inf": -1,
	} {
		got, ok := parseRetryAfter(s, now)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %s, want %s", s, got, want)
		}
	}
}

// TestLimitHeaders reads what servers tell of their limit in headers that no standard
// names, and waits for a renewal only where nothing is left.
func TestLimitHeaders(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	soon := strconv.FormatInt(now.Add(30*time.Second).Unix(), 10)
	for _, tt := range []struct {
		header []string
		left   int
		after  time.Duration // -1 for none
	}{
		{left: -1, after: -1},
		{header: []string{"X-RateLimit-Remaining", "12", "X-RateLimit-Reset", "30"}, left: 12, after: -1},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "30"}, after: 30 * time.Second},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", soon}, after: 30 * time.Second},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", soon, "Date", "Fri, 02 Jan 2026 03:04:25 GMT"}, after: 10 * time.Second},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1"}, after: time.Second},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1700000000"}, after: 0},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "9700000000"}, after: maxRetryAfter},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "-5"}, after: -1},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "tomorrow"}, after: -1},
		{header: []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "30", "Retry-After", "3"}, after: 3 * time.Second},
		{header: []string{"RateLimit-Remaining", "0", "RateLimit-Reset", "7"}, after: 7 * time.Second},
		{header: []string{"X-Rate-Limit-Remaining", "3"}, left: 3, after: -1},
		{header: []string{"X-RateLimit-Remaining", "-3"}, after: -1},
		{header: []string{"X-RateLimit-Remaining", "many"}, left: -1, after: -1},
		{header: []string{"X-RateLimit-Remaining", "99999999999999999999"}, left: -1, after: -1},
	} {
		h := make(http.Header)
		for i := 0; i < len(tt.header); i += 2 {
			h.Set(tt.header[i], tt.header[i+1])
		}
		after, ok := retryAfter(h, now)
		if !ok {
			after = -1
		}
		if got := left(h); got != tt.left || after != tt.after {
			t.Errorf("%v: %d left and a wait of %s, want %d and %s", tt.header, got, after, tt.left, tt.after)
		}
	}
}
