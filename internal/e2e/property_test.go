package e2e_test

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// sweep makes the sweeps over points of time complete.
//
//nolint:gochecknoglobals // a test flag
var sweep = flag.Bool("e2e.sweep", false, "try every point of time, not only some")

const (
	routeUsers    = "POST /api/search/systemusers"
	routeUsersV1  = "GET /api/systemusers"
	routeAdmins   = "GET /api/users"
	routeRoles    = "GET /api/v2/roles"
	routeGroups   = "GET /api/v2/usergroups"
	routeApps     = "GET /api/applications"
	routeMembers  = "GET /api/v2/usergroups/{id}/members"
	routeBindings = "GET /api/v2/applications/{id}/associations"
)

// drawTenant makes a tenant of a few dozen objects.
func drawTenant(t *rapid.T) *jcsim.Tenant {
	size := jcsim.Size{
		Users: rapid.IntRange(1, 70).Draw(t, "users"), Groups: rapid.IntRange(2, 30).Draw(t, "groups"), Apps: rapid.IntRange(1, 25).Draw(t, "apps"),
		Admins: rapid.IntRange(1, 30).Draw(t, "admins"), CustomRoles: rapid.IntRange(0, 15).Draw(t, "roles"),
		Ghosts: rapid.IntRange(0, 2).Draw(t, "ghosts"), Hidden: rapid.IntRange(0, 2).Draw(t, "hidden"), Dangling: -1,
	}
	if rapid.Bool().Draw(t, "dangling edges") {
		size.Dangling = 0
	}
	tenant := jcsim.Generate(rapid.Uint64Range(0, 1000).Draw(t, "seed"), size)
	tenant.SetHoles(size.Dangling == 0 && rapid.Bool().Draw(t, "holes"))
	return tenant
}

// drawBehavior makes a server odd in some ways.
func drawBehavior(t *rapid.T, tenant *jcsim.Tenant) jcsim.Behavior {
	lists := []string{routeUsers, routeUsersV1, routeAdmins, routeRoles, routeGroups, routeApps, routeMembers, routeBindings}
	some := func(label string) jcsim.Routes {
		if rapid.IntRange(0, 2).Draw(t, label+"?") > 0 {
			return nil
		}
		return rapid.SliceOfDistinct(rapid.SampledFrom(lists), rapid.ID[string]).Draw(t, label)
	}
	b := jcsim.Behavior{
		NoTotal: some("no total"), MovingTotals: some("moving totals"), IgnoreSort: some("ignore sort"), RefuseSort: some("refuse sort"),
		EmptyForMissing: some("empty for missing"), NullRows: rapid.Bool().Draw(t, "null rows"), Compress: rapid.Bool().Draw(t, "compress"),
		RefuseSearch:  rapid.SampledFrom([]int{0, 0, 400, 402, 403, 404, 405, 501}).Draw(t, "refuse search"),
		RefuseTargets: rapid.SampledFrom([]int{0, 0, 400, 402, 403}).Draw(t, "refuse targets"),
		RefuseRoles:   rapid.SampledFrom([]int{0, 0, 0, 402, 403, 404, 405, 501}).Draw(t, "refuse roles"),
		ClampLimit:    map[string]int{},
	}
	if b.RefuseTargets > 400 && b.EmptyForMissing.Has(routeBindings) {
		b.RefuseTargets = 400 // an answer for a deleted application looks like consent to the shortcut
	}
	// The documented way is the last one: without it the sync fails.
	b.RefuseSort = slices.DeleteFunc(b.RefuseSort, func(r string) bool { return r == routeUsersV1 })
	// Where rows may be missing from pages, nothing tells a page in another order from
	// the one that follows.
	holes := tenant.Holes() || tenant.Counts().DanglingEdges > 0
	if !holes {
		b.Permute = some("permute")
	}
	for _, route := range lists {
		clamps := []int{10, 11, 13, 17, 20, 25, 30}
		if (route == routeMembers || route == routeBindings) && b.Permute.Has(route) {
			continue
		}
		if rapid.IntRange(0, 3).Draw(t, "clamp "+route+"?") > 0 {
			b.ClampLimit[route] = rapid.SampledFrom(clamps).Draw(t, "clamp "+route)
		}
	}
	drawRoleForms(t, tenant, b.RefuseRoles != 0)
	return b
}

