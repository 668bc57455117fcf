package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// outages are the ways in which a server, or what stands before it, can be away.
func outages() map[string]jcsim.Fault {
	return map[string]jcsim.Fault{
		"429": {Status: 429}, "502": {Status: 502}, "503": {Status: 503}, "504": {Status: 504},
		"429 with an absurd Retry-After": {Status: 429, RetryAfter: "31536000"},
		"503 with a Retry-After":         {Status: 503, RetryAfter: "60"},
		"429 with a date":                {Status: 429, RetryAfter: "date+45s"},
		"a page of the edge":             {Status: 403, Form: "html"},
		"resets":                         {Effect: jcsim.EffectReset},
		"bodies that break off":          {Effect: jcsim.EffectCut},
		"no answer":                      {Effect: jcsim.EffectHang},
	}
}

// retriesEnd is the fault table's: 15 minutes without a success, or ten attempts.
const retriesEnd = 15 * time.Minute

// TestOutagesThatEnd lets a server be away for almost as long as the retries last, at
// the start and in the middle. Nothing that can succeed is given up.
func TestOutagesThatEnd(t *testing.T) {
	t.Parallel()
	for name, fault := range outages() {
		for _, after := range []int{0, 12} {
			t.Run(fmt.Sprintf("%s after %d requests", name, after), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				tenant := jcsim.Generate(3, jcsim.Small())
				synctest.Test(t, func(t *testing.T) {
					sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Latency: 50 * time.Millisecond}})
					outage := fault
					outage.After = after
					if err := sim.AddFault(outage); err != nil {
						t.Fatal(err)
					}
					recovers := time.AfterFunc(retriesEnd-10*time.Second, sim.ClearFaults)
					defer recovers.Stop()
					if _, err := newPipeline(sim, dir).run(t.Context()); err != nil {
						t.Fatal(err)
					}
					if sim.Requests().Faults == nil {
						t.Error("there was no outage")
					}
				})
				for _, wrong := range watch(tenant).judge(read(t, newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), dir).path())) {
					t.Error(wrong)
				}
			})
		}
	}
}

// TestOutagesWithoutAnEnd never end. The sync fails not before the retries end and not
// much later, says that the server is at fault, and leaves the archive as it was.
// When the server is back, the next run goes on and makes the archive that an
// undisturbed one makes.
func TestOutagesWithoutAnEnd(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Small())
	whole := newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), t.TempDir())
	// Whether an exemption from multi-factor sign-in has ended depends on the day,
	// which is another one in virtual time.
	synctest.Test(t, func(t *testing.T) {
		if _, err := whole.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	want, yesterday := dump(t, whole.path()), oldArchive(t)
	for name, outage := range outages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outage.After = 12
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Latency: 50 * time.Millisecond, Faults: []jcsim.Fault{outage}}})
				p := newPipeline(sim, dir)
				writeFile(t, p.path(), yesterday)
				start := time.Now()
				_, err := p.run(t.Context())
				took := time.Since(start)
				code := status.Code(err)
				if code != codes.Unavailable && code != codes.DeadlineExceeded {
					t.Fatalf("the sync ended with %v: %v", code, err)
				}
				// Ten attempts may last longer, each with the longest wait that a server may
				// ask for or the longest time that an answer may take.
				if longest := 10*5*time.Minute + retriesEnd; took < retriesEnd || took > longest {
					t.Errorf("retries ended after %s, want between %s and %s", took, retriesEnd, longest)
				}
				if !strings.Contains(err.Error(), "attempts") {
					t.Errorf("the error does not tell how often it was tried: %v", err)
				}
				if n := failed(sim); n < 10 {
					t.Errorf("it was tried %d times only", n)
				}
				if !bytes.Equal(yesterday, file(t, p.path())) {
					t.Error("the archive was touched")
				}
				sim.ClearFaults()
				if _, err := p.run(t.Context()); err != nil {
					t.Fatalf("the run after it: %v", err)
				}
			})
			if got := dump(t, newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), dir).path()); got != want {
				t.Error("the archive after the outage is another one")
			}
		})
	}
}

// failed is how many requests were not answered as they should be.
func failed(sim *jcsim.Server) int {
	n := 0
	for _, hits := range sim.Requests().Faults {
		n += hits
	}
	return n
}

// TestRetryAfterIsHonored lets a server ask for a pause: nobody asks before it is
// over, and nobody waits much longer, whichever list was told.
func TestRetryAfterIsHonored(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// tell writes the header of a pause of a minute.
		tell func(h http.Header, now time.Time)
		most time.Duration
	}{
		{"seconds", func(h http.Header, _ time.Time) { h.Set("Retry-After", "60") }, 70 * time.Second},
		{"a date", func(h http.Header, now time.Time) { setDates(h, now, now) }, 70 * time.Second},
		{"a date, and the server's clock is hours ahead", func(h http.Header, now time.Time) { setDates(h, now.Add(3*time.Hour), now.Add(3*time.Hour)) }, 70 * time.Second},
		{"a date, and the server's clock is years behind", func(h http.Header, now time.Time) { setDates(h, now.AddDate(-9, 0, 0), now.AddDate(-9, 0, 0)) }, 70 * time.Second},
		// Nothing tells that the two are of different clocks. The cap bounds it.
		{"a date of another clock", func(h http.Header, now time.Time) { setDates(h, now, now.AddDate(1, 0, 0)) }, 6 * time.Minute},
		{"a year", func(h http.Header, _ time.Time) { h.Set("Retry-After", "31536000") }, 6 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				sim := jcsim.New(jcsim.Options{Record: true, Settings: jcsim.Settings{
					Latency: 50 * time.Millisecond, Faults: []jcsim.Fault{{Status: 429, After: 10, Times: 1}},
				}})
				p := newPipeline(sim, dir)
				p.transport = &telling{next: p.transport, tell: tt.tell}
				if _, err := p.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				var times []time.Time
				var refused time.Time
				for _, r := range sim.Log() {
					times = append(times, r.At)
					if r.Status == 429 {
						refused = r.Done
					}
				}
				slices.SortFunc(times, time.Time.Compare)
				i, _ := slices.BinarySearchFunc(times, refused.Add(1), time.Time.Compare) // others were under way
				if refused.IsZero() || i == len(times) {
					t.Fatal("nothing was asked after the refusal")
				}
				if pause := times[i].Sub(refused); pause < 59*time.Second || pause > tt.most {
					t.Errorf("the first request after the refusal came %s later", pause)
				}
			})
		})
	}
}

// setDates writes the server's clock and a date one minute behind another clock.
func setDates(h http.Header, clock, other time.Time) {
	h.Set("Date", clock.UTC().Format(http.TimeFormat))
	h.Set("Retry-After", other.Add(time.Minute).UTC().Format(http.TimeFormat))
}

// telling adds headers to refusals.
type telling struct {
	next http.RoundTripper
	tell func(h http.Header, now time.Time)
}

// RoundTrip implements [http.RoundTripper].
func (t *telling) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		t.tell(resp.Header, time.Now())
	}
	return resp, err
}

// TestSlowServersAreWaitedFor lets answers take long, or come in pieces.
func TestSlowServersAreWaitedFor(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]jcsim.Settings{
		"four minutes an answer": {Latency: 4 * time.Minute},
		"bodies in pieces":       {Faults: []jcsim.Fault{{Effect: jcsim.EffectSlow, Delay: 10 * time.Second}}},
		"the first one hangs":    {Faults: []jcsim.Fault{{Effect: jcsim.EffectHang, After: 3, Times: 4}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				if _, err := newPipeline(jcsim.New(jcsim.Options{Settings: settings}), dir).run(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
