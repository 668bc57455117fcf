package jcsim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestListsAnswerTheTenant reads every list to its end and compares it with the
// tenant itself.
func TestListsAnswerTheTenant(t *testing.T) {
	t.Parallel()
	size := jcsim.Medium()
	size.Hidden = 3
	tn := jcsim.Generate(1, size)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))

	var users, admins, roles, groups, apps []string
	for _, u := range tn.Users() {
		users = append(users, u.ID)
	}
	for _, a := range tn.Admins() {
		admins = append(admins, a.ID)
	}
	for _, r := range tn.Roles() {
		roles = append(roles, r.ID)
	}
	for _, g := range tn.Groups() {
		groups = append(groups, g.ID)
	}
	for _, a := range tn.Applications() {
		apps = append(apps, a.ID)
	}
	for path, want := range map[string][]string{
		"/api/systemusers?sort=_id":        users,
		"/api/users?sort=_id":              admins,
		"/api/v2/roles?sort=id":            roles,
		"/api/v2/usergroups?sort=id":       groups,
		"/api/applications?sort=_id":       apps,
		"/api/systemusers?sort=-_id":       reversed(users),
		"/api/systemusers?fields=email":    nil, // the natural order
		"/api/v2/usergroups?fields=name":   nil,
		"/api/applications?fields=name":    nil,
		"/api/organizations?sort=_id":      {tn.Organization().ID},
		"/api/systemusers?sort=email":      nil,
		"/api/systemusers?sort=nonsense":   nil,
		"/api/v2/usergroups?sort=-name,id": nil,
	} {
		got := ids(c.all(path, 100))
		if want == nil {
			if slices.IsSorted(got) {
				t.Errorf("%s comes in the order of ids", path)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}

	for _, g := range groups {
		got := ids(c.all("/api/v2/usergroups/"+g+"/members", 7))
		slices.Sort(got)
		if diff := cmp.Diff(must[[]string](t)(tn.Members(g)), got); diff != "" {
			t.Fatalf("members of %s (-want +got):\n%s", g, diff)
		}
	}
	for _, a := range apps {
		for path, want := range map[string][]string{
			"associations?targets=user":            must[[]string](t)(tn.AppUsers(a)),
			"associations?targets=user_group":      must[[]string](t)(tn.AppGroups(a)),
			"associations?targets=user,user_group": slices.AppendSeq([]string{}, slices.Values(slices.Sorted(slices.Values(append(must[[]string](t)(tn.AppUsers(a)), must[[]string](t)(tn.AppGroups(a))...))))),
			"users":                                must[[]string](t)(tn.EffectiveAppUsers(a)),
			"usergroups":                           must[[]string](t)(tn.AppGroups(a)),
		} {
			got := ids(c.all("/api/v2/applications/"+a+"/"+path, 50))
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s of %s (-want +got):\n%s", path, a, diff)
			}
		}
	}
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestListShapes(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	sales := groupID(t, tn, "Sales")

	// API v1: both ids, the total in the body, no total header.
	res := c.get("/api/systemusers?limit=2&sort=username")
	var v1 map[string]json.RawMessage
	if err := json.Unmarshal([]byte(res.body), &v1); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(res.body, `{"totalCount":6,"results":[`) || len(v1) != 2 || res.header.Get("x-total-count") != "" {
		t.Errorf("v1 list: %s", res.body)
	}
	if got := res.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	ana := c.list("/api/systemusers?filter=username:$eq:ana.ruiz").Results[0]
	want := map[string]any{"username": "ana.ruiz", "email": "ana@example.com", "state": "ACTIVATED", "suspended": false, "employeeIdentifier": nil, "company": "", "middlename": ""}
	for name, value := range want {
		if got, ok := ana[name]; !ok || got != value {
			t.Errorf("user field %s: %v, %v", name, got, ok)
		}
	}
	if ana["_id"] != ana["id"] || ana["_id"] == nil {
		t.Errorf("ids %v and %v", ana["_id"], ana["id"])
	}
	for _, absent := range []string{"manager", "alternateEmail", "password_expiration_date", "mfa", "memberof", "hidden", "omit"} {
		if _, ok := ana[absent]; ok {
			t.Errorf("field %s is not absent", absent)
		}
	}
	// Wire oddities.
	old := c.list("/api/systemusers?filter=username:$eq:old.timer").Results[0]
	if _, ok := old["state"]; ok || old["employeeIdentifier"] != 12345.0 || old["favoriteColor"] != "green" {
		t.Errorf("overrides are not on the wire: %v", old)
	}

	// API v2: a bare array, only id, the total in the header.
	res = c.get("/api/v2/usergroups?limit=1&sort=name")
	if !strings.HasPrefix(res.body, `[{"attributes":null,"id":"`) || res.header.Get("x-total-count") != "4" {
		t.Errorf("v2 list: %s, total %q", res.body, res.header.Get("x-total-count"))
	}
	for _, path := range []string{"/api/systemusers?skip=50", "/api/v2/usergroups?skip=50", "/api/v2/usergroups/" + sales + "/members?skip=50"} {
		if p := c.list(path); len(p.Results) != 0 || p.TotalCount < 1 {
			t.Errorf("%s past the end: %+v", path, p)
		}
	}
	// Default limits.
	big := newClient(t, jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Small())}))
	for _, path := range []string{"/api/systemusers", "/api/v2/usergroups", "/api/applications"} {
		if n := len(big.list(path).Results); n != 10 {
			t.Errorf("%s has %d rows without a limit", path, n)
		}
	}
	if got := column(big.list("/api/applications?limit=100").Results, "name"); !slices.IsSortedFunc(got, func(a, b any) int { return strings.Compare(a.(string), b.(string)) }) {
		t.Errorf("applications are not sorted by name: %v", got)
	}
	// Projections keep the ids that the service cannot do without.
	p := c.list("/api/systemusers?fields=email%20username&limit=1").Results[0]
	if len(p) != 3 || p["_id"] == nil {
		t.Errorf("v1 projection: %v", p)
	}
	p = c.list("/api/systemusers?fields=email,username&limit=1").Results[0]
	if len(p) != 1 {
		t.Errorf("v1 projection with commas: %v", p)
	}
	p = c.list("/api/v2/usergroups?fields=name,email&limit=1").Results[0]
	if len(p) != 4 || p["id"] == nil || p["type"] != "user_group" {
		t.Errorf("v2 projection: %v", p)
	}
	// Edges omit from.
	res = c.get("/api/v2/usergroups/" + sales + "/members?limit=1")
	if !strings.HasPrefix(res.body, `[{"attributes":null,"to":{"attributes":null,"id":"`) || !strings.HasSuffix(res.body, `","type":"user"}}]`) {
		t.Errorf("edge: %s", res.body)
	}
	if roles := c.list("/api/v2/roles?limit=100"); roles.TotalCount != 9 || len(roles.Results) != 9 {
		t.Errorf("roles: %+v", roles)
	}
}

