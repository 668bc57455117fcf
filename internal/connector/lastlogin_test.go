package connector_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/signin"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// signInsOf are the newest successful sign-ins of a tenant, by account, as its events
// have them.
func signInsOf(t *testing.T, tn *jcsim.Tenant) map[string]time.Time {
	t.Helper()
	q, err := insights.Parse([]byte(`{"service":["all"],"limit":10000,"start_time":"`+time.Now().Add(-insights.Retention).UTC().Format(time.RFC3339)+`"}`), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	page, err := tn.Insights().Find(q)
	if err != nil {
		t.Fatal(err)
	}
	newest := make(map[string]time.Time)
	for _, e := range page.Events {
		if e["success"] != true && e["sso_token_success"] != true {
			continue
		}
		who, ok := e["initiated_by"].(map[string]any)
		if !ok {
			who = e["resource"].(map[string]any) //nolint:forcetypeassert // Each has one of the two.
		}
		at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(e["timestamp"]))
		if err != nil {
			t.Fatal(err)
		}
		if id := fmt.Sprint(who["id"]); at.After(newest[id]) {
			newest[id] = at
		}
	}
	return newest
}

func traitOf(t *testing.T, account *v2.Resource) *v2.UserTrait {
	t.Helper()
	for _, a := range account.GetAnnotations() {
		if trait := new(v2.UserTrait); a.MessageIs(trait) {
			if err := a.UnmarshalTo(trait); err != nil {
				t.Fatal(err)
			}
			return trait
		}
	}
	t.Fatalf("%v has no trait", account.GetId())
	return nil
}

// checkLastLogins compares the accounts that were read with what is known of them.
func checkLastLogins(t *testing.T, r *reading, newest map[string]time.Time) {
	t.Helper()
	with, without := 0, 0
	for ref, account := range r.resources {
		if ref.Type != restype.User {
			continue
		}
		trait, want := traitOf(t, account), newest[ref.ID]
		since := account.GetProfile().GetFields()["no_sign_in_since"].GetStringValue()
		if want.IsZero() {
			without++
			if _, err := time.Parse(time.RFC3339, since); err != nil || trait.GetLastLogin() != nil {
				t.Errorf("%s, who did not sign in: last login %v, none since %q", ref.ID, trait.GetLastLogin(), since)
			}
			continue
		}
		with++
		if got := trait.GetLastLogin().AsTime(); !got.Equal(want) || since != "" {
			t.Errorf("%s: last login %v, none since %q; want %v", ref.ID, got, since, want)
		}
	}
	if with == 0 || without == 0 {
		t.Errorf("%d accounts signed in and %d did not: the test shows nothing", with, without)
	}
}

func TestLastLogins(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tn := jcsim.Generate(1, jcsim.Small())
			tn.SignIns(1, time.Now())
			sim := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Behavior: jcsim.Behavior{RepeatEvents: twice}}})
			r, err := readAll(t.Context(), newSource(t, sim, connector.Options{LastLogin: true}), syncer.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			checkLastLogins(t, r, signInsOf(t, tn))
			if got := sim.Requests().Routes["POST /insights/directory/v1/events"].Requests; got != 1 {
				t.Errorf("%d requests for events", got)
			}
			// One account alone is asked for alone.
			for _, u := range tn.Users() {
				want, known := signInsOf(t, tn)[u.ID]
				if !known {
					continue
				}
				one, err := readAll(t.Context(), newSource(t, sim, connector.Options{LastLogin: true}), syncer.Scope{
					Targets: []*v2.ResourceId{{ResourceType: restype.User, Resource: u.ID}},
				})
				if err != nil {
					t.Fatal(err)
				}
				if got := traitOf(t, one.resources[syncer.Ref{Type: restype.User, ID: u.ID}]).GetLastLogin().AsTime(); !got.Equal(want) {
					t.Errorf("alone: last login %v, want %v", got, want)
				}
				break
			}
		})
	}
}

