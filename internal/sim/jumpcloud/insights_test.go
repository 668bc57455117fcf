package jcsim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

const eventsPath = "/insights/directory/v1/events"

// events asks for events, and follows the pages as clients do.
func (c *client) events(query map[string]any) (all []map[string]any, pages int) {
	c.t.Helper()
	for {
		body, err := json.Marshal(query)
		if err != nil {
			c.t.Fatal(err)
		}
		res := c.do(http.MethodPost, eventsPath, string(body))
		all = append(all, c.parse(res).Results...)
		pages++
		if res.header.Get("X-Result-Count") != res.header.Get("X-Limit") {
			return all, pages
		}
		var after []any
		if err := json.Unmarshal([]byte(res.header.Get("X-Search_after")), &after); err != nil {
			c.t.Fatal(err)
		}
		query["search_after"] = after
	}
}

// TestEventsOfEdits holds that every edit has an event, found by type, by time, and
// within some pages.
func TestEventsOfEdits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tn := jcsim.Generate(1, jcsim.Small())
		s := jcsim.New(jcsim.Options{Tenant: tn})
		c := newClient(t, s)
		begun := time.Now()
		user, group := tn.Users()[3].ID, tn.Groups()[0].ID
		if _, err := tn.AddUser(jcsim.User{Username: "new.one", Email: "new.one@example.com"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		for range 3 {
			if err := tn.UpdateUser(user, func(u *jcsim.User) { u.Department += "x" }); err != nil {
				t.Fatal(err)
			}
		}
		members, err := tn.Members(group)
		if err != nil {
			t.Fatal(err)
		}
		if err := tn.RemoveMember(group, members[0]); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		query := func(more map[string]any) map[string]any {
			q := map[string]any{"service": []string{"directory"}, "start_time": begun.UTC().Format(time.RFC3339), "limit": 2}
			maps.Copy(q, more)
			return q
		}
		all, pages := c.events(query(nil))
		var types []string
		for _, e := range all {
			types = append(types, e["event_type"].(string))
		}
		if want := []string{"user_create", "user_update", "user_update", "user_update", "association_change"}; !slices.Equal(types, want) || pages != 3 {
			t.Errorf("%d pages with %q, want %q", pages, types, want)
		}
		edge := all[4]["association"].(map[string]any)
		ends := fmt.Sprint(edge["op"], edge["connection"])
		if !strings.HasPrefix(ends, "remove") || !strings.Contains(ends, group) || !strings.Contains(ends, members[0]) {
			t.Errorf("the removed member shows as %s", ends)
		}
		for term, want := range map[string]int{
			`{"and":[{"event_type":"user_update"}]}`:                                          3,
			`{"and":{"event_type":"user_update"}}`:                                            3,
			`{"or":[{"event_type":"user_create"},{"event_type":"association_change"}]}`:       2,
			`{"and":[{"event_type":["user_create","user_update"]},{"resource.type":"user"}]}`: 4,
			`{"not":[{"event_type":"user_update"}]}`:                                          2,
			`{"and":[{"resource.id":"` + user + `"},{"or":[{"event_type":"user_update"}]}]}`:  3,
			`{"and":[{"event_type":"USER_UPDATE"}]}`:                                          0,
		} {
			found, _ := c.events(query(map[string]any{"search_term": json.RawMessage(term)}))
			if len(found) != want {
				t.Errorf("%s finds %d events, want %d", term, len(found), want)
			}
			body, err := json.Marshal(query(map[string]any{"search_term": json.RawMessage(term)}))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.do(http.MethodPost, eventsPath+"/count", string(body)).body; got != fmt.Sprintf(`{"count":%d}`, want) {
				t.Errorf("%s counts %s, want %d", term, got, want)
			}
		}
		later, _ := c.events(query(map[string]any{"start_time": begun.Add(time.Second).UTC().Format(time.RFC3339), "sort": "desc"}))
		if len(later) != 4 || later[0]["event_type"] != "association_change" {
			t.Errorf("since a second later, newest first: %v", later)
		}
	})
}

