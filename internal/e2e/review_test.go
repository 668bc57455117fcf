package e2e_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// The tests here sync a tenant and ask review the questions of people. What is right
// is worked out from the tenant alone.

// reviewed syncs a tenant and loads the archive.
func reviewed(t *testing.T, tenant *jcsim.Tenant, switches ...string) *review.Sync {
	t.Helper()
	p := newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), t.TempDir())
	p.switches = switches
	if _, err := p.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, run := open(t, p.path())
	s, err := review.Load(t.Context(), r, run.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// truth is what a tenant holds, by the ids of JumpCloud.
type truth struct {
	users  map[string]*jcsim.User
	admins map[string]*jcsim.Admin
	roles  map[string][]string // names of roles by administrator
	// ways has who has what, and in which ways: "" for directly, else the group.
	ways map[holding][]string
}

func truthOf(t *testing.T, tenant *jcsim.Tenant) truth {
	t.Helper()
	tr := truth{
		users: map[string]*jcsim.User{}, admins: map[string]*jcsim.Admin{},
		roles: map[string][]string{}, ways: map[holding][]string{},
	}
	for _, u := range tenant.Users() {
		tr.users[u.ID] = u
	}
	for _, a := range tenant.Admins() {
		names, err := tenant.AdminRoles(a.ID)
		if err != nil {
			t.Fatal(err)
		}
		tr.admins[a.ID], tr.roles[a.ID] = a, names
	}
	now := stateOf(tenant)
	through := map[string][]holding{} // of applications, by group
	for h := range now.direct {
		tr.ways[h] = append(tr.ways[h], "")
		if strings.HasPrefix(h.principal, "group:") {
			through[h.principal] = append(through[h.principal], h)
		}
	}
	for h := range now.direct {
		for _, app := range through[h.resource] {
			has := holding{app.resource, h.principal}
			tr.ways[has] = append(tr.ways[has], h.resource)
		}
	}
	for _, ways := range tr.ways {
		slices.Sort(ways)
	}
	return tr
}

// disabled is why a user cannot sign in, "" for one who can.
func disabled(u *jcsim.User) string {
	switch {
	case u.State == jcsim.StateSuspended || u.State == "" && u.Suspended:
		return "suspended"
	case u.AccountLocked:
		return "locked"
	case u.State == jcsim.StateStaged:
		return "staged"
	}
	return ""
}

func service(u *jcsim.User) bool { return u.LDAPBindingUser || u.SambaServiceUser }

// accountStates counts the accounts by state.
func (tr truth) accountStates() map[string]int {
	counts := map[string]int{}
	for _, u := range tr.users {
		counts[disabled(u)]++
	}
	for _, a := range tr.admins {
		if a.Suspended {
			counts["suspended"]++
		} else {
			counts[""]++
		}
	}
	return counts
}

// holdings counts what each account has, without roles.
func (tr truth) holdings() map[string]int {
	counts := map[string]int{}
	for h := range tr.ways {
		counts[h.principal]++
	}
	return counts
}

func reviewTenant() *jcsim.Tenant {
	return jcsim.Generate(11, jcsim.Size{Users: 300, Groups: 25, Apps: 18, Admins: 12, CustomRoles: 3})
}

func TestReviewEqualsTenant(t *testing.T) {
	t.Parallel()
	tenant := reviewTenant()
	s, tr := reviewed(t, tenant), truthOf(t, tenant)
	o := s.Overview()

	wantCounts := map[review.Kind]int{
		review.Account: len(tr.users) + len(tr.admins), review.Group: len(tenant.Groups()),
		review.Application: len(tenant.Applications()) + 1, review.Role: o.Counts[review.Role], review.Other: 0,
	}
	if d := cmp.Diff(wantCounts, o.Counts); d != "" {
		t.Error("counts:", d)
	}
	states := map[string]int{}
	for _, c := range o.Statuses {
		states[c.Details] += c.Count
	}
	if d := cmp.Diff(tr.accountStates(), states); d != "" {
		t.Error("states:", d)
	}
	departments := map[string]int{"": len(tr.admins)}
	for _, u := range tr.users {
		departments[u.Department]++
	}
	got := map[string]int{}
	for _, f := range o.Departments {
		got[f.Value] = f.Count
	}
	if d := cmp.Diff(departments, got); d != "" {
		t.Error("departments:", d)
	}
	roles := 0
	for _, names := range tr.roles {
		roles += len(names)
	}
	inherited := 0
	for _, ways := range tr.ways {
		if ways[0] != "" {
			inherited++
		}
	}
	if want := (review.Count{All: len(tr.ways) + roles, Direct: len(tr.ways) + roles - inherited}); o.Grants != want {
		t.Errorf("grants %+v, want %+v", o.Grants, want)
	}
	if o.Admins != len(tr.admins) {
		t.Errorf("%d administrators, want %d", o.Admins, len(tr.admins))
	}
}

// ways reads everything that anybody has out of review, by Access.
func waysOf(t *testing.T, s *review.Sync) map[holding][]string {
	t.Helper()
	all := map[holding][]string{}
	principals, err := s.Principals(search.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range principals.Rows {
		page, err := s.Access(p.Ref, search.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != p.Holdings.All {
			t.Errorf("%s holds %d, and the list of principals says %d", p.ID, page.Total, p.Holdings.All)
		}
		for _, h := range page.Rows {
			of := h.Entitlement.Resource
			if of.Kind == review.Role {
				continue
			}
			key := holding{of.Type + ":" + of.ID, p.Type + ":" + p.ID}
			for _, path := range h.Paths {
				switch len(path) {
				case 0:
					all[key] = append(all[key], "")
				case 1:
					by := s.EntitlementAt(path[0]).Resource
					all[key] = append(all[key], by.Type+":"+by.ID)
				default:
					t.Errorf("%v: a path of %d parts", key, len(path))
				}
			}
			slices.Sort(all[key])
		}
	}
	return all
}

func TestReviewPathsEqualTenant(t *testing.T) {
	t.Parallel()
	tenant := reviewTenant()
	s, tr := reviewed(t, tenant), truthOf(t, tenant)
	if d := cmp.Diff(tr.ways, waysOf(t, s)); d != "" {
		t.Error(d)
	}
	// Who turns the same thing round.
	for _, app := range tenant.Applications() {
		want, err := tenant.EffectiveAppUsers(app.ID)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := s.EntitlementByID("app:" + app.ID)
		if !ok {
			t.Fatalf("no entitlement of %s", app.ID)
		}
		page, err := s.Who(e, search.Query{Filter: map[string]string{"kind": "account"}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range page.Rows {
			got = append(got, h.Principal.ID)
		}
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("holders of %s: %v, want %v", app.ID, got, want)
		}
	}
}

// rowIDs are the ids of what the findings of a report are about, sorted.
func rowIDs(t *testing.T, s *review.Sync, name string, previous *review.Sync) []string {
	t.Helper()
	r, err := findings.Make(t.Context(), s, name, previous)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	n := 0
	for row := range r.All() {
		if n++; r.Finding && n > r.Findings {
			break
		}
		id := row.Sync.Brief(row.Resource).ID
		if row.Other != review.NoRef {
			other := row.Sync.Brief(row.Other)
			id += " " + other.Type + ":" + other.ID
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func TestReviewReportsEqualTenant(t *testing.T) {
	t.Parallel()
	tenant := reviewTenant()
	// Everything that reports look for is there at least once.
	admin := tenant.Admins()[0]
	users := tenant.Users()
	for i, edit := range []func(*jcsim.User){
		func(u *jcsim.User) { u.State, u.Suspended = jcsim.StateSuspended, true },
		func(u *jcsim.User) { u.State, u.Suspended = jcsim.StateStaged, false },
		func(u *jcsim.User) { u.State, u.Suspended, u.AccountLocked = jcsim.StateActivated, false, true },
	} {
		if err := tenant.UpdateUser(users[i].ID, edit); err != nil {
			t.Fatal(err)
		}
	}
	if err := tenant.UpdateAdmin(admin.ID, func(a *jcsim.Admin) { a.Email, a.TOTPEnrolled = "nobody@elsewhere.example", false }); err != nil {
		t.Fatal(err)
	}
	var alike [2]string
	for i, name := range []string{"Nobody in here", "Nob\u043edy in here"} {
		id, err := tenant.AddGroup(jcsim.Group{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		alike[i] = id
	}
	s, tr := reviewed(t, tenant), truthOf(t, tenant)

	want := map[string][]string{}
	say := func(report, id string) { want[report] = append(want[report], id) }
	say(findings.Lookalikes, alike[0]+" group:"+alike[1])
	say(findings.Lookalikes, alike[1]+" group:"+alike[0])
	emails := map[string]bool{}
	for id, u := range tr.users {
		for _, e := range []string{u.Email, u.AlternateEmail} {
			emails[strings.ToLower(e)] = e != ""
		}
		if disabled(u) != "" && tr.holdings()["user:"+id] > 0 {
			say(findings.DisabledWithAccess, id)
		}
		if disabled(u) == "" && !service(u) && u.Manager == "" {
			say(findings.NoManager, id)
		}
	}
	for id, a := range tr.admins {
		if a.Suspended {
			say(findings.DisabledWithAccess, id)
		} else {
			say(findings.NoManager, id)
		}
		if !a.TOTPEnrolled {
			say(findings.AdminsWithoutMFA, id)
		}
		if !emails[strings.ToLower(a.Email)] {
			say(findings.AdminsWithoutUser, id)
		}
	}
	for _, g := range tenant.Groups() {
		if members, err := tenant.Members(g.ID); err != nil {
			t.Fatal(err)
		} else if len(members) == 0 {
			say(findings.EmptyGroups, g.ID)
		}
	}
	for h, ways := range tr.ways {
		if typ, id, _ := strings.Cut(h.principal, ":"); typ == "user" && len(ways) > 1 {
			say(findings.MultiplePaths, id+" "+h.resource)
		}
	}
	peers := map[string][]string{} // users by department and title
	for id, u := range tr.users {
		if disabled(u) == "" && u.Department != "" && u.JobTitle != "" {
			k := strings.ToLower(u.Department + "\n" + u.JobTitle)
			peers[k] = append(peers[k], "user:"+id)
		}
	}
	for _, list := range peers {
		have := map[string][]string{} // of them, by resource
		for h, ways := range tr.ways {
			if len(ways) > 0 && slices.Contains(list, h.principal) {
				have[h.resource] = append(have[h.resource], h.principal)
			}
		}
		for resource, holders := range have {
			if others := len(list) - 1; others >= 5 && (len(holders)-1)*10 < others {
				for _, p := range holders {
					say(findings.Outliers, strings.TrimPrefix(p, "user:")+" "+resource)
				}
			}
		}
	}
	for _, app := range tenant.Applications() {
		everybody := true
		for id, u := range tr.users {
			if disabled(u) == "" && !service(u) && len(tr.ways[holding{"app:" + app.ID, "user:" + id}]) == 0 {
				everybody = false
			}
		}
		if everybody {
			say(findings.Everybody, app.ID)
		}
	}
	// JumpCloud's administrators are accounts of people, unless a service account was merged
	// with one; the report's own test has such an account. Devices, logins and
	// keys have tests of their own.
	elsewhere := []string{findings.ServiceAdmins, findings.LocalAdmins, findings.UnencryptedDevices, findings.UnownedDevices, findings.NeverSignedIn, findings.InactiveAccounts, findings.UnusedAccess, findings.ExpiringKeys}
	for _, name := range elsewhere {
		want[name] = nil
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		slices.Sort(want[name])
		if d := cmp.Diff(want[name], rowIDs(t, s, name, nil)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, info := range findings.Reports() {
		if info.Finding && len(want[info.Name]) == 0 && !slices.Contains(elsewhere, info.Name) {
			t.Errorf("the tenant has nothing for %s", info.Name)
		}
	}
	holders := 0
	for _, names := range tr.roles {
		holders += len(names)
	}
	if got := len(rowIDs(t, s, findings.RoleHolders, nil)); got != holders {
		t.Errorf("%d role holders, want %d", got, holders)
	}
}

func TestReviewChangesEqualEdits(t *testing.T) {
	t.Parallel()
	tenant := reviewTenant()
	before, was := reviewed(t, tenant), truthOf(t, tenant)
	groups, users := tenant.Groups(), tenant.Users()
	members, err := tenant.Members(groups[0].ID)
	if err != nil || len(members) == 0 {
		t.Fatal(members, err)
	}
	added, err := tenant.AddUser(jcsim.User{Username: "newcomer", Email: "newcomer@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		tenant.UpdateUser(users[1].ID, func(u *jcsim.User) { u.JobTitle = "Something else" }),
		tenant.DeleteUser(users[2].ID),
		tenant.AddMember(groups[1].ID, added),
		tenant.DeleteGroup(groups[3].ID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	after, now := reviewed(t, tenant), truthOf(t, tenant)
	d, err := diff.Compare(t.Context(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Resources[review.Group]; got.Removed != 1 || got.Added != 0 {
		t.Errorf("groups: %+v", got)
	}
	accounts := d.Resources[review.Account]
	if accounts.Added != 1 || accounts.Removed != 1 || accounts.Changed == 0 {
		t.Errorf("accounts: %+v", accounts)
	}

	want, got := map[holding]string{}, map[holding]string{}
	for h := range was.ways {
		switch ways := now.ways[h]; {
		case ways == nil:
			want[h] = "removed"
		case !slices.Equal(ways, was.ways[h]):
			want[h] = "changed"
		}
	}
	for h := range now.ways {
		if was.ways[h] == nil {
			want[h] = "added"
		}
	}
	page, err := d.GrantChanges(search.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.Rows {
		of, p := c.Grant.Entitlement.Resource, c.Grant.Principal
		got[holding{of.Type + ":" + of.ID, p.Type + ":" + p.ID}] = c.Change.String()
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	same, err := diff.Compare(t.Context(), after, after)
	if err != nil {
		t.Fatal(err)
	}
	if page, err := same.GrantChanges(search.Query{}); err != nil || page.All != 0 || same.Entitlements.Any() || same.Resources[review.Account].Any() {
		t.Errorf("a sync differs from itself: %+v, %v", page, err)
	}
}
