package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// administrationApp is the fixed id of the app that stands for the
// administration of JumpCloud itself.
const administrationApp = "2UjI0eIRo77RGFwi2GKpAa0Til0"

// TestArchiveEqualsTenant syncs a mid-size company with the real program and
// compares what is in the archive with the tenant itself: every resource, every
// entitlement, every grant with its sources, and nothing else.
func TestArchiveEqualsTenant(t *testing.T) {
	t.Parallel()
	size := "users=2000,groups=150,apps=80,admins=30,roles=4,hidden=2,ghosts=2"
	if testing.Short() {
		size = "users=300,groups=30,apps=15,admins=12,roles=4,hidden=2,ghosts=2"
	}
	tenant := jcsim.Generate(7, must(jcsim.ParseSize(size)))
	tenant.SetHoles(true)
	sim := jcsim.New(jcsim.Options{Tenant: tenant})
	archive := syncOnce(t, serve(t, sim))

	want := expect(tenant)
	got := read(t, archive)
	if diff := cmp.Diff(want.resources, got.resources); diff != "" {
		t.Errorf("resources differ (-tenant +archive):\n%s", diff)
	}
	if diff := cmp.Diff(want.entitlements, got.entitlements); diff != "" {
		t.Errorf("entitlements differ (-tenant +archive):\n%s", diff)
	}
	if diff := cmp.Diff(want.grants, got.grants, cmp.AllowUnexported(grant{})); diff != "" {
		t.Errorf("grants differ (-tenant +archive):\n%s", diff)
	}
	t.Logf("%d resources, %d entitlements, %d grants", len(got.resources), len(got.entitlements), len(got.grants))

	// Looking up the two hidden users and the two that never were is no part of
	// reading lists, and the ghosts are looked for among administrators too.
	counts := sim.Requests()
	lookups := counts.Routes["GET /api/systemusers/{id}"].Requests + counts.Routes["GET /api/users/{id}"].Requests
	lists := counts.Requests - lookups
	if minimum := tenant.MinimumRequests(); lists < minimum || float64(lists) > 1.05*float64(minimum) {
		t.Errorf("%d requests for lists, want from %d to 5 %% more: %v", lists, minimum, counts.Routes)
	}
	if lookups > 6 {
		t.Errorf("%d requests to look up 4 principals", lookups)
	}
	t.Logf("%d requests for lists, at least %d are needed; %d to look principals up", lists, tenant.MinimumRequests(), lookups)
}

// content is what an archive holds, or should.
type content struct {
	resources    map[string]string // display name by "type:id"
	entitlements map[string]string // slug and who it can be granted to, by id
	grants       map[string]grant  // by id
}

// grant is one grant, in short.
type grant struct {
	entitlement, principal string
	sources                string // "id direct, id inherited, ..."
	immutable, expandable  bool
}

// read takes what is to be compared out of an archive.
func read(t *testing.T, path string) content {
	t.Helper()
	reader, run := openArchive(t, path)
	c := content{map[string]string{}, map[string]string{}, map[string]grant{}}
	for r, err := range reader.Resources(t.Context(), run.ID, c1z.ResourceFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		c.resources[key(r)] = r.GetDisplayName()
	}
	for e, err := range reader.Entitlements(t.Context(), run.ID, c1z.EntitlementFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		var to []string
		for _, rt := range e.GetGrantableTo() {
			to = append(to, rt.GetId())
		}
		c.entitlements[e.GetId()] = e.GetSlug() + " of " + key(e.GetResource()) + " to " + strings.Join(to, ",")
	}
	for g, err := range reader.Grants(t.Context(), run.ID, c1z.GrantFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if name := c.resources[key(g.GetPrincipal())]; name != g.GetPrincipal().GetDisplayName() {
			t.Errorf("grant %s names its principal %q, and the principal is %q", g.GetId(), g.GetPrincipal().GetDisplayName(), name)
		}
		c.grants[g.GetId()] = short(g)
	}
	return c
}

func short(g *v2.Grant) grant {
	var sources []string
	for id, s := range g.GetSources().GetSources() {
		sources = append(sources, id+map[bool]string{true: " direct", false: " inherited"}[s.GetIsDirect()])
	}
	slices.Sort(sources)
	s := grant{entitlement: g.GetEntitlement().GetId(), principal: key(g.GetPrincipal()), sources: strings.Join(sources, ", ")}
	for _, a := range g.GetAnnotations() {
		s.immutable = s.immutable || a.MessageIs(&v2.GrantImmutable{})
		s.expandable = s.expandable || a.MessageIs(&v2.GrantExpandable{})
	}
	return s
}

func key(r *v2.Resource) string {
	return r.GetId().GetResourceType() + ":" + r.GetId().GetResource()
}

