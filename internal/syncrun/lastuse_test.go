package syncrun_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
)

// pair is an application and an account.
type pair struct{ app, account string }

// usesOf are the newest successful sign-ins of the last 90 days to each application, by the
// events of a tenant themselves.
func usesOf(t *testing.T, tn *jcsim.Tenant) map[pair]time.Time {
	t.Helper()
	q, err := insights.Parse([]byte(`{"service":["sso"],"limit":10000,"start_time":"`+time.Now().Add(-insights.Retention).UTC().Format(time.RFC3339)+`"}`), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	page, err := tn.Insights().Find(q)
	if err != nil {
		t.Fatal(err)
	}
	used := map[pair]time.Time{}
	for _, e := range page.Events {
		if e["sso_token_success"] != true {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(e["timestamp"]))
		if err != nil {
			t.Fatal(err)
		}
		id := func(field string) string { return fmt.Sprint(e[field].(map[string]any)["id"]) } //nolint:forcetypeassert // As SignIns makes them.
		if p := (pair{id("application"), id("initiated_by")}); at.After(used[p]) {
			used[p] = at
		}
	}
	return used
}

// organization is a tenant that is synced into one archive again and again.
type organization struct {
	sim    *jcsim.Server
	config *config.Config
	// asked is from when on events were asked for last, and requests how often.
	asked    time.Time
	requests int
	bytes    int64
	// text is what the last sync said.
	text       string
	unexpanded bool
}

func newOrganization(sim *jcsim.Server, dir, engine string) *organization {
	return &organization{sim: sim, config: &config.Config{
		JumpCloud: config.JumpCloud{
			APIKey: secret.New(jcsim.DefaultKey), BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, LastLogin: true, Timeout: time.Minute,
		},
		Sync:   config.Sync{Workers: 4, MaxDepth: 20},
		Output: config.Output{File: filepath.Join(dir, "sync.c1z"), Engine: engine},
	}}
}

// RoundTrip implements [http.RoundTripper].
func (o *organization) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/events") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var q struct {
			Start time.Time `json:"start_time"`
		}
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, err
		}
		o.asked, o.requests, r.Body = q.Start, o.requests+1, io.NopCloser(bytes.NewReader(body))
		rs, err := o.sim.RoundTripper().RoundTrip(r)
		if err == nil {
			rs.Body = counted{rs.Body, &o.bytes}
		}
		return rs, err
	}
	return o.sim.RoundTripper().RoundTrip(r)
}

