package jcsim_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

func TestLoadExample(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	want := jcsim.Counts{
		Users: 6, HiddenUsers: 1, Admins: 3, Roles: 9, Groups: 4, Applications: 3,
		Memberships: 9, AppUsers: 1, AppGroups: 2, InheritedAppUsers: 8, DanglingEdges: 2, GhostEdges: 1,
	}
	if diff := cmp.Diff(want, tn.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	user := must[*jcsim.User](t)
	ana, bo, chidi := user(tn.User("ana.ruiz")), user(tn.User("bo.li")), user(tn.User("chidi"))
	if bo.Manager != ana.ID || chidi.Manager != bo.ID {
		t.Error("managers are not resolved to ids")
	}
	if admin := tn.Admins()[slices.IndexFunc(tn.Admins(), func(a *jcsim.Admin) bool { return a.Email == "ANA@example.com" })]; ana.Admin.ID != admin.ID {
		t.Error("the admin link is not resolved to an id")
	}
	members := must[[]string](t)(tn.Members("Sales"))
	sales := []string{ana.ID, bo.ID}
	slices.Sort(sales)
	if diff := cmp.Diff(sales, members); diff != "" {
		t.Errorf("members by rule (-want +got):\n%s", diff)
	}
	if ghosts := must[[]string](t)(tn.GhostMembers("Reviewed")); len(ghosts) != 1 {
		t.Errorf("ghosts: %v", ghosts)
	}
	again := borealis(t)
	if again.Users()[0].ID != tn.Users()[0].ID {
		t.Error("derived ids differ between two loads")
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	size := jcsim.Small()
	size.Hidden, size.Ghosts = 2, 2
	for name, tn := range map[string]*jcsim.Tenant{"example": borealis(t), "generated": jcsim.Generate(7, size)} {
		var first, second bytes.Buffer
		if err := tn.Save(&first); err != nil {
			t.Fatal(err)
		}
		back, err := jcsim.Load(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := back.Save(&second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.String(), second.String()); diff != "" {
			t.Errorf("%s: saved again (-first +second):\n%s", name, diff)
		}
		if diff := cmp.Diff(tn.Counts(), back.Counts()); diff != "" {
			t.Errorf("%s: counts (-want +got):\n%s", name, diff)
		}
	}
}

func TestLoadFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file string
		want       []string // parts of the message, in any order
	}{
		{"not an object", `[]`, []string{"line 1", "one JSON object"}},
		{"empty", ``, []string{"line 1", "one JSON object"}},
		{"cut off", "{\n\"users\": [\n{\"username\": \"a\"},", []string{"line 3", "ends too early"}},
		{"unknown part", "{\n\"user\": []}", []string{"line 2", `unknown part "user"`, "users"}},
		{"unknown field", "{\"users\": [\n{\"username\": \"a\",\n\"e-mail\": \"x\"}]}", []string{"line 3", `"e-mail"`, "extra"}},
		{"wrong type", "{\"users\": [\n{\"username\":\n7}]}", []string{"line 3", "username", "number", "string"}},
		{"list expected", "{\"users\":\n{}}", []string{"line 2", "users is a list"}},
		{"no username", "{\"users\": [\n{\"email\": \"a@example.com\"}]}", []string{"line 2", "needs a username"}},
		{"twice", "{\"users\": [\n{\"username\": \"a\"},\n{\"username\": \"A\"}]}", []string{"line 3", "username", "already exists"}},
		{"bad id", `{"users": [{"username": "a", "_id": "7"}]}`, []string{"24 hex digits", "leave it out"}},
		{"bad state", `{"users": [{"username": "a", "state": "ON"}]}`, []string{"STAGED, ACTIVATED or SUSPENDED"}},
		{"no manager", "{\"users\": [\n\n{\"username\": \"a\", \"manager\": \"b\"}]}", []string{"line 3", `no user "b"`, "write a username"}},
		{"no member", "{\"groups\": [{\"name\": \"g\",\n \"members\": [\"b\"]}]}", []string{"line 1", `group "g"`, `no user "b"`}},
		{"bad member", `{"groups": [{"name": "g", "members": [{"lost": 1}]}]}`, []string{`"dangling"`, `"ghost"`}},
		{"bad count", `{"groups": [{"name": "g", "members": [{"ghost": 0}]}]}`, []string{"ghost needs a number above 0"}},
		{"no group", `{"applications": [{"name": "x", "groups": ["g"]}]}`, []string{`application "x"`, `no group "g"`}},
		{"bad rule", `{"groups": [{"name": "g", "rule": [{"field": "shoe", "operator": "eq", "value": "9"}]}]}`, []string{"shoe", "department"}},
		{"bad method", `{"groups": [{"name": "g", "membershipMethod": "MAGIC"}]}`, []string{"MAGIC", "STATIC"}},
		{"several faults", "{\"users\": [\n{\"username\": \"a\", \"x\": 1},\n{\"username\": \"b\", \"y\": 1}]}", []string{"line 2", "line 3"}},
		{"text after the end", `{} {}`, []string{"after the end"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := jcsim.Load(strings.NewReader(test.file))
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q:\n%v", part, err)
				}
			}
		})
	}
}
