package connector_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// generated is a tenant with everything that generation knows.
func generated() *jcsim.Tenant {
	size := jcsim.Small()
	size.Ghosts, size.Hidden = 2, 2
	return jcsim.Generate(1, size)
}

// expectedRoleID forms a role's id by itself, to check the connector's.
func expectedRoleID(name string) string {
	words := strings.ToLower(strings.Join(strings.FieldsFunc(norm.NFC.String(name), func(r rune) bool {
		return r == ' ' || r == '_' || r < 0x80 && !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
	}), "_"))
	for _, b := range jcsim.BuiltInRoles() {
		if strings.EqualFold(b, name) {
			return "role_" + words
		}
	}
	sum := sha256.Sum256([]byte(norm.NFC.String(name)))
	return "role_" + words + "_" + hex.EncodeToString(sum[:])[:8]
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// What was read is what the tenant holds: the test forms every id by itself.
func TestReadsTheWholeTenant(t *testing.T) {
	t.Parallel()
	tenant := generated()
	server := jcsim.New(jcsim.Options{Tenant: tenant})
	got, err := readAll(t.Context(), newSource(t, server, connector.Options{}), syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	list := must[[]string](t)

	var users, groups, apps, grants []string
	roles := map[string]bool{}
	for _, u := range tenant.Users() {
		users = append(users, u.ID)
	}
	for _, name := range jcsim.BuiltInRoles() {
		roles[expectedRoleID(name)] = true
	}
	for _, r := range tenant.Roles() {
		roles[expectedRoleID(r.Name)] = true
	}
	const console = "2UjI0eIRo77RGFwi2GKpAa0Til0"
	for _, a := range tenant.Admins() {
		users = append(users, a.ID)
		grants = append(grants, fmt.Sprintf("app-grant:%s:user:%s:%[1]s", console, a.ID))
		for _, name := range list(tenant.AdminRoles(a.ID)) {
			id := expectedRoleID(name)
			roles[id] = true
			grants = append(grants, fmt.Sprintf("role-grant:%s:user:%s:%[1]s", id, a.ID))
		}
	}
	for _, g := range tenant.Groups() {
		groups = append(groups, g.ID)
		for _, u := range append(list(tenant.Members(g.ID)), list(tenant.GhostMembers(g.ID))...) {
			grants = append(grants, fmt.Sprintf("group-grant:%s:user:%s:%[1]s", g.ID, u))
		}
	}
	apps = append(apps, console)
	for _, a := range tenant.Applications() {
		apps = append(apps, a.ID)
		for _, u := range list(tenant.AppUsers(a.ID)) {
			grants = append(grants, fmt.Sprintf("app-grant:%s:user:%s:%[1]s", a.ID, u))
		}
		for _, g := range list(tenant.AppGroups(a.ID)) {
			grants = append(grants, fmt.Sprintf("app-grant:%s:group:%s:%[1]s", a.ID, g))
		}
	}
	var roleIDs, entitlements []string
	for id := range roles {
		roleIDs = append(roleIDs, id)
		entitlements = append(entitlements, "role:"+id)
	}
	for _, id := range groups {
		entitlements = append(entitlements, "group:"+id)
	}
	for _, id := range apps {
		entitlements = append(entitlements, "app:"+id)
	}
	var gotEntitlements []string
	for id := range got.entitlements {
		gotEntitlements = append(gotEntitlements, id)
	}
	for _, c := range []struct {
		what      string
		want, got []string
	}{
		{"users", users, got.ids("user")},
		{"groups", groups, got.ids("group")},
		{"apps", apps, got.ids("app")},
		{"roles", roleIDs, got.ids("role")},
		{"entitlements", entitlements, gotEntitlements},
		{"grants", grants, got.grantIDs()},
	} {
		slices.Sort(c.want)
		slices.Sort(c.got)
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
	if len(got.remarks) > 0 || len(got.gone) > 0 {
		t.Errorf("remarks %q, gone %v", got.remarks, got.gone)
	}
	for _, g := range tenant.Groups() {
		dynamic := strings.HasPrefix(g.MembershipMethod, "DYNAMIC")
		if immutable := len(got.entitlements["group:"+g.ID].GetAnnotations()) > 0; immutable != dynamic {
			t.Errorf("group %s (%s): immutable %v", g.Name, g.MembershipMethod, immutable)
		}
		for _, u := range list(tenant.Members(g.ID)) {
			grant := got.grants[fmt.Sprintf("group-grant:%s:user:%s:%[1]s", g.ID, u)]
			if immutable := len(grant.GetAnnotations()) > 0; immutable != dynamic {
				t.Errorf("member of %s (%s): immutable %v", g.Name, g.MembershipMethod, immutable)
			}
		}
	}
	checkManagers(t, tenant, got)
}

// checkManagers compares the email addresses of managers with the tenant's.
func checkManagers(t *testing.T, tenant *jcsim.Tenant, got *reading) {
	t.Helper()
	emails := map[string]string{}
	for _, u := range tenant.Users() {
		emails[u.ID] = u.Email
	}
	managed := 0
	for _, u := range tenant.Users() {
		profile := got.resources[syncer.Ref{Type: "user", ID: u.ID}].GetProfile().AsMap()
		manager, _ := profile["manager"].(string)
		if want := emails[u.Manager]; u.Manager != "" && manager != want || u.Manager == "" && manager != "" {
			t.Errorf("manager of %s: %q, want %q", u.Username, manager, want)
		}
		if manager != "" {
			managed++
		}
	}
	if managed == 0 {
		t.Error("the tenant has no managers to check")
	}
}

func kinds(lists []syncer.List) []string {
	var names []string
	for _, l := range lists {
		if !slices.Contains(names, l.Label) {
			names = append(names, l.Label)
		}
	}
	return names
}

func TestStartNamesTheListsOfAScope(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		scope   syncer.Scope
		options connector.Options
		want    []string
		remarks int
	}{
		{"everything", syncer.Scope{}, connector.Options{}, []string{"users", "administrators", "roles", "groups", "applications"}, 0},
		{"without administrators", syncer.Scope{}, connector.Options{SkipAdmins: true}, []string{"users", "roles", "groups", "applications"}, 1},
		{
			"resources only",
			syncer.Scope{SkipEntitlementsAndGrants: true},
			connector.Options{},
			[]string{"users, resources only", "administrators, resources only", "roles, resources only", "groups, resources only", "applications, resources only"},
			0,
		},
		{"users", syncer.Scope{ResourceTypes: []string{"user"}}, connector.Options{}, []string{"users", "administrators, without roles"}, 0},
		{"groups", syncer.Scope{ResourceTypes: []string{"group"}}, connector.Options{}, []string{"groups"}, 0},
		{"groups without administrators", syncer.Scope{ResourceTypes: []string{"group"}}, connector.Options{SkipAdmins: true}, []string{"groups"}, 0},
		{"roles", syncer.Scope{ResourceTypes: []string{"role"}}, connector.Options{}, []string{"administrators, access only", "roles"}, 0},
		{"apps", syncer.Scope{ResourceTypes: []string{"app"}}, connector.Options{}, []string{"administrators, access only, without roles", "applications"}, 0},
		{
			"apps, resources only",
			syncer.Scope{ResourceTypes: []string{"app"}, SkipEntitlementsAndGrants: true},
			connector.Options{},
			[]string{"applications, resources only"},
			0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := jcsim.New(jcsim.Options{})
			page, err := newSource(t, server, tt.options).Start(t.Context(), tt.scope)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, kinds(page.Lists)); diff != "" {
				t.Errorf("lists (-want +got):\n%s", diff)
			}
			if len(page.Remarks) != tt.remarks {
				t.Errorf("remarks %q", page.Remarks)
			}
			if n := server.Requests().Requests; n != 0 {
				t.Errorf("start sent %d requests", n)
			}
		})
	}
}

