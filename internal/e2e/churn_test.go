package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

const (
	routeMembership = "GET /api/v2/usergroups/{id}/membership"
	routeMemberOf   = "GET /api/v2/users/{id}/memberof"
	routeAppUsers   = "GET /api/v2/applications/{id}/users"
	routeAppGroups  = "GET /api/v2/applications/{id}/usergroups"
)

// replay is the history of a tenant by its journal, for tenants that are too large to
// be looked at after each edit. Start is how it was when the journal began.
func replay(tenant *jcsim.Tenant, start state) *history {
	h := &history{tenant: tenant, always: start.clone(), ever: start.clone()}
	words := map[string]string{"user": "user", "admin": "user", "group": "group", "application": "app"}
	for _, c := range tenant.Journal() {
		edge := map[string]holding{
			"member":            {"group:" + c.Owner, "user:" + c.ID},
			"application user":  {"app:" + c.Owner, "user:" + c.ID},
			"application group": {"app:" + c.Owner, "group:" + c.ID},
		}[c.Kind]
		if kind, ok := strings.CutSuffix(c.Kind, " binding"); ok {
			far := "user:" + c.ID
			if _, err := tenant.User(c.ID); err != nil && start.resources["group:"+c.ID] {
				far = "group:" + c.ID
			}
			edge = holding{boundTypes[kind] + ":" + c.Owner, far}
			if kind == jcsim.TypeDevice || kind == jcsim.TypeDeviceGroup {
				delete(h.always.direct, holding{edge.resource + ":admin", far})
				edge.resource += ":user"
			}
		}
		resource := cmp.Or(words[c.Kind], boundTypes[c.Kind]) + ":" + c.ID
		switch {
		case edge != holding{} && c.Op == "add":
			h.ever.direct[edge] = true
		case edge != holding{}:
			delete(h.always.direct, edge)
		case c.Kind == "role", c.Op == "update":
			continue
		case c.Op == "add":
			h.ever.resources[resource] = true
			if c.Kind == "admin" {
				h.ever.direct[holding{"app:" + restype.AdministrationAppID, resource}] = true
				h.ever.roles[holding{"role:" + roleID(jcsim.ChurnRole), resource}] = true
			}
		default:
			delete(h.always.resources, resource)
			gone := func(e holding, _ bool) bool { return resourceOf(e.resource) == resource || e.principal == resource }
			maps.DeleteFunc(h.always.direct, gone)
			maps.DeleteFunc(h.always.roles, gone)
		}
		h.edits++
	}
	return h
}

// busy is a company of some size with several lists of many pages.
func busy(seed uint64, users int, holes bool) *jcsim.Tenant {
	tenant := jcsim.Generate(seed, jcsim.Size{Users: users, Groups: users / 20, Apps: users / 50, Admins: 130, CustomRoles: 110, AppUsers: users / 4, Dangling: -1})
	tenant.SetHoles(holes)
	app := tenant.Applications()[0]
	for _, u := range tenant.Users()[:users/5] {
		_ = tenant.Associate(app.ID, jcsim.TypeUser, u.ID) // some are already
	}
	return tenant
}

