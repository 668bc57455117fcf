//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// On a terminal a change ends with a sentence.
func TestChangeOnTerminal(t *testing.T) {
	t.Parallel()
	tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
	user := must(tenant.AddUser(jcsim.User{Username: "ana", Email: "ana@example.com"}))
	group := must(tenant.AddGroup(jcsim.Group{Name: "Sales"}))
	url := serve(t, jcsim.New(jcsim.Options{Tenant: tenant}))
	path := filepath.Join(t.TempDir(), "sync.c1z")
	onTerminal(t, url, "TERM=xterm", "BATON_FILE="+path)

	for _, tt := range []struct{ verb, env, want string }{
		{"grant", "BATON_GRANT_ENTITLEMENT=group:" + group, `Granted: user "ana" (%[1]s) now has membership of group "Sales" (%[2]s).`},
		{"grant again", "BATON_GRANT_ENTITLEMENT=group:" + group, `No change needed: user "ana" (%[1]s) already has membership of group "Sales" (%[2]s).`},
		{"dry run", "BATON_DRY_RUN=1", `Effect         no change needed: for user "ana" (%[1]s), membership of group "Sales" (%[2]s) is already present`},
	} {
		env := []string{
			"TERM=xterm", "BATON_LOG_LEVEL=warn", "BATON_FILE=" + path, "BATON_GRANT_ENTITLEMENT=group:" + group,
			"BATON_GRANT_PRINCIPAL=" + user, "BATON_GRANT_PRINCIPAL_TYPE=user", tt.env,
		}
		if seen, want := onTerminal(t, url, env...), fmt.Sprintf(tt.want, user, group); !strings.Contains(seen, want) {
			t.Errorf("%s: the terminal lacks %q:\n%s", tt.verb, want, seen)
		}
	}
}

// On a terminal a revoke by name asks, and only a yes is consent. Where nothing would
// change, nothing is asked.
func TestRevokeAsksOnTerminal(t *testing.T) {
	t.Parallel()
	tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
	user := must(tenant.AddUser(jcsim.User{Username: "ana", Email: "ana@example.com"}))
	group := must(tenant.AddGroup(jcsim.Group{Name: "Sales"}))
	if err := tenant.AddMember(group, user); err != nil {
		t.Fatal(err)
	}
	url := serve(t, jcsim.New(jcsim.Options{Tenant: tenant}))
	path := filepath.Join(t.TempDir(), "sync.c1z")
	question := fmt.Sprintf("About to change: user \"ana\" (%s) loses membership of group \"Sales\" (%s)\r\nContinue? [y/N] ", user, group)

	for _, tt := range []struct {
		name, answer string
		asked        bool
		code         int
		want         string
		member       bool // afterwards
	}{
		{"no", "n\n", true, 1, "not confirmed; nothing was sent", true},
		{"nothing", "\n", true, 1, "not confirmed; nothing was sent", true},
		{"the end of input", "\x04", true, 1, "not confirmed; nothing was sent", true},
		{"Ctrl+C", ctrlC, true, 1, "interrupted by SIGINT; nothing was sent", true},
		{"yes", "Yes\n", true, 0, "Revoked: user \"ana\"", false},
		{"again", "", false, 0, "No change needed: user \"ana\"", false},
	} {
		seen, code := answeredOnTerminal(t, url, question, tt.answer, []string{"revoke", "ana", "Sales"}, "TERM=xterm", "BATON_LOG_LEVEL=warn", "BATON_FILE="+path)
		if code != tt.code || strings.Contains(seen, question) != tt.asked || !strings.Contains(seen, tt.want) {
			t.Errorf("%s: exit code %d, want %d; the terminal shows:\n%s", tt.name, code, tt.code, seen)
		}
		if members := must(tenant.Members(group)); (len(members) == 1) != tt.member {
			t.Errorf("%s: the members are %v", tt.name, members)
		}
	}
}
