//go:build unix && !race

package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// Exit codes: those of gRPC, which Baton connectors end with.
const (
	exitOK              = 0
	exitInterrupted     = 1
	exitUnknown         = 2
	exitInvalid         = 3
	exitNotFound        = 5
	exitPermission      = 7
	exitPrecondition    = 9
	exitUnavailable     = 14
	exitUnauthenticated = 16
)

// faulty is a way in which a server goes wrong, and what comes of it.
type faulty struct {
	name  string
	fault jcsim.Fault
	args  []string
	env   map[string]string
	code  int
	says  []string // in what the program says at its end
	// asked is how many requests reached the route of the fault; 0 is not checked. A 403
	// may be about the organization that is named, so that one is sent without.
	asked int
}

func on(route string, status int) jcsim.Fault { return jcsim.Fault{Route: route, Status: status} }

// faults are the rows of the fault table that end a sync soon, and those that do
// not end it at all.
func faults() []faulty {
	hint := "a key of another region is rejected like a wrong one"
	list := []faulty{
		// Credentials.
		{name: "no key", env: map[string]string{"BATON_API_KEY": ""}, code: exitUnauthenticated, says: []string{"api-key", "My API Key"}},
		{name: "unknown key", env: map[string]string{"BATON_API_KEY": "jca_unknown"}, code: exitUnauthenticated, says: []string{"401", "api key user not found", hint, "My API Key"}},
		{
			name: "unknown service account", code: exitUnauthenticated, says: []string{"service account's client ID and secret"},
			env: map[string]string{"BATON_API_KEY": "", "BATON_JUMPCLOUD_CLIENT_ID": "account", "BATON_JUMPCLOUD_CLIENT_SECRET": "wrong-client-secret"},
		},
		{name: "401 in the middle", fault: on(routeGroups, 401), code: exitUnauthenticated, says: []string{"groups", hint}, asked: 1},
		{name: "redirect", fault: jcsim.Fault{Route: routeGroups, Effect: jcsim.EffectRedirect}, code: exitUnauthenticated, says: []string{"302", hint}, asked: 1},
		{name: "sign-in page with 200", fault: jcsim.Fault{Route: routeGroups, Effect: jcsim.EffectLogin}, code: exitUnauthenticated, says: []string{"sign-in page", hint}, asked: 1},
		{name: "data announced as a page", fault: jcsim.Fault{Route: routeApps, Effect: jcsim.EffectType}, code: exitUnauthenticated, says: []string{"sign-in page"}, asked: 1},
		{name: "data announced as text", fault: jcsim.Fault{Route: routeApps, Effect: jcsim.EffectType, ContentType: "text/plain"}},
		{
			name: "several organizations", env: map[string]string{"BATON_API_KEY": "jca_of_several"}, code: exitPrecondition,
			says: []string{"has access to 2 organizations", "--org-id", "Subsidiary"},
		},
		// Permissions.
		{name: "403 on users", fault: on("* /api/*systemusers", 403), code: exitPermission, says: []string{"users", "users.readonly", "--sync-resource-types"}},
		{name: "403 on groups", fault: on(routeGroups, 403), code: exitPermission, says: []string{"user groups", "groups.readonly", "--sync-resource-types"}, asked: 2},
		{name: "403 on applications", fault: on(routeApps, 403), code: exitPermission, says: []string{"applications", "applications.readonly", "--sync-resource-types"}},
		{name: "403 on members", fault: on(routeMembers, 403), code: exitPermission, says: []string{"group members", "users.readonly"}},
		{name: "403 on associations", fault: on(routeBindings, 403), code: exitPermission, says: []string{"application associations", "applications.readonly"}},
		{name: "403 on administrators", fault: on(routeAdmins, 403), code: exitPermission, says: []string{"administrators", "administrators.readonly", "--skip-admins"}, asked: 2},
		{name: "403 on administrators, who are skipped", fault: on(routeAdmins, 403), args: []string{"--skip-admins"}},
		{name: "403 on groups, which are left out", fault: on("/api/v2/usergroups*", 403), args: []string{"--sync-resource-types", "user,app,role"}},
		{name: "403 on organizations", fault: on("GET /api/organizations", 403), code: exitPermission, says: []string{"organizations", "--org-id"}},
		// What is not there.
		{name: "400 on a list", fault: on(routeGroups, 400), code: exitInvalid, says: []string{"read groups", "400"}, asked: 2},
		{name: "404 on a list", fault: on(routeGroups, 404), code: exitNotFound, says: []string{"read groups", "404"}, asked: 1},
		{name: "404 on applications", fault: on(routeApps, 404), code: exitNotFound, says: []string{"read applications", "404"}, asked: 1},
		{name: "404 on members", fault: on(routeMembers, 404), code: exitNotFound, says: []string{"exists, so its list"}},
		{name: "404 on administrators", fault: on(routeAdmins, 404), code: exitNotFound, says: []string{"--skip-admins"}, asked: 1},
		{name: "501 on a list", fault: on(routeGroups, 501), code: 12, says: []string{"501"}, asked: 1},
		// Servers that are broken.
		{name: "500 for ever", fault: on(routeGroups, 500), code: exitUnavailable, says: []string{"after 4 attempts", "run again to resume"}, asked: 4},
		{name: "empty answers", fault: jcsim.Fault{Route: routeGroups, Effect: jcsim.EffectEmpty}, code: exitUnknown, says: []string{"empty response"}, asked: 4},
		{name: "answers of another shape", fault: jcsim.Fault{Route: routeGroups, Effect: jcsim.EffectBody, Body: `{"results":"none"}`}, code: exitUnknown, says: []string{"read groups"}, asked: 4},
		{name: "an object without an id", fault: jcsim.Fault{Route: routeGroups, Effect: jcsim.EffectBody, Body: `[{"name":"x"}]`}, code: exitUnknown, says: []string{"object 1", "missing ID"}, asked: 1},
		{name: "an answer without an end", fault: jcsim.Fault{Route: routeGroups, Effect: jcsim.EffectHuge, Size: 1 << 30}, code: exitUnknown, says: []string{"larger than 64 MiB"}, asked: 1},
		// What passes.
		{name: "a slow body", fault: jcsim.Fault{Route: routeUsers, Effect: jcsim.EffectSlow, Delay: 20 * time.Millisecond}},
		{name: "answers that hang", fault: jcsim.Fault{Route: routeGroups, Effect: jcsim.EffectHang, Times: 2}, args: []string{"--http-timeout-seconds", "1"}, asked: 3},
	}
	for _, status := range []int{429, 500, 502, 503, 504} {
		list = append(list, faulty{name: fmt.Sprintf("a burst of %d", status), fault: jcsim.Fault{Status: status, After: 3, Times: 3}})
	}
	for _, effect := range []string{jcsim.EffectReset, jcsim.EffectResetAfter, jcsim.EffectCut, jcsim.EffectEmpty} {
		list = append(list, faulty{name: "some with " + effect, fault: jcsim.Fault{Effect: effect, After: 3, Times: 3}})
	}
	for _, after := range []string{"", "0", "1", "0.5", "date+1s", "-5", "soon"} {
		list = append(list, faulty{name: fmt.Sprintf("429 with Retry-After %q", after), fault: jcsim.Fault{Status: 429, RetryAfter: after, After: 3, Times: 2}})
	}
	return append(list, faulty{name: "403 as a page of the edge", fault: jcsim.Fault{Route: routeMembers, Status: 403, Form: "html", Times: 2}})
}

