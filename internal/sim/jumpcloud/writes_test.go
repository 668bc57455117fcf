package jcsim_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// object reads an answer that is one object.
func object(t *testing.T, res response, status int) map[string]any {
	t.Helper()
	if res.status != status {
		t.Fatalf("status %d, want %d: %s", res.status, status, res.body)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(res.body), &v); err != nil {
		t.Fatalf("%v: %s", err, res.body)
	}
	return v
}

func TestUserWrites(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))

	// Creating answers 200, not 201.
	u := object(t, c.do("POST", "/api/systemusers", `{"username":"new","email":"new@example.com","state":"STAGED",
		"phoneNumbers":[{"type":"work","number":"1"}],"attributes":[{"name":"badge","value":"8"}],"unknown":{"a":1}}`), 200)
	id := u["_id"].(string)
	if u["state"] != "STAGED" || u["suspended"] != false || u["activated"] != false {
		t.Errorf("created user: %v", u)
	}
	phone := u["phoneNumbers"].([]any)[0].(map[string]any)["id"]
	path := "/api/systemusers/" + id

	// A PUT is partial, and gives list members new ids.
	u = object(t, c.do("PUT", path, `{"department":"IT","phoneNumbers":[{"type":"work","number":"1"}],"activated":true}`), 200)
	if u["department"] != "IT" || u["username"] != "new" || len(u["attributes"].([]any)) != 1 || u["activated"] != false {
		t.Errorf("after PUT: %v", u)
	}
	if u["phoneNumbers"].([]any)[0].(map[string]any)["id"] == phone {
		t.Error("a list member kept its id")
	}
	for _, step := range []struct {
		body      string
		status    int
		state     string
		suspended bool
	}{
		{`{"state":"SUSPENDED"}`, 200, "SUSPENDED", true},
		{`{"suspended":false}`, 200, "ACTIVATED", false},
		{`{"suspended":true}`, 200, "SUSPENDED", true},
		{`{"state":"ACTIVATED","suspended":false}`, 200, "ACTIVATED", false},
		{`{"state":"ACTIVATED","suspended":true}`, 400, "", false},
		{`{"state":"STAGED"}`, 400, "", false},
		{`{"state":5}`, 400, "", false},
		{`{"username":5}`, 400, "", false},
		{`{"username":"ana.ruiz"}`, 400, "", false},
		{`[]`, 400, "", false},
	} {
		res := c.do("PUT", path, step.body)
		if res.status != step.status {
			t.Errorf("PUT %s: %d %s", step.body, res.status, res.body)
		}
		if step.status != 200 {
			if !strings.Contains(res.body, `"details":[`) {
				t.Errorf("PUT %s: no details: %s", step.body, res.body)
			}
			continue
		}
		if u := object(t, res, 200); u["state"] != step.state || u["suspended"] != step.suspended {
			t.Errorf("PUT %s: %v %v", step.body, u["state"], u["suspended"])
		}
	}
	for _, bad := range []string{`{}`, `{"username":"x"}`, `{"username":"ana.ruiz","email":"z@example.com"}`, `{"username":"z","email":"ANA@example.com"}`, `{"username":"z","email":"z@example.com","state":"ON"}`} {
		if res := c.do("POST", "/api/systemusers", bad); res.status != 400 {
			t.Errorf("POST %s: %d %s", bad, res.status, res.body)
		}
	}

	// Managers: a PUT sets and clears, a delete demands to know.
	ana := must[*jcsim.User](t)(tn.User("ana.ruiz"))
	if u := object(t, c.do("PUT", path, `{"manager":"`+ana.ID+`"}`), 200); u["manager"] != ana.ID {
		t.Errorf("manager: %v", u["manager"])
	}
	if u := object(t, c.do("PUT", path, `{"manager":null}`), 200); u["manager"] != nil {
		t.Errorf("manager: %v", u["manager"])
	}
	if res := c.do("DELETE", "/api/systemusers/"+ana.ID, ""); res.status != 409 {
		t.Errorf("deleting a manager: %d", res.status)
	}
	if res := c.do("DELETE", "/api/systemusers/"+ana.ID+"?cascade_manager=ffffffffffffffffffffffff", ""); res.status != 400 {
		t.Errorf("deleting a manager for nobody: %d", res.status)
	}
	gone := object(t, c.do("DELETE", "/api/systemusers/"+ana.ID+"?cascade_manager="+id, ""), 200)
	if gone["username"] != "ana.ruiz" {
		t.Errorf("deleted: %v", gone["username"])
	}
	if bo := must[*jcsim.User](t)(tn.User("bo.li")); bo.Manager != id {
		t.Errorf("bo's manager is %s", bo.Manager)
	}
	if res := c.do("DELETE", path+"?cascade_manager=null", ""); res.status != 200 {
		t.Errorf("deleting with null: %d %s", res.status, res.body)
	}
	if bo := must[*jcsim.User](t)(tn.User("bo.li")); bo.Manager != "" {
		t.Errorf("bo's manager is %s", bo.Manager)
	}
	if res := c.get(path); res.status != 404 {
		t.Errorf("deleted user: %d", res.status)
	}
}