func groupID(t testing.TB, tn *jcsim.Tenant, name string) string {
	t.Helper()
	for _, g := range tn.Groups() {
		if g.Name == name {
			return g.ID
		}
	}
	t.Fatalf("no group %q", name)
	return ""
}

func appID(t testing.TB, tn *jcsim.Tenant, label string) string {
	t.Helper()
	for _, a := range tn.Applications() {
		if a.DisplayLabel == label {
			return a.ID
		}
	}
	t.Fatalf("no application %q", label)
	return ""
}

func TestFilters(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	for query, want := range map[string]string{
		"filter=department:$eq:Sales":                              "ana.ruiz bo.li",
		"filter=department:$eq:sales":                              "",
		"filter=department:$ne:Sales&filter=state:$eq:STAGED":      "dana",
		"filter[0]=department:$eq:IT&filter[1]=suspended:$eq:true": "chidi",
		"filter=username:$gt:chidi&filter=username:$lte:ldap.bind": "dana ldap.bind",
		"filter=email:$eq:Chidi@Example.com":                       "chidi",
		"filter=nonsense:$eq:x":                                    "",
	} {
		got := names(c.list("/api/systemusers?sort=username&limit=100&" + strings.ReplaceAll(query, " ", "%20")).Results)
		if got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	for body, want := range map[string]string{
		`{}`: "ana.ruiz bo.li chidi dana ldap.bind old.timer",
		``:   "ana.ruiz bo.li chidi dana ldap.bind old.timer",
		`{"filter":{"and":[{"state":"ACTIVATED"},{"department":{"$search":"sales"}}]}}`: "ana.ruiz bo.li",
		`{"filter":[{"department":"IT"},{"suspended":true}]}`:                           "chidi",
		`{"filter":{"username":{"$in":["dana","chidi"]}}}`:                              "chidi dana",
		`{"filter":{"username":{"$ne":"dana"},"department":"IT"}}`:                      "chidi",
		`{"skip":1,"limit":2}`: "bo.li chidi",
	} {
		res := c.do("POST", "/api/search/systemusers?sort=username&limit=1000", body)
		if got := names(c.parse(res).Results); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
	for path, want := range map[string]string{
		"/api/v2/usergroups?filter=name:eq:Sales":                            "Sales",
		"/api/v2/usergroups?filter=name:search:ALE":                          "Sales",
		"/api/v2/usergroups?filter=membershipMethod:ne:STATIC,name:ne:Sales": "Reviewed",
		"/api/v2/usergroups?filter=name:in:Sales|Reviewed&sort=name":         "Reviewed Sales",
		"/api/v2/usergroups?filter=name:ge:Reviewed&sort=-name":              "Sales Reviewed",
	} {
		var got []string
		for _, g := range c.list(path).Results {
			got = append(got, g["name"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for _, bad := range []string{
		"/api/systemusers?filter=email:eq:x", "/api/systemusers?filter=email", "/api/systemusers?filter=email:$near:x", "/api/systemusers?search=ana",
		"/api/v2/usergroups?filter=name", "/api/v2/usergroups?filter=name:near:x", "/api/systemusers?limit=x", "/api/v2/usergroups?skip=-1",
	} {
		if res := c.get(bad); res.status != 400 {
			t.Errorf("%s: status %d", bad, res.status)
		}
	}
	for _, bad := range []string{`{"filter":7}`, `{"filter":{"a":{"gt":1}}}`, `{"filter":{"a":{"$regex":"x"}}}`, `[`, `{"searchFilter":{"searchTerm":"a","fields":["company"]}}`, `{"limit":1001}`} {
		if res := c.do("POST", "/api/search/systemusers", bad); res.status != 400 {
			t.Errorf("search %s: status %d", bad, res.status)
		}
	}
}

func names(rows []map[string]any) string {
	var list []string
	for _, row := range rows {
		list = append(list, fmt.Sprint(row["username"]))
	}
	return strings.Join(list, " ")
}

func TestSearchTakesAThousand(t *testing.T) {
	t.Parallel()
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Medium())}))
	p := c.parse(c.do("POST", "/api/search/systemusers", `{"limit":1000,"skip":1000,"sort":"_id","fields":"username"}`))
	if p.TotalCount != 2000 || len(p.Results) != 1000 || len(p.Results[0]) != 2 {
		t.Errorf("total %d, %d rows, first %v", p.TotalCount, len(p.Results), p.Results[0])
	}
	p = c.parse(c.do("POST", "/api/search/systemusers", `{"limit":1}`))
	if _, ok := p.Results[0]["memberof"].([]any); !ok {
		t.Error("a search without fields has no memberof")
	}
}

// TestRefusals holds the statuses and bodies of the fact list.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	const missing = "ffffffffffffffffffffffff"
	sales, wiki := groupID(t, tn, "Sales"), appID(t, tn, "Wiki")
	tooMuch := `{"message":"Bad Request: request parameter \"limit\" exceeds maximum value of 100"}`
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string // the body; empty means not compared
	}{
		{"GET", "/api/systemusers?limit=101", "", 400, tooMuch},
		{"GET", "/api/users?limit=1000", "", 400, tooMuch},
		{"GET", "/api/v2/usergroups?limit=101", "", 400, tooMuch},
		{"GET", "/api/v2/usergroups/" + sales + "/members?limit=101", "", 400, tooMuch},
		{"GET", "/api/v2/whatever", "", 404, "Cannot GET /api/v2/whatever"},
		{"DELETE", "/api/v2/roles", "", 404, "Cannot DELETE /api/v2/roles"},
		{"GET", "/api/systemusers/" + missing, "", 404, ""},
		{"GET", "/api/applications/" + missing, "", 404, ""},
		{"GET", "/api/users/" + missing, "", 404, ""},
		{"GET", "/api/v2/roles/" + missing, "", 404, `{"message":"Not Found"}`},
		{"GET", "/api/v2/usergroups/" + missing, "", 404, `{"message":"Not Found"}`},
		{"GET", "/api/v2/usergroups/" + missing + "/members", "", 404, ""},
		{"GET", "/api/v2/usergroups/123456/members", "", 400, ""},
		{"POST", "/api/v2/usergroups/123456/members", `{"op":"add","type":"user","id":"` + missing + `"}`, 400, ""},
		{"POST", "/api/v2/usergroups/" + sales + "/members", `{"op":"add","type":"user","id":"123456"}`, 400, ""},
		{"POST", "/api/v2/usergroups/" + sales + "/members", `{"op":"add","type":"user_group","id":"` + missing + `"}`, 400, ""},
		{"POST", "/api/v2/usergroups/" + sales + "/members", `{"op":"join","type":"user","id":"` + missing + `"}`, 400, ""},
		{"POST", "/api/v2/usergroups/" + sales + "/members", `{"op":"add","type":"user","id":"` + missing + `"}`, 404, ""},
		{"GET", "/api/v2/applications/" + wiki + "/associations", "", 400, ""},
		{"GET", "/api/v2/applications/" + wiki + "/associations?targets=shoes", "", 400, ""},
		{"GET", "/api/organizations/" + missing, "", 404, ""},
	} {
		res := c.do(test.method, test.path, test.body)
		if res.status != test.status || test.want != "" && res.body != test.want {
			t.Errorf("%s %s: %d %s", test.method, test.path, res.status, res.body)
		}
	}
	if got := c.get("/api/v2/whatever").header.Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
		t.Errorf("unknown route is %s", got)
	}
	// Kinds of targets that the simulator has none of are empty, not refused.
	if p := c.list("/api/v2/usergroups/" + sales + "/associations?targets=system,ldap_server"); len(p.Results) != 0 {
		t.Errorf("systems: %v", p)
	}
}

