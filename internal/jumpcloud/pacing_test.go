package jumpcloud_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// limiter is how a server counts. It reports whether a request is taken, and if
// not, when the next may be.
type limiter interface {
	take(now time.Time) (ok bool, next time.Duration)
}

// bucket holds some requests and is filled at a steady rate.
type bucket struct {
	rate, size float64
	level      float64
	last       time.Time
}

func (b *bucket) take(now time.Time) (bool, time.Duration) {
	if b.last.IsZero() {
		b.last, b.level = now, b.size
	}
	b.level = min(b.size, b.level+b.rate*now.Sub(b.last).Seconds())
	b.last = now
	// A hair's breadth allows for rounding.
	if b.level >= 1-1e-6 {
		b.level--
		return true, 0
	}
	return false, time.Duration((1 - b.level) / b.rate * float64(time.Second))
}

// window takes so many requests in each span of time.
type window struct {
	most  int
	span  time.Duration
	start time.Time
	taken int
}

func (w *window) take(now time.Time) (bool, time.Duration) {
	if w.start.IsZero() || now.Sub(w.start) >= w.span {
		w.start, w.taken = now, 0
	}
	if w.taken < w.most {
		w.taken++
		return true, 0
	}
	return false, w.start.Add(w.span).Sub(now)
}

// free takes everything.
type free struct{}

func (free) take(time.Time) (bool, time.Duration) { return true, 0 }

// moody refuses a share of the requests, whatever their rate.
type moody struct {
	share float64
	dice  *rand.Rand
}

func (m moody) take(time.Time) (bool, time.Duration) {
	return m.dice.Float64() >= m.share, 2 * time.Second
}

// fakeServer answers member lists inside a bubble of synctest.
type fakeServer struct {
	latency time.Duration
	jitter  time.Duration
	// tell writes a Retry-After header; nil leaves it out.
	tell func(h http.Header, now time.Time, next time.Duration)

	mu      sync.Mutex
	limiter limiter
	log     []answered
	now     int // in flight
	most    int
}

type answered struct {
	at time.Time
	ok bool
}

func (s *fakeServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	half := s.latency / 2
	if s.jitter > 0 {
		half += rand.N(s.jitter)
	}
	if err := pause(req.Context(), half); err != nil {
		return nil, err
	}
	s.mu.Lock()
	now := time.Now()
	ok, next := s.limiter.take(now)
	s.log = append(s.log, answered{now, ok})
	s.mu.Unlock()
	if err := pause(req.Context(), s.latency/2); err != nil {
		return nil, err
	}
	resp := &http.Response{
		StatusCode: http.StatusOK, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Total-Count": {"0"}},
		Body:   io.NopCloser(strings.NewReader("[]")),
	}
	if !ok {
		resp.StatusCode = http.StatusTooManyRequests
		resp.Body = io.NopCloser(strings.NewReader(`{"message":"slow down"}`))
		if s.tell != nil {
			s.tell(resp.Header, now, next)
		}
	}
	return resp, nil
}

// pause waits inside a bubble, where time passes at once.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *fakeServer) client(t *testing.T) *jumpcloud.Client {
	t.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "https", Host: "console.example"}, APIKey: secret.New("k"),
		Transport: s, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// load asks from 16 goroutines until the time is over, and returns how many
// requests each got through.
func load(t *testing.T, client *jumpcloud.Client, d time.Duration) []int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	done := make([]int, 16)
	var group sync.WaitGroup
	for i := range done {
		group.Go(func() {
			for ctx.Err() == nil {
				_, err := client.GroupMembers(ctx, fmt.Sprintf("group%d", i), paging.Window{Limit: 100})
				switch {
				case err == nil:
					done[i]++
				case !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("goroutine %d: %v", i, err)
					return
				}
			}
		})
	}
	group.Wait()
	return done
}

// between counts what the server took and refused in a part of the run.
func (s *fakeServer) between(from, to time.Time) (taken, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.log {
		if a.at.Before(from) || !a.at.Before(to) {
			continue
		}
		if a.ok {
			taken++
		} else {
			refused++
		}
	}
	return taken, refused
}

func inSeconds(h http.Header, _ time.Time, next time.Duration) {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(next.Seconds()))))
}

