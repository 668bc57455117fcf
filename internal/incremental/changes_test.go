package incremental_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/incremental"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// events answers requests for events with one page after the other.
type events []struct {
	from, n int
	header  http.Header
}

// RoundTrip implements [http.RoundTripper].
func (e *events) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(*e) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	page := (*e)[0]
	*e = (*e)[1:]
	rows := make([]string, page.n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"e%d","event_type":"group_update","timestamp":"2026-12-01T00:00:00.123Z","resource":{"id":"g%d","type":"user_group"}}`, page.from+i, page.from+i)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: page.header, Body: io.NopCloser(strings.NewReader("[" + strings.Join(rows, ",") + "]")), Request: r,
	}, nil
}

// paged are the headers of a page.
func paged(count, limit, after string) http.Header {
	h := http.Header{}
	for name, value := range map[string]string{"X-Result-Count": count, "X-Limit": limit, "X-Search_after": after} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

// TestPagesOfEvents reads events to their end, whatever limit the server obeys. A full page that
// does not say where the next one begins is a doubt.
func TestPagesOfEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pages events
		want  int
		doubt bool
	}{
		"one page":               {events{{0, 3, paged("3", "10000", `[1,"e2"]`)}}, 3, false},
		"two pages":              {events{{0, 10_000, paged("10000", "10000", `[1,"e"]`)}, {9_999, 5, paged("5", "10000", `[2,"e"]`)}}, 10_004, false},
		"a smaller limit":        {events{{0, 1_000, paged("1000", "1000", `[1,"e"]`)}, {1_000, 5, paged("5", "1000", `[2,"e"]`)}}, 1_005, false},
		"a full page, no header": {events{{0, 10_000, http.Header{}}}, 10_000, true},
		"no events":              {events{{0, 0, paged("0", "10000", `[]`)}}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages := tt.pages
			client, err := jumpcloud.New(jumpcloud.Config{
				BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New("k"), UserAgent: "test", MaxInFlight: 1, Transport: &pages, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			c, err := incremental.ReadChanges(t.Context(), client, time.Now().Add(-time.Hour), time.Now())
			if err != nil || c.Count() != tt.want || (c.Doubt != "") != tt.doubt || len(pages) != 0 {
				t.Errorf("%v, %+v, %d pages left", err, c.Doubt, len(pages))
			}
		})
	}
}