// expect works out from the tenant alone what the archive must hold.
func expect(tenant *jcsim.Tenant) content {
	c := content{map[string]string{}, map[string]string{}, map[string]grant{}}
	for _, u := range slices.Concat(tenant.Users(), tenant.HiddenUsers()) {
		c.resources["user:"+u.ID] = userName(u)
	}
	c.expectRoles(tenant)
	for _, g := range tenant.Groups() {
		c.resources["group:"+g.ID] = g.Name
		c.entitlements["group:"+g.ID] = "member of group:" + g.ID + " to user"
		for _, member := range must(tenant.Members(g.ID)) {
			c.direct("group", g.ID, "user", member, grant{immutable: strings.HasPrefix(g.MembershipMethod, "DYNAMIC_")})
		}
	}
	for _, a := range tenant.Applications() {
		c.expectApp(tenant, a)
	}
	// A tab is stored as a space, and what turns the direction of text not at all.
	overrides := regexp.MustCompile("[\u202a-\u202e]")
	for id, name := range c.resources {
		c.resources[id] = strings.ReplaceAll(overrides.ReplaceAllString(name, "\ufffd"), "\t", " ")
	}
	return c
}

// direct adds a grant that JumpCloud itself lists.
func (c content) direct(typ, id, principalType, principal string, g grant) {
	g.entitlement, g.principal = typ+":"+id, principalType+":"+principal
	c.grants[fmt.Sprintf("%s-grant:%s:%s:%s:%s", typ, id, principalType, principal, id)] = g
}

// expectRoles adds administrators, the roles that exist and the roles that they
// hold, and their access to the administration of JumpCloud.
func (c content) expectRoles(tenant *jcsim.Tenant) {
	role := func(name string) string {
		id := roleID(name)
		for _, builtIn := range jcsim.BuiltInRoles() {
			if strings.EqualFold(builtIn, name) {
				name = builtIn
			}
		}
		c.resources["role:"+id] = name
		c.entitlements["role:"+id] = "member of role:" + id + " to user"
		return id
	}
	for _, name := range jcsim.BuiltInRoles() {
		role(name)
	}
	for _, r := range tenant.Roles() {
		role(r.Name)
	}
	c.resources["app:"+administrationApp] = "JumpCloud Administration"
	c.entitlements["app:"+administrationApp] = "access of app:" + administrationApp + " to user,group"
	for _, a := range tenant.Admins() {
		c.resources["user:"+a.ID] = first(strings.TrimSpace(a.FirstName+" "+a.LastName), a.Email)
		c.direct("app", administrationApp, "user", a.ID, grant{immutable: true})
		for _, name := range must(tenant.AdminRoles(a.ID)) {
			c.direct("role", role(name), "user", a.ID, grant{})
		}
	}
}

// expectApp adds an application, who is assigned to it, and who has access
// through groups.
func (c content) expectApp(tenant *jcsim.Tenant, a *jcsim.Application) {
	entitlement := "app:" + a.ID
	c.resources[entitlement] = first(a.DisplayLabel, a.DisplayName, a.Name)
	c.entitlements[entitlement] = "access of app:" + a.ID + " to user,group"
	directly := must(tenant.AppUsers(a.ID))
	through := make(map[string][]string) // groups by user
	for _, g := range must(tenant.AppGroups(a.ID)) {
		c.direct("app", a.ID, "group", g, grant{expandable: true})
		for _, u := range must(tenant.Members(g)) {
			through[u] = append(through[u], "group:"+g+" direct")
		}
	}
	for _, u := range directly {
		sources := through[u]
		if len(sources) > 0 {
			sources = append(sources, entitlement+" direct")
		}
		slices.Sort(sources)
		c.direct("app", a.ID, "user", u, grant{sources: strings.Join(sources, ", ")})
	}
	for u, sources := range through {
		if slices.Contains(directly, u) {
			continue
		}
		slices.Sort(sources)
		c.grants[entitlement+":user:"+u] = grant{entitlement: entitlement, principal: "user:" + u, sources: strings.Join(sources, ", "), immutable: true}
	}
}

// roleID is the id that reviews know a role by.
func roleID(name string) string {
	var words []string
	for word := range strings.FieldsFuncSeq(strings.ToLower(norm.NFC.String(name)), func(r rune) bool {
		return strings.ContainsRune(" \t-_/&+()'\"„“.,:·", r)
	}) {
		words = append(words, word)
	}
	id := "role_" + strings.Join(words, "_")
	if slices.ContainsFunc(jcsim.BuiltInRoles(), func(s string) bool { return strings.EqualFold(s, name) }) {
		return id
	}
	sum := sha256.Sum256([]byte(norm.NFC.String(name)))
	return id + "_" + hex.EncodeToString(sum[:4])
}

func userName(u *jcsim.User) string {
	return first(u.DisplayName, strings.TrimSpace(u.FirstName+" "+u.LastName), u.Username)
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}
