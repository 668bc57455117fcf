package e2e_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// allSwitches are the options that have further types read.
func allSwitches() []string {
	var names []string
	for _, s := range restype.Switches() {
		names = append(names, s.Name)
	}
	return names
}

// wide is a company with something of every type.
func wide(seed uint64, users int) *jcsim.Tenant {
	return jcsim.Generate(seed, jcsim.Size{
		Users: users, Groups: max(4, users/20), Apps: max(2, users/50), Admins: 12, CustomRoles: 3, Directories: 7, RADIUSServers: 5, Devices: users / 6, DeviceGroups: max(2, users/100), Ghosts: 2, Hidden: 2,
		ServiceAccounts: 9, APIKeys: 8, SSHKeys: users / 3,
	})
}

// giveSudo makes one in so many users administrator of what they can sign in to.
func giveSudo(t *testing.T, tenant *jcsim.Tenant, every int) {
	t.Helper()
	for i, u := range tenant.Users() {
		if err := tenant.UpdateUser(u.ID, func(u *jcsim.User) { u.Sudo = i%every == 3 }); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryTypeEqualsTenant compares an archive with the tenant itself: every resource,
// everybody who holds it, and how, and that no more was asked than had to be.
func TestEveryTypeEqualsTenant(t *testing.T) {
	t.Parallel()
	const bindings = "GET /api/v2/gsuites/{id}/associations"
	for name, tt := range map[string]struct {
		behavior jcsim.Behavior
		extra    int // requests beyond the minimum and 5 % of it
		// refusals is how many syncs may end with the request to run again, and none with less
		// than there is.
		refusals int
	}{
		// Holes in all pages of a list take more requests to prove its limit by.
		"plain":     {extra: 12},
		"no totals": {behavior: jcsim.Behavior{NoTotal: jcsim.Routes{"*"}}, extra: 300},
		// Two of three answers count more rows than there are: a short list that is in no order is read
		// four times, and all four may do so.
		"totals that move":           {behavior: jcsim.Behavior{MovingTotals: jcsim.Routes{"*"}}, extra: 400, refusals: 4},
		"null rows":                  {behavior: jcsim.Behavior{NullRows: true}, extra: 12},
		"nothing is sorted":          {behavior: jcsim.Behavior{IgnoreSort: jcsim.Routes{"*"}}, extra: 30},
		"bindings in any order":      {behavior: jcsim.Behavior{Permute: jcsim.Routes{bindings}}, extra: 300},
		"several targets are denied": {behavior: jcsim.Behavior{RefuseTargets: 403}, extra: 160},
		"sorting is denied":          {behavior: jcsim.Behavior{RefuseSort: jcsim.Routes{"GET /api/v2/directories", "GET /api/radiusservers", "GET /api/v2/systemgroups"}}, extra: 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := wide(21, 420)
			giveSudo(t, tenant, 9)
			dir := tenant.BoundObjects(jcsim.TypeGSuite)[0]
			for _, u := range tenant.Users()[:250] {
				_ = tenant.Bind(dir.ID, jcsim.TypeUser, u.ID) // some are already
			}
			if err := tenant.AddDanglingBindings(dir.ID, jcsim.TypeUser, 40); err != nil {
				t.Fatal(err)
			}
			sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Behavior: tt.behavior}})
			p := newPipeline(sim, t.TempDir())
			p.switches = allSwitches()
			_, err := p.run(t.Context())
			for refused := 0; errors.Is(err, paging.ErrIncomplete) && refused < tt.refusals; refused++ {
				if _, gone := os.Stat(p.path()); !os.IsNotExist(gone) {
					t.Error("a sync that was refused left an archive")
				}
				sim.ResetCounts()
				_, err = p.run(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			now := stateOf(tenant).addBound(tenant).addCredentials(tenant)
			h := &history{tenant: tenant, always: now, ever: now.clone()}
			for _, wrong := range h.judge(read(t, p.path())) {
				t.Error(wrong)
			}
			// Five members are looked up: those that no list contains.
			minimum := tenant.MinimumRequests() + tenant.MinimumBoundRequests("directories", "radius_servers", "devices", "device_groups") + 2*4 + 1 // service accounts
			if asked := sim.Requests().Requests; asked > minimum+minimum/20+tt.extra {
				t.Errorf("%d requests, the minimum is %d", asked, minimum)
			}
			if problems := sim.Requests().Problems; len(problems) > 0 {
				t.Errorf("problems: %v", problems)
			}
		})
	}
}