// TestEveryFault lets the program meet every fault that ends soon: what it says, how
// it ends, and what becomes of the archive of the day before.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Small())
	yesterday := newProgram(t, "").yesterday(tenant)
	for _, tt := range faults() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			subsidiary := jcsim.NewTenant(jcsim.Organization{Name: "Subsidiary"})
			options := jcsim.Options{
				Tenant: tenant, Others: []*jcsim.Tenant{subsidiary}, ServiceAccounts: []jcsim.ServiceAccount{{ClientID: "account", ClientSecret: "right-client-secret"}},
				Keys: []jcsim.APIKey{{Key: jcsim.DefaultKey}, {Key: "jca_of_several", Organizations: []string{tenant.Organization().ID, subsidiary.Organization().ID}}},
			}
			if tt.fault.Effect+strconv.Itoa(tt.fault.Status) != "0" {
				options.Settings.Faults = []jcsim.Fault{tt.fault}
			}
			sim := jcsim.New(options)
			p := newProgram(t, serve(t, sim), tt.args...).with(tt.env)
			p.secrets = append(p.secrets, "jca_unknown", "jca_of_several", "wrong-client-secret", "right-client-secret")
			writeFile(t, p.path(), yesterday)
			r := p.run()
			if r.code != tt.code {
				t.Fatalf("exit code %d, want %d: %s", r.code, tt.code, r.message())
			}
			for _, want := range tt.says {
				if !strings.Contains(r.message(), want) {
					t.Errorf("%q is not in %q", want, r.message())
				}
			}
			if asked := sim.Requests().Routes[tt.fault.Route].Requests; tt.asked > 0 && asked != tt.asked {
				t.Errorf("%d requests reached %s, want %d", asked, tt.fault.Route, tt.asked)
			}
			if tt.code == exitOK {
				checkFresh(t, p, tenant, tt.args)
				return
			}
			if !bytes.Equal(yesterday, file(t, p.path())) {
				t.Error("the archive of the day before is not what it was")
			}
			if lines := strings.Count(r.message(), "\n"); lines > 3 {
				t.Errorf("the message has %d lines:\n%s", lines+1, r.message())
			}
		})
	}
}

// checkFresh looks at the archive of a sync that was complete.
func checkFresh(t *testing.T, p *program, tenant *jcsim.Tenant, args []string) {
	t.Helper()
	c := read(t, p.path())
	if len(args) > 0 && args[0] != "--http-timeout-seconds" {
		// Something was left out.
		for _, wrong := range closure(c, nil) {
			t.Error(wrong)
		}
		return
	}
	for _, wrong := range watch(tenant).judge(c) {
		t.Error(wrong)
	}
	if _, err := os.Stat(p.path() + ".work"); err == nil {
		t.Error("the work folder is still there")
	}
}

