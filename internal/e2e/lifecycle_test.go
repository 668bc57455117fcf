//go:build unix && !race

package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// killer stands before a simulator and kills the program at one of its writes, before
// or after the write took effect.
type killer struct {
	sim   http.Handler
	at    int // which write, from 1; 0 kills at none
	after bool

	mu     sync.Mutex
	cmd    *exec.Cmd
	writes int
}

// ServeHTTP implements [http.Handler].
func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	kill := false
	if r.Method != http.MethodGet {
		k.writes++
		kill = k.writes == k.at
	}
	k.mu.Unlock()
	if !kill {
		k.sim.ServeHTTP(w, r)
		return
	}
	if k.after {
		k.sim.ServeHTTP(httptest.NewRecorder(), r)
	}
	_ = k.cmd.Process.Kill() // A failed kill shows as a program that was not killed.
	<-r.Context().Done()
}

// fleeting is what differs from one run to the next in a saved tenant: times, and the IDs
// of phone numbers and addresses, which the server makes anew with each write of the user.
var fleeting = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"|"id":"[0-9a-f]{24}","type"`)

func saved(t *testing.T, tenant *jcsim.Tenant) string {
	t.Helper()
	var out bytes.Buffer
	if err := tenant.Save(&out); err != nil {
		t.Fatal(err)
	}
	return fleeting.ReplaceAllString(out.String(), `"..."`) + fmt.Sprint(len(tenant.Mails()), " mails")
}

// TestKilledInLifecycleChanges kills the program at each write of a change to an account,
// before and after it took effect, and repeats the command: the organization is as after
// an undisturbed run. No account is made twice, and nobody is mailed twice.
func TestKilledInLifecycleChanges(t *testing.T) {
	t.Parallel()
	tenant := func() *jcsim.Tenant {
		return jcsim.Generate(3, jcsim.Size{Users: 12, Groups: 4, Apps: 2, Admins: 3, Dangling: -1})
	}
	users := tenant().Users()
	user := users[slices.IndexFunc(users, func(u *jcsim.User) bool { return u.State == "ACTIVATED" && u.Admin == nil })].ID
	enrolled := users[slices.IndexFunc(users, func(u *jcsim.User) bool {
		return u.State == "ACTIVATED" && u.Admin == nil && u.TOTPEnabled && !u.PasswordExpired && !u.AccountLocked
	})].Email
	named := fmt.Sprintf(`{"user_id":%q}`, user)
	for name, args := range map[string][]string{
		"create":   {"--create-account-login", "joiner", "--create-account-email", "joiner@example.com"},
		"delete":   {"--delete-resource", user, "--delete-resource-type", "user"},
		"disable":  {"--invoke-action", "disable_user", "--invoke-action-args", named},
		"offboard": {"--invoke-action", "offboard_user", "--invoke-action-args", named},
		"role":     {"role", "grant", enrolled, "Help Desk"},
		"update":   {"--invoke-action", "update_user", "--invoke-action-args", fmt.Sprintf(`{"user_id":%q,"user_profile":"{\"department\":\"Night Shift\"}"}`, user)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(k *killer, url string) result {
				p := newProgram(t, url, append([]string{"--provision-types", "user,group,app,role", "--on-delete-reports", "clear"}, args...)...)
				cmd, stdout, stderr := p.command(t.Context())
				k.mu.Lock()
				k.cmd = cmd
				err := cmd.Start()
				k.mu.Unlock()
				if err != nil {
					t.Fatal(err)
				}
				return p.wait(cmd, stdout, stderr)
			}
			quiet := &killer{}
			sim := jcsim.New(jcsim.Options{Tenant: tenant()})
			quiet.sim = sim
			if r := run(quiet, serve(t, quiet)); r.code != exitOK {
				t.Fatalf("exit code %d: %s", r.code, r.message())
			}
			want := saved(t, sim.Tenant())
			if quiet.writes == 0 || want == saved(t, tenant()) {
				t.Fatal("nothing was changed")
			}
			for at := 1; at <= quiet.writes; at++ {
				for _, after := range []bool{false, true} {
					sim := jcsim.New(jcsim.Options{Tenant: tenant()})
					k := &killer{sim: sim, at: at, after: after}
					url := serve(t, k)
					if r := run(k, url); r.code != -1 {
						t.Errorf("write %d: the program was not killed: exit code %d: %s", at, r.code, r.message())
					}
					if r := run(k, url); r.code != exitOK {
						t.Errorf("killed at write %d, took effect: %t; repeated: exit code %d: %s", at, after, r.code, r.message())
					}
					if d := cmp.Diff(want, saved(t, sim.Tenant())); d != "" {
						t.Errorf("killed at write %d, took effect: %t; repeated, the organization is (- want + got)\n%s", at, after, d)
					}
				}
			}
		})
	}
}