// sync makes a sync and opens its archive, for somebody who closes it before time passes:
// an open Pebble database has a timer.
func (o *organization) sync(t *testing.T) *c1z.Reader {
	t.Helper()
	var text bytes.Buffer
	job := syncrun.Job{
		Config: o.config, Previous: o.config.Output.File, Text: &text, Unexpanded: o.unexpanded,
		Console: &console.Console{Log: &logs.Log{Logger: slog.New(slog.DiscardHandler)}, Screen: console.NewScreen(io.Discard)},
	}
	job.Traffic.Transport = o
	o.requests = 0
	if err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.text = text.String()
	r, err := c1z.Open(t.Context(), o.config.Output.File, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// grantUse is what a grant says of use.
type grantUse struct {
	lastUsed, notUsedSince string
	inherited              bool
}

// usesIn are what the grants of applications in an archive say, which it closes. Grants to
// groups and of the administration app must say nothing.
func usesIn(t *testing.T, r *c1z.Reader) map[pair]grantUse {
	t.Helper()
	run, err := r.Shown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[pair]grantUse{}
	for g, err := range r.Grants(t.Context(), run.ID, c1z.GrantFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		var use grantUse
		metadata := 0
		for _, a := range g.GetAnnotations() {
			use.inherited = use.inherited || a.MessageIs((*v2.GrantImmutable)(nil))
			m := new(v2.GrantMetadata)
			if !a.MessageIs(m) {
				continue
			}
			if err := a.UnmarshalTo(m); err != nil {
				t.Fatal(err)
			}
			metadata++
			use.lastUsed = m.GetMetadata().GetFields()["last_used"].GetStringValue()
			use.notUsedSince = m.GetMetadata().GetFields()["not_used_since"].GetStringValue()
		}
		app, account := g.GetEntitlement().GetResource().GetId(), g.GetPrincipal().GetId()
		if app.GetResourceType() == restype.App && account.GetResourceType() == restype.User && app.GetResource() != restype.AdministrationAppID {
			found[pair{app.GetResource(), account.GetResource()}] = use
			continue
		}
		if metadata != 0 {
			t.Errorf("%s has metadata", g.GetId())
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return found
}

// checkUses compares what grants say with what is known.
func checkUses(t *testing.T, tn *jcsim.Tenant, got map[pair]grantUse, want map[pair]time.Time) {
	t.Helper()
	counts := map[string]int{}
	signsIn := map[string]bool{}
	for _, a := range tn.Applications() {
		signsIn[a.ID] = a.SSO != nil && (a.SSO.Type == "saml" || a.SSO.Type == "oidc")
	}
	for p, use := range got {
		at, ok := want[p]
		counts[fmt.Sprint("used ", ok, ", inherited ", use.inherited)]++
		if ok {
			if use.lastUsed != at.UTC().Format(time.RFC3339) || use.notUsedSince != "" {
				t.Errorf("%v: %+v, want %v", p, use, at)
			}
			continue
		}
		if !signsIn[p.app] {
			if counts["no events"]++; use.lastUsed != "" || use.notUsedSince != "" {
				t.Errorf("%v, of which there are no events: %+v", p, use)
			}
			continue
		}
		if since, err := time.Parse(time.RFC3339, use.notUsedSince); err != nil || use.lastUsed != "" || since.After(time.Now().Add(-time.Hour)) {
			t.Errorf("%v, not used: %+v", p, use)
		}
	}
	for _, kind := range []string{"used true, inherited true", "used true, inherited false", "used false, inherited true", "used false, inherited false", "no events"} {
		if counts[kind] == 0 {
			t.Errorf("no grant is %s: %v", kind, counts)
		}
	}
}

// TestLastUseSurvives syncs every other week for half a year, into archives of both formats:
// each sync asks only for what came since the one before and remembers what JumpCloud has
// forgotten. After a pause that is longer than JumpCloud keeps events, nothing of before is
// believed.
func TestLastUseSurvives(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "pebble"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tn := jcsim.Generate(1, jcsim.Small())
				tn.SignIns(1, time.Now())
				o := newOrganization(jcsim.New(jcsim.Options{Tenant: tn}), dir, engine)
				known, began := usesOf(t, tn), time.Now()
				first := usesIn(t, o.sync(t))
				checkUses(t, tn, first, known)
				if o.requests != 1 {
					t.Errorf("%d requests for events", o.requests)
				}
				var some []pair
				for p := range first {
					if first[p].notUsedSince != "" && len(some) < 13 {
						some = append(some, p)
					}
				}
				for week, p := range some {
					<-time.After(14 * 24 * time.Hour)
					at := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
					tn.Insights().Add(insights.Event{ID: fmt.Sprintf("77%022x", week), Type: "sso_auth", Service: "sso", Time: at, Fields: map[string]any{
						"initiated_by": map[string]any{"id": p.account, "type": "user"}, "application": map[string]any{"id": p.app}, "sso_token_success": true,
					}})
					known[p] = at
					got := usesIn(t, o.sync(t))
					checkUses(t, tn, got, known)
					for p, use := range got {
						if use.notUsedSince > began.Add(-89*24*time.Hour).UTC().Format(time.RFC3339) {
							t.Errorf("week %d: %v is unused since %s only", week, p, use.notUsedSince)
						}
					}
					if ago := time.Since(o.asked); ago < 14*24*time.Hour || ago > 15*24*time.Hour || o.requests != 1 {
						t.Errorf("week %d: %d requests for events of %v", week, o.requests, ago)
					}
				}
				if len(some) != 13 {
					t.Errorf("only %d applications are not used", len(some))
				}
				<-time.After(91 * 24 * time.Hour)
				for p, use := range usesIn(t, o.sync(t)) {
					if use.lastUsed != "" || use.notUsedSince != "" && use.notUsedSince < time.Now().Add(-91*24*time.Hour).UTC().Format(time.RFC3339) {
						t.Errorf("after a pause: %v %+v", p, use)
					}
				}
			})
		})
	}
}

// TestLastUseOfRegainedAccess does not say of access that was lost and given again that it was
// not used in the time between.
func TestLastUseOfRegainedAccess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		tn.SignIns(1, time.Now())
		o := newOrganization(jcsim.New(jcsim.Options{Tenant: tn}), dir, "")
		known := usesOf(t, tn)
		var p pair
		for _, a := range tn.Applications() {
			users, err := tn.AppUsers(a.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range users {
				if _, used := known[pair{a.ID, u}]; used {
					p = pair{a.ID, u}
				}
			}
		}
		for p, use := range usesIn(t, o.sync(t)) {
			if _, used := known[p]; used != (use.lastUsed != "") {
				t.Errorf("%v: %+v", p, use)
			}
		}
		if err := tn.Dissociate(p.app, "user", p.account); err != nil {
			t.Fatal(err)
		}
		groups, err := tn.AppGroups(p.app)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			if err := tn.Dissociate(p.app, "user_group", g); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Hour)
		if use, has := usesIn(t, o.sync(t))[p]; has {
			t.Fatalf("it is still there: %+v", use)
		}
		if err := tn.Associate(p.app, "user", p.account); err != nil {
			t.Fatal(err)
		}
		<-time.After(24 * time.Hour)
		since, err := time.Parse(time.RFC3339, usesIn(t, o.sync(t))[p].notUsedSince)
		if ago := time.Since(since); err != nil || ago > 26*time.Hour {
			t.Errorf("unused since %v: %v", since, err)
		}
	})
}

