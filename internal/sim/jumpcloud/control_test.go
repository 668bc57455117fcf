package jcsim_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

func TestControl(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	s := jcsim.New(jcsim.Options{Tenant: tn, Control: true, Record: true})
	c := newClient(t, s)
	c.base = "http://127.0.0.1:8080"
	order := func(method, path, body string, want int) response {
		t.Helper()
		res := c.do(method, path, body)
		if res.status != want {
			t.Errorf("%s %s: %d %s", method, path, res.status, res.body)
		}
		return res
	}
	order("PATCH", "/_sim/settings", `{"latency":"1ms","rate":{"perSecond":1000,"burst":50,"retryAfter":"seconds"},"lagReads":3,"lagTime":"2s","refuseRoles":403,
		"faults":[{"route":"GET /api/users","status":503,"times":1,"delay":"0s"}]}`, 204)
	want := jcsim.Settings{
		Latency: time.Millisecond, Rate: jcsim.Rate{PerSecond: 1000, Burst: 50, RetryAfter: "seconds"},
		Behavior: jcsim.Behavior{LagReads: 3, LagTime: 2 * time.Second, RefuseRoles: 403},
		Faults:   []jcsim.Fault{{Route: "GET /api/users", Status: 503, Times: 1}},
	}
	if diff := cmp.Diff(want, s.Settings()); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	// What is read can be written, and means the same.
	text := order("GET", "/_sim/settings", "", 200).body
	back, err := jcsim.LoadSettings(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, back); diff != "" {
		t.Errorf("settings read back (-want +got):\n%s", diff)
	}
	order("PATCH", "/_sim/settings", `{"refuseRoles":0}`, 204) // the others stay
	if got := s.Settings(); got.Latency != time.Millisecond || got.RefuseRoles != 0 {
		t.Errorf("after a second change: %+v", got)
	}
	if got := c.get("/api/users").status; got != 503 {
		t.Errorf("fault: %d", got)
	}
	order("POST", "/_sim/faults", `{"route":"GET /api/users","effect":"slow","delay":"1ms"}`, 204)
	order("DELETE", "/_sim/faults", "", 204)
	if n := len(s.Settings().Faults); n != 0 {
		t.Errorf("%d faults are left", n)
	}
	order("PUT", "/_sim/settings", `{}`, 204)
	var held struct {
		jcsim.Counts
		MinimumRequests int `json:"minimumRequests"`
	}
	if err := json.Unmarshal([]byte(order("GET", "/_sim/counts", "", 200).body), &held); err != nil {
		t.Fatal(err)
	}
	if held.Counts != tn.Counts() || held.MinimumRequests != tn.MinimumRequests() {
		t.Errorf("counts: %+v, want %+v and %d requests", held, tn.Counts(), tn.MinimumRequests())
	}
	if diff := cmp.Diff(jcsim.Settings{}, s.Settings()); diff != "" {
		t.Errorf("replaced (-want +got):\n%s", diff)
	}
	order("POST", "/_sim/edits", `[{"op":"delete-user","ref":"bo.li"},{"op":"add-group","object":{"name":"Late"}}]`, 204)
	if _, err := tn.User("bo.li"); err == nil {
		t.Error("the edit was not made")
	}
	var stats jcsim.Stats
	if err := json.Unmarshal([]byte(order("GET", "/_sim/requests", "", 200).body), &stats); err != nil || stats.Requests != 1 {
		t.Errorf("requests: %+v, %v", stats, err)
	}
	if log := order("GET", "/_sim/log", "", 200).body; !strings.Contains(log, `"GET /api/users"`) {
		t.Errorf("log: %s", log)
	}
	order("DELETE", "/_sim/requests", "", 204)
	if s.Requests().Requests != 0 {
		t.Error("not counted anew")
	}
	if _, err := jcsim.Load(strings.NewReader(order("GET", "/_sim/tenant", "", 200).body)); err != nil {
		t.Errorf("tenant: %v", err)
	}
	order("DELETE", "/_sim/tokens", "", 204)
	for path, body := range map[string]string{
		"/_sim/settings": `{"latency":"soon"}`, "/_sim/faults": `{"effect":"explode"}`, "/_sim/edits": `[{"op":"fly"}]`,
	} {
		method := "POST"
		if path == "/_sim/settings" {
			method = "PUT"
		}
		order(method, path, body, 400)
		order(method, path, `{"unknown":1}`, 400)
	}
	order("GET", "/_sim/nothing", "", 404)
}

func TestControlIsGuarded(t *testing.T) {
	t.Parallel()
	s := jcsim.New(jcsim.Options{Tenant: borealis(t), Control: true})
	for _, test := range []struct {
		remote, host string
		status       int
	}{
		{"127.0.0.1:9", "127.0.0.1:8080", 200},
		{"[::1]:9", "localhost:8080", 200},
		{"127.0.0.1:9", "[::1]", 200},
		{"10.0.0.9:9", "127.0.0.1:8080", 403},
		{"127.0.0.1:9", "rebound.example", 403},
		{"127.0.0.1:9", "", 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/_sim/requests", nil)
		r.RemoteAddr, r.Host = test.remote, test.host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("from %s for %s: %d", test.remote, test.host, w.Code)
		}
	}
	// Without the option there is no control.
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: borealis(t)}))
	c.base = "http://127.0.0.1:8080"
	if res := c.get("/_sim/requests"); res.status != 404 {
		t.Errorf("control without the option: %d", res.status)
	}
}
