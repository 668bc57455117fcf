package jcsim_test

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

func TestGenerateIsDeterministic(t *testing.T) {
	t.Parallel()
	save := func(seed uint64) string {
		var b bytes.Buffer
		if err := jcsim.Generate(seed, jcsim.Medium()).Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first, again, other := save(3), save(3), save(4)
	if first != again {
		t.Error("the same seed gives two tenants")
	}
	if first == other {
		t.Error("two seeds give the same tenant")
	}
}

func TestGenerateCounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		size jcsim.Size
		want jcsim.Counts // zero fields are not compared
	}{
		{jcsim.Medium(), jcsim.Counts{Users: 2000, Groups: 150, Applications: 80, Admins: 30, Roles: 12, Memberships: 12_000, AppGroups: 160, AppUsers: 100, DanglingEdges: 30}},
		{jcsim.Small(), jcsim.Counts{Users: 60, Groups: 14, Applications: 10, Admins: 8, Roles: 10, Memberships: 360}},
		{jcsim.Size{Users: 1000, Groups: 100, Memberships: 30_000, Dangling: -1, Ghosts: 5, Hidden: 3}, jcsim.Counts{Users: 1000, HiddenUsers: 3, Groups: 100, Roles: 8, Memberships: 30_003, GhostEdges: 5}},
		{jcsim.Size{}, jcsim.Counts{Roles: 8}},
		{jcsim.Size{Users: 1, Groups: 1, Apps: 1, Admins: 1}, jcsim.Counts{Users: 1, Groups: 1, Applications: 1, Admins: 1, Memberships: 1, AppGroups: 1}},
		{jcsim.Size{Users: 3, Groups: 2}, jcsim.Counts{Users: 3, Groups: 2, Memberships: 3}},
	} {
		got := jcsim.Generate(5, test.size).Counts()
		for _, f := range []struct {
			name      string
			got, want int
		}{
			{"users", got.Users, test.want.Users},
			{"hidden", got.HiddenUsers, test.want.HiddenUsers},
			{"groups", got.Groups, test.want.Groups},
			{"apps", got.Applications, test.want.Applications},
			{"admins", got.Admins, test.want.Admins},
			{"roles", got.Roles, test.want.Roles},
			{"memberships", got.Memberships, test.want.Memberships},
			{"app groups", got.AppGroups, test.want.AppGroups},
			{"app users", got.AppUsers, test.want.AppUsers},
			{"dangling", got.DanglingEdges, test.want.DanglingEdges},
			{"ghosts", got.GhostEdges, test.want.GhostEdges},
		} {
			if f.got != f.want && f.want != 0 {
				t.Errorf("%+v: %d %s, want %d", test.size, f.got, f.name, f.want)
			}
		}
	}
}

func TestGenerateExpanded(t *testing.T) {
	t.Parallel()
	for _, want := range []int{5_000, 100_000, 300_000} {
		size := jcsim.Size{Users: 5_000, Groups: 200, Apps: 100, Expanded: want}
		got := jcsim.Generate(2, size).Counts().InheritedAppUsers
		if got < want*9/10 || got > want*11/10 {
			t.Errorf("%d pairs through groups, want about %d", got, want)
		}
	}
}

