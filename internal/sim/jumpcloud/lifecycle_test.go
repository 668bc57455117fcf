package jcsim_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestUserStateRoutes goes through the routes of a user's state and what each leaves.
func TestUserStateRoutes(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	u := object(t, c.do("POST", "/api/systemusers", `{"username":"new","email":"new@example.com","state":"STAGED"}`), 200)
	id := u["_id"].(string)
	path := "/api/systemusers/" + id
	mails := func() string {
		var list []string
		for _, m := range tn.Mails() {
			list = append(list, m.Kind+" "+m.To)
		}
		return strings.Join(list, ", ")
	}
	for _, step := range []struct {
		method, path, body string
		status             int
		field              string
		want               any
		mails              string
	}{
		{"POST", "/state/activate", `{"email":"home@example.com"}`, 200, "state", "ACTIVATED", "activation home@example.com"},
		{"POST", "/state/activate", `{}`, 200, "state", "ACTIVATED", "activation home@example.com"},
		{"POST", "/expire", "", 200, "password_expired", true, ""},
		{"PUT", "", `{"password":"short"}`, 400, "password_expired", true, ""},
		{"PUT", "?fullValidationDetails=password", `{"password":"Abcdefg1"}`, 400, "activated", false, ""},
		{"PUT", "", `{"password":"Abcdefg1!"}`, 200, "password_expired", false, ""},
		{"PUT", "", `{"account_locked":true}`, 200, "account_locked", true, ""},
		{"POST", "/unlock", "", 200, "account_locked", false, ""},
		{"POST", "/resetmfa", `{"exclusion":true,"exclusionDays":7}`, 200, "totp_enabled", false, ""},
		{"POST", "/resetmfa", "", 200, "totp_enabled", false, ""},
		{"POST", "/mfasync", "", 200, "activated", true, ""},
		{"PUT", "", `{"passwordless_sudo":true,"recoveryEmail":{"address":"r@example.com"}}`, 200, "passwordless_sudo", true, ""},
		{"POST", "/state/suspend", "", 200, "suspended", true, ""},
		{"POST", "/state/activate", "", 400, "state", "SUSPENDED", ""},
	} {
		if res := c.do(step.method, path+step.path, step.body); res.status != step.status {
			t.Errorf("%s %s %s: %d %s", step.method, step.path, step.body, res.status, res.body)
		}
		if got := object(t, c.get(path), 200)[step.field]; got != step.want {
			t.Errorf("after %s %s %s: %s is %v", step.method, step.path, step.body, step.field, got)
		}
		if step.mails != "" && mails() != step.mails {
			t.Errorf("after %s: mails %s", step.path, mails())
		}
	}
	if !tn.HasPassword("new", "Abcdefg1!") || tn.HasPassword("new", "short") {
		t.Error("the password is not the one that was set")
	}
	if res := c.do("PUT", path+"?fullValidationDetails=password", `{"password":"Abcdefg1"}`); !strings.Contains(res.body, `"fieldViolationsList":[{"field":"password","description":"specialCharacter"}]`) {
		t.Errorf("details: %s", res.body)
	}
	for body, status := range map[string]int{
		`{"isSelectAll":false,"models":[{"_id":"` + id + `"}]}`: 200, `{"models":[{"_id":"nobody"}]}`: 404, `{"isSelectAll":true}`: 400, `[`: 400,
	} {
		if res := c.do("POST", "/api/systemusers/reactivate", body); res.status != status {
			t.Errorf("reactivate %s: %d", body, res.status)
		}
	}
	if res := c.do("POST", "/api/systemusers/nobody/unlock", ""); res.status != 404 {
		t.Errorf("unlock nobody: %d", res.status)
	}
	if err := tn.UpdateUser("new", func(u *jcsim.User) {
		u.RestrictedFields = []jcsim.RestrictedField{{Field: "department", Type: "scim"}, {Field: "password", Type: "active_directory"}}
	}); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"department":"X"}`, `{"password":"Abcdefg1!"}`} {
		if res := c.do("PUT", path, body); res.status != 400 {
			t.Errorf("PUT %s of a managed field: %d", body, res.status)
		}
	}
}

func TestScheduledStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tn := borealis(t)
		c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
		ana := must[*jcsim.User](t)(tn.User("ana.ruiz")).ID
		at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		body := `{"user_ids":["` + ana + `"],"state":"SUSPENDED","start_date":"` + at + `"}`
		for range 2 {
			if res := c.do("POST", "/api/v2/bulk/userstates", body); res.status != 201 {
				t.Fatalf("%d %s", res.status, res.body)
			}
		}
		for _, bad := range []string{`{}`, `{"user_ids":["x"],"state":"SUSPENDED","start_date":"` + at + `"}`, strings.Replace(body, "SUSPENDED", "suspended", 1)} {
			if res := c.do("POST", "/api/v2/bulk/userstates", bad); res.status != 400 {
				t.Errorf("%s: %d", bad, res.status)
			}
		}
		if len(tn.Schedules()) != 2 {
			t.Fatalf("schedules: %v", tn.Schedules())
		}
		job := tn.Schedules()[0].JobID
		if res := c.do("DELETE", "/api/v2/bulk/userstates/"+job, ""); res.status != 204 {
			t.Errorf("delete: %d", res.status)
		}
		if res := c.do("DELETE", "/api/v2/bulk/userstates/"+ana, ""); res.status != 404 {
			t.Errorf("delete by the user: %d", res.status)
		}
		if res := c.get("/api/v2/bulk/userstates?userid=" + ana); res.status != 200 || strings.Count(res.body, "scheduledJobId") != 1 {
			t.Errorf("list: %d %s", res.status, res.body)
		}
		<-time.After(time.Hour) // of the virtual clock: no time passes
		if u := object(t, c.get("/api/systemusers/"+ana), 200); u["state"] != "SUSPENDED" {
			t.Errorf("an hour later: %v", u["state"])
		}
		if len(tn.Schedules()) != 0 {
			t.Error("the schedule was not used up")
		}
	})
}

// TestAdminOfUser holds what an administrator and the user of the same address do to
// each other, and who may change administrators.
func TestAdminOfUser(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	owner := must[string](t)(tn.AddAdmin(jcsim.Admin{Email: "owner@example.com", RoleName: jcsim.BillingRole}))
	reader := must[string](t)(tn.AddAdmin(jcsim.Admin{Email: "reader@example.com", RoleName: "Read Only"}))
	server := jcsim.New(jcsim.Options{Tenant: tn, Keys: []jcsim.APIKey{
		{Key: jcsim.DefaultKey, Admin: "owner@example.com"}, {Key: "other", Admin: reader},
	}})
	c := newClient(t, server)
	must[string](t)(tn.AddUser(jcsim.User{Username: "zoe", Email: "zoe@example.com"}))
	zoe := must[*jcsim.User](t)(tn.User("zoe"))
	a := object(t, c.do("POST", "/api/users", `{"email":"`+zoe.Email+`","roleNames":["Manager","Help Desk"]}`), 200)
	admin := a["_id"].(string)
	if u := must[*jcsim.User](t)(tn.User(zoe.ID)); u.Admin == nil || u.Admin.ID != admin || u.Admin.RoleName != "Manager" {
		t.Errorf("linked: %+v", u.Admin)
	}
	a = object(t, c.do("PUT", "/api/users/"+admin, `{"roleName":"Read Only"}`), 200)
	if names := a["roleNames"].([]any); a["roleName"] != "Read Only" || len(names) != 1 {
		t.Errorf("after one role: %v", a)
	}
	if err := server.Update(func(s *jcsim.Settings) { s.SingleRole = true }); err != nil {
		t.Fatal(err)
	}
	a = object(t, c.do("PUT", "/api/users/"+admin, `{"roleNames":["Manager","Help Desk"]}`), 200)
	if a["roleName"] != "Read Only" {
		t.Errorf("a service of one role took several: %v", a)
	}
	if res := c.do("DELETE", "/api/users/"+owner, ""); res.status != 403 {
		t.Errorf("an administrator deleted itself: %d", res.status)
	}
	if err := tn.UpdateUser("bo.li", func(u *jcsim.User) { u.State, u.Suspended = jcsim.StateSuspended, true }); err != nil {
		t.Fatal(err)
	}
	bo := must[*jcsim.User](t)(tn.User("bo.li"))
	if res := c.do("POST", "/api/users", `{"email":"`+bo.Email+`","roleName":"Manager"}`); res.status != 409 {
		t.Errorf("a suspended user became an administrator: %d", res.status)
	}
	if res := c.get("/api/users/reactivate/" + admin); res.status != 200 {
		t.Errorf("reactivate: %d", res.status)
	}
	if res := c.do("POST", "/api/users/resettotp/"+admin, ""); res.status != 200 {
		t.Errorf("resettotp: %d", res.status)
	}
	if res := c.do("DELETE", "/api/systemusers/"+zoe.ID+"?cascade_manager=null", ""); res.status != 200 {
		t.Errorf("delete: %d", res.status)
	}
	if slices.ContainsFunc(tn.Admins(), func(a *jcsim.Admin) bool { return a.ID == admin }) {
		t.Error("the administrator outlived its user")
	}
	c.headers["x-api-key"] = "other"
	for _, step := range [][2]string{{"POST", "/api/users"}, {"PUT", "/api/users/" + owner}, {"DELETE", "/api/users/" + owner}} {
		if res := c.do(step[0], step[1], `{"email":"x@example.com","roleName":"Manager"}`); res.status != 403 {
			t.Errorf("%s by a reader: %d", step[0], res.status)
		}
	}
}

// TestObjectsLag holds that reads show users, groups and administrators late.
func TestObjectsLag(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	settings := jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 2, LagObjects: true}}
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn, Settings: settings}))
	id := object(t, c.do("POST", "/api/systemusers", `{"username":"new","email":"new@example.com"}`), 200)["_id"].(string)
	path := "/api/systemusers/" + id
	search := func() response {
		return c.do("POST", "/api/search/systemusers", `{"filter":{"and":[{"username":{"$eq":"new"}}]},"sort":"_id","limit":10}`)
	}
	if res := c.get(path); res.status != 404 {
		t.Errorf("first read: %d", res.status)
	}
	if res := search(); strings.Contains(res.body, id) {
		t.Errorf("second read: %s", res.body)
	}
	if res := c.get(path); res.status != 200 {
		t.Errorf("third read: %d", res.status)
	}
	c.do("PUT", path, `{"department":"A"}`)
	c.do("PUT", path, `{"department":"B"}`)
	for i, want := range []string{"", "", "B"} {
		if u := object(t, c.get(path), 200); u["department"] != want {
			t.Errorf("read %d after a write: %v", i+1, u["department"])
		}
	}
	c.do("DELETE", path, "")
	for i, want := range []bool{true, true, false} {
		if res := search(); strings.Contains(res.body, id) != want {
			t.Errorf("search %d after a deletion: %s", i+1, res.body)
		}
	}
	group := object(t, c.do("POST", "/api/v2/usergroups", `{"name":"New"}`), 201)["id"].(string)
	if res := c.get("/api/v2/usergroups/" + group); res.status != 404 {
		t.Errorf("a new group at once: %d", res.status)
	}
	if res := c.get("/api/v2/usergroups?limit=100"); strings.Contains(res.body, group) {
		t.Error("a new group in the list at once")
	}
	if res := c.get("/api/v2/usergroups/" + group); res.status != 200 {
		t.Errorf("a new group later: %d", res.status)
	}
	admin := object(t, c.do("POST", "/api/users", `{"email":"a@example.com","roleName":"Manager"}`), 200)["_id"].(string)
	for i, want := range []int{404, 404, 200} {
		if res := c.get("/api/users/" + admin); res.status != want {
			t.Errorf("read %d of a new administrator: %d", i+1, res.status)
		}
	}
}

func TestSSHKeyRoutes(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	user := tn.Users()[0].ID
	path := "/api/systemusers/" + user + "/sshkeys"
	if got := c.do("GET", path, ""); got.status != 200 || got.body != "[]" {
		t.Errorf("no keys: %d %s", got.status, got.body)
	}
	key := object(t, c.do("POST", path, `{"name":"laptop","public_key":"ssh-ed25519 AAAA"}`), 200)
	id, _ := key["_id"].(string)
	if key["name"] != "laptop" || key["public_key"] != "ssh-ed25519 AAAA" || id == "" || key["create_date"] == "" {
		t.Errorf("the key is %v", key)
	}
	for _, refused := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", path, `{"name":"laptop","public_key":"ssh-ed25519 AAAA"}`, 409},
		{"POST", path, `{"name":"laptop"}`, 400},
		{"POST", "/api/systemusers/64b000000000000000000fff/sshkeys", `{"name":"a","public_key":"b"}`, 404},
		{"DELETE", path + "/64b000000000000000000fff", "", 404},
	} {
		if got := c.do(refused.method, refused.path, refused.body); got.status != refused.status {
			t.Errorf("%s %s: %d, want %d", refused.method, refused.path, got.status, refused.status)
		}
	}
	shown, _ := object(t, c.do("GET", "/api/systemusers/"+user, ""), 200)["ssh_keys"].([]any)
	if len(shown) != 1 {
		t.Errorf("the user shows the keys %v", shown)
	}
	if got := c.do("DELETE", path+"/"+id, ""); got.status != 200 {
		t.Errorf("deleting: %d %s", got.status, got.body)
	}
	if got := c.do("GET", path, ""); got.body != "[]" {
		t.Errorf("a deleted key is listed: %s", got.body)
	}
}

func TestRoleRoutes(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	role := object(t, c.do("POST", "/api/v2/roles", `{"name":"Night Desk","scopes":["users.readonly"]}`), 201)
	path := "/api/v2/roles/" + role["id"].(string)
	changed := object(t, c.do("PUT", path, `{"name":"Day Desk","scopes":["users"],"description":"by day"}`), 200)
	if changed["name"] != "Day Desk" || changed["description"] != "by day" {
		t.Errorf("changed to %v", changed)
	}
	for _, refused := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/v2/roles", `{"name":"day desk","scopes":["users"]}`, 409},
		{"POST", "/api/v2/roles", `{"name":"Nobody"}`, 400},
		{"PUT", path, `{}`, 400},
		{"DELETE", "/api/v2/roles/64b000000000000000000fff", "", 404},
	} {
		if got := c.do(refused.method, refused.path, refused.body); got.status != refused.status {
			t.Errorf("%s %s: %d, want %d", refused.method, refused.path, got.status, refused.status)
		}
	}
	if got := c.do("DELETE", path, ""); got.status/100 != 2 {
		t.Errorf("deleting: %d", got.status)
	}
	if got := c.do("GET", path, ""); got.status != 404 {
		t.Errorf("a deleted role answers %d", got.status)
	}
}