// TestEventRefusals holds what the service does not take.
func TestEventRefusals(t *testing.T) {
	t.Parallel()
	s := jcsim.New(jcsim.Options{})
	c := newClient(t, s)
	hour, next := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for body, want := range map[string]string{
		`{"start_time":"` + hour + `"}`:                                                     "service",
		`{"service":["everything"],"start_time":"` + hour + `"}`:                            "is none of all, access_management",
		`{"service":["all"]}`:                                                               "start_time",
		`{"service":["all"],"start_time":"yesterday"}`:                                      "start_time",
		`{"service":["all"],"start_time":"` + next + `"}`:                                   "in the future",
		`{"service":["all"],"start_time":"` + hour + `","end_time":"2001-01-01T00:00:00Z"}`: "before start_time",
		`{"service":["all"],"start_time":"` + hour + `","fields":[]}`:                       "fields",
		`{"service":["all"],"start_time":"` + hour + `","search_term":{"and":[],"or":[]}}`:  "exactly one",
		`{"service":["all"],"start_time":"` + hour + `","search_after":["x"]}`:              "search_after",
		`[`: "body",
	} {
		if res := c.do(http.MethodPost, eventsPath, body); res.status != http.StatusBadRequest || !strings.Contains(res.body, want) {
			t.Errorf("%s: %d %s, want 400 and %q", body, res.status, res.body, want)
		}
	}
	if err := s.Update(func(set *jcsim.Settings) { set.RefuseInsights = http.StatusForbidden }); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/count", "/distinct"} {
		if res := c.do(http.MethodPost, eventsPath+path, `{"service":["all"],"start_time":"`+hour+`","field":"id"}`); res.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, res.status, res.body)
		}
	}
}

// TestSignIns holds that a seed makes the same sign-ins, that they are found once each
// unless they are to be repeated, and that late ones come.
func TestSignIns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var first string
		for range 2 {
			tn := jcsim.Generate(1, jcsim.Small())
			tn.SignIns(7, time.Now())
			s := jcsim.New(jcsim.Options{Tenant: tn})
			c := newClient(t, s)
			query := func() map[string]any {
				return map[string]any{
					"service": []string{"all"}, "start_time": time.Now().Add(-89 * 24 * time.Hour).UTC().Format(time.RFC3339), "limit": 100,
					"search_term": map[string]any{"and": []any{map[string]any{"event_type": []string{"user_login_attempt", "sso_auth", "admin_login_attempt"}}}},
				}
			}
			all, _ := c.events(query())
			if text := fmt.Sprint(all); first == "" {
				first = text
			} else if text != first {
				t.Error("the same seed makes other sign-ins")
			}
			ids := map[any]bool{}
			for _, e := range all {
				ids[e["id"]] = true
			}
			if len(ids) != len(all) || len(all) < 100 {
				t.Errorf("%d events, %d different ones", len(all), len(ids))
			}
			if err := s.Update(func(set *jcsim.Settings) { set.RepeatEvents = true }); err != nil {
				t.Fatal(err)
			}
			if twice, _ := c.events(query()); len(twice) < len(all)+len(all)/4 || len(twice) >= 2*len(all) {
				t.Errorf("%d of %d events with some twice", len(twice), len(all))
			}
			body := `{"service":["all"],"field":"event_type","start_time":"` + time.Now().Add(-89*24*time.Hour).UTC().Format(time.RFC3339) + `"}`
			if got := c.do(http.MethodPost, eventsPath+"/distinct", body).body; !strings.HasPrefix(got, `{"buckets":[{"key":"sso_auth","doc_count":`) {
				t.Errorf("distinct types: %s", got)
			}
			if err := s.Update(func(set *jcsim.Settings) {
				set.RepeatEvents, set.PlainDistinct, set.InsightsDelay = false, true, 30*24*time.Hour
			}); err != nil {
				t.Fatal(err)
			}
			if got := c.do(http.MethodPost, eventsPath+"/distinct", body).body; !strings.HasPrefix(got, `{"event_type":["sso_auth",`) {
				t.Errorf("distinct types: %s", got)
			}
			if late, _ := c.events(query()); len(late) >= len(all) {
				t.Errorf("%d of %d events are seen although some are late", len(late), len(all))
			}
		}
	})
}