func TestAdminWrites(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	a := object(t, c.do("POST", "/api/users", `{"email":"new@example.com","roleName":"Read Only","enableMultiFactor":true}`), 200)
	path := "/api/users/" + a["_id"].(string)
	a = object(t, c.do("PUT", path, `{"roleNames":["Read Only","Auditor"]}`), 200)
	if a["roleName"] != "Read Only" || len(a["roleNames"].([]any)) != 2 || len(a["roles"].([]any)) != 2 || a["role"] == nil {
		t.Errorf("admin: %v", a)
	}
	for _, bad := range []string{`{}`, `{"email":"x@example.com","roleName":"King"}`, `{"email":"NEW@example.com"}`, `[]`} {
		if res := c.do("POST", "/api/users", bad); res.status != 400 {
			t.Errorf("POST %s: %d", bad, res.status)
		}
	}
	if res := c.do("DELETE", path, ""); res.status != 200 {
		t.Errorf("delete: %d", res.status)
	}
	if res := c.get(path); res.status != 404 {
		t.Errorf("deleted admin: %d", res.status)
	}
	if p := c.list("/api/users?limit=100&filter=email:$eq:nobody"); p.TotalCount != 3 {
		t.Errorf("the list of administrators takes a filter: %d", p.TotalCount)
	}
	old := c.list("/api/users?sort=email&limit=100").Results[2]
	if old["email"] != "ops@example.com" || old["role"] == nil || old["organization"] != tn.Organization().ID {
		t.Errorf("admin: %v", old)
	}
	if _, ok := old["roleNames"]; ok {
		t.Error("roleNames is not left out")
	}
}

func TestGroupWrites(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	g := object(t, c.do("POST", "/api/v2/usergroups", `{"name":"New","email":"n@example.com","attributes":{"sudo":{"enabled":true}},
		"membershipMethod":"DYNAMIC_AUTOMATED","memberQuery":{"queryType":"FilterQuery","filters":[{"field":"department","operator":"eq","value":"IT"}]}}`), 201)
	id := g["id"].(string)
	if _, ok := g["_id"]; ok {
		t.Error("a group of API v2 has _id")
	}
	if n := len(must[[]string](t)(tn.Members(id))); n != 2 {
		t.Errorf("the rule found %d members", n)
	}
	if res := c.do("POST", "/api/v2/usergroups", `{"name":"NEW"}`); res.status != 409 || res.body != `{"message":"Already Exists"}` {
		t.Errorf("duplicate: %d %s", res.status, res.body)
	}
	if res := c.do("POST", "/api/v2/usergroups", `{"email":"x"}`); res.status != 400 {
		t.Errorf("no name: %d", res.status)
	}
	// A PUT is full.
	g = object(t, c.do("PUT", "/api/v2/usergroups/"+id, `{"name":"Newer"}`), 200)
	if g["email"] != "" || g["attributes"] != nil || g["membershipMethod"] != "STATIC" {
		t.Errorf("after PUT: %v", g)
	}
	if res := c.do("DELETE", "/api/v2/usergroups/"+id, ""); res.status != 200 {
		t.Errorf("delete: %d", res.status)
	}
	if res := c.get("/api/v2/usergroups/" + id + "/members"); res.status != 404 {
		t.Errorf("members of a deleted group: %d", res.status)
	}
}