func asDate(h http.Header, now time.Time, next time.Duration) {
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	h.Set("Retry-After", now.Add(next+time.Second-1).UTC().Format(http.TimeFormat))
}

// TestPacingFindsTheRate lets servers with all sorts of limits, which tell nothing
// of them, be asked as fast as the client dares.
func TestPacingFindsTheRate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		limiter func() limiter
		rate    float64 // what the server takes, requests a second
		latency time.Duration
		jitter  time.Duration
		tell    func(http.Header, time.Time, time.Duration)
	}{
		{name: "1/s", limiter: func() limiter { return &bucket{rate: 1, size: 1} }, rate: 1, latency: 50 * time.Millisecond},
		{name: "5/s with a burst of 50", limiter: func() limiter { return &bucket{rate: 5, size: 50} }, rate: 5, latency: 50 * time.Millisecond},
		{name: "10/s", limiter: func() limiter { return &bucket{rate: 10, size: 1} }, rate: 10, latency: 50 * time.Millisecond},
		{name: "10/s, seconds", limiter: func() limiter { return &bucket{rate: 10, size: 10} }, rate: 10, latency: 50 * time.Millisecond, tell: inSeconds},
		{name: "10/s, date", limiter: func() limiter { return &bucket{rate: 10, size: 10} }, rate: 10, latency: 50 * time.Millisecond, tell: asDate},
		{name: "10/s, uneven network", limiter: func() limiter { return &bucket{rate: 10, size: 5} }, rate: 10, latency: 50 * time.Millisecond, jitter: 80 * time.Millisecond},
		{name: "20/s with a burst of 100", limiter: func() limiter { return &bucket{rate: 20, size: 100} }, rate: 20, latency: 200 * time.Millisecond},
		{name: "100/s", limiter: func() limiter { return &bucket{rate: 100, size: 10} }, rate: 100, latency: 20 * time.Millisecond},
		{name: "100/s, seconds", limiter: func() limiter { return &bucket{rate: 100, size: 100} }, rate: 100, latency: 20 * time.Millisecond, tell: inSeconds},
		{name: "300/s", limiter: func() limiter { return &bucket{rate: 300, size: 30} }, rate: 300, latency: 10 * time.Millisecond},
		{name: "100 in 10 s", limiter: func() limiter { return &window{most: 100, span: 10 * time.Second} }, rate: 10, latency: 50 * time.Millisecond},
		{name: "10/s with a burst of 600", limiter: func() limiter { return &bucket{rate: 10, size: 600} }, rate: 10, latency: 50 * time.Millisecond},
		{name: "10/s with a burst of 250, seconds", limiter: func() limiter { return &bucket{rate: 10, size: 250} }, rate: 10, latency: 50 * time.Millisecond, tell: inSeconds},
		{name: "600 in 60 s", limiter: func() limiter { return &window{most: 600, span: time.Minute} }, rate: 10, latency: 50 * time.Millisecond},
		{name: "600 in 60 s, seconds", limiter: func() limiter { return &window{most: 600, span: time.Minute} }, rate: 10, latency: 50 * time.Millisecond, tell: inSeconds},
		{name: "50 in 1 s", limiter: func() limiter { return &window{most: 50, span: time.Second} }, rate: 50, latency: 50 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &fakeServer{limiter: tt.limiter(), latency: tt.latency, jitter: tt.jitter, tell: tt.tell}
				start := time.Now()
				settle := time.Duration(min(180, 2500/tt.rate) * float64(time.Second))
				end := settle + time.Duration(min(12*60, 6000/tt.rate)*float64(time.Second))
				load(t, server.client(t), end)
				early, earlyRefused := server.between(start, start.Add(settle))
				taken, refused := server.between(start.Add(settle), start.Add(end))
				use := float64(taken) / (end - settle).Seconds() / tt.rate
				share := float64(refused) / float64(taken+refused)
				t.Logf("settled: %.0f %% used, %.2f %% refused; before: %.0f %% used, %d refused",
					100*use, 100*share, 100*float64(early)/settle.Seconds()/tt.rate, earlyRefused)
				if share > 0.02 {
					t.Errorf("%.2f %% of the requests were refused after settling, want at most 2 %%", 100*share)
				}
				if use < 0.7 {
					t.Errorf("%.0f %% of what the server takes was used", 100*use)
				}
				if server.most > 16 {
					t.Errorf("%d requests were in flight", server.most)
				}
			})
		})
	}
}

