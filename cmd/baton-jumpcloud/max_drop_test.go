package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc/codes"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// lose deletes so many of the organization's users or groups, those with the lowest
// ids first.
func lose(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: lose users|groups COUNT")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(loseSome(simOf(ts).Tenant(), args[0], n))
}

// linked is 1 for a user who is an administrator too, else 0.
func linked(u *jcsim.User) int {
	if u.Admin != nil {
		return 1
	}
	return 0
}

func loseSome(tenant *jcsim.Tenant, kind string, n int) error {
	var edits []jcsim.Edit
	if kind == "users" {
		users := tenant.Users()
		// An administrator goes with its user: those are the last to go.
		slices.SortStableFunc(users, func(a, b *jcsim.User) int { return linked(a) - linked(b) })
		for _, u := range users {
			edits = append(edits, jcsim.Edit{Op: "delete-user", Ref: u.ID})
		}
	} else {
		for _, g := range tenant.Groups() {
			edits = append(edits, jcsim.Edit{Op: "delete-group", Ref: g.ID})
		}
	}
	return tenant.Apply(edits[:n]...)
}

// code sets a variable to the code that the program has just printed.
func code(ts *testscript.TestScript, _ bool, args []string) {
	found := dropCode.FindStringSubmatch(ts.ReadFile("stderr"))
	if len(args) != 1 || found == nil {
		ts.Fatalf("usage: code VARIABLE, after a code was printed")
	}
	ts.Setenv(args[0], found[1])
}

// dropCode finds the code of a loss in what the program says.
var dropCode = regexp.MustCompile(`--allow-drop ([a-z2-7]{8}) `)

// TestLossThatWasNone shows the program an organization that has lost most of its
// users for a while. What it has read then must not be gone on with later.
func TestLossThatWasNone(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	well := jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Small())})
	cut := jcsim.Generate(1, jcsim.Small())
	if err := loseSome(cut, "users", 50); err != nil {
		t.Fatal(err)
	}
	poor := jcsim.New(jcsim.Options{Tenant: cut})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ill.Load() {
			poor.ServeHTTP(w, r)
		} else {
			well.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	path := syncOnce(t, server.URL)
	want, before := dump(t, path), must(os.ReadFile(path))

	ill.Store(true)
	again := func() error {
		cmd := program(t.Context(), t, "--file", path)
		cmd.Env = append(cmd.Env, "BATON_BASE_URL="+server.URL, "BATON_API_KEY="+jcsim.DefaultKey)
		return cmd.Run()
	}
	exit, refused := errors.AsType[*exec.ExitError](again())
	if !refused || exit.ExitCode() != int(codes.FailedPrecondition) || !bytes.Equal(must(os.ReadFile(path)), before) {
		t.Errorf("a sudden loss ended with %v", exit)
	}

	ill.Store(false)
	if err := again(); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, path); got != want || bytes.Equal(must(os.ReadFile(path)), before) {
		t.Error("the archive is not what the organization holds again")
	}
}