func TestResourcesOnly(t *testing.T) {
	t.Parallel()
	tenant := generated()
	got, err := readAll(t.Context(), newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{}),
		syncer.Scope{SkipEntitlementsAndGrants: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.grants) > 0 || len(got.entitlements) > 0 {
		t.Errorf("%d grants, %d entitlements", len(got.grants), len(got.entitlements))
	}
	if want := len(tenant.Users()) + len(tenant.Admins()); len(got.ids("user")) != want || len(got.ids("role")) == 0 {
		t.Errorf("%d accounts, want %d; %d roles", len(got.ids("user")), want, len(got.ids("role")))
	}
}

// What a refusal means depends on the list.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		settings jcsim.Settings
		scope    syncer.Scope
		options  connector.Options
		code     codes.Code // OK: the sync succeeds
		says     []string   // in the error or the remarks
	}{
		{
			name:     "administrators",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseAdmins: http.StatusForbidden}},
			code:     codes.PermissionDenied, says: []string{"administrators.readonly", "--skip-admins"},
		},
		{
			name:     "administrators are not served",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseAdmins: http.StatusNotFound}},
			code:     codes.NotFound, says: []string{"--skip-admins"},
		},
		{
			name:     "administrators, who are skipped",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseAdmins: http.StatusForbidden}},
			options:  connector.Options{SkipAdmins: true},
			says:     []string{"administrators were left out"},
		},
		{
			name:     "administrators, where accounts are left out",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseAdmins: http.StatusForbidden}},
			scope:    syncer.Scope{ResourceTypes: []string{"role", "app"}},
			says:     []string{"denied the list of administrators"},
		},
		{
			name:     "roles, forbidden",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseRoles: http.StatusForbidden}},
			says:     []string{"custom roles without holders may be missing"},
		},
		{
			name:     "roles, unknown",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseRoles: http.StatusNotFound}},
			says:     []string{"custom roles without holders may be missing"},
		},
		{
			name:     "roles, not in the plan",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseRoles: http.StatusPaymentRequired}},
			says:     []string{"custom roles without holders may be missing"},
		},
		{
			name:     "roles, not by this method",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseRoles: http.StatusMethodNotAllowed}},
			says:     []string{"custom roles without holders may be missing"},
		},
		{
			name:     "roles, with a credential that is refused",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseRoles: http.StatusUnauthorized}},
			code:     codes.Unauthenticated,
		},
		{
			name:     "search of users, not by this method",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseSearch: http.StatusMethodNotAllowed}},
		},
		{
			name:     "search of users, not implemented",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseSearch: http.StatusNotImplemented}},
		},
		{
			name:     "search of users, not in the plan",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseSearch: http.StatusPaymentRequired}},
		},
		{
			name:     "several targets, not in the plan",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseTargets: http.StatusPaymentRequired}},
		},
		{
			name:     "groups, not in the plan",
			settings: refuse("GET /api/v2/usergroups", http.StatusPaymentRequired),
			code:     codes.PermissionDenied, says: []string{"JumpCloud plan", "--sync-resource-types"},
		},
		{
			name:     "administrators, not by this method",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseAdmins: http.StatusMethodNotAllowed}},
			code:     codes.Unimplemented, says: []string{"--skip-admins"},
		},
		{
			name:     "roles, not implemented",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{RefuseRoles: http.StatusNotImplemented}},
			says:     []string{"custom roles without holders may be missing"},
		},
		{
			name:     "groups",
			settings: refuse("GET /api/v2/usergroups", http.StatusForbidden),
			code:     codes.PermissionDenied, says: []string{"groups.readonly", "--sync-resource-types"},
		},
		{
			name:     "groups, which are left out",
			settings: refuse("GET /api/v2/usergroups", http.StatusForbidden),
			scope:    syncer.Scope{ResourceTypes: []string{"user", "app"}},
		},
		{
			name:     "applications",
			settings: refuse("GET /api/applications", http.StatusForbidden),
			code:     codes.PermissionDenied, says: []string{"applications.readonly"},
		},
		{
			name:     "members of one group",
			settings: refuse("GET /api/v2/usergroups/{id}/members", http.StatusForbidden),
			code:     codes.PermissionDenied, says: []string{"members"},
		},
		{
			name:     "a route that answers 404 for all groups",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{"GET /api/v2/usergroups/{id}/members"}}},
			code:     codes.NotFound, says: []string{"exists, so"},
		},
		{
			name:     "a route that answers 404 for all applications",
			settings: jcsim.Settings{Behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{"GET /api/v2/applications/{id}/associations"}}},
			code:     codes.NotFound, says: []string{"exists, so"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := jcsim.New(jcsim.Options{Tenant: generated(), Settings: tt.settings})
			got, err := readAll(t.Context(), newSource(t, server, tt.options), tt.scope)
			if code := status.Code(err); code != tt.code {
				t.Fatalf("code %v, want %v: %v", code, tt.code, err)
			}
			text := fmt.Sprint(err)
			if err == nil {
				text = strings.Join(got.remarks, "\n")
			}
			for _, s := range tt.says {
				if !strings.Contains(text, s) {
					t.Errorf("%q is not in:\n%s", s, text)
				}
			}
		})
	}
}

