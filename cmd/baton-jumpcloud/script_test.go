package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

//nolint:gochecknoglobals // a test flag
var update = flag.Bool("update", false, "rewrite the outputs that scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"baton-jumpcloud": main})
}

// TestSessions runs the sessions of testdata/script with the real program. Each
// reads like a manual page: what is typed, and what comes of it.
//
// Beside the commands of testscript there are
//
//	simulator [-size SIZE] [-tenant FILE] [-settings FILE] [-organizations N]
//
// which starts a simulated JumpCloud and sets JC to its address;
//
//	exits CODE COMMAND...
//
// which expects an exit code; "syncs FILE", which prints what the syncs of an
// archive hold; "requests", which prints how many requests the simulator was
// asked since the last time, by route; "hold N", after which requests beyond N
// wait for "release", and "held", which waits until one does; "hex FILE
// DIGITS...", which writes bytes; "lose users|groups COUNT", which deletes some;
// "code VARIABLE", which keeps the code of a loss; and those of changeCommands, reviewCommands and
// viewCommands.
func TestSessions(t *testing.T) {
	t.Parallel()
	commands := map[string]func(*testscript.TestScript, bool, []string){
		"simulator": startSimulator, "exits": exits,
		"syncs":    func(ts *testscript.TestScript, _ bool, args []string) { printSyncs(t.Context(), ts, args) },
		"requests": printRequests, "hex": writeHex,
		"hold": hold, "held": held, "release": release, "lose": lose, "code": code,
	}
	maps.Copy(commands, changeCommands(t.Context()))
	maps.Copy(commands, viewCommands(t.Context()))
	maps.Copy(commands, reviewCommands(t.Context()))
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			// Nothing but this machine can be reached, and nothing of this machine's
			// user is read.
			env.Setenv("HOME", env.WorkDir+"/home")
			env.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
			env.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
			env.Setenv("KEY", jcsim.DefaultKey)
			env.Values[simKey{}] = new(simulator)
			return os.Mkdir(env.WorkDir+"/home", 0o700)
		},
		Cmds: commands,
	})
}

// simKey is where a script keeps its simulator.
type simKey struct{}

// simulator is a server that can hold requests back.
type simulator struct {
	*jcsim.Server
	reached  chan struct{}
	released func()
}

func simOf(ts *testscript.TestScript) *simulator { return ts.Value(simKey{}).(*simulator) }

// hold lets n requests be answered and no more.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	limit, err := strconv.Atoi(args[0])
	ts.Check(err)
	sim := simOf(ts)
	reached, released := make(chan struct{}), make(chan struct{})
	sim.reached, sim.released = reached, sync.OnceFunc(func() { close(released) })
	ts.Defer(sim.released)
	sim.ResetCounts()
	once := sync.OnceFunc(func() { close(reached) })
	sim.OnRequest(func(n int, _ string) {
		if n > limit {
			once()
			<-released
		}
	})
}

func held(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-simOf(ts).reached:
	case <-time.After(30 * time.Second):
		ts.Fatalf("no request was held")
	}
}

func release(ts *testscript.TestScript, _ bool, _ []string) {
	sim := simOf(ts)
	sim.OnRequest(nil)
	sim.released()
}

func startSimulator(ts *testscript.TestScript, _ bool, args []string) {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	size := flags.String("size", "small", "")
	tenant := flags.String("tenant", "", "")
	settings := flags.String("settings", "", "")
	organizations := flags.Int("organizations", 1, "")
	signIns := flags.Bool("sign-ins", false, "")
	ts.Check(flags.Parse(args))

	var options jcsim.Options
	if *tenant != "" {
		t, err := jcsim.Load(strings.NewReader(ts.ReadFile(*tenant)))
		ts.Check(err)
		options.Tenant = t
	} else {
		s, err := jcsim.ParseSize(*size)
		ts.Check(err)
		options.Tenant = jcsim.Generate(1, s)
	}
	if *signIns {
		options.Tenant.SignIns(1, time.Now())
	}
	if *settings != "" {
		s, err := jcsim.LoadSettings(strings.NewReader(ts.ReadFile(*settings)))
		ts.Check(err)
		options.Settings = s
	}
	key := jcsim.APIKey{Key: jcsim.DefaultKey, Organizations: []string{options.Tenant.Organization().ID}}
	for i := 1; i < *organizations; i++ {
		t := jcsim.NewTenant(jcsim.Organization{Name: fmt.Sprintf("Subsidiary %d", i)})
		options.Others = append(options.Others, t)
		key.Organizations = append(key.Organizations, t.Organization().ID)
	}
	options.Keys = []jcsim.APIKey{
		key,
		{Key: "key-read-only", Rights: jcsim.Rights{ReadOnly: true}},
		{Key: "key-no-admins", Rights: jcsim.Rights{NoAdmins: true}},
		{Key: "key-no-groups", Rights: jcsim.Rights{Deny: jcsim.Routes{"/api/v2/usergroups"}}},
	}
	options.ServiceAccounts = []jcsim.ServiceAccount{{ClientID: "account", ClientSecret: "account-secret"}}
	sim := jcsim.New(options)
	server := httptest.NewServer(sim)
	ts.Defer(server.Close)
	simOf(ts).Server = sim
	ts.Setenv("JC", server.URL)
	org := options.Tenant.Organization()
	ts.Setenv("ORG", org.ID)
	ts.Setenv("ORGNAME", org.Name)
}

// exits runs a command and compares its exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// printSyncs prints a line for each sync of an archive.
func printSyncs(ctx context.Context, ts *testscript.TestScript, args []string) {
	reader, err := c1z.Open(ctx, ts.MkAbs(args[0]), c1z.OpenOptions{TempDir: ts.Getenv("TMPDIR")})
	ts.Check(err)
	defer reader.Close()
	syncs, err := reader.Syncs(ctx)
	ts.Check(err)
	for _, s := range syncs {
		stats, err := reader.Stats(ctx, s.ID)
		ts.Check(err)
		r := stats.ResourcesByType
		_, err = fmt.Fprintf(ts.Stdout(), "%s organization=%s user=%d group=%d app=%d role=%d entitlements=%d grants=%d settings=%q\n",
			s.Type, s.Organization.ID, r["user"], r["group"], r["app"], r["role"], stats.Entitlements, stats.Grants, s.Organization.Settings)
		ts.Check(err)
	}
}

func printRequests(ts *testscript.TestScript, _ bool, _ []string) {
	sim := simOf(ts)
	for route, r := range sim.Requests().Routes {
		_, err := fmt.Fprintf(ts.Stdout(), "%d %s\n", r.Requests, route)
		ts.Check(err)
	}
	sim.ResetCounts()
}

func writeHex(ts *testscript.TestScript, _ bool, args []string) {
	data, err := hex.DecodeString(strings.Join(args[1:], ""))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}
