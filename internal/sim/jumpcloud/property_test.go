package jcsim_test

import (
	"bytes"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// model is a tenant as sets, with none of the tenant's own bookkeeping.
type model struct {
	users, groups, apps map[string]bool
	members             map[[2]string]bool // group, user
	appUsers, appGroups map[[2]string]bool // application, user or group
}

func (m *model) far(edges map[[2]string]bool, near string) []string {
	list := []string{}
	for e := range edges {
		if e[0] == near {
			list = append(list, e[1])
		}
	}
	slices.Sort(list)
	return list
}

func (m *model) effective(app string) []string {
	set := map[string]bool{}
	for _, u := range m.far(m.appUsers, app) {
		set[u] = true
	}
	for _, g := range m.far(m.appGroups, app) {
		for _, u := range m.far(m.members, g) {
			set[u] = true
		}
	}
	list := slices.AppendSeq([]string{}, maps.Keys(set))
	slices.Sort(list)
	return list
}

func drop(edges map[[2]string]bool, end int, id string) {
	maps.DeleteFunc(edges, func(e [2]string, _ bool) bool { return e[end] == id })
}

func choose(rt *rapid.T, from map[string]bool, label string) string {
	if len(from) == 0 {
		rt.Skip("nothing there yet")
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(from))).Draw(rt, label)
}

// TestTenantAgainstModel edits a tenant at random and compares what it says of
// itself, what its server answers page by page, and what a saved copy says, with
// a model that knows nothing but sets.
func TestTenantAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tn := jcsim.NewTenant(jcsim.Organization{Name: "Model"})
		tn.SetHoles(rapid.Bool().Draw(rt, "holes"))
		c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
		m := &model{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[[2]string]bool{}, map[[2]string]bool{}, map[[2]string]bool{}}
		name := rapid.StringMatching(`[a-z]{1,3}`)
		add := func(set map[string]bool, id string, err error) {
			if err == nil {
				if set[id] {
					rt.Fatalf("id %s is given twice", id)
				}
				set[id] = true
			}
		}
		toggle := func(edges map[[2]string]bool, near, far string, bind, unbind func(a, b string) error) {
			e := [2]string{near, far}
			do := bind
			if edges[e] {
				do = unbind
			}
			if err := do(near, far); err != nil {
				rt.Fatal(err)
			}
			if edges[e] {
				delete(edges, e)
			} else {
				edges[e] = true
			}
		}
		kind := func(kind string, f func(app, kind, ref string) error) func(a, b string) error {
			return func(a, b string) error { return f(a, kind, b) }
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add user": func(rt *rapid.T) {
				id, err := tn.AddUser(jcsim.User{Username: name.Draw(rt, "username")})
				add(m.users, id, err)
			},
			"add group": func(rt *rapid.T) {
				id, err := tn.AddGroup(jcsim.Group{Name: name.Draw(rt, "name")})
				add(m.groups, id, err)
			},
			"add app": func(rt *rapid.T) {
				id, err := tn.AddApplication(jcsim.Application{Name: name.Draw(rt, "name")})
				add(m.apps, id, err)
			},
			"rename user": func(rt *rapid.T) {
				_ = tn.UpdateUser(choose(rt, m.users, "user"), func(u *jcsim.User) { u.Username = name.Draw(rt, "username") }) // or taken
			},
			"delete user": func(rt *rapid.T) {
				id := choose(rt, m.users, "user")
				if err := tn.DeleteUser(id); err != nil {
					rt.Fatal(err)
				}
				delete(m.users, id)
				drop(m.members, 1, id)
				drop(m.appUsers, 1, id)
			},
			"delete group": func(rt *rapid.T) {
				id := choose(rt, m.groups, "group")
				if err := tn.DeleteGroup(id); err != nil {
					rt.Fatal(err)
				}
				delete(m.groups, id)
				drop(m.members, 0, id)
				drop(m.appGroups, 1, id)
			},
			"delete app": func(rt *rapid.T) {
				id := choose(rt, m.apps, "app")
				if err := tn.DeleteApplication(id); err != nil {
					rt.Fatal(err)
				}
				delete(m.apps, id)
				drop(m.appUsers, 0, id)
				drop(m.appGroups, 0, id)
			},
			"member": func(rt *rapid.T) {
				toggle(m.members, choose(rt, m.groups, "group"), choose(rt, m.users, "user"), tn.AddMember, tn.RemoveMember)
			},
			"app user": func(rt *rapid.T) {
				toggle(m.appUsers, choose(rt, m.apps, "app"), choose(rt, m.users, "user"), kind(jcsim.TypeUser, tn.Associate), kind(jcsim.TypeUser, tn.Dissociate))
			},
			"app group": func(rt *rapid.T) {
				toggle(m.appGroups, choose(rt, m.apps, "app"), choose(rt, m.groups, "group"), kind(jcsim.TypeUserGroup, tn.Associate), kind(jcsim.TypeUserGroup, tn.Dissociate))
			},
			"compare": func(rt *rapid.T) {
				limit := rapid.IntRange(1, 5).Draw(rt, "limit")
				compare := func(what string, want, got []string) {
					if diff := cmp.Diff(want, got); diff != "" {
						rt.Fatalf("%s (-want +got):\n%s", what, diff)
					}
				}
				sorted := func(path string) []string {
					got := ids(c.all(path, limit))
					slices.Sort(got)
					return got
				}
				compare("users", slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(m.users)))), ids(c.all("/api/systemusers?sort=_id", limit)))
				for g := range m.groups {
					want := m.far(m.members, g)
					compare("members", want, must[[]string](t)(tn.Members(g)))
					compare("served members", want, sorted("/api/v2/usergroups/"+g+"/members"))
				}
				for a := range m.apps {
					compare("effective", m.effective(a), must[[]string](t)(tn.EffectiveAppUsers(a)))
					compare("served effective", m.effective(a), sorted("/api/v2/applications/"+a+"/users"))
					compare("app users", m.far(m.appUsers, a), sorted("/api/v2/applications/"+a+"/associations?targets=user"))
					compare("app groups", m.far(m.appGroups, a), sorted("/api/v2/applications/"+a+"/associations?targets=user_group"))
				}
				for u := range m.users {
					var apps, groups []string
					for a := range m.apps {
						if m.appUsers[[2]string{a, u}] {
							apps = append(apps, a)
						}
					}
					for g := range m.groups {
						if m.members[[2]string{g, u}] {
							groups = append(groups, g)
						}
					}
					slices.Sort(apps)
					slices.Sort(groups)
					compare("applications of a user", append([]string{}, apps...), sorted("/api/v2/users/"+u+"/associations?targets=application"))
					compare("groups of a user", append([]string{}, groups...), sorted("/api/v2/users/"+u+"/memberof"))
				}
				var saved bytes.Buffer
				if err := tn.Save(&saved); err != nil {
					rt.Fatal(err)
				}
				back, err := jcsim.Load(&saved)
				if err != nil {
					rt.Fatal(err)
				}
				if diff := cmp.Diff(tn.Counts(), back.Counts()); diff != "" {
					rt.Fatalf("a saved copy (-want +got):\n%s", diff)
				}
			},
		})
	})
}