// drawRoleForms makes administrators name their roles in various forms: those that
// tell names where the list of roles, which resolves ids, is refused.
func drawRoleForms(t *rapid.T, tenant *jcsim.Tenant, refused bool) {
	forms := jcsim.RoleForms()
	if refused {
		forms = []string{jcsim.RoleFormNames, jcsim.RoleFormText, jcsim.RoleFormObjects, jcsim.RoleFormObject, jcsim.RoleFormNested, jcsim.RoleFormNumbers, jcsim.RoleFormBeside, jcsim.RoleFormEncoded}
	}
	for _, a := range tenant.Admins() {
		form := rapid.SampledFrom(forms).Draw(t, "roles of "+a.Email)
		if err := tenant.UpdateAdmin(a.ID, func(a *jcsim.Admin) { a.RoleForm = form }); err != nil {
			t.Fatal(err)
		}
	}
}

// drawEdits draws which changes come with which request.
func drawEdits(t *rapid.T) map[int][]string {
	script := map[int][]string{}
	kinds := slices.Sorted(maps.Keys(changes()))
	// Most days see few kinds of changes.
	kinds = rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 1, 4, rapid.ID[string]).Draw(t, "kinds")
	for range rapid.IntRange(0, 12).Draw(t, "events") {
		n := rapid.IntRange(2, 60).Draw(t, "at request")
		for range rapid.SampledFrom([]int{1, 1, 1, 2, 5}).Draw(t, "edits") {
			script[n] = append(script[n], rapid.SampledFrom(kinds).Draw(t, "edit"))
		}
	}
	return script
}

// tally counts how cases ended, so that a property that never compared anything
// does not pass.
type tally struct {
	mu                       sync.Mutex
	complete, failed, edited int
}

// TestAnySyncIsTrueOrFails syncs random tenants that are edited at random from odd
// servers. Whatever comes of it, an archive says nothing that was not true; and
// where there is none, the one before is what it was.
func TestAnySyncIsTrueOrFails(t *testing.T) {
	t.Parallel()
	var n tally
	rapid.Check(t, func(rt *rapid.T) {
		tenant := drawTenant(rt)
		sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: drawBehavior(rt, tenant)}})
		p := newPipeline(sim, t.TempDir())
		p.workers = rapid.SampledFrom([]int{1, 1, 4}).Draw(rt, "workers")
		writeFile(t, p.path(), nil)
		script := drawEdits(rt)
		e := &editor{roll: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "dice"), 0)).IntN}
		h := watch(tenant)
		sim.OnRequest(func(n int, _ string) {
			for _, kind := range script[n] {
				h.edit(func(t *jcsim.Tenant) error { return changes()[kind](e, t) })
			}
		})
		before := file(t, p.path())
		_, err := p.run(t.Context())
		n.mu.Lock()
		defer n.mu.Unlock()
		if err != nil {
			if !errors.Is(err, paging.ErrIncomplete) && !tooManyVanished(err) {
				rt.Fatalf("the sync failed for another reason: %v", err)
			}
			if !bytes.Equal(before, file(t, p.path())) {
				rt.Fatal("the archive was touched")
			}
			n.failed++
			return
		}
		for _, wrong := range h.judge(read(t, p.path())) {
			rt.Error(wrong)
		}
		n.complete++
		if h.edits > 0 {
			n.edited++
		}
	})
	t.Logf("%d syncs were complete, %d of them while the tenant changed; %d failed", n.complete, n.edited, n.failed)
	if n.complete == 0 || n.edited == 0 {
		t.Error("nothing was compared")
	}
}

// tooManyVanished reports whether a sync failed because too many objects were
// deleted while it ran.
func tooManyVanished(err error) bool {
	return strings.Contains(err.Error(), "were listed but not found")
}