// TestTypesOfLargeCompany compares the archive of 2,000 users and 3,000 devices with the
// tenant, where deleted objects left holes, at no more than 5 % above the minimum of
// requests. Where no list has a total, each takes one more, that shows its end.
func TestTypesOfLargeCompany(t *testing.T) {
	t.Parallel()
	for _, noTotals := range []bool{false, true} {
		size := jcsim.Size{Users: 2000, Groups: 100, Apps: 40, Admins: 12, CustomRoles: 3, Directories: 7, RADIUSServers: 5, Devices: 3000, DeviceGroups: 2, Ghosts: 2, Hidden: 2}
		tenant := jcsim.Generate(27, size)
		tenant.SetHoles(true)
		for _, u := range tenant.Users()[:100] {
			if err := tenant.DeleteUser(u.ID); err != nil {
				t.Fatal(err)
			}
		}
		settings := jcsim.Settings{Churn: jcsim.Churn{Every: 60, Changes: []string{"bind", "unbind", "bind", "unbind", "add-member", "remove-member", "delete-bound"}}}
		if noTotals {
			settings.Behavior.NoTotal = jcsim.Routes{"*"}
		}
		sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: settings})
		p := newPipeline(sim, t.TempDir())
		p.switches = allSwitches()
		minimum := tenant.MinimumRequests() + tenant.MinimumBoundRequests("directories", "radius_servers", "devices", "device_groups")
		if noTotals {
			minimum *= 2
		}
		start := stateOf(tenant).addBound(tenant)
		tenant.StartJournal()
		if _, err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := replay(tenant, start)
		for _, wrong := range h.judge(read(t, p.path())) {
			t.Error(wrong)
		}
		if h.edits < 10 {
			t.Errorf("only %d edits", h.edits)
		}
		if asked := sim.Requests().Requests; asked > minimum+minimum/20 {
			t.Errorf("%d requests, the minimum is %d", asked, minimum)
		}
	}
}

// TestEveryTypeUnderChurn has bindings and directories come and go while they are read.
func TestEveryTypeUnderChurn(t *testing.T) {
	t.Parallel()
	for _, holes := range []bool{false, true} {
		tenant := wide(22, 400)
		tenant.SetHoles(holes)
		sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{
			Churn: jcsim.Churn{Every: 4, Changes: []string{"bind", "unbind", "bind", "unbind", "bind", "unbind", "bind", "unbind", "delete-bound"}},
		}})
		p := newPipeline(sim, t.TempDir())
		p.switches = allSwitches()
		start := stateOf(tenant).addBound(tenant).addCredentials(tenant)
		tenant.StartJournal()
		if _, err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := replay(tenant, start)
		if h.edits < 10 {
			t.Errorf("only %d edits", h.edits)
		}
		for _, wrong := range h.judge(read(t, p.path())) {
			t.Error(wrong)
		}
	}
}

// TestSwitchesAreOff syncs a company that has everything: without switches, nothing of it
// is asked, and the archive is the one of a company without.
func TestSwitchesAreOff(t *testing.T) {
	t.Parallel()
	size := jcsim.Size{Users: 120, Groups: 9, Apps: 6, Admins: 7, CustomRoles: 2}
	all := size
	all.Directories, all.RADIUSServers, all.Devices, all.DeviceGroups = 5, 4, 30, 3
	all.ServiceAccounts, all.APIKeys, all.SSHKeys = 5, 4, 30
	var dumps, routes []string
	for _, size := range []jcsim.Size{size, all} {
		sim := jcsim.New(jcsim.Options{Tenant: jcsim.Generate(23, size)})
		p := newPipeline(sim, t.TempDir())
		p.workers = 1
		if _, err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		dumps = append(dumps, dump(t, p.path()))
		var asked []string
		for route, n := range sim.Requests().Routes {
			for range n.Requests {
				asked = append(asked, route)
			}
		}
		slices.Sort(asked)
		routes = append(routes, strings.Join(asked, "\n"))
	}
	if dumps[0] != dumps[1] {
		t.Error("the archives differ")
	}
	if routes[0] != routes[1] {
		t.Errorf("asked\n%s\nand\n%s", routes[0], routes[1])
	}
}

// TestDeniedTypes denies the lists that a switch has read: a list that the credential may
// not read fails the sync and names the permission and the switch, one that the
// organization does not have is empty, and the summary says so.
func TestDeniedTypes(t *testing.T) {
	t.Parallel()
	for route, names := range map[string][]string{
		"GET /api/v2/directories":                         {"directories.readonly", "--sync-directories"},
		"GET /api/radiusservers":                          {"radius.readonly", "--sync-directories"},
		"POST /api/search/systems GET /api/systems":       {"systems.readonly", "--sync-devices"},
		"GET /api/v2/systemgroups":                        {"groups.readonly", "--sync-devices"},
		"GET /api/v2/systems/{id}/associations":           {"systems.readonly", "--sync-devices"},
		"GET /api/v2/radiusservers/{id}/associations":     {"radius.readonly", "--sync-directories"},
		"GET /api/v2/activedirectories/{id}/associations": {"directories.readonly", "--sync-directories"},
		"GET /api/v2/service-accounts":                    {"administrators.readonly", "--sync-service-accounts", "--sync-secrets"},
	} {
		for _, status := range []int{401, 403, 402, 404, 501} {
			sim := jcsim.New(jcsim.Options{Tenant: wide(24, 60), Settings: jcsim.Settings{Faults: denied(route, status)}})
			p := newPipeline(sim, t.TempDir())
			p.switches = allSwitches()
			sum, err := p.run(t.Context())
			top := !strings.Contains(route, "{id}")
			if status > 401 && status != 403 && top {
				if err != nil || !slices.ContainsFunc(sum.Remarks, func(s string) bool { return strings.Contains(s, "does not offer") }) {
					t.Errorf("%s %d: %v, remarks %q", route, status, err, sum.Remarks)
				}
				continue
			}
			if err == nil {
				t.Errorf("%s %d: no error", route, status)
				continue
			}
			if status == 404 {
				continue // Of a directory that exists: the list is unreadable.
			}
			for _, name := range names {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%s %d: %q is not in %v", route, status, name, err)
				}
			}
		}
	}
}