// TestEveryActionIsPreviewed invokes each action with --dry-run: it shows requests, and
// sends none of them.
func TestEveryActionIsPreviewed(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Size{Users: 12, Groups: 4, Apps: 2, Admins: 3, Dangling: -1})
	users := tenant.Users()
	in := func(state string) string {
		i := slices.IndexFunc(users, func(u *jcsim.User) bool { return u.State == state && u.Admin == nil && !u.PasswordExpired })
		return users[i].ID
	}
	active, suspended, staged := in("ACTIVATED"), in("SUSPENDED"), in("STAGED")
	group := tenant.Groups()[0].ID
	if err := tenant.UpdateUser(active, func(u *jcsim.User) { u.AccountLocked = true }); err != nil {
		t.Fatal(err)
	}
	args := map[string]string{
		"enable_user":         fmt.Sprintf(`{"user_id":%q}`, suspended),
		"disable_user":        fmt.Sprintf(`{"user_id":%q}`, active),
		"update_user":         fmt.Sprintf(`{"user_id":%q,"user_profile":"{\"department\":\"Night Shift\"}"}`, active),
		"update_profile":      fmt.Sprintf(`{"user_id":%q,"department":"Night Shift"}`, active),
		"activate_user":       fmt.Sprintf(`{"user_id":%q}`, staged),
		"unlock_user":         fmt.Sprintf(`{"user_id":%q}`, active),
		"reset_mfa":           fmt.Sprintf(`{"user_id":%q}`, active),
		"expire_password":     fmt.Sprintf(`{"user_id":%q}`, active),
		"set_manager":         fmt.Sprintf(`{"user_id":%q,"manager_identifier":%q}`, active, suspended),
		"resend_activation":   fmt.Sprintf(`{"user_id":%q}`, active),
		"schedule_suspension": fmt.Sprintf(`{"user_id":%q,"at":"2099-01-01T00:00:00Z"}`, active),
		"offboard_user":       fmt.Sprintf(`{"user_id":%q}`, active),
		"create":              `{"name":"Night Shift"}`,
		"modify_group":        fmt.Sprintf(`{"group_id":%q,"name":"Night Shift"}`, group),
		"delete_group":        fmt.Sprintf(`{"group_id":%q}`, group),
	}
	sim := jcsim.New(jcsim.Options{Tenant: tenant})
	before := saved(t, tenant)
	url := serve(t, sim)
	for _, schema := range actions.Schemas([]string{restype.User, restype.Group}, "") {
		t.Run(schema.GetName(), func(t *testing.T) {
			given, ok := args[schema.GetName()]
			if !ok {
				t.Fatal("this test has no arguments for the action")
			}
			p := newProgram(t, url, "--provision-types", "user,group,app", "--dry-run", "--invoke-action", schema.GetName(), "--invoke-action-args", given)
			if scope := schema.GetResourceTypeId(); scope != "" {
				p.args = append(p.args, "--invoke-action-resource-type", scope)
			}
			r := p.run()
			if r.code != exitOK || !strings.Contains(r.stdout, "  Request  ") {
				t.Errorf("exit code %d: %s\n%s", r.code, r.message(), r.stdout)
			}
			if after := saved(t, tenant); after != before {
				t.Error("the organization was changed: " + cmp.Diff(before, after))
			}
		})
	}
}
