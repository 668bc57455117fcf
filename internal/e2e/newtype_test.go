//go:build unix && !race

package e2e_test

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// squads is the file of the type that the test adds: user groups a second time.
const squads = `package connector

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func squadMapping() mapping {
	fill := func(page *syncer.Page, k kind, g *jumpcloud.UserGroup) {
		r := &v2.Resource{Id: resourceID("squad", g.ID), DisplayName: "Squad " + g.Name}
		page.Resources = append(page.Resources, r)
		if k.resourcesOnly {
			return
		}
		page.Entitlements = append(page.Entitlements, &v2.Entitlement{
			Id: restype.EntitlementID("squad", g.ID), Resource: r, Slug: slugMember, DisplayName: r.DisplayName,
			Purpose: v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT, GrantableTo: grantableTo(restype.User),
		})
		if !k.noGrants {
			page.Lists = append(page.Lists, kind{collection: "recruits"}.of(refOf(r.GetId())))
		}
	}
	return mapping{
		id: "squad",
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if has("squad") {
				page.Lists = append(page.Lists, k.with("squads").of(syncer.Ref{}))
			}
		},
		target: func(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
			g, err := s.client.UserGroup(ctx, target.ID)
			if err == nil {
				fill(page, k, g)
			}
			return err
		},
		gone: func(ctx context.Context, s *Source, id string) error {
			_, err := s.client.UserGroup(ctx, id)
			return err
		},
		lists: []listing{
			{id: "squads", label: "squads", open: func(s *Source, k kind, _ syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.UserGroup]{
					Name: "squads", Limit: rowsPerPage, Sorted: true, Fetch: s.client.UserGroups,
					ID: func(g jumpcloud.UserGroup) string { return g.ID },
				}, func(_ context.Context, page *syncer.Page, items []jumpcloud.UserGroup) error {
					for i := range items {
						fill(page, k, &items[i])
					}
					return nil
				})
			}},
			{id: "recruits", label: "squad recruits", owned: true, open: func(s *Source, _ kind, squad syncer.Ref) rows {
				return rowsOf(memberEdges(s.client, squad.ID), func(_ context.Context, page *syncer.Page, items []jumpcloud.Connection) error {
					for _, c := range items {
						page.Grants = append(page.Grants, directGrant(grantedEntitlement("squad", squad.ID), resourceID(restype.User, c.ID)))
					}
					return nil
				})
			}},
		},
	}
}
`

// squadRow is the row of the type. Grants of it cannot be changed.
const squadRow = `	{
		ID: "squad", Label: "Squad", Noun: "squad", Plural: "squads",
		Grant: "enlistment", Holding: "enlistment in", Grants: "Enlistments", Holders: "Recruits",
		Read: []string{"groups.readonly", "squads.readonly"}, Path: "/squads",
	},
}

// All lists`