// TestPacingWithoutLimit keeps 16 requests in flight however far away the server is.
func TestPacingWithoutLimit(t *testing.T) {
	t.Parallel()
	for _, latency := range []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Second} {
		t.Run(latency.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &fakeServer{limiter: free{}, latency: latency}
				start := time.Now()
				load(t, server.client(t), 1000*latency)
				taken, _ := server.between(start, time.Now())
				if want := 16 * 999; taken < want {
					t.Errorf("%d requests were made in the time of 1,000 round trips, want at least %d", taken, want)
				}
			})
		})
	}
}

// TestPacingFollowsTheLimit changes the limit under way.
func TestPacingFollowsTheLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		before, after limiter
		most          float64 // what can be taken afterwards, requests a second
	}{
		{name: "it goes", before: &bucket{rate: 5, size: 5}, after: free{}, most: 320},
		{name: "it rises", before: &bucket{rate: 5, size: 5}, after: &bucket{rate: 50, size: 50}, most: 50},
		{name: "it falls", before: &bucket{rate: 100, size: 100}, after: &bucket{rate: 5, size: 5}, most: 5},
		{name: "it begins", before: free{}, after: &bucket{rate: 10, size: 10}, most: 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &fakeServer{limiter: tt.before, latency: 50 * time.Millisecond}
				client := server.client(t)
				load(t, client, 2*time.Minute)
				server.mu.Lock()
				server.limiter = tt.after
				server.mu.Unlock()
				// The time in which it finds the new limit.
				load(t, client, 2*time.Minute)
				start := time.Now()
				load(t, client, time.Minute)
				taken, refused := server.between(start, time.Now())
				use := float64(taken) / 60 / tt.most
				t.Logf("%.0f %% used, %d refused", 100*use, refused)
				if use < 0.8 {
					t.Errorf("%.0f %% of what the server takes was used", 100*use)
				}
				if share := float64(refused) / float64(taken+refused); share > 0.02 {
					t.Errorf("%.2f %% of the requests were refused", 100*share)
				}
			})
		})
	}
}

// TestPacingAfterAQuietTime lets nobody ask for a while: what was learned holds,
// and the first to come back does not wait.
func TestPacingAfterAQuietTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{limiter: &bucket{rate: 10, size: 10}, latency: 50 * time.Millisecond}
		client := server.client(t)
		load(t, client, 2*time.Minute)
		if err := pause(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := client.GroupMembers(t.Context(), "g", paging.Window{Limit: 100}); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > 100*time.Millisecond {
			t.Errorf("the first request after an hour took %s", waited)
		}
		load(t, client, 2*time.Minute)
		taken, refused := server.between(start, time.Now())
		if use := float64(taken) / 120 / 10; use < 0.8 {
			t.Errorf("%.0f %% of what the server takes was used", 100*use)
		}
		if share := float64(refused) / float64(taken+refused); share > 0.02 {
			t.Errorf("%.2f %% of the requests were refused", 100*share)
		}
	})
}

// TestPacingBearsRandomRefusals meets a server that refuses now and then for reasons
// that have nothing to do with the rate. A caller that asks one request after the
// other, as changes of access do, is not slowed down ever more by it, and neither are
// many that ask side by side.
func TestPacingBearsRandomRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		callers int
		share   float64
		pause   time.Duration // of a caller between two requests
		tell    func(http.Header, time.Time, time.Duration)
		most    time.Duration // for a request, its pause left out, on average
	}{
		{name: "one caller", callers: 1, share: 0.06, most: time.Second},
		{name: "one caller with pauses", callers: 1, share: 0.06, pause: 700 * time.Millisecond, most: 500 * time.Millisecond},
		{name: "one caller, told to wait", callers: 1, share: 0.06, tell: inSeconds, most: 2 * time.Second},
		{name: "one caller, one in ten", callers: 1, share: 0.1, pause: 100 * time.Millisecond, most: 2 * time.Second},
		{name: "sixteen callers", callers: 16, share: 0.03, most: 4 * time.Second},
		{name: "sixteen callers, one in twenty", callers: 16, share: 0.05, most: 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				synctest.Test(t, func(t *testing.T) {
					server := &fakeServer{limiter: moody{tt.share, rand.New(rand.NewPCG(seed, 0))}, latency: 50 * time.Millisecond, tell: tt.tell}
					client := server.client(t)
					requests := 600 / (1 + tt.callers/4)
					if testing.Short() {
						requests /= 2
					}
					began := time.Now()
					var group sync.WaitGroup
					for range tt.callers {
						group.Go(func() {
							for range requests {
								if _, err := client.GroupMembers(t.Context(), "g", paging.Window{Limit: 100}); err != nil {
									t.Error(err)
									return
								}
								if err := pause(t.Context(), tt.pause); err != nil {
									return
								}
							}
						})
					}
					group.Wait()
					if each := time.Since(began)/time.Duration(requests) - tt.pause; each > tt.most {
						t.Errorf("seed %d: a request took %s on average, want at most %s", seed, each, tt.most)
					}
				})
			}
		})
	}
}

