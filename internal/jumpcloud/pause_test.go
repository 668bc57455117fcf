package jumpcloud_test

import (
	"errors"
	"log/slog"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// A caller who waits by itself is told how long to, instead of being kept waiting.
func TestLimitPauses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		after []string
		told  time.Duration
		most  time.Duration // that it takes
	}{
		{"long", []string{"Retry-After", "30"}, 30 * time.Second, 0},
		{"short, for ever", []string{"Retry-After", "1"}, time.Second, 10 * time.Second},
		{"not told", nil, 0, 10 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{}
				transport.answers = append(transport.answers, say(429, "", tc.after...))
				client, err := jumpcloud.New(jumpcloud.Config{
					BaseURL: &url.URL{Scheme: "https", Host: "console.jumpcloud.com"}, APIKey: secret.New("jca_simulator"), UserAgent: "test",
					Transport: transport, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				client.LimitPauses(2 * time.Second)
				began := time.Now()
				_, err = client.UserGroups(t.Context(), paging.Window{Limit: 100})
				e, ok := errors.AsType[*jumpcloud.Error](err)
				if !ok || e.Status != 429 || e.RetryAfter != tc.told || time.Since(began) > tc.most {
					t.Errorf("after %d requests: %v, leave it alone for %v", transport.requests, err, e.RetryAfter)
				}
			})
		})
	}
}
