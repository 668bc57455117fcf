package jcsim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// behaving is a client of a medium tenant with a behavior.
func behaving(t *testing.T, b jcsim.Behavior) (*client, *jcsim.Tenant) {
	t.Helper()
	tn := jcsim.Generate(1, jcsim.Medium())
	return newClient(t, jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Behavior: b}})), tn
}

const (
	membersRoute = "GET /api/v2/usergroups/{id}/members"
	groupsRoute  = "GET /api/v2/usergroups"
)

func TestHoles(t *testing.T) {
	t.Parallel()
	for _, null := range []bool{false, true} {
		c, tn := behaving(t, jcsim.Behavior{NullRows: null})
		group := groupID(t, tn, "All Users")
		before := must[[]string](t)(tn.Members(group))
		for _, id := range before[:30] {
			if err := tn.DeleteUser(id); err != nil {
				t.Fatal(err)
			}
		}
		path := "/api/v2/usergroups/" + group + "/members"
		first := c.list(path + "?limit=100")
		if first.TotalCount < 2000 {
			t.Errorf("the total forgets dangling edges: %d", first.TotalCount)
		}
		short, nulls := 0, 0
		var got []string
		for skip := 0; skip < first.TotalCount; skip += 100 {
			p := c.list(path + "?limit=100&skip=" + itoa(skip))
			if len(p.Results) < 100 && skip+100 < first.TotalCount {
				short++
			}
			for _, row := range p.Results {
				if row == nil {
					nulls++
					continue
				}
				got = append(got, ids([]map[string]any{row})...)
			}
		}
		if null && (nulls < 30 || short > 0) || !null && (nulls > 0 || short == 0) {
			t.Errorf("null rows %v: %d nulls, %d short pages", null, nulls, short)
		}
		slices.Sort(got)
		if diff := cmp.Diff(must[[]string](t)(tn.Members(group)), got); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
	}
}