// denied answers routes, such as "GET /a POST /b", with a status.
func denied(routes string, status int) []jcsim.Fault {
	var faults []jcsim.Fault
	for words := strings.Fields(routes); len(words) > 1; words = words[2:] {
		faults = append(faults, jcsim.Fault{Route: words[0] + " " + words[1], Status: status})
	}
	return faults
}

// TestOwnSudo has users who are administrators of devices by their own setting: they have
// grants where devices and all that leads to them are synced, as those of a sync of fewer
// types have a remark, and nothing tells of it where devices are not synced.
func TestOwnSudo(t *testing.T) {
	t.Parallel()
	tenant := wide(26, 40)
	giveSudo(t, tenant, 5)
	user := tenant.Users()[3].ID
	for _, tt := range []struct {
		name             string
		switches, types  []string
		told, remark, is bool
	}{
		{name: "off"},
		{name: "on", switches: allSwitches(), told: true, is: true},
		{name: "without groups", switches: allSwitches(), types: []string{restype.User, restype.Device}, told: true, remark: true},
	} {
		p := newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), t.TempDir())
		p.switches, p.scope.ResourceTypes = tt.switches, tt.types
		sum, err := p.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		remark := slices.ContainsFunc(sum.Remarks, func(s string) bool {
			return strings.Contains(s, "(sudo in the profile)") && strings.Contains(s, user)
		})
		content := dump(t, p.path())
		if told := strings.Contains(content, "sudo"); remark != tt.remark || told != tt.told {
			t.Errorf("%s: told %t, remarks %q", tt.name, told, sum.Remarks)
		}
		if is := regexp.MustCompile("device-grant:[0-9a-f]+:user:" + user + ":[0-9a-f]+:admin").MatchString(content); is != tt.is {
			t.Errorf("%s: %s administers a device: %t", tt.name, user, is)
		}
	}
}

// TestDeviceReportsEqualTenant compares the reports about devices with the tenant itself,
// where some users are administrators by their own setting.
func TestDeviceReportsEqualTenant(t *testing.T) {
	t.Parallel()
	tenant := wide(28, 90)
	giveSudo(t, tenant, 7)
	admins, own, exists := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range tenant.Admins() {
		admins[strings.ToLower(a.Email)] = true
	}
	administers := map[string]bool{}
	for _, u := range append(tenant.Users(), tenant.HiddenUsers()...) {
		own[u.ID], exists[u.ID] = u.Sudo, true
		administers[u.ID] = admins[strings.ToLower(u.Email)] || u.AlternateEmail != "" && admins[strings.ToLower(u.AlternateEmail)]
	}
	uses := map[string]map[string]bool{} // users by device: whether they administer it
	for _, d := range tenant.Devices() {
		uses[d.ID] = map[string]bool{}
	}
	bind := func(b jcsim.Bound, device string) {
		hold := func(user string, sudo bool) { uses[device][user] = uses[device][user] || sudo || own[user] }
		for _, u := range b.Users {
			hold(u, slices.Contains(b.Sudo, u))
		}
		for _, g := range b.Groups {
			members, err := tenant.Members(g)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range members {
				hold(u, slices.Contains(b.Sudo, g))
			}
		}
	}
	for _, b := range tenant.BoundObjects(jcsim.TypeDevice, jcsim.TypeDeviceGroup) {
		if b.Type == jcsim.TypeDevice {
			bind(b, b.ID)
		}
		for _, d := range b.Devices {
			bind(b, d)
		}
	}
	want := map[string][]string{}
	for _, d := range tenant.Devices() {
		for user, sudo := range uses[d.ID] {
			if sudo {
				want[findings.LocalAdmins] = append(want[findings.LocalAdmins], user+" device:"+d.ID)
			}
			if administers[user] && d.Encrypted != nil && !*d.Encrypted {
				want[findings.UnencryptedDevices] = append(want[findings.UnencryptedDevices], d.ID+" user:"+user)
			}
		}
		if !exists[d.PrimaryUser] {
			want[findings.UnownedDevices] = append(want[findings.UnownedDevices], d.ID)
		}
	}
	s := reviewed(t, tenant, restype.SyncDevices)
	for _, name := range []string{findings.LocalAdmins, findings.UnencryptedDevices, findings.UnownedDevices} {
		slices.Sort(want[name])
		if d := cmp.Diff(want[name], rowIDs(t, s, name, nil)); d != "" || len(want[name]) == 0 {
			t.Errorf("%s: %d in the tenant: %s", name, len(want[name]), d)
		}
	}
}