// TestLastLoginsOfMergedAccounts takes the newest sign-in of the two.
func TestLastLoginsOfMergedAccounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		tn.SignIns(1, time.Now())
		sim := jcsim.New(jcsim.Options{Tenant: tn})
		r, err := readAll(t.Context(), newSource(t, sim, connector.Options{LastLogin: true, MergeAdmins: true}), syncer.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		newest := signInsOf(t, tn)
		if len(r.aliases) == 0 {
			t.Fatal("nobody was merged")
		}
		for admin, user := range r.aliases {
			if newest[admin.ID].After(newest[user.ID]) {
				newest[user.ID] = newest[admin.ID]
			}
		}
		checkLastLogins(t, r, newest)
	})
}

// TestUnknownLastLogins writes none where the sign-ins cannot be read to their end, and
// says so.
func TestUnknownLastLogins(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]jcsim.Settings{
		"not in the plan": {Behavior: jcsim.Behavior{RefuseInsights: http.StatusPaymentRequired}},
		"not permitted":   {Behavior: jcsim.Behavior{RefuseInsights: http.StatusForbidden}},
		"not served":      {Behavior: jcsim.Behavior{RefuseInsights: http.StatusNotFound}},
		"failing":         {Faults: []jcsim.Fault{{Route: "POST /insights/directory/v1/events", Effect: jcsim.EffectStatus, Status: http.StatusInternalServerError}}},
		"no list":         {Faults: []jcsim.Fault{{Route: "POST /insights/directory/v1/events", Effect: jcsim.EffectStatus, Status: http.StatusOK, Body: `{"message":"later"}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tn := jcsim.Generate(1, jcsim.Small())
				tn.SignIns(1, time.Now())
				r, err := readAll(t.Context(), newSource(t, jcsim.New(jcsim.Options{Tenant: tn, Settings: settings}), connector.Options{LastLogin: true}), syncer.Scope{})
				if err != nil {
					t.Fatal(err)
				}
				for ref, account := range r.resources {
					if ref.Type == restype.User && (traitOf(t, account).GetLastLogin() != nil || account.GetProfile().GetFields()["no_sign_in_since"] != nil) {
						t.Errorf("%s says something of sign-ins", ref.ID)
					}
				}
				if all := strings.Join(r.remarks, "\n"); strings.Count(all, "last logins are unknown") != 1 {
					t.Errorf("remarks: %s", all)
				}
			})
		})
	}
}

// TestLastLoginsSurvive syncs every other week for half a year: each sync reads only what came
// since the one before, and remembers what JumpCloud has forgotten. After a pause that is
// longer than JumpCloud keeps events, nothing of before is believed.
func TestLastLoginsSurvive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		tn.SignIns(1, time.Now())
		newest, began := signInsOf(t, tn), time.Now()
		sim := jcsim.New(jcsim.Options{Tenant: tn})
		users := tn.Users()
		var asked time.Time // from when on events were asked for
		server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/events") {
				body, err := io.ReadAll(r.Body)
				var q struct {
					Start time.Time `json:"start_time"`
				}
				if err = errors.Join(err, json.Unmarshal(body, &q)); err != nil {
					t.Error(err)
				}
				asked, r.Body = q.Start, io.NopCloser(bytes.NewReader(body))
			}
			sim.ServeHTTP(w, r)
		})
		known := connector.Logins{}
		sync := func() *reading {
			source := newSource(t, server, connector.Options{LastLogin: true})
			source.RememberLogins(known)
			r, err := readAll(t.Context(), source, syncer.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			known = connector.NewLogins(time.Now(), true)
			for ref, account := range r.resources {
				if ref.Type != restype.User {
					continue
				}
				if err := known.Add(account); err != nil {
					t.Fatal(err)
				}
			}
			if !known.Complete {
				t.Error("not everything is known")
			}
			return r
		}
		signIn := func(number int) {
			u, at := users[number%5], time.Now().Add(-time.Minute).Truncate(time.Millisecond)
			who := map[string]any{"id": u.ID, "type": "user", "username": u.Username}
			tn.Insights().Add(insights.Event{
				ID: fmt.Sprintf("77%022x", number), Type: signin.EventUser, Service: "directory", Time: at,
				Fields: map[string]any{"initiated_by": who, "resource": who, "success": true},
			})
			newest[u.ID] = at
		}
		sync()
		for week := range 13 {
			<-time.After(14 * 24 * time.Hour)
			signIn(week)
			r := sync()
			checkLastLogins(t, r, newest)
			if ago := time.Since(asked); ago < 14*24*time.Hour || ago > 15*24*time.Hour {
				t.Errorf("week %d: events of %v were read", week, ago)
			}
			for ref, account := range r.resources {
				if since := account.GetProfile().GetFields()["no_sign_in_since"].GetStringValue(); since > began.Add(-80*24*time.Hour).UTC().Format(time.RFC3339) {
					t.Errorf("%s: no sign-in since %s only", ref.ID, since)
				}
			}
		}
		<-time.After(91 * 24 * time.Hour)
		signIn(13)
		r := sync()
		checkLastLogins(t, r, signInsOf(t, tn))
	})
}

// TestLastLoginsToTheHour has more sign-ins than are read: what is known to the hour only says so,
// and so does the next archive.
func TestLastLoginsToTheHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		tn.SignIns(1, time.Now())
		// All of them sign in within one hour, more often than one request reads.
		var events []insights.Event
		for n, u := range slices.Concat(tn.Users(), tn.Users(), tn.Users()) {
			events = append(events, insights.Event{
				ID: fmt.Sprintf("52%022x", n), Type: signin.EventUser, Service: "directory", Time: time.Now().Add(-5*time.Hour - time.Duration(n)*10*time.Second),
				Fields: map[string]any{"initiated_by": map[string]any{"id": u.ID, "type": "user"}, "success": true},
			})
		}
		tn.Insights().Add(events...)
		sim := jcsim.New(jcsim.Options{Tenant: tn})
		exact, inHour := 0, 0
		known := connector.NewLogins(time.Now(), true)
		read := func(known connector.Logins, most int64) *reading {
			s := newSource(t, sim, connector.Options{LastLogin: true, LastUse: true, ReadSignIns: most})
			s.RememberLogins(known)
			r, err := readAll(t.Context(), s, syncer.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		first, newest := read(connector.Logins{}, 100), signInsOf(t, tn)
		for ref, account := range first.resources {
			if ref.Type != restype.User {
				continue
			}
			if err := known.Add(account); err != nil {
				t.Fatal(err)
			}
			at := traitOf(t, account).GetLastLogin()
			if !at.IsValid() {
				continue
			}
			switch late := newest[ref.ID].Sub(at.AsTime()); account.GetProfile().GetFields()["last_login_precision"].GetStringValue() {
			case "":
				exact++
				if late != 0 {
					t.Errorf("%s: last login is %v too early", ref.ID, late)
				}
			case "hour":
				inHour++
				if late < 0 || late > time.Hour+time.Second {
					t.Errorf("%s: last login is not within the hour from %v on: %v", ref.ID, at.AsTime(), newest[ref.ID])
				}
			}
		}
		if exact == 0 || inHour == 0 {
			t.Errorf("%d last logins are exact, %d known to the hour", exact, inHour)
		}
		// Three hours later nobody signed in again.
		<-time.After(3 * time.Hour)
		second := read(known, 0)
		for ref, account := range second.resources {
			if ref.Type != restype.User {
				continue
			}
			before, now := first.resources[ref], account
			for _, name := range []string{"last_login_precision", "no_sign_in_since"} {
				if b, n := before.GetProfile().GetFields()[name].GetStringValue(), now.GetProfile().GetFields()[name].GetStringValue(); b != n {
					t.Errorf("%s: %s was %q and is %q", ref.ID, name, b, n)
				}
			}
			if b, n := traitOf(t, before).GetLastLogin(), traitOf(t, now).GetLastLogin(); b.String() != n.String() {
				t.Errorf("%s: last login was %v and is %v", ref.ID, b, n)
			}
		}
	})
}
