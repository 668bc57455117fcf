//go:build unix && !race

package e2e_test

import (
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestProgramSyncsEveryType syncs with the built program and every switch: the summary has
// a line for each type, `access` and `who` tell of them, and no secret is in anything that
// is written.
func TestProgramSyncsEveryType(t *testing.T) {
	t.Parallel()
	tenant := wide(25, 80)
	url := serve(t, jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Faults: []jcsim.Fault{{Route: "GET /api/radiusservers", Status: 400, Times: 1}}}}))
	p := newProgram(t, url)
	for _, s := range allSwitches() {
		p.args = append(p.args, "--"+s)
	}
	r := p.run()
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	if found := p.leaks(r); len(found) > 0 {
		t.Errorf("secrets in %v", found)
	}
	sync := p.args
	server := tenant.BoundObjects(jcsim.TypeRADIUSServer)[0]
	user, err := tenant.User(server.Users[0])
	if err != nil {
		t.Fatal(err)
	}
	account := tenant.ServiceAccounts()[0]
	for _, q := range []struct{ args, want string }{
		{"who " + server.ID, user.Username},
		{"access " + user.ID, server.Name},
		{"inspect resources --type directory", "Google Workspace"},
		{"inspect resources --type ssh_key", "SSH key"},
		{"access " + account.Name, account.RoleName},
		{"who " + account.RoleName, account.Name},
	} {
		p.args = append([]string{}, strings.Fields(q.args)...)
		if r := p.run(); r.code != 0 || !strings.Contains(r.stdout, q.want) {
			t.Errorf("%s: %d, %q is not in\n%s%s", q.args, r.code, q.want, r.stdout, r.stderr)
		}
	}
	// The next sync with fewer of them is one that lost something.
	for _, kind := range []string{jcsim.TypeGSuite, jcsim.TypeOffice365, jcsim.TypeLDAPServer, jcsim.TypeActiveDirectory, jcsim.TypeWorkday} {
		for _, b := range tenant.BoundObjects(kind) {
			if err := tenant.DeleteBound(b.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.args = sync
	if r := p.run(); r.code == 0 || !strings.Contains(r.stderr, "directories") {
		t.Errorf("losing every directory: exit code %d\n%s", r.code, r.stderr)
	}
	// A type whose switch is off is not one to sync.
	p.args = []string{"--sync-resource-types", "directory"}
	if r := p.run(); r.code == 0 || !strings.Contains(r.stderr, "--sync-directories") {
		t.Errorf("a type without its switch: %d\n%s", r.code, r.stderr)
	}
}