// TestRedirectsGetNoKey redirects the program to another server.
func TestRedirectsGetNoKey(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	for _, route := range []string{"GET /api/organizations", routeUsers, routeMembers} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(route, status), func(t *testing.T) {
				t.Parallel()
				sim := jcsim.New(jcsim.Options{})
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, path, _ := strings.Cut(route, " ")
					if strings.HasSuffix(r.URL.Path, path[strings.LastIndex(path, "/"):]) {
						http.Redirect(w, r, other+"/api/organizations", status)
						return
					}
					sim.ServeHTTP(w, r)
				}))
				t.Cleanup(server.Close)
				r := newProgram(t, server.URL).run()
				if r.code != exitUnauthenticated || !strings.Contains(r.message(), "redirected") {
					t.Errorf("exit code %d: %s", r.code, r.message())
				}
			})
		}
	}
	t.Cleanup(func() {
		if n := reached.Load(); n > 0 {
			t.Errorf("%d requests went to the other server", n)
		}
	})
}

// TestTokensEndInTheMiddle lets access tokens end or become invalid while a sync
// goes on.
func TestTokensEndInTheMiddle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		account jcsim.ServiceAccount
		faults  []jcsim.Fault
		least   int // tokens
	}{
		{name: "revoked again and again", faults: []jcsim.Fault{{Effect: jcsim.EffectRevoke, Route: "* /api/*", Every: 10}}, least: 3},
		{name: "they end sooner than is said", account: jcsim.ServiceAccount{Lifetime: time.Second, Announced: time.Hour}, least: 2},
		{name: "they end after a second", account: jcsim.ServiceAccount{Lifetime: time.Second}, least: 2},
		{name: "the token endpoint is overloaded", faults: []jcsim.Fault{{Route: "POST /oauth2/token", Status: 503, Times: 2}}, least: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.account.ClientID, tt.account.ClientSecret = "account", "account-secret"
			tenant := jcsim.Generate(3, jcsim.Small())
			sim := jcsim.New(jcsim.Options{
				Tenant: tenant, ServiceAccounts: []jcsim.ServiceAccount{tt.account}, Settings: jcsim.Settings{Faults: tt.faults, Latency: 150 * time.Millisecond},
			})
			p := newProgram(t, serve(t, sim), "--workers=2").with(map[string]string{
				"BATON_API_KEY": "", "BATON_JUMPCLOUD_CLIENT_ID": "account", "BATON_JUMPCLOUD_CLIENT_SECRET": "account-secret",
			})
			p.secrets = []string{"account-secret", jcsim.ConfigSecret}
			if r := p.run(); r.code != exitOK {
				t.Fatalf("exit code %d: %s", r.code, r.message())
			}
			checkFresh(t, p, tenant, nil)
			if n := sim.Requests().Routes["POST /oauth2/token"].Requests; n < tt.least {
				t.Errorf("%d requests for tokens, want at least %d", n, tt.least)
			}
		})
	}
}

// TestTwoRunsOnOneArchive starts a second run while the first is reading.
func TestTwoRunsOnOneArchive(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Small())
	sim := jcsim.New(jcsim.Options{Tenant: tenant})
	p := newProgram(t, serve(t, sim))
	yesterday := p.yesterday(tenant)
	reached, release := make(chan struct{}, 100), make(chan struct{})
	sim.OnRequest(func(n int, _ string) {
		if n == 8 {
			reached <- struct{}{}
			<-release
		}
	})
	first, stdout, stderr := p.command(t.Context())
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	asked := sim.Requests().Requests
	r := p.run()
	if r.code != exitUnknown || !strings.Contains(r.message(), "sync.c1z") || !strings.Contains(r.message(), "in use") {
		t.Errorf("exit code %d: %s", r.code, r.message())
	}
	if !bytes.Equal(yesterday, file(t, p.path())) {
		t.Error("the archive was touched")
	}
	if n := sim.Requests().Routes["GET /api/organizations"].Requests; n != 1 {
		t.Errorf("the second run asked JumpCloud: %d requests, %d before it", sim.Requests().Requests, asked)
	}
	// The lock goes with the archive, however it is named.
	link := filepath.Join(t.TempDir(), "link.c1z")
	if err := os.Symlink(p.path(), link); err != nil {
		t.Fatal(err)
	}
	p.args = []string{"--file", link}
	if r := p.run(); r.code != exitUnknown || !strings.Contains(r.message(), "in use") {
		t.Errorf("through a link: exit code %d: %s", r.code, r.message())
	}
	close(release)
	if r := p.wait(first, stdout, stderr); r.code != exitOK {
		t.Errorf("the first run ended with %d: %s", r.code, r.message())
	}
	lock, err := c1z.Lock(p.path())
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}
