package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// company is a tenant whose lists of members and associations are longer than a
// page, and have holes where dangling is set.
func company(t testing.TB, dangling bool) *jcsim.Tenant {
	t.Helper()
	size := jcsim.Size{Users: 230, Groups: 120, Apps: 20, Admins: 15, CustomRoles: 12, Memberships: 900, Ghosts: 2, Hidden: 2, Dangling: -1}
	if dangling {
		size.Dangling = 0
	}
	tenant := jcsim.Generate(3, size)
	everybody, app := tenant.Groups()[0], tenant.Applications()[0]
	for _, u := range tenant.Users() {
		_ = tenant.AddMember(everybody.ID, u.ID) // some are members already
		_ = tenant.Associate(app.ID, jcsim.TypeUser, u.ID)
	}
	if dangling {
		tenant.SetHoles(true)
		if err := errors.Join(tenant.AddDanglingMembers(everybody.ID, 30), tenant.AddDanglingAssociations(app.ID, jcsim.TypeUserGroup, 30)); err != nil {
			t.Fatal(err)
		}
	}
	return tenant
}

// ending is how a sync may end.
type ending int

const (
	complete   ending = iota // with everything that is there
	incomplete               // with an error that says what could not be proven
	refused                  // with an error of the server
)

// TestEachOddityOfLists turns on one switch of the simulator after the other. The
// sync is complete, or it fails where the oddity leaves it no way to be sure.
func TestEachOddityOfLists(t *testing.T) {
	t.Parallel()
	all := jcsim.Routes{"*"}
	// Totals that move in turn can be equal on all pages of a list; with this they are not.
	secondPageMoves := []jcsim.Fault{{Path: "*/members?*skip=97*", Effect: jcsim.EffectTotal, Delta: 10}}
	tests := []struct {
		name     string
		behavior jcsim.Behavior
		faults   []jcsim.Fault
		whole    bool // without holes
		want     ending
		says     []string // in the error, or the remarks of a sync that is complete
		asks     string   // a route that is asked
	}{
		{name: "holes in lists of members and associations"},
		{name: "holes as null rows", behavior: jcsim.Behavior{NullRows: true}},
		{name: "no total anywhere", behavior: jcsim.Behavior{NoTotal: all}, whole: true},
		{name: "no total, and holes", behavior: jcsim.Behavior{NoTotal: all}},
		{name: "no total, and holes as null rows", behavior: jcsim.Behavior{NoTotal: all, NullRows: true}},
		{name: "totals of sorted lists move", behavior: jcsim.Behavior{MovingTotals: jcsim.Routes{routeUsers, routeGroups, routeApps, routeAdmins}}},
		{
			name:     "totals of members move",
			behavior: jcsim.Behavior{MovingTotals: jcsim.Routes{routeMembers}}, faults: secondPageMoves, asks: routeMembership,
		},
		{
			name:     "totals of members move by each route",
			behavior: jcsim.Behavior{MovingTotals: jcsim.Routes{routeMembers, routeMembership}}, faults: secondPageMoves, asks: routeMembership,
		},
		{
			name:     "totals of members move, and nothing else tells",
			behavior: jcsim.Behavior{MovingTotals: jcsim.Routes{routeMembers}, WrongNotFound: jcsim.Routes{routeMembership, routeMemberOf}},
		},
		{name: "totals of associations move", faults: []jcsim.Fault{{Path: "*/associations?*skip=97*", Effect: jcsim.EffectTotal, Delta: 1}}},
		{
			name: "totals of associations move, and several targets are refused", behavior: jcsim.Behavior{RefuseTargets: 400},
			faults: []jcsim.Fault{{Path: "*/associations?*skip=100*", Effect: jcsim.EffectTotal, Delta: 1}},
		},
		{name: "a total that is too high", faults: []jcsim.Fault{{Route: routeUsers, Effect: jcsim.EffectTotal, Delta: 1}}, want: incomplete, says: []string{"users could not be read completely"}},
		{name: "the limit of users is clamped to 100", behavior: jcsim.Behavior{ClampLimit: map[string]int{routeUsers: 100}}},
		{name: "every limit is clamped to 10", behavior: jcsim.Behavior{ClampLimit: map[string]int{"*": 10}}, whole: true},
		{name: "every limit is clamped to 20 and no total is told", behavior: jcsim.Behavior{ClampLimit: map[string]int{"*": 20}, NoTotal: all}, whole: true},
		{name: "the limits of members and associations are clamped, and rows are missing", behavior: jcsim.Behavior{ClampLimit: map[string]int{routeMembers: 30, routeBindings: 30}}},
		{name: "the same as null rows", behavior: jcsim.Behavior{ClampLimit: map[string]int{routeMembers: 25, routeBindings: 13}, NullRows: true}},
		{
			name:     "the limit of associations is clamped, rows are missing, and several targets are refused",
			behavior: jcsim.Behavior{ClampLimit: map[string]int{routeBindings: 17}, RefuseTargets: 400},
		},
		{name: "the limits are clamped, rows are missing, and no total is told", behavior: jcsim.Behavior{ClampLimit: map[string]int{"*": 30}, NoTotal: all}},
		{name: "lists in no order", behavior: jcsim.Behavior{IgnoreSort: all, ClampLimit: map[string]int{routeUsers: 100, routeApps: 10}}},
		{
			name:     "users in another order with each request",
			behavior: jcsim.Behavior{IgnoreSort: all, Permute: jcsim.Routes{routeUsers}, ClampLimit: map[string]int{routeUsers: 100}},
			want:     incomplete, says: []string{"users", "in each of 4 readings"},
		},
		{name: "members in another order with each request", behavior: jcsim.Behavior{Permute: jcsim.Routes{routeMembers}}, asks: routeMembership},
		{
			name: "members in another order, and no other route", whole: true,
			behavior: jcsim.Behavior{Permute: jcsim.Routes{routeMembers}, WrongNotFound: jcsim.Routes{routeMembership}},
		},
		{
			name: "members in another order, by the other route too", whole: true,
			behavior: jcsim.Behavior{Permute: jcsim.Routes{routeMembers, routeMembership}, IgnoreSort: jcsim.Routes{routeMembership}},
		},
		{
			name: "members in another order, and users in no order", whole: true,
			behavior: jcsim.Behavior{Permute: jcsim.Routes{routeMembers}, WrongNotFound: jcsim.Routes{routeMembership}, IgnoreSort: jcsim.Routes{routeUsers}, ClampLimit: map[string]int{routeUsers: 100}},
			want:     incomplete, says: []string{"rows moved between pages", "in each of 4 readings", "listed in no order"},
		},
		{name: "associations in another order with each request", behavior: jcsim.Behavior{Permute: jcsim.Routes{routeBindings}}, asks: routeAppUsers},
		{
			name: "associations in another order, and no other route", whole: true,
			behavior: jcsim.Behavior{Permute: jcsim.Routes{routeBindings}, WrongNotFound: jcsim.Routes{routeAppUsers}},
		},
		{name: "sorting is refused", behavior: jcsim.Behavior{RefuseSort: jcsim.Routes{routeUsers, routeGroups, routeApps, routeAdmins}}},
		{name: "the search of users is refused", behavior: jcsim.Behavior{RefuseSearch: 403}},
		{name: "several targets in one request are refused", behavior: jcsim.Behavior{RefuseTargets: 400}},
		{name: "the list of roles is refused", behavior: jcsim.Behavior{RefuseRoles: 501}, says: []string{"roles without holders may be missing"}},
		{name: "the list of administrators is refused", behavior: jcsim.Behavior{RefuseAdmins: 403}, want: refused, says: []string{"--skip-admins"}},
		{name: "answers are compressed", behavior: jcsim.Behavior{Compress: true}},
		{
			name:     "members are not found for any group",
			behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{routeMembers}}, want: refused, says: []string{"exists, so its list"},
		},
		{
			name:     "associations are not found for any application",
			behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{routeBindings}}, want: refused, says: []string{"exists, so its list"},
		},
		{
			name:   "members are not found for one group",
			faults: []jcsim.Fault{{Route: routeMembers, After: 20, Times: 1, Effect: jcsim.EffectStatus, Status: 404}}, want: refused, says: []string{"exists, so its list"},
		},
		{name: "groups are not found", behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{routeGroups}}, want: refused, says: []string{"404"}},
		{
			name:   "the second page of members is not found",
			faults: []jcsim.Fault{{Path: "*/members*skip=97*", Effect: jcsim.EffectStatus, Status: 404}}, want: refused, says: []string{"exists, so its list"},
		},
		{name: "the second page of groups is empty", faults: []jcsim.Fault{{Path: "*/usergroups?*skip=99*", Effect: jcsim.EffectBody, Body: "[]"}}},
		{name: "all pages of groups but the first are empty", faults: []jcsim.Fault{{Route: routeGroups, After: 1, Effect: jcsim.EffectBody, Body: "[]"}}, want: incomplete, says: []string{"groups"}},
		{name: "every page of a list is the first", faults: []jcsim.Fault{{Route: routeGroups, Effect: jcsim.EffectBody, Body: firstGroups(10)}}, want: incomplete, says: []string{"groups"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := company(t, !tt.whole)
			sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: tt.behavior, Faults: tt.faults}})
			p := newPipeline(sim, t.TempDir())
			writeFile(t, p.path(), oldArchive(t))
			before := file(t, p.path())
			sum, err := p.run(t.Context())
			text := fmt.Sprint(err)
			switch {
			case tt.want == complete && err != nil:
				t.Fatal(err)
			case tt.want == complete:
				text = strings.Join(sum.Remarks, "\n")
				for _, wrong := range watch(tenant).judge(read(t, p.path())) {
					t.Error(wrong)
				}
				if sum.LookedUp != 2 || sum.Dropped[syncer.DropNotFound] != 2 {
					t.Errorf("%d principals in no list were found, %d grants dropped; want 2 and 2", sum.LookedUp, sum.Dropped[syncer.DropNotFound])
				}
			case err == nil:
				t.Fatal("the sync is complete")
			case tt.want == incomplete != errors.Is(err, paging.ErrIncomplete):
				t.Errorf("error: %v", err)
			}
			for _, want := range tt.says {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in %q", want, text)
				}
			}
			if tt.asks != "" && sim.Requests().Routes[tt.asks].Requests == 0 {
				t.Errorf("%s was not asked", tt.asks)
			}
			if err != nil && !bytes.Equal(before, file(t, p.path())) {
				t.Error("the old archive was touched")
			}
		})
	}
}