func TestTotals(t *testing.T) {
	t.Parallel()
	c, _ := behaving(t, jcsim.Behavior{NoTotal: jcsim.Routes{"* /api/v2/*"}})
	if res := c.get("/api/v2/usergroups"); res.header["X-Total-Count"] != nil {
		t.Error("there is a total")
	}
	if res := c.get("/api/v2/roles"); strings.Contains(res.body, "totalCount") {
		t.Error("there is a total of roles")
	}
	if p := c.list("/api/systemusers"); p.TotalCount != 2000 {
		t.Errorf("v1 total: %d", p.TotalCount)
	}
	c, _ = behaving(t, jcsim.Behavior{MovingTotals: jcsim.Routes{groupsRoute}})
	seen := map[int]bool{}
	for range 6 {
		seen[c.list("/api/v2/usergroups").TotalCount] = true
	}
	if len(seen) != 3 || !seen[150] {
		t.Errorf("moving totals: %v", seen)
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	// Permuted: every request another order of the same rows, unless sorted.
	c, tn := behaving(t, jcsim.Behavior{Permute: jcsim.Routes{"*"}})
	everybody := "/api/v2/usergroups/" + groupID(t, tn, "All Users") + "/members?limit=100"
	for _, path := range []string{"/api/v2/usergroups?limit=100", "/api/systemusers?limit=100", "/api/applications?limit=100", everybody} {
		if a, b := ids(c.list(path).Results), ids(c.list(path).Results); slices.Equal(a, b) {
			t.Errorf("%s has the same order twice", path)
		}
	}
	all := ids(c.list("/api/applications?limit=100").Results)
	slices.Sort(all)
	if sorted := ids(c.list("/api/applications?limit=100&sort=_id").Results); !slices.Equal(all, sorted) {
		t.Error("a permuted list lost rows, or a sorted one was permuted")
	}
	// Ignored and refused sorts.
	c, _ = behaving(t, jcsim.Behavior{IgnoreSort: jcsim.Routes{groupsRoute}, RefuseSort: jcsim.Routes{"POST /api/search/systemusers"}})
	if got := ids(c.list("/api/v2/usergroups?limit=100&sort=id").Results); slices.IsSorted(got) {
		t.Error("the sort was not ignored")
	}
	if res := c.do("POST", "/api/search/systemusers", `{"sort":"_id"}`); res.status != 400 {
		t.Errorf("refused sort: %d", res.status)
	}
	if res := c.do("POST", "/api/search/systemusers", `{}`); res.status != 200 {
		t.Errorf("no sort: %d", res.status)
	}
}

func TestClampAndRefusals(t *testing.T) {
	t.Parallel()
	c, tn := behaving(t, jcsim.Behavior{
		ClampLimit:   map[string]int{"POST /api/search/systemusers": 100, groupsRoute: 7},
		RefuseRoles:  501,
		RefuseAdmins: 403, RefuseTargets: 400,
		WrongNotFound:   jcsim.Routes{membersRoute},
		EmptyForMissing: jcsim.Routes{"GET /api/v2/applications/{id}/associations"},
	})
	if p := c.parse(c.do("POST", "/api/search/systemusers", `{"limit":1000}`)); len(p.Results) != 100 || p.TotalCount != 2000 {
		t.Errorf("clamped search: %d of %d", len(p.Results), p.TotalCount)
	}
	if n := len(c.list("/api/v2/usergroups?limit=100").Results); n != 7 {
		t.Errorf("clamped list: %d", n)
	}
	app := tn.Applications()[0].ID
	for path, want := range map[string]int{
		"/api/v2/roles": 501,
		"/api/users":    403,
		"/api/v2/applications/" + app + "/associations?targets=user,user_group":   200,
		"/api/v2/usergroups/" + tn.Groups()[0].ID + "/members":                    404,
		"/api/v2/usergroups/" + tn.Groups()[0].ID:                                 200,
		"/api/v2/applications/ffffffffffffffffffffffff/associations?targets=user": 200,
		"/api/v2/applications/ffffffffffffffffffffffff/users":                     404,
	} {
		if strings.Contains(path, "user,user_group") {
			want = 400
		}
		if res := c.get(path); res.status != want {
			t.Errorf("%s: %d, want %d", path, res.status, want)
		}
	}
	for _, status := range []int{400, 403, 404} {
		c, _ := behaving(t, jcsim.Behavior{RefuseSearch: status})
		if res := c.do("POST", "/api/search/systemusers", `{}`); res.status != status {
			t.Errorf("refused search: %d, want %d", res.status, status)
		}
	}
}

func TestRoutePatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, route string
		want           bool
	}{
		{"*", membersRoute, true},
		{membersRoute, membersRoute, true},
		{groupsRoute, membersRoute, false},
		{"GET /api/v2/usergroups*", membersRoute, true},
		{"* /api/v2/*", membersRoute, true},
		{"* /api/v2/*", "GET /api/systemusers", false},
		{"POST *", membersRoute, false},
		{"/api/v2/usergroups/{id}/members", membersRoute, true},
		{"/api/v2/*/members", "POST /api/v2/usergroups/{id}/members", true},
		{"*/{id}/*", membersRoute, true},
		{"*members", membersRoute, true},
		{"*member", membersRoute, false},
		{"", membersRoute, false},
	} {
		if got := (jcsim.Routes{test.pattern}).Has(test.route); got != test.want {
			t.Errorf("%q, %q: %v", test.pattern, test.route, got)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	s := jcsim.New(jcsim.Options{Tenant: tn, Record: true})
	c := newClient(t, s)
	var numbers []int
	s.OnRequest(func(n int, route string) {
		numbers = append(numbers, n)
		if route == groupsRoute {
			if err := tn.DeleteGroup("Sales"); err != nil {
				t.Error(err)
			}
		}
	})
	c.get("/api/systemusers?limit=1")
	c.get("/api/systemusers?limit=101")
	if p := c.list("/api/v2/usergroups"); p.TotalCount != 3 {
		t.Errorf("the page does not show the edit that was made just before it: %d", p.TotalCount)
	}
	c.get("/nowhere")
	got := s.Requests()
	want := map[string]jcsim.RouteStats{
		"GET /api/systemusers": {Requests: 2, Status: map[int]int{200: 1, 400: 1}},
		groupsRoute:            {Requests: 1, Status: map[int]int{200: 1}},
		"GET unknown":          {Requests: 1, Status: map[int]int{404: 1}},
	}
	if diff := cmp.Diff(want, got.Routes); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	if got.Requests != 4 || got.InFlight != 0 || got.MaxInFlight != 1 || got.Bytes == 0 || !slices.Equal(numbers, []int{1, 2, 3, 4}) {
		t.Errorf("stats %+v, numbers %v", got, numbers)
	}
	if log := s.Log(); len(log) != 4 || log[1].URI != "/api/systemusers?limit=101" || log[1].Status != 400 {
		t.Errorf("log: %+v", log)
	}
	s.ResetCounts()
	s.OnRequest(nil)
	c.get("/api/systemusers")
	if got := s.Requests(); got.Requests != 1 || len(got.Routes) != 1 || len(s.Log()) != 1 || s.Log()[0].N != 1 {
		t.Errorf("after the reset: %+v", got)
	}
}