// overlay lays the type over the source of the program, by two lines and a file, and
// returns the file that tells the compiler so.
func overlay(t *testing.T, dir string) string {
	t.Helper()
	replace := map[string]string{}
	edit := func(name, old, with string) {
		t.Helper()
		path, err := filepath.Abs(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		text := with
		if old != "" {
			source := string(file(t, path))
			if strings.Count(source, old) != 1 {
				t.Fatalf("%q is not once in %s", old, name)
			}
			text = strings.Replace(source, old, with, 1)
		}
		replace[path] = filepath.Join(dir, filepath.Base(path))
		writeFile(t, replace[path], []byte(text))
	}
	edit("restype/table.go", "}\n\n// All lists", squadRow)
	edit("connector/types.go", "userMapping(), roleMapping(),", "squadMapping(), userMapping(), roleMapping(),")
	edit("connector/squads.go", "", squads)
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	writeFile(t, path, list)
	return path
}

// goTool runs the go command on the module and returns what it says.
func goTool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestNewTypeIsEverywhere adds a resource type with two lines and a file, as
// docs/ADDING.md says, builds the program and finds the type wherever types are.
func TestNewTypeIsEverywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	laid, exe := overlay(t, dir), filepath.Join(dir, "baton-jumpcloud")
	if out, err := goTool(t, "build", "-buildvcs=false", "-overlay", laid, "-o", exe, "./cmd/baton-jumpcloud"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("checks and docs", func(t *testing.T) {
		t.Parallel()
		out, err := goTool(t, "test", "-vet=off", "-overlay", laid, "./internal/restype", "./internal/connector", "./internal/config",
			"-run", "^(TestRowsAreWhole|TestDocumentation|TestDocIsCurrent|TestEveryTypeIsMapped|TestListsHaveIDs|TestGoldenCapabilities)$")
		for _, stale := range []string{"--- FAIL: TestDocumentation", "--- FAIL: TestDocIsCurrent", "--- FAIL: TestGoldenCapabilities"} {
			if !strings.Contains(out, stale) {
				t.Errorf("%q is not said of files that lack the type", stale)
			}
		}
		if err == nil || strings.Count(out, "--- FAIL: Test") != 3 {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("words", func(t *testing.T) {
		t.Parallel()
		p := newProgram(t, "")
		p.exe = exe
		for args, want := range map[string]string{
			"capabilities": `"id":\s*"squad"(?s:.*)"permission":\s*"squads\.readonly"`,
			"--help":       `user,\s+group,\s+app,\s+role,[a-z_,\s]+squad`,
			"demo --file demo.c1z --size small --latency 0s": `(?m)^ *Squads +[1-9]`,
			"diff --help": `role,[a-z,\s-]+squad,\s+membership,\s+assignment,\s+role-assignment,[a-z,\s-]+enlistment`,
			"--sync-resource-types squadron --base-url http://127.0.0.1:1":    `squad`,
			"--sync-resources bid:r:squadron/x --base-url http://127.0.0.1:1": `the types are user, group, app, role, .*squad`,
		} {
			p.args = strings.Fields(args)
			r := p.run()
			if !regexp.MustCompile(want).MatchString(r.stdout + r.stderr) {
				t.Errorf("%s: %q is not in\n%s%s", args, want, r.stdout, r.stderr)
			}
		}
	})
	t.Run("syncs", func(t *testing.T) {
		t.Parallel()
		testSquads(t, exe)
	})
}

// testSquads syncs a tenant with a program that knows squads, and looks for them.
func testSquads(t *testing.T, exe string) {
	t.Helper()
	tenant := jcsim.Generate(5, jcsim.Size{Users: 12, Groups: 6, Apps: 2, Admins: 2})
	sim := jcsim.New(jcsim.Options{Tenant: tenant})
	p := newProgram(t, serve(t, sim))
	p.exe = exe
	run := func(args string, code int, wants ...string) {
		t.Helper()
		p.args = strings.Fields(args)
		r := p.run()
		text := r.stdout + r.stderr
		if r.code != code {
			t.Errorf("%s: exit code %d\n%s", args, r.code, text)
		}
		for _, want := range wants {
			if !regexp.MustCompile(want).MatchString(text) {
				t.Errorf("%s: %q is not in\n%s", args, want, text)
			}
		}
	}
	// A full sync, one of the type, and one of a resource.
	run("-f all.c1z", exitOK, `"squad":6`)
	run("-f types.c1z --sync-resource-types squad", exitOK, `"squad":6`)
	squad := tenant.Groups()[0].ID
	run("-f one.c1z --sync-resources bid:r:squad/"+squad, exitOK, `"squad":1`)
	run("-f one.c1z --sync-resources bid:r:squad/"+strings.Repeat("0", 24), exitOK, `no squad with ID`)

	// A list of a squad is empty only if the squad itself is gone.
	members := jcsim.Fault{Route: routeMembers, Path: "*" + squad + "*", Status: http.StatusNotFound}
	if err := sim.AddFault(members); err != nil {
		t.Fatal(err)
	}
	run("-f gone.c1z --sync-resource-types user,squad", exitNotFound, `the squad `+squad+` exists, so its list`)
	if err := sim.AddFault(jcsim.Fault{Route: "GET /api/v2/usergroups/{id}", Path: "*" + squad + "*", Status: http.StatusNotFound}); err != nil {
		t.Fatal(err)
	}
	run("-f gone.c1z --sync-resource-types user,squad", exitOK, `"squad":5`, `1 object \(squad `)
	sim.ClearFaults()

	// Drop protection, and what changed.
	for _, g := range tenant.Groups() {
		if err := tenant.DeleteGroup(g.ID); err != nil {
			t.Fatal(err)
		}
	}
	run("-f none.c1z", exitOK)
	run("-f all.c1z", exitPrecondition, `6 of 6 squads are gone`, `grants of squads are gone`)
	run("diff all.c1z none.c1z", exitOK, `(?m)^ *squads +0 +6 +0`, `(?m)^ *enlistments +0 +[1-9]`)
	run("diff all.c1z none.c1z --what squad", exitOK, `removed +squad`)
	run("diff all.c1z none.c1z --what enlistment", exitOK, `removed +enlistment`)
	run("inspect resources -f all.c1z --type squad --limit 1", exitOK, `Squad `)

	p.args = strings.Fields("explore --no-open --port 0 -f all.c1z")
	site := explored(t, p)
	for path, want := range map[string]string{
		"/": `href="/squads"`, "/squads": `type=squad`, "/resource?type=squad&id=" + squad: `Recruits`,
	} {
		if page := site(path); !strings.Contains(page, want) {
			t.Errorf("%s has no %s:\n%s", path, want, page)
		}
	}
}

// explored starts the explorer, which ends with the test, and returns how its pages
// are read.
func explored(t *testing.T, p *program) func(path string) string {
	t.Helper()
	cmd, _, stderr := p.command(t.Context())
	cmd.Stdout = nil
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address := ""
	for lines := bufio.NewScanner(stdout); address == "" && lines.Scan(); {
		address = regexp.MustCompile(`http://\S+`).FindString(lines.Text())
	}
	if address == "" {
		t.Fatalf("the explorer tells no address: %s", stderr)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	get(t, client, address) // for the cookie
	host := regexp.MustCompile(`^http://[^/]+`).FindString(address)
	return func(path string) string { return get(t, client, host+path) }
}

// get reads a page.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(fmt.Errorf("%s: %s: %w", url, resp.Status, err))
	}
	return string(body)
}

// TestResumeReadsNoLabels interrupts a sync, changes what people call its lists, and
// goes on with it: the ids of lists are what counts.
func TestResumeReadsNoLabels(t *testing.T) {
	t.Parallel()
	v := newVictim(t, newVictim(t, nil))
	cmd, stdout, stderr := v.command(t.Context())
	reached, ended := make(chan struct{}, 100), make(chan struct{})
	v.sim.OnRequest(func(n int, _ string) {
		if n >= 20 {
			reached <- struct{}{}
			<-ended
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	signal(t, cmd, syscall.SIGTERM)
	r := v.program.wait(cmd, stdout, stderr)
	close(ended)
	forget(t, v.clients)
	if r.code != exitInterrupted {
		t.Fatalf("exit code %d: %s", r.code, r.message())
	}
	db, err := sql.Open("sqlite", filepath.Join(v.path()+".work", "work.db"))
	if err != nil {
		t.Fatal(err)
	}
	done, err := db.ExecContext(t.Context(), `UPDATE lists SET label = 'groups, resources only, administrators'`)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%d lists, %v", n, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	v.finish(t, 1)
}
