package jcsim_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

func TestTenantEditsAndTruth(t *testing.T) {
	t.Parallel()
	id := must[string](t)
	tn := jcsim.NewTenant(jcsim.Organization{Name: "Acme"})
	tn.StartJournal()
	ana := id(tn.AddUser(jcsim.User{Username: "ana", Email: "ana@example.com"}))
	bo := id(tn.AddUser(jcsim.User{Username: "bo", Email: "bo@example.com", Manager: ana}))
	sales := id(tn.AddGroup(jcsim.Group{Name: "Sales"}))
	wiki := id(tn.AddApplication(jcsim.Application{DisplayLabel: "Wiki", Name: "bookmark"}))

	for _, step := range []struct {
		name string
		err  error
		want error
	}{
		{"member", tn.AddMember("sales", "ANA"), nil},
		{"member again", tn.AddMember(sales, ana), jcsim.ErrExists},
		{"no member", tn.RemoveMember(sales, bo), jcsim.ErrNotFound},
		{"no user", tn.AddMember(sales, "zed"), jcsim.ErrNotFound},
		{"no group", tn.AddMember("nope", ana), jcsim.ErrNotFound},
		{"app group", tn.Associate("Wiki", jcsim.TypeUserGroup, "Sales"), nil},
		{"app user", tn.Associate("bookmark", jcsim.TypeUser, "bo@example.com"), nil},
		{"app user again", tn.Associate(wiki, jcsim.TypeUser, bo), jcsim.ErrExists},
		{"no app user", tn.Dissociate(wiki, jcsim.TypeUser, ana), jcsim.ErrNotFound},
	} {
		if !errors.Is(step.err, step.want) || (step.want == nil) != (step.err == nil) {
			t.Errorf("%s: got %v, want %v", step.name, step.err, step.want)
		}
	}
	for _, dup := range []jcsim.User{{Username: "ANA"}, {Username: "other", Email: "Ana@Example.com"}, {Username: "x", ID: ana}} {
		if _, err := tn.AddUser(dup); !errors.Is(err, jcsim.ErrExists) {
			t.Errorf("duplicate %+v: got %v", dup.Username, err)
		}
	}
	if _, err := tn.AddGroup(jcsim.Group{Name: "SALES"}); !errors.Is(err, jcsim.ErrExists) {
		t.Errorf("group name in another case: got %v", err)
	}

	list := must[[]string](t)
	want := []string{ana, bo}
	slices.Sort(want)
	for name, check := range map[string][2][]string{
		"members":   {list(tn.Members("Sales")), {ana}},
		"users":     {list(tn.AppUsers("Wiki")), {bo}},
		"groups":    {list(tn.AppGroups("Wiki")), {sales}},
		"effective": {list(tn.EffectiveAppUsers("Wiki")), want},
	} {
		if diff := cmp.Diff(check[1], check[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	// The journal holds what was done, and only that.
	ops := []string{}
	for _, c := range tn.Journal() {
		ops = append(ops, c.Op+" "+c.Kind)
	}
	wantOps := []string{"add user", "add user", "add group", "add application", "add member", "add application group", "add application user"}
	if diff := cmp.Diff(wantOps, ops); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestTenantDeletes(t *testing.T) {
	t.Parallel()
	for _, holes := range []bool{false, true} {
		t.Run(map[bool]string{false: "edges go", true: "edges dangle"}[holes], func(t *testing.T) {
			t.Parallel()
			tn := jcsim.NewTenant(jcsim.Organization{Name: "Acme"})
			tn.SetHoles(holes)
			id := must[string](t)
			ana := id(tn.AddUser(jcsim.User{Username: "ana"}))
			sales := id(tn.AddGroup(jcsim.Group{Name: "Sales"}))
			id(tn.AddApplication(jcsim.Application{Name: "wiki"}))
			for _, err := range []error{
				tn.AddMember(sales, ana), tn.Associate("wiki", jcsim.TypeUser, ana), tn.Associate("wiki", jcsim.TypeUserGroup, sales),
				tn.DeleteUser("ana"), tn.DeleteGroup("Sales"),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			counts := tn.Counts()
			want := jcsim.Counts{Roles: 8, Applications: 1}
			if holes {
				want.DanglingEdges = 2 // of the application; the group took its own with it
			}
			if diff := cmp.Diff(want, counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			again := id(tn.AddUser(jcsim.User{Username: "ana"}))
			if again == ana {
				t.Error("a user who was deleted and made again has the old id")
			}
		})
	}
}

func TestUserStates(t *testing.T) {
	t.Parallel()
	tn := jcsim.NewTenant(jcsim.Organization{})
	if _, err := tn.AddUser(jcsim.User{Username: "a", State: "STAGED", Suspended: true}); err == nil {
		t.Error("a staged user that is suspended was taken")
	}
	if _, err := tn.AddUser(jcsim.User{Username: "a", State: "GONE"}); err == nil {
		t.Error("an unknown state was taken")
	}
	must[string](t)(tn.AddUser(jcsim.User{Username: "a"}))
	for _, step := range []struct {
		name      string
		edit      func(*jcsim.User)
		state     string
		suspended bool
	}{
		{"suspend by flag", func(u *jcsim.User) { u.Suspended = true }, jcsim.StateSuspended, true},
		{"activate by state", func(u *jcsim.User) { u.State = jcsim.StateActivated }, jcsim.StateActivated, false},
		{"suspend by state", func(u *jcsim.User) { u.State = jcsim.StateSuspended }, jcsim.StateSuspended, true},
		{"activate by flag", func(u *jcsim.User) { u.Suspended = false }, jcsim.StateActivated, false},
	} {
		if err := tn.UpdateUser("a", step.edit); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		u := must[*jcsim.User](t)(tn.User("a"))
		if u.State != step.state || u.Suspended != step.suspended {
			t.Errorf("%s: got %s, %v", step.name, u.State, u.Suspended)
		}
	}
}

func TestDynamicGroups(t *testing.T) {
	t.Parallel()
	tn := jcsim.NewTenant(jcsim.Organization{})
	id := must[string](t)
	ana := id(tn.AddUser(jcsim.User{Username: "ana", Department: "Sales"}))
	bo := id(tn.AddUser(jcsim.User{Username: "bo", Department: "IT"}))
	id(tn.AddGroup(jcsim.Group{
		Name: "Sellers", Exemptions: []string{bo},
		Rule: []jcsim.Condition{{Field: "department", Operator: "in", Value: "Sales|Presales"}, {Field: "userState", Operator: "ne", Value: "suspended"}},
	}))
	members := func() []string { return must[[]string](t)(tn.Members("Sellers")) }
	check := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{}, want...), members()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	check("when made", ana)
	cid := id(tn.AddUser(jcsim.User{Username: "cid", Department: "Presales"}))
	want := []string{ana, cid}
	slices.Sort(want)
	check("after a user came", want...)
	for _, err := range []error{
		tn.UpdateUser("ana", func(u *jcsim.User) { u.Suspended = true }),
		tn.UpdateUser("bo", func(u *jcsim.User) { u.Department = "Sales" }), // exempt
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	check("after users changed", cid)
	if err := tn.UpdateGroup("Sellers", func(g *jcsim.Group) {
		g.Rule = []jcsim.Condition{{Field: "username", Operator: "search", Value: "AN"}}
	}); err != nil {
		t.Fatal(err)
	}
	check("after the rule changed", ana)
	if _, err := tn.AddGroup(jcsim.Group{Name: "x", Rule: []jcsim.Condition{{Field: "shoe", Operator: "eq"}}}); err == nil {
		t.Error("a rule over an unknown field was taken")
	}
	// A review group only suggests: its members stay as they are.
	id(tn.AddGroup(jcsim.Group{Name: "Reviewed", MembershipMethod: jcsim.MembershipDynamicReview, Rule: []jcsim.Condition{{Field: "department", Operator: "eq", Value: "IT"}}}))
	if got := must[[]string](t)(tn.Members("Reviewed")); len(got) != 0 {
		t.Errorf("review group has %v", got)
	}
}

func TestApplyEdits(t *testing.T) {
	t.Parallel()
	tn := borealis(t)
	edits := []jcsim.Edit{
		{Op: "add-user", Object: []byte(`{"username":"new","email":"new@example.com","department":"Sales"}`)},
		{Op: "update-user", Ref: "new", Object: []byte(`{"suspended":true,"attributes":[{"name":"a","value":"b"}]}`)},
		{Op: "add-group", Object: []byte(`{"name":"G"}`)},
		{Op: "add-member", Group: "G", User: "new"},
		{Op: "associate", App: "Wiki", Group: "G"},
		{Op: "associate", App: "Wiki", User: "new"},
		{Op: "dissociate", App: "Wiki", User: "new"},
		{Op: "add-admin", Object: []byte(`{"email":"z@example.com","roleName":"Read Only"}`)},
		{Op: "update-admin", Ref: "z@example.com", Object: []byte(`{"roleNames":["Auditor"]}`)},
		{Op: "add-role", Object: []byte(`{"name":"R2"}`)},
		{Op: "delete-role", Ref: "R2"},
		{Op: "add-application", Object: []byte(`{"name":"tmp"}`)},
		{Op: "update-application", Ref: "tmp", Object: []byte(`{"displayLabel":"Temp"}`)},
		{Op: "delete-application", Ref: "Temp"},
		{Op: "no-holes"},
	}
	if err := tn.Apply(edits...); err != nil {
		t.Fatal(err)
	}
	u := must[*jcsim.User](t)(tn.User("new"))
	if u.State != jcsim.StateSuspended || u.Department != "Sales" || len(u.Attributes) != 1 {
		t.Errorf("user after edits: %+v", u)
	}
	if got := must[[]string](t)(tn.AdminRoles("z@example.com")); !slices.Equal(got, []string{"Read Only", "Auditor"}) {
		t.Errorf("roles: %v", got)
	}
	if got := must[[]string](t)(tn.AppGroups("Wiki")); len(got) != 2 {
		t.Errorf("groups of Wiki: %v", got)
	}
	for _, bad := range []jcsim.Edit{
		{Op: "fly"},
		{Op: "add-user", Object: []byte(`{"usrname":"x"}`)},
		{Op: "update-user", Ref: "new", Object: []byte(`{"username":5}`)},
		{Op: "delete-group", Ref: "no such"},
	} {
		if err := tn.Apply(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