// TestNoLastUse writes none where the sign-ins cannot be read, where nobody asked for them,
// and where grants are not expanded. Such an archive is no ground for a later one.
func TestNoLastUse(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *organization, s *jcsim.Settings){
		"not in the plan": func(_ *organization, s *jcsim.Settings) { s.RefuseInsights = http.StatusForbidden },
		"switched off":    func(o *organization, _ *jcsim.Settings) { o.config.JumpCloud.LastLogin = false },
		"unexpanded":      func(o *organization, _ *jcsim.Settings) { o.unexpanded = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tn := jcsim.Generate(1, jcsim.Small())
				tn.SignIns(1, time.Now())
				var settings jcsim.Settings
				o := newOrganization(nil, dir, "")
				change(o, &settings)
				o.sim = jcsim.New(jcsim.Options{Tenant: tn, Settings: settings})
				r := o.sync(t)
				run, err := r.Shown(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var dump bytes.Buffer
				if err := errors.Join(r.Dump(t.Context(), run.ID, &dump), r.Close()); err != nil {
					t.Fatal(err)
				}
				for _, word := range []string{"GrantMetadata", "last_used", "not_used_since"} {
					if strings.Contains(dump.String(), word) {
						t.Errorf("%s is in the archive", word)
					}
				}
				<-time.After(time.Hour)
				o.sim, o.unexpanded, o.config.JumpCloud.LastLogin = jcsim.New(jcsim.Options{Tenant: tn}), false, true
				checkUses(t, tn, usesIn(t, o.sync(t)), usesOf(t, tn))
				if ago := time.Since(o.asked); ago < 89*24*time.Hour {
					t.Errorf("events of %v were read", ago)
				}
			})
		})
	}
}

// TestOtherUses ignores sign-ins to applications that the sync does not have, or that are not
// named by an id, and counts them.
func TestOtherUses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		tn.SignIns(1, time.Now())
		o := newOrganization(jcsim.New(jcsim.Options{Tenant: tn}), dir, "")
		known := usesOf(t, tn)
		checkUses(t, tn, usesIn(t, o.sync(t)), known)
		if strings.Contains(o.text, "last use ignores") {
			t.Errorf("said: %s", o.text)
		}
		users, app := tn.Users(), tn.Applications()[0]
		for i, named := range []map[string]any{{"id": "66ffffffffffffffffffffff"}, {"name": app.Name, "display_label": app.DisplayLabel}, {"id": "66ffffffffffffffffffffff"}} {
			tn.Insights().Add(insights.Event{ID: fmt.Sprintf("77%022x", i), Type: "sso_auth", Service: "sso", Time: time.Now(), Fields: map[string]any{
				"initiated_by": map[string]any{"id": users[i].ID, "type": "user"}, "application": named, "sso_token_success": true,
			}})
		}
		<-time.After(time.Minute)
		checkUses(t, tn, usesIn(t, o.sync(t)), known)
		if want := "last use ignores sign-ins of 3 accounts to 2 applications that this sync does not have: no ID, 66ffffffffffffffffffffff"; !strings.Contains(strings.Join(strings.Fields(o.text), " "), want) {
			t.Errorf("said: %s", o.text)
		}
	})
}

type counted struct {
	io.ReadCloser
	n *int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	*c.n += int64(n)
	return n, err
}

// TestLastUseOfIncrementalSyncs carries on what is known, and adds what came, where grants are
// those of the previous archive.
func TestLastUseOfIncrementalSyncs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		tn.SignIns(1, time.Now())
		o := newOrganization(jcsim.New(jcsim.Options{Tenant: tn}), dir, "")
		o.config.Sync.Incremental, o.config.Sync.FullEvery = true, 24*time.Hour
		known := usesOf(t, tn)
		first := usesIn(t, o.sync(t))
		checkUses(t, tn, first, known)
		<-time.After(2 * time.Hour)
		at := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
		for p, use := range first {
			if use.inherited && use.notUsedSince != "" {
				tn.Insights().Add(insights.Event{ID: "770000000000000000000001", Type: "sso_auth", Service: "sso", Time: at, Fields: map[string]any{
					"initiated_by": map[string]any{"id": p.account, "type": "user"}, "application": map[string]any{"id": p.app}, "sso_token_success": true,
				}})
				known[p] = at
				break
			}
		}
		r := o.sync(t)
		run, err := r.Shown(t.Context())
		if err != nil || !run.Basis.Incremental() {
			t.Fatalf("not an incremental sync: %+v, %v", run.Basis, err)
		}
		checkUses(t, tn, usesIn(t, r), known)
	})
}
