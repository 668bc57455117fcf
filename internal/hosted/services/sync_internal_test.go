package services

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
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

// A platform that syncs call by call gets what the engine of this module writes, whichever
// process answers each call.
func TestHostedEqualsLocal(t *testing.T) {
	t.Parallel()
	size := jcsim.Size{Users: 230, Groups: 12, Apps: 8, Admins: 9, CustomRoles: 3, Memberships: 800, Dangling: 30}
	behave := func(b jcsim.Behavior) jcsim.Options {
		return jcsim.Options{Tenant: jcsim.Generate(1, size), Settings: jcsim.Settings{Behavior: b}}
	}
	everything := size
	everything.Directories, everything.RADIUSServers, everything.Devices, everything.DeviceGroups = 5, 3, 25, 3
	everything.ServiceAccounts, everything.APIKeys, everything.SSHKeys = 40, 6, 20
	ghosts := size
	ghosts.Ghosts = 5
	for name, tc := range map[string]struct {
		options jcsim.Options
		edit    func(*tenant)
		alone   bool // in one process
		more    int  // requests that only a call without the whole organization needs: another where rows are missing
	}{
		"plain":           {alone: true, options: jcsim.Options{Tenant: jcsim.Generate(2, jcsim.Small())}},
		"holes":           {options: behave(jcsim.Behavior{})},
		"no totals":       {options: behave(jcsim.Behavior{NoTotal: jcsim.Routes{"*"}})},
		"null rows":       {options: behave(jcsim.Behavior{NullRows: true})},
		"ghosts":          {options: jcsim.Options{Tenant: jcsim.Generate(1, ghosts)}},
		"unsorted":        {options: behave(jcsim.Behavior{IgnoreSort: jcsim.Routes{"*"}})},
		"short pages":     {options: behave(jcsim.Behavior{ClampLimit: map[string]int{"/api/search/systemusers": 100, "/api/applications": 10, "/api/v2/usergroups": 10}})},
		"no role list":    {options: behave(jcsim.Behavior{RefuseRoles: 403})},
		"merged admins":   {options: behave(jcsim.Behavior{}), edit: func(n *tenant) { n.connect.MergeAdmins = true }},
		"without admins":  {options: behave(jcsim.Behavior{}), edit: func(n *tenant) { n.connect.SkipAdmins = true }},
		"users and roles": {options: behave(jcsim.Behavior{}), edit: func(n *tenant) { n.scope.ResourceTypes = []string{"user", "role"} }},
		"every type":      {options: jcsim.Options{Tenant: jcsim.Generate(1, everything)}, edit: func(n *tenant) { n.connect.Switches = allSwitches() }},
		"own sudo":        {more: 2 * everything.Devices, options: jcsim.Options{Tenant: withSudo(jcsim.Generate(1, everything))}, edit: func(n *tenant) { n.connect.Switches = allSwitches() }},
		"own sudo, one by one": {alone: true, more: 2 * everything.Devices, options: jcsim.Options{Tenant: withSudo(jcsim.Generate(1, everything))}, edit: func(n *tenant) {
			n.connect.Switches, n.pageRows = allSwitches(), 1
		}},
		"roles one by one": {alone: true, options: jcsim.Options{Tenant: jcsim.Generate(1, everything)}, edit: func(n *tenant) {
			n.connect.Switches, n.scope.ResourceTypes, n.pageRows = allSwitches(), []string{"user", "service_account", "role"}, 1
		}},
		"groups only": {options: behave(jcsim.Behavior{}), edit: func(n *tenant) { n.scope.ResourceTypes = []string{"group"} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newTenant(t, tc.options)
			if tc.edit != nil {
				tc.edit(n)
			}
			want := n.local(t)
			asked := n.Requests().Requests
			conn, processes := n.serve(t), 1
			if !tc.alone {
				conn, processes = n.serveInTurn(t, 3), 3
			}
			got, summary := n.hosted(t, conn, 4)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d processes in turn (-local +hosted):\n%s", processes, diff)
			}
			hosted := n.Requests().Requests - asked
			// Each process reads the directory once, and the organization before and after it.
			if directory := 13; hosted > asked+asked/10+3+(processes-1)*directory+tc.more {
				t.Errorf("hosted takes %d requests, local %d", hosted, asked)
			}
			if len(summary.Warnings) > 0 || summary.Retried > 0 || summary.Dangling > 0 {
				t.Errorf("not as smooth as it should be: %+v", summary)
			}
		})
	}
}

// withSudo makes some users administrators of the devices that they can sign in to.
func withSudo(t *jcsim.Tenant) *jcsim.Tenant {
	for i, u := range t.Users() {
		if err := t.UpdateUser(u.ID, func(u *jcsim.User) { u.Sudo = i%9 == 3 }); err != nil {
			panic(err)
		}
	}
	return t
}

// A user whom no list contains has grants and no resource: the platform has no place for a
// resource that turns up among grants. All else is as our engine has it.
func TestUsersInNoList(t *testing.T) {
	t.Parallel()
	n := newTenant(t, jcsim.Options{Tenant: jcsim.Generate(6, jcsim.Size{Users: 120, Groups: 8, Apps: 5, Admins: 4, Hidden: 3})})
	rows := func(dump, table string) []string {
		return slices.DeleteFunc(strings.Split(dump, "\n"), func(line string) bool { return !strings.HasPrefix(line, table+"\t") })
	}
	want := n.local(t)
	got, summary := n.hosted(t, n.serveInTurn(t, 2), 2)
	for _, table := range []string{"v1_resource_types", "v1_entitlements", "v1_grants"} {
		if diff := cmp.Diff(rows(want, table), rows(got, table)); diff != "" {
			t.Errorf("%s (-local +hosted):\n%s", table, diff)
		}
	}
	local, hosted := rows(want, "v1_resources"), rows(got, "v1_resources")
	if missing := slices.DeleteFunc(local, func(line string) bool { return slices.Contains(hosted, line) }); len(missing) != 3 || len(rows(got, "v1_grants")) == 0 {
		t.Errorf("%d resources are missing", len(missing))
	}
	if summary.Dangling == 0 {
		t.Error("no grant is dangling")
	}
}