func TestTraversalsHavePaths(t *testing.T) {
	t.Parallel()
	tn := jcsim.NewTenant(jcsim.Organization{})
	id := must[string](t)
	ana, bo := id(tn.AddUser(jcsim.User{Username: "ana"})), id(tn.AddUser(jcsim.User{Username: "bo"}))
	sales := id(tn.AddGroup(jcsim.Group{Name: "Sales", Attributes: []byte(`{"ldapGroups":[{"name":"s"}]}`)}))
	ops := id(tn.AddGroup(jcsim.Group{Name: "Ops"}))
	app := id(tn.AddApplication(jcsim.Application{Name: "a"}))
	for _, err := range []error{
		tn.AddMember(sales, ana), tn.AddMember(ops, ana), tn.AddMember(sales, bo),
		tn.Associate(app, jcsim.TypeUserGroup, sales), tn.Associate(app, jcsim.TypeUserGroup, ops), tn.Associate(app, jcsim.TypeUser, ana),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	paths := func(path, of string) (got []string) {
		for _, row := range c.list(path).Results {
			if row["id"] != of {
				continue
			}
			for _, p := range row["paths"].([]any) {
				hops := []map[string]any{}
				for _, hop := range p.([]any) {
					hops = append(hops, hop.(map[string]any))
				}
				got = append(got, strings.Join(ids(hops), ">"))
			}
		}
		slices.Sort(got)
		return got
	}
	for _, test := range []struct {
		path, of string
		want     []string
	}{
		{"/api/v2/applications/" + app + "/users", ana, []string{ana, sales + ">" + ana, ops + ">" + ana}},
		{"/api/v2/applications/" + app + "/users", bo, []string{sales + ">" + bo}},
		{"/api/v2/applications/" + app + "/users?filter=object_id:eq:" + bo, ana, nil},
		{"/api/v2/applications/" + app + "/usergroups", sales, []string{sales}},
		{"/api/v2/usergroups/" + sales + "/membership", bo, []string{bo}},
		{"/api/v2/usergroups/" + sales + "/membership?sort=-object_id", ana, []string{ana}},
		{"/api/v2/users/" + ana + "/memberof", ops, []string{ops}},
	} {
		slices.Sort(test.want)
		if diff := cmp.Diff(test.want, paths(test.path, test.of)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.path, diff)
		}
	}
	res := c.get("/api/v2/applications/" + app + "/users?filter=" + url.QueryEscape("object_id:eq:"+bo))
	if !strings.Contains(res.body, `"compiledAttributes":{"ldapGroups":[{"name":"s"}]}`) || res.header.Get("x-total-count") != "1" {
		t.Errorf("traversal: %s", res.body)
	}
	for _, path := range []string{"/api/v2/users/" + ana + "/associations?targets=application", "/api/v2/usergroups/" + sales + "/associations?targets=application,system"} {
		if got := ids(c.list(path).Results); !slices.Equal(got, []string{app}) {
			t.Errorf("%s: %v", path, got)
		}
	}
}