func refuse(route string, code int) jcsim.Settings {
	return jcsim.Settings{Faults: []jcsim.Fault{{Route: route, Effect: jcsim.EffectStatus, Status: code}}}
}

// A group that is deleted between its listing and that of its members is gone.
func TestGroupDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	tenant := generated()
	victim := tenant.Groups()[3]
	server := jcsim.New(jcsim.Options{Tenant: tenant})
	server.OnRequest(func(_ int, route string) {
		if route == "GET /api/v2/usergroups/{id}/members" {
			_ = tenant.DeleteGroup(victim.ID) // The second time it is gone already.
		}
	})
	got, err := readAll(t.Context(), newSource(t, server, connector.Options{}), syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]syncer.Ref{{Type: "group", ID: victim.ID}}, got.gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	tenant := generated()
	server := jcsim.New(jcsim.Options{Tenant: tenant})
	source := newSource(t, server, connector.Options{})
	admin := &v2.ResourceId{ResourceType: "user", Resource: tenant.Admins()[0].ID}
	groups := slices.DeleteFunc(tenant.Groups(), func(g *jcsim.Group) bool { return g.MembershipMethod != "STATIC" })
	group := groups[0].ID
	known := []struct {
		id                          *v2.ResourceId
		entitlements, grants, facts bool
		lists                       []syncer.List
	}{
		{id: &v2.ResourceId{ResourceType: "user", Resource: tenant.HiddenUsers()[0].ID}, facts: true},
		{id: admin, entitlements: true, grants: true, facts: true},
		{
			id: &v2.ResourceId{ResourceType: "group", Resource: group}, entitlements: true,
			lists: []syncer.List{{Kind: "members", Label: "group members", Owner: syncer.Ref{Type: "group", ID: group}}},
		},
	}
	for _, want := range known {
		p, err := source.Lookup(t.Context(), want.id)
		if err != nil {
			t.Errorf("%v: %v", want.id, err)
			continue
		}
		if len(p.Resources) != 1 || refOf(p.Resources[0].GetId()) != refOf(want.id) {
			t.Errorf("%v: %v", want.id, p.Resources)
		}
		if len(p.Entitlements) > 0 != want.entitlements || len(p.Grants) > 0 != want.grants || len(p.Facts) > 0 != want.facts {
			t.Errorf("%v came with %d entitlements, %d grants and %d facts", want.id, len(p.Entitlements), len(p.Grants), len(p.Facts))
		}
		if diff := cmp.Diff(want.lists, p.Lists); diff != "" {
			t.Errorf("%v: lists (-want +got):\n%s", want.id, diff)
		}
	}
	for _, resourceType := range []string{"user", "group"} {
		_, err := source.Lookup(t.Context(), &v2.ResourceId{ResourceType: resourceType, Resource: "64b0000000000000000000ff"})
		if !isNotFound(err) {
			t.Errorf("%s that does not exist: %v", resourceType, err)
		}
	}
	for _, id := range []string{"a/b", "..", "a\x00b", "a\u202eb", "50%"} { // IDs that no route can carry
		p, err := source.Lookup(t.Context(), &v2.ResourceId{ResourceType: "user", Resource: id})
		if !isNotFound(err) || len(p.Facts) != 1 {
			t.Errorf("%q: %v, %+v", id, err, p)
		}
	}
	if _, err := source.Lookup(t.Context(), &v2.ResourceId{ResourceType: "app", Resource: tenant.Applications()[0].ID}); err == nil || isNotFound(err) {
		t.Errorf("an application, which holds nothing: %v", err)
	}
	skipping := newSource(t, server, connector.Options{SkipAdmins: true})
	if _, err := skipping.Lookup(t.Context(), admin); !isNotFound(err) {
		t.Errorf("administrator, who are left out: %v", err)
	}
}
