package signin_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	"github.com/conductorone/baton-jumpcloud/internal/signin"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
)

func newClient(tb testing.TB, sim *jcsim.Server) *jumpcloud.Client {
	tb.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New(jcsim.DefaultKey), UserAgent: "test",
		Transport: sim.RoundTripper(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// truth are the newest successful sign-ins as they were made up.
type truth struct {
	last map[string]time.Time
	uses map[[2]string]time.Time
}

func (w *truth) note(account, app string, at time.Time) {
	if at.After(w.last[account]) {
		w.last[account] = at
	}
	if p := [2]string{app, account}; app != "" && at.After(w.uses[p]) {
		w.uses[p] = at
	}
}

// signIns makes up events of accounts: most in the last days, and some only long ago.
func signIns(tn *jcsim.Tenant, r *rand.Rand, accounts, apps, events int, now time.Time) *truth {
	w := &truth{map[string]time.Time{}, map[[2]string]time.Time{}}
	list := make([]insights.Event, 0, events)
	for n := range events {
		account := fmt.Sprintf("%024x", 1+r.IntN(accounts))
		ago := time.Duration(r.ExpFloat64() * float64(5*24*time.Hour))
		if account[23] == '7' { // Some left long ago.
			ago += 40 * 24 * time.Hour
		}
		at := now.Add(-min(ago, 89*24*time.Hour) - time.Second).Truncate(time.Millisecond)
		success, app := r.IntN(5) > 0, ""
		e := insights.Event{ID: fmt.Sprintf("51%022x", n), Service: "directory", Time: at, Fields: map[string]any{"success": success}}
		who := map[string]any{"id": account, "type": "user"}
		switch kind := r.IntN(4); {
		case account[22] == 'a': // An administrator: nobody began it.
			e.Type, e.Fields["resource"] = signin.EventAdmin, who
		case kind == 0:
			e.Type, e.Fields["initiated_by"], e.Fields["resource"] = signin.EventUser, who, who
		default:
			app = fmt.Sprintf("66%022x", r.IntN(apps))
			if app == fmt.Sprintf("66%022x", 0) {
				app = "" // One does not say which.
			}
			e.Type, e.Service = signin.EventSSO, "sso"
			e.Fields = map[string]any{"sso_token_success": success, "initiated_by": who, "application": map[string]any{"id": app}}
		}
		if success {
			w.note(account, app, at)
		}
		list = append(list, e)
	}
	tn.SignIns(1, now) // Before: so that there is a log.
	tn.Insights().Lose(func(insights.Event) bool { return true })
	tn.Insights().Add(list...)
	return w
}

// check compares what was found with what there is, and counts what is known to the hour.
func (w *truth) check(t *testing.T, f *signin.Found, uses bool) (hours int) {
	t.Helper()
	same := func(what string, got signin.Instant, want time.Time) {
		switch {
		case got.ToHour():
			hours++
			if want.Before(got.Time()) || want.Sub(got.Time()) > time.Hour+time.Second {
				t.Errorf("%s: in the hour from %v on, want %v", what, got.Time(), want)
			}
		case !got.Time().Equal(want):
			t.Errorf("%s: %v, want %v", what, got.Time(), want)
		}
	}
	for account, at := range w.last {
		same(account, f.Last[account], at)
	}
	if len(f.Last) != len(w.last) {
		t.Errorf("%d accounts signed in, want %d", len(f.Last), len(w.last))
	}
	if !uses {
		return hours
	}
	n := 0
	for app, of := range f.Uses {
		if app != "" {
			n += len(of)
		}
	}
	for p, at := range w.uses {
		same(p[0]+" by "+p[1], f.Uses[p[0]][p[1]], at)
	}
	if n != len(w.uses) {
		t.Errorf("%d uses, want %d", n, len(w.uses))
	}
	return hours
}

// requests are those for events, counts and lists.
func requests(sim *jcsim.Server) (events, counts, lists int) {
	routes := sim.Requests().Routes
	of := func(end string) int { return routes["POST /insights/directory/v1/events"+end].Requests }
	return of(""), of("/count"), of("/distinct")
}

// TestFind looks for sign-ins in every way, and compares with those that were made up.
func TestFind(t *testing.T) {
	t.Parallel()
	refuse := func(end string) []jcsim.Fault {
		return []jcsim.Fault{{Route: "POST /insights/directory/v1/events/" + end, Status: http.StatusForbidden}}
	}
	for _, c := range []struct {
		name     string
		set      jcsim.Settings
		readUpTo int64
		apps     int
		without  bool // applications are not asked for
		// narrows says that the events are not read, hours that some are known to the hour only.
		narrows, hours bool
		because        string
	}{
		{name: "few"},
		{name: "narrowed", readUpTo: 2000, apps: 4, narrows: true},
		{name: "applications too many to be narrowed", readUpTo: 2000, apps: 200, narrows: true},
		{name: "to the hour", readUpTo: 150, apps: 4, narrows: true, hours: true},
		{name: "without applications", readUpTo: 150, apps: 4, without: true, narrows: true, hours: true},
		{name: "plain lists", readUpTo: 2000, apps: 4, set: jcsim.Settings{Behavior: jcsim.Behavior{PlainDistinct: true}}, narrows: true},
		{name: "lists that are cut off", readUpTo: 2000, apps: 4, set: jcsim.Settings{Behavior: jcsim.Behavior{CutDistinct: 60}}, narrows: true},
		{name: "plain lists that are cut off", readUpTo: 2000, apps: 4, set: jcsim.Settings{Behavior: jcsim.Behavior{CutDistinct: 60, PlainDistinct: true}}, narrows: true},
		{name: "events that come twice", readUpTo: 2000, apps: 4, set: jcsim.Settings{Behavior: jcsim.Behavior{RepeatEvents: true}}, narrows: true},
		{name: "no count", readUpTo: 2000, apps: 4, set: jcsim.Settings{Faults: refuse("count")}, because: "number of events"},
		{name: "no lists", readUpTo: 2000, apps: 4, set: jcsim.Settings{Faults: refuse("distinct")}, because: "accounts of events"},
		{name: "odd lists", readUpTo: 2000, apps: 4, because: "neither buckets nor", set: jcsim.Settings{Faults: []jcsim.Fault{
			{Route: "POST /insights/directory/v1/events/distinct", Status: http.StatusOK, Body: `{"values":[]}`, ContentType: "application/json"},
		}}},
		{name: "odd count", readUpTo: 2000, apps: 4, because: "no count", set: jcsim.Settings{Faults: []jcsim.Fault{
			{Route: "POST /insights/directory/v1/events/count", Status: http.StatusOK, Body: `{"total":7}`, ContentType: "application/json"},
		}}},
		{name: "success is not searched", readUpTo: 2000, apps: 4, because: "cannot be found by success", set: jcsim.Settings{Faults: []jcsim.Fault{
			{Route: "POST /insights/directory/v1/events/count", After: 2, Status: http.StatusOK, Body: `{"count":0}`, ContentType: "application/json"},
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2) {
				synctest.Test(t, func(t *testing.T) {
					tn := jcsim.Generate(1, jcsim.Small())
					want := signIns(tn, rand.New(rand.NewPCG(seed, 1)), 200, max(2, c.apps), 3000, time.Now())
					sim := jcsim.New(jcsim.Options{Tenant: tn, Settings: c.set})
					q := signin.Query{Since: time.Now().Add(-jumpcloud.EventRetention + time.Minute), Until: time.Now(), Uses: !c.without, ReadUpTo: c.readUpTo}
					found, err := signin.Find(t.Context(), newClient(t, sim), q)
					if err != nil {
						t.Fatal(err)
					}
					hours := want.check(t, found, !c.without)
					if narrowed := found.Counted > 0; narrowed != c.narrows || c.hours != (hours > 0) {
						t.Errorf("%d events were counted, %d times are known to the hour", found.Counted, hours)
					}
					if c.because == "" != (found.ReadBecause == "") || !strings.Contains(found.ReadBecause, c.because) {
						t.Errorf("read because %q, want %q", found.ReadBecause, c.because)
					}
					events, counts, lists := requests(sim)
					t.Logf("%d requests for events, %d for counts, %d for lists", events, counts, lists)
				})
			}
		})
	}
}
