package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestListsThatShowNothingOfWhatTheyCount hides rows that the server still counts, of
// one list after the other. Nothing at all is never taken for "nobody".
func TestListsThatShowNothingOfWhatTheyCount(t *testing.T) {
	t.Parallel()
	hide := func(percent int, routes ...string) jcsim.Behavior {
		b := jcsim.Behavior{HideRows: map[string]int{}}
		for _, r := range routes {
			b.HideRows[r] = percent
		}
		return b
	}
	body := func(route, body string) []jcsim.Fault {
		return []jcsim.Fault{{Route: route, Effect: jcsim.EffectBody, Body: body}}
	}
	oneGroup := func(t *jcsim.Tenant) string { return t.Groups()[0].ID }
	tests := []struct {
		name     string
		behavior jcsim.Behavior
		faults   []jcsim.Fault
		// group hides the members of one group only, by one route or by both.
		group, both bool
		fails       string   // in the error; empty for a sync that is complete
		refused     bool     // the program publishes it only if somebody accepts that
		whole       bool     // the archive is what the tenant holds
		says        []string // in the remarks
		asks        string   // a route that is asked
	}{
		{name: "members of all groups", behavior: hide(100, routeMembers), whole: true, asks: routeMembership},
		{name: "members of all groups, by both routes", behavior: hide(100, routeMembers, routeMembership), refused: true, says: []string{"group members: 100 of 100 non-empty lists show none of the"}, asks: routeMembership},
		{
			name: "members of all groups, and no other route", behavior: hide(100, routeMembers), refused: true, says: []string{"non-empty lists show none of the"},
			faults: []jcsim.Fault{{Route: routeMembership, Status: 404}},
		},
		{name: "members of one group", group: true, whole: true, asks: routeMembership},
		{name: "members of one group, by both routes", group: true, both: true, says: []string{"group members: 1 of", "show none of the 230 rows", "(230)"}},
		{name: "a few percent of the members", behavior: hide(3, routeMembers)},
		{name: "many members", behavior: hide(30, routeMembers), says: []string{"group members: the server counts", "%) are missing"}},
		{name: "assignments of all applications", behavior: hide(100, routeBindings), whole: true, asks: routeAppUsers},
		{name: "assignments of all applications, by all routes", behavior: hide(100, routeBindings, routeAppUsers, routeAppGroups), refused: true, says: []string{"application assignments:"}},
		{name: "many assignments", behavior: hide(40, routeBindings), says: []string{"application assignments: the server counts"}},
		{name: "users", behavior: hide(100, routeUsers), fails: "users could not be read completely: the server counts 230 and returned none"},
		{name: "groups", behavior: hide(100, routeGroups), fails: "groups could not be read completely: the server counts 120 and returned none"},
		{name: "applications", behavior: hide(100, routeApps), fails: "applications could not be read completely: the server counts 20 and returned none"},
		{name: "administrators", behavior: hide(100, routeAdmins), fails: "administrators could not be read completely: the server counts 15 and returned none"},
		{name: "roles", behavior: hide(100, routeRoles), fails: "roles could not be read completely: the server counts 20 and returned 0"},
		{name: "some users", behavior: hide(10, routeUsers), fails: "users could not be read completely"},
		{name: "no administrators", faults: body(routeAdmins, `{"totalCount":0,"results":[]}`), says: []string{"JumpCloud lists no administrators"}},
		{name: "no administrators and no count", faults: body(routeAdmins, `{"results":[]}`), says: []string{"JumpCloud lists no administrators"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := company(t, false)
			settings := jcsim.Settings{Behavior: tt.behavior, Faults: tt.faults}
			if tt.group {
				for _, route := range []string{"members", "membership"}[:map[bool]int{false: 1, true: 2}[tt.both]] {
					settings.Faults = append(settings.Faults, jcsim.Fault{Path: "*/" + oneGroup(tenant) + "/" + route + "?*", Effect: jcsim.EffectBody, Body: "[]"})
				}
			}
			sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: settings})
			p := newPipeline(sim, t.TempDir())
			sum, err := p.run(t.Context())
			asked := sim.Requests()
			if tt.asks != "" && asked.Routes[tt.asks].Requests == 0 {
				t.Errorf("%s was not asked", tt.asks)
			}
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Fatalf("err = %v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if empty := len(sum.Empty) > 0; empty != tt.refused {
				t.Errorf("lists that most show nothing of: %v", sum.Empty)
			}
			remarks := strings.Join(sum.Remarks, "\n")
			for _, want := range tt.says {
				if !strings.Contains(remarks, want) {
					t.Errorf("%q is not in %q", want, remarks)
				}
			}
			if len(tt.says) == 0 && remarks != "" {
				t.Errorf("remarks: %s", remarks)
			}
			if tt.whole {
				for _, wrong := range watch(tenant).judge(read(t, p.path())) {
					t.Error(wrong)
				}
			}
		})
	}
}

// TestShortListsMayBeAllHoles syncs groups whose few members were all deleted: that is
// nothing to stop a sync for.
func TestShortListsMayBeAllHoles(t *testing.T) {
	t.Parallel()
	tenant := company(t, false)
	for i := range 3 {
		id, err := tenant.AddGroup(jcsim.Group{Name: fmt.Sprint("Left ", i)})
		if err = errors.Join(err, tenant.AddDanglingMembers(id, 3+3*i)); err != nil {
			t.Fatal(err)
		}
	}
	sim := jcsim.New(jcsim.Options{Tenant: tenant})
	p := newPipeline(sim, t.TempDir())
	sum, err := p.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range watch(tenant).judge(read(t, p.path())) {
		t.Error(wrong)
	}
	if len(sum.Remarks) != 1 || !strings.Contains(sum.Remarks[0], "show none of the 18 rows") {
		t.Errorf("remarks: %q", sum.Remarks)
	}
	if n := sim.Requests().Routes[routeMembership].Requests; n != 0 {
		t.Errorf("short lists were asked for %d times by another route", n)
	}
}