func TestSyncUnderChurn(t *testing.T) {
	t.Parallel()
	everything := jcsim.ChurnChanges()
	tests := []struct {
		name     string
		behavior jcsim.Behavior
		faults   []jcsim.Fault
		changes  []string
		holes    bool
		asks     string // a route that is asked
		users    int    // instead of 1,000
	}{
		{name: "users come and go", asks: routeMembership, users: 3000},
		{name: "users come and go and leave holes", holes: true, asks: routeMembership},
		{name: "users come", changes: []string{"add-user"}},
		{name: "users go", changes: []string{"delete-user"}},
		{name: "everything comes and goes", changes: everything, users: 3000},
		{name: "sorting is ignored", behavior: jcsim.Behavior{IgnoreSort: jcsim.Routes{routeMembership, routeAppUsers, routeAppGroups}}},
		{name: "sorting is refused", behavior: jcsim.Behavior{RefuseSort: jcsim.Routes{routeMembership, routeAppUsers, routeAppGroups}}},
		{name: "the membership route is forbidden", faults: []jcsim.Fault{{Route: routeMembership, Status: 403}}},
		{name: "the membership route is not found", behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{routeMembership}}},
		{name: "the membership route fails", faults: []jcsim.Fault{{Route: routeMembership, Status: 500}}},
		{name: "the membership route is not found, and there are holes", holes: true, behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{routeMembership}}},
		{name: "no totals", behavior: jcsim.Behavior{NoTotal: jcsim.Routes{"*"}}},
		{name: "no totals and no membership route", behavior: jcsim.Behavior{NoTotal: jcsim.Routes{"*"}, WrongNotFound: jcsim.Routes{routeMembership}}},
		{name: "totals move by themselves", behavior: jcsim.Behavior{MovingTotals: jcsim.Routes{"*"}}},
		{name: "limits are clamped to 50", behavior: jcsim.Behavior{ClampLimit: map[string]int{"*": 50}}},
		{name: "limits are clamped to 50, and nothing is sorted", behavior: jcsim.Behavior{ClampLimit: map[string]int{"*": 50}, IgnoreSort: jcsim.Routes{"*"}}},
		{name: "nothing is sorted", behavior: jcsim.Behavior{IgnoreSort: jcsim.Routes{"*"}}, changes: everything},
		{name: "members in another order with each request", behavior: jcsim.Behavior{Permute: jcsim.Routes{routeMembers, routeBindings}}},
		{name: "several targets are refused", behavior: jcsim.Behavior{RefuseTargets: 400}, changes: everything},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			users := cmp.Or(tt.users, 1000)
			if testing.Short() {
				users = 300
			}
			tenant := busy(11, users, tt.holes)
			settings := jcsim.Settings{Behavior: tt.behavior, Faults: tt.faults}
			sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: settings})
			p := newPipeline(sim, t.TempDir())
			_, quietErr := p.run(t.Context())
			quiet := sim.Requests().Requests

			settings.Churn = jcsim.Churn{Every: 3, Changes: tt.changes}
			if err := sim.SetSettings(settings); err != nil {
				t.Fatal(err)
			}
			start := stateOf(tenant)
			tenant.StartJournal()
			sim.ResetCounts()
			p = newPipeline(sim, t.TempDir())
			sum, err := p.run(t.Context())
			asked := sim.Requests()
			t.Logf("%d requests where %d are made without changes (%v): %.2f times; %d looked up", asked.Requests, quiet, quietErr, float64(asked.Requests)/float64(quiet), sum.LookedUp)
			for route, n := range asked.Routes {
				t.Log("  ", route, n.Requests)
			}
			if err != nil {
				t.Fatal(err)
			}
			h := replay(tenant, start)
			wrong := h.judge(read(t, p.path()))
			for i, w := range wrong {
				if i == 10 {
					t.Errorf("and %d more", len(wrong)-i)
					break
				}
				t.Error(w)
			}
			if asked.Requests > 3*quiet {
				t.Errorf("%d requests were made, more than three times %d", asked.Requests, quiet)
			}
			if tt.asks != "" && asked.Routes[tt.asks].Requests == 0 {
				t.Errorf("%s was not asked", tt.asks)
			}
			if len(asked.Problems) > 0 {
				t.Errorf("problems: %v", asked.Problems)
			}
		})
	}
}

// BenchmarkChurn measures whole syncs of organizations that change before every n-th
// request, and of quiet ones. Answers take 20 ms, and 16 requests are under way at once.
func BenchmarkChurn(b *testing.B) {
	for _, users := range []int{3_000, 20_000} {
		for _, every := range []int{0, 100, 10, 3} {
			name := fmt.Sprintf("users=%d/quiet", users)
			if every > 0 {
				name = fmt.Sprintf("users=%d/every=%d", users, every)
			}
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					tenant := busy(11, users, false)
					sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{
						Latency: 20 * time.Millisecond, Churn: jcsim.Churn{Every: every},
					}})
					start := stateOf(tenant)
					tenant.StartJournal()
					p := newPipeline(sim, b.TempDir())
					p.workers = 16
					b.StartTimer()
					if _, err := p.run(b.Context()); err != nil {
						b.Fatal(err)
					}
					b.StopTimer()
					b.ReportMetric(float64(sim.Requests().Requests), "requests")
					b.ReportMetric(float64(len(tenant.Journal())), "changes")
					if wrong := replay(tenant, start).judge(read(b, p.path())); len(wrong) > 0 {
						b.Fatal(wrong[0])
					}
					b.StartTimer()
				}
			})
		}
	}
}