// TestGenerateVariety holds that the tenant with which the connector is tested
// has every case that the mapping knows.
func TestGenerateVariety(t *testing.T) {
	t.Parallel()
	tn := jcsim.Generate(1, jcsim.Medium())
	users, admins, groups, apps := tn.Users(), tn.Admins(), tn.Groups(), tn.Applications()
	emails := map[string]string{}
	ids := map[string]bool{}
	for _, u := range users {
		emails[strings.ToLower(u.Email)] = u.Email
		ids[u.ID] = true
	}
	some := func(name string, found bool) {
		t.Helper()
		if !found {
			t.Errorf("no %s", name)
		}
	}
	user := func(name string, test func(*jcsim.User) bool) {
		t.Helper()
		some(name, slices.ContainsFunc(users, test))
	}
	user("suspended user", func(u *jcsim.User) bool { return u.Suspended })
	user("staged user", func(u *jcsim.User) bool { return u.State == jcsim.StateStaged })
	user("locked user", func(u *jcsim.User) bool { return u.AccountLocked && !u.Suspended })
	user("suspended user without state", func(u *jcsim.User) bool { return u.Suspended && slices.Contains(u.Omit, "state") })
	user("LDAP service account", func(u *jcsim.User) bool { return u.LDAPBindingUser })
	user("Samba service account", func(u *jcsim.User) bool { return u.SambaServiceUser })
	user("manager", func(u *jcsim.User) bool { return ids[u.Manager] })
	user("manager who left", func(u *jcsim.User) bool { return u.Manager != "" && !ids[u.Manager] })
	user("MFA without enrollment", func(u *jcsim.User) bool {
		return u.MFAEnrollment == nil && u.MFA != nil && u.MFA.Configured && !u.MFA.Exclusion
	})
	user("live exclusion", func(u *jcsim.User) bool { return u.MFA != nil && u.MFA.Exclusion && u.MFA.ExclusionUntil > "2090" })
	user("ended exclusion", func(u *jcsim.User) bool { return u.MFA != nil && u.MFA.Exclusion && u.MFA.ExclusionUntil < "2021" })
	user("TOTP alone", func(u *jcsim.User) bool { return u.MFAEnrollment == nil && u.MFA == nil && u.TOTPEnabled })
	user("custom attributes", func(u *jcsim.User) bool { return len(u.Attributes) > 2 })
	user("decomposed name", func(u *jcsim.User) bool { return strings.Contains(u.DisplayName, "e\u0301") })
	user("quoted name", func(u *jcsim.User) bool { return strings.Contains(u.DisplayName, `"`) })
	user("user without names", func(u *jcsim.User) bool { return u.DisplayName+u.FirstName+u.LastName == "" })
	user("user with an admin link", func(u *jcsim.User) bool { return u.Admin != nil })
	user("odd field", func(u *jcsim.User) bool { return len(u.Extra) > 0 })

	admin := func(name string, test func(*jcsim.Admin) bool) {
		t.Helper()
		some(name, slices.ContainsFunc(admins, test))
	}
	admin("admin with a user's email", func(a *jcsim.Admin) bool { return emails[strings.ToLower(a.Email)] == a.Email })
	admin("admin with a user's email in another case", func(a *jcsim.Admin) bool {
		e, ok := emails[strings.ToLower(a.Email)]
		return ok && e != a.Email
	})
	admin("admin without a user", func(a *jcsim.Admin) bool { return emails[strings.ToLower(a.Email)] == "" })
	admin("admin with several roles", func(a *jcsim.Admin) bool { return len(a.RoleNames) > 1 })
	admin("admin without a role", func(a *jcsim.Admin) bool { return a.RoleName == "" && a.RoleNames == nil })
	admin("admin with roleNames only", func(a *jcsim.Admin) bool { return a.RoleName == "" && a.RoleNames != nil })
	admin("role that is not listed", func(a *jcsim.Admin) bool { return a.RoleName == "Retired Role" })

	group := func(name string, test func(*jcsim.Group) bool) {
		t.Helper()
		some(name, slices.ContainsFunc(groups, test))
	}
	members := func(g *jcsim.Group) int { return len(must[[]string](t)(tn.Members(g.ID))) }
	group("group with everybody", func(g *jcsim.Group) bool { return members(g) == len(users) })
	group("empty group", func(g *jcsim.Group) bool { return members(g) == 0 })
	group("small group", func(g *jcsim.Group) bool { n := members(g); return n > 0 && n < 20 })
	group("automated group", func(g *jcsim.Group) bool {
		return g.MembershipMethod == jcsim.MembershipDynamicAutomated && members(g) > 0
	})
	group("review group", func(g *jcsim.Group) bool { return g.MembershipMethod == jcsim.MembershipDynamicReview })
	group("group with attributes", func(g *jcsim.Group) bool { return len(g.Attributes) > 0 })

	app := func(name string, test func(*jcsim.Application) bool) {
		t.Helper()
		some(name, slices.ContainsFunc(apps, test))
	}
	app("inactive application", func(a *jcsim.Application) bool { return a.Active != nil && !*a.Active })
	app("application without a label", func(a *jcsim.Application) bool { return a.DisplayLabel == "" })
	app("application with a secret", func(a *jcsim.Application) bool { return strings.Contains(string(a.Config), "never log") })
	for _, kind := range []string{"saml", "oidc", "bookmark"} {
		app(kind+" application", func(a *jcsim.Application) bool { return a.SSO != nil && a.SSO.Type == kind })
	}
	app("direct user", func(a *jcsim.Application) bool { return len(must[[]string](t)(tn.AppUsers(a.ID))) > 0 })
	app("application for nobody", func(a *jcsim.Application) bool {
		return len(must[[]string](t)(tn.EffectiveAppUsers(a.ID))) == 0
	})
}

// TestGenerateRulesHold holds that the members that the generator gives dynamic
// groups are those that the tenant would.
func TestGenerateRulesHold(t *testing.T) {
	t.Parallel()
	tn := jcsim.Generate(9, jcsim.Medium())
	before := tn.Counts()
	for _, g := range tn.Groups() {
		if err := tn.UpdateGroup(g.ID, func(*jcsim.Group) {}); err != nil { // evaluates the rule
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(before, tn.Counts()); diff != "" {
		t.Errorf("rules change the generated tenant (-before +after):\n%s", diff)
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	large := jcsim.Large()
	large.Users, large.Dangling = 500, -1
	for text, want := range map[string]jcsim.Size{
		"small": jcsim.Small(), "medium": jcsim.Medium(), "users=5,groups=2": {Users: 5, Groups: 2},
		"large, users=500,dangling=-1": large,
	} {
		if got := must[jcsim.Size](t)(jcsim.ParseSize(text)); got != want {
			t.Errorf("%q: got %+v", text, got)
		}
	}
	for _, text := range []string{"", "huge", "users", "users=x", "users=-1", "cars=3", "users=1,medium"} {
		if _, err := jcsim.ParseSize(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestTruthIsSorted(t *testing.T) {
	t.Parallel()
	tn := jcsim.Generate(1, jcsim.Small())
	if !slices.IsSortedFunc(tn.Users(), func(a, b *jcsim.User) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Error("users are not in the order of their ids")
	}
}
