package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// manyLists is a tenant that takes over a thousand requests.
func manyLists() *jcsim.Tenant {
	return jcsim.Generate(3, jcsim.Size{Users: 100, Groups: 1100, Apps: 20, Admins: 5, Dangling: -1})
}

// TestSyncFindsTheRate syncs from servers with limits that nobody was told of. Most
// of what the server allows is used, and once the sync has settled, at most 2 % of
// its requests are refused.
func TestSyncFindsTheRate(t *testing.T) {
	t.Parallel()
	for _, rate := range []jcsim.Rate{
		{PerSecond: 5, Burst: 1},
		{PerSecond: 10, Burst: 30},
		{PerSecond: 10, Burst: 1, RetryAfter: "seconds"},
		{PerSecond: 20, Burst: 5, RetryAfter: "date"},
		{PerSecond: 20, Burst: 5, Status: 403, Form: "html"},
		{PerSecond: 50, Burst: 10, Status: 503, RetryAfter: "seconds"},
	} {
		t.Run(fmt.Sprintf("%+v", rate), func(t *testing.T) {
			t.Parallel()
			dir, tenant := t.TempDir(), manyLists()
			synctest.Test(t, func(t *testing.T) {
				sim := jcsim.New(jcsim.Options{Tenant: tenant, Record: true, Settings: jcsim.Settings{Latency: 50 * time.Millisecond, Rate: rate}})
				p := newPipeline(sim, dir)
				p.workers = 16
				start := time.Now()
				if _, err := p.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				took := time.Since(start)
				log := sim.Log()
				const settled = 300
				refused := 0
				for _, r := range log[settled:] {
					if r.Status != 200 {
						refused++
					}
				}
				share := float64(refused) / float64(len(log)-settled)
				use := float64(len(log)-sim.Requests().Refused) / took.Seconds() / rate.PerSecond
				t.Logf("%d requests in %s: %.0f %% used, %.2f %% refused after the first %d, %d in all", len(log), took, 100*use, 100*share, settled, sim.Requests().Refused)
				if share > 0.02 {
					t.Errorf("%.2f %% of the requests were refused", 100*share)
				}
				// The time in which it learns counts too, which is most of the time where the
				// server allows much.
				if use < 0.5 {
					t.Errorf("%.0f %% of what the server allows was used", 100*use)
				}
			})
		})
	}
}

// newClient makes a client of a simulator.
func newClient(t *testing.T, sim *jcsim.Server) *jumpcloud.Client {
	t.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New(jcsim.DefaultKey), UserAgent: "e2e",
		Transport: sim.RoundTripper(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// ask reads the members of one group after the other from as many goroutines as
// there are groups, for a time, and returns how often each got through.
func ask(t *testing.T, client *jumpcloud.Client, groups []*jcsim.Group, d time.Duration) []int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	done := make([]int, len(groups))
	var all sync.WaitGroup
	for i, g := range groups {
		all.Go(func() {
			for ctx.Err() == nil {
				if _, err := client.GroupMembers(ctx, g.ID, paging.Window{Limit: 100}); err == nil {
					done[i]++
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return done
}

// TestPacingRecovers lets nobody ask for an hour, and lets the server take more than
// before: what was learned holds, and more is found.
func TestPacingRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := jcsim.Rate{PerSecond: 5, Burst: 1}
		sim := jcsim.New(jcsim.Options{Settings: jcsim.Settings{Latency: 50 * time.Millisecond, Rate: limit}})
		client, groups := newClient(t, sim), sim.Tenant().Groups()[:12]
		ask(t, client, groups, 3*time.Minute)
		<-time.After(time.Hour)
		sim.ResetCounts()
		ask(t, client, groups, time.Minute)
		s := sim.Requests()
		if use := float64(s.Requests-s.Refused) / 60 / 5; use < 0.7 || float64(s.Refused) > 0.02*float64(s.Requests)+1 {
			t.Errorf("after an hour: %.0f %% used, %d of %d requests refused", 100*use, s.Refused, s.Requests)
		}
		if err := sim.Update(func(set *jcsim.Settings) { set.Rate.PerSecond = 50 }); err != nil {
			t.Fatal(err)
		}
		ask(t, client, groups, 3*time.Minute)
		sim.ResetCounts()
		ask(t, client, groups, time.Minute)
		if s := sim.Requests(); float64(s.Requests-s.Refused) < 0.7*60*50 {
			t.Errorf("three minutes after the server allows ten times as much, %d requests a minute were made", s.Requests)
		}
	})
}

// TestPacingIsFairBetweenLists reads twelve lists under a limit: none gets much more
// than another.
func TestPacingIsFairBetweenLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := jcsim.New(jcsim.Options{Settings: jcsim.Settings{Latency: 50 * time.Millisecond, Rate: jcsim.Rate{PerSecond: 10, Burst: 5}}})
		done := ask(t, newClient(t, sim), sim.Tenant().Groups()[:12], 5*time.Minute)
		if least, most := slices.Min(done), slices.Max(done); float64(least) < 0.85*float64(most) {
			t.Errorf("lists got from %d to %d requests through: %v", least, most, done)
		}
	})
}

// TestSyncStopsAtOnce cancels a sync while the server wants to be left alone for a
// long time, and while it gives no answer.
func TestSyncStopsAtOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]jcsim.Fault{
		"refused": {Status: 429, RetryAfter: "3600", After: 10}, "no answer": {Effect: jcsim.EffectHang, After: 10},
		"backing off": {Status: 503, After: 10}, "a body that does not come": {Effect: jcsim.EffectSlow, Delay: time.Hour, After: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				sim := jcsim.New(jcsim.Options{Settings: jcsim.Settings{Latency: 50 * time.Millisecond, Faults: []jcsim.Fault{fault}}})
				ctx, cancel := context.WithCancel(t.Context())
				var cancelled time.Time
				time.AfterFunc(time.Minute, func() {
					cancelled = time.Now()
					cancel()
				})
				_, err := newPipeline(sim, dir).run(ctx)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("error: %v", err)
				}
				if d := time.Since(cancelled); d > 0 {
					t.Errorf("it took %s to stop", d)
				}
			})
		})
	}
}