// TestEditsWhileServing edits and reads at once, for the race detector, and holds
// that each page is of one instant: a user whom each edit moves from one of two
// groups to the other is never in none or both.
func TestEditsWhileServing(t *testing.T) {
	t.Parallel()
	tn := jcsim.Generate(1, jcsim.Small())
	c := newClient(t, jcsim.New(jcsim.Options{Tenant: tn}))
	id := must[string](t)
	titles := []string{"Chosen", "Passed over"}
	for _, title := range titles {
		id(tn.AddGroup(jcsim.Group{Name: title, Rule: []jcsim.Condition{{Field: "jobTitle", Operator: "eq", Value: title}}}))
	}
	user := id(tn.AddUser(jcsim.User{Username: "moved", JobTitle: titles[0]}))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if n := len(c.list("/api/v2/users/" + user + "/memberof").Results); n != 1 {
					t.Errorf("in %d groups", n)
				}
				c.get("/api/systemusers?limit=100&sort=email")
				c.do("POST", "/api/search/systemusers", `{"limit":1000,"filter":{"department":"Sales"}}`)
				c.get("/api/applications?limit=100")
			}
		})
	}
	wg.Go(func() {
		for i := range 500 {
			if err := tn.UpdateUser(user, func(u *jcsim.User) { u.JobTitle = titles[(i+1)%2] }); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}