// firstGroups is the body of a page of groups.
func firstGroups(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"64b2%020d","name":"Group %d","type":"user_group"}`, i, i)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// TestUsersComeAndGoWhilePagesAreRead creates and deletes users before, among and
// behind those that were read already, after each page.
func TestUsersComeAndGoWhilePagesAreRead(t *testing.T) {
	t.Parallel()
	for _, holes := range []bool{true, false} {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprintf("holes=%t,workers=%d", holes, workers), func(t *testing.T) {
				t.Parallel()
				tenant := company(t, false)
				tenant.SetHoles(holes)
				sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: jcsim.Behavior{ClampLimit: map[string]int{routeUsers: 20}}}})
				h := watch(tenant)
				comeAndGo(sim, h)
				p := newPipeline(sim, t.TempDir())
				p.workers = workers
				if _, err := p.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, wrong := range h.judge(read(t, p.path())) {
					t.Error(wrong)
				}
				if h.edits < 10 {
					t.Errorf("the tenant changed %d times only", h.edits)
				}
			})
		}
	}
}

// comeAndGo adds a user to the front of the list and deletes one from it with each
// of its first pages, so that all others move.
func comeAndGo(sim *jcsim.Server, h *history) {
	left := make(chan struct{}, 8)
	for range cap(left) {
		left <- struct{}{}
	}
	sim.OnRequest(func(n int, route string) {
		if route != routeUsers {
			return
		}
		select {
		case <-left:
		default:
			return // or the list never holds still
		}
		h.edit(func(t *jcsim.Tenant) error {
			id := fmt.Sprintf("%024x", n)
			_, err := t.AddUser(jcsim.User{ID: id, Username: "early." + id, Email: id + "@example.com"})
			return err
		})
		h.edit(func(t *jcsim.Tenant) error {
			users := slices.DeleteFunc(t.Users(), func(u *jcsim.User) bool { return strings.HasPrefix(u.Username, "early.") })
			return t.DeleteUser(users[n%10].ID)
		})
		h.edit(func(t *jcsim.Tenant) error { return t.DeleteUser(t.Users()[len(t.Users())/2].ID) })
	})
}

// TestGroupIsMadeWhileOthersAreRead makes a group when the list of groups was read,
// and gives it all applications. Found through these, it is there with its members:
// without them it would read as an empty one.
func TestGroupIsMadeWhileOthersAreRead(t *testing.T) {
	t.Parallel()
	// One page of groups, which is read before what the groups and applications have.
	tenant := jcsim.Generate(3, jcsim.Size{Users: 230, Groups: 40, Apps: 10, Admins: 3, Hidden: 2, Dangling: -1})
	sim := jcsim.New(jcsim.Options{Tenant: tenant})
	h := watch(tenant)
	const id = "64ffffffffffffffffffffff"
	// One of its members is in no list either.
	members := []string{tenant.Users()[7].ID, tenant.HiddenUsers()[0].ID}
	for _, u := range tenant.Users()[100:] {
		members = append(members, u.ID) // more than a page
	}
	sim.OnRequest(func(_ int, route string) {
		if route != routeBindings {
			return
		}
		h.edit(func(t *jcsim.Tenant) error { // refused from the second time on
			if _, err := t.AddGroup(jcsim.Group{ID: id, Name: "New"}); err != nil {
				return err
			}
			for _, u := range members {
				if err := t.AddMember(id, u); err != nil {
					return err
				}
			}
			for _, app := range t.Applications() {
				if err := t.Associate(app.ID, jcsim.TypeUserGroup, id); err != nil {
					return err
				}
			}
			return nil
		})
	})
	p := newPipeline(sim, t.TempDir())
	p.workers = 1
	sum, err := p.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := read(t, p.path())
	for _, wrong := range h.judge(c) {
		t.Error(wrong)
	}
	if h.edits != 1 || sum.LookedUp != 3 {
		t.Errorf("the tenant changed %d times, %d principals were looked up; want 1 and 3", h.edits, sum.LookedUp)
	}
	for _, u := range members {
		if n := c.holdings[holding{"group:" + id, "user:" + u}]; n != 1 {
			t.Errorf("user %s has the group %d times", u, n)
		}
	}
}

// TestGroupsAndApplicationsGoWhileTheyAreRead deletes owners of lists between their
// listing and the reading of their lists.
func TestGroupsAndApplicationsGoWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		groups, apps int
		behavior     jcsim.Behavior
		want         string // in the error
		vanished     int
	}{
		{name: "a group", groups: 1, vanished: 1},
		{name: "ten groups and ten applications", groups: 10, apps: 10, vanished: 20},
		{name: "lists of what is gone are empty", groups: 10, apps: 3, behavior: jcsim.Behavior{EmptyForMissing: jcsim.Routes{"*"}}},
		{name: "more groups than can be true", groups: 11, want: "11 of 120 resources of type group"},
		{name: "more applications than can be true", apps: 11, want: "resources of type app"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := company(t, false)
			sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: tt.behavior}})
			h := watch(tenant)
			groups, apps := tenant.Groups()[5:], tenant.Applications()[5:]
			sim.OnRequest(func(_ int, route string) {
				if route != routeMembers && route != routeBindings {
					return
				}
				for _, g := range groups[:tt.groups] {
					h.edit(func(t *jcsim.Tenant) error { return t.DeleteGroup(g.ID) })
				}
				for _, a := range apps[:tt.apps] {
					h.edit(func(t *jcsim.Tenant) error { return t.DeleteApplication(a.ID) })
				}
			})
			p := newPipeline(sim, t.TempDir())
			p.workers = 1 // the groups are listed to their end before members are
			sum, err := p.run(t.Context())
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error = %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range h.judge(read(t, p.path())) {
				t.Error(wrong)
			}
			if len(sum.Vanished) != tt.vanished {
				t.Errorf("%d resources vanished, want %d", len(sum.Vanished), tt.vanished)
			}
		})
	}
}