func TestGraphWrites(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	group, app := groupID(t, tn, "Empty \"quoted\" — ü"), appID(t, tn, "Wiki")
	user := must[*jcsim.User](t)(tn.User("dana")).ID
	op := func(op, kind, id string) string { return `{"op":"` + op + `","type":"` + kind + `","id":"` + id + `"}` }
	for _, route := range []struct{ name, path, kind, id string }{
		{"member", "/api/v2/usergroups/" + group + "/members", "user", user},
		{"app user", "/api/v2/applications/" + app + "/associations", "user", user},
		{"app group", "/api/v2/applications/" + app + "/associations", "user_group", group},
	} {
		for _, step := range []struct {
			op     string
			status int
			body   string
		}{
			{"remove", 404, `{"message":"Not Found"}`},
			{"update", 404, `{"message":"Not Found"}`},
			{"add", 204, ""},
			{"add", 409, `{"message":"Already Exists"}`},
			{"update", 204, ""},
			{"remove", 204, ""},
			{"remove", 404, `{"message":"Not Found"}`},
		} {
			res := c.do("POST", route.path, op(step.op, route.kind, route.id))
			if res.status != step.status || res.body != step.body {
				t.Errorf("%s, %s: %d %s", route.name, step.op, res.status, res.body)
			}
		}
	}
	c.do("POST", "/api/v2/usergroups/"+group+"/members", op("add", "user", user))
	if got := must[[]string](t)(tn.Members(group)); !slices.Equal(got, []string{user}) {
		t.Errorf("members: %v", got)
	}
}

// TestLag holds that reads lag behind writes by the number that is set, that the
// write model does not, and that both ends of an edge lag alike.
func TestLag(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	s := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 2}}})
	c := newClient(t, s)
	group, app := groupID(t, tn, "All Users"), appID(t, tn, "AWS Prod")
	user := must[*jcsim.User](t)(tn.User("dana")).ID
	has := func(path, id string) bool {
		t.Helper()
		return slices.Contains(ids(c.all(path, 100)), id)
	}
	write := func(path, op, kind, id string, want int) {
		t.Helper()
		if res := c.do("POST", path, `{"op":"`+op+`","type":"`+kind+`","id":"`+id+`"}`); res.status != want {
			t.Fatalf("%s %s: %d %s", op, path, res.status, res.body)
		}
	}
	members, memberOf := "/api/v2/usergroups/"+group+"/members", "/api/v2/users/"+user+"/memberof"
	write(members, "remove", "user", user, 204)
	write(members, "remove", "user", user, 404)
	for i, want := range []bool{true, true, false} {
		if has(members, user) != want {
			t.Errorf("read %d after the removal: %v", i+1, !want)
		}
	}
	write(members, "add", "user", user, 204)
	for i, read := range []struct {
		path, id string
		want     bool
	}{{members, user, false}, {memberOf, group, false}, {memberOf, group, true}, {members, user, true}} {
		if has(read.path, read.id) != read.want {
			t.Errorf("read %d after the addition, %s: %v", i+1, read.path, !read.want)
		}
	}
	associations, users := "/api/v2/applications/"+app+"/associations", "/api/v2/applications/"+app+"/users"
	write(associations, "remove", "user", user, 204)
	for i, read := range []struct {
		path string
		want bool
	}{{associations + "?targets=user", true}, {users, true}, {users, false}, {associations + "?targets=user,user_group", false}} {
		if has(read.path, user) != read.want {
			t.Errorf("read %d after the unbinding, %s: %v", i+1, read.path, !read.want)
		}
	}
}

func TestDynamicGroupUndoesWrites(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 2} {
		tn := borealis(t)
		s := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Behavior: jcsim.Behavior{UndoDynamic: true, UndoAfterReads: after}}})
		c := newClient(t, s)
		path := "/api/v2/usergroups/" + groupID(t, tn, "Sales") + "/members"
		dana, bo := must[*jcsim.User](t)(tn.User("dana")).ID, must[*jcsim.User](t)(tn.User("bo.li")).ID
		for _, body := range []string{`{"op":"add","type":"user","id":"` + dana + `"}`, `{"op":"remove","type":"user","id":"` + bo + `"}`} {
			if res := c.do("POST", path, body); res.status != 204 {
				t.Fatalf("%d %s", res.status, res.body)
			}
		}
		for i := range 4 {
			got := ids(c.all(path, 100))
			written := i < after
			if slices.Contains(got, dana) != written || slices.Contains(got, bo) == written {
				t.Errorf("undo after %d reads, read %d: %v", after, i+1, got)
			}
		}
	}
	// Without the switch a write stays.
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	path := "/api/v2/usergroups/" + groupID(t, tn, "Sales") + "/members"
	dana := must[*jcsim.User](t)(tn.User("dana")).ID
	c.do("POST", path, `{"op":"add","type":"user","id":"`+dana+`"}`)
	if !slices.Contains(ids(c.all(path, 100)), dana) {
		t.Error("the write did not stay")
	}
}