// TestPacingLeavesPausesOut refuses a caller that asks seldom by its own will: what it
// asked for is not taken for all that the server can do.
func TestPacingLeavesPausesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{limiter: free{}, latency: 50 * time.Millisecond}
		client := server.client(t)
		for i := range 20 {
			if i == 19 {
				server.mu.Lock()
				server.limiter = &bucket{rate: 20, size: 1, last: time.Now()} // refuses the next one
				server.mu.Unlock()
			}
			if _, err := client.GroupMembers(t.Context(), "g", paging.Window{Limit: 100}); err != nil {
				t.Fatal(err)
			}
			if err := pause(t.Context(), 900*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		server.mu.Lock()
		server.limiter = free{}
		server.mu.Unlock()
		start := time.Now()
		load(t, client, 10*time.Second)
		if taken, _ := server.between(start, time.Now()); taken < 100 {
			t.Errorf("%d requests were made in ten seconds, of which one in 900 ms had been asked for before", taken)
		}
	})
}

// TestPacingIsFair gives every goroutine the same share, and one list that asks
// seldom its turn among many that ask all the time.
func TestPacingIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{limiter: &bucket{rate: 10, size: 10}, latency: 50 * time.Millisecond}
		done := load(t, server.client(t), 5*time.Minute)
		least, most := done[0], done[0]
		for _, n := range done {
			least, most = min(least, n), max(most, n)
		}
		if float64(least) < 0.9*float64(most) {
			t.Errorf("goroutines got from %d to %d requests through: %v", least, most, done)
		}
	})
}

// TestPacingIsNotHeldUp lets the request hang that probes after a refusal.
func TestPacingIsNotHeldUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func(*http.Request) (*http.Response, error){say(429, "", "Retry-After", "1"), hang, say(200, "[]", "X-Total-Count", "0")}}
		client := scripted(t, s)
		began := time.Now()
		var group sync.WaitGroup
		var ends [2]time.Duration
		for i := range ends {
			group.Go(func() {
				if _, err := client.GroupMembers(t.Context(), "g", paging.Window{Limit: 100}); err != nil {
					t.Error(err)
				}
				ends[i] = time.Since(began)
			})
		}
		group.Wait()
		if first := min(ends[0], ends[1]); first > 10*time.Second {
			t.Errorf("a request that hangs held the other one up for %s", first)
		}
	})
}

// TestPacingStopsAtOnce cancels while everybody waits for a server that wants to
// be left alone.
func TestPacingStopsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{
			limiter: &bucket{rate: 1e-9, size: 3}, latency: 50 * time.Millisecond,
			tell: func(h http.Header, _ time.Time, _ time.Duration) { h.Set("Retry-After", "99999999999999999999") },
		}
		client := server.client(t)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		errs := make([]error, 40)
		for i := range errs {
			group.Go(func() {
				for errs[i] == nil {
					_, errs[i] = client.GroupMembers(ctx, "g", paging.Window{Limit: 100})
				}
			})
		}
		if err := pause(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		cancelled := time.Now()
		cancel()
		group.Wait()
		if d := time.Since(cancelled); d > 0 {
			t.Errorf("it took %s to stop", d)
		}
		for _, err := range errs {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a waiting request ended with %v", err)
			}
		}
		if _, refused := server.between(cancelled.Add(-time.Minute), cancelled); refused > 16 {
			t.Errorf("%d requests were refused in a minute in which the server wanted to be left alone", refused)
		}
	})
}
