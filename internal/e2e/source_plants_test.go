//go:build unix && !race

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sourcePlant is a change of the program that breaks an invariant where no part can
// be wrapped to do so, and the test that holds it.
type sourcePlant struct {
	name     string
	file     string // below internal
	old, bad string
	pkg      string // of the test, below internal
	test     string
}

// sourcePlants are one or more for each such invariant of docs/ARCHITECTURE.md.
func sourcePlants() []sourcePlant {
	return []sourcePlant{
		{
			name: "the archive is written in its place", pkg: "e2e", test: "TestArchiveIsReadWhileItIsReplaced",
			file: "c1z/replace.go", old: `const temporary = ".tmp"`, bad: `const temporary = ""`,
		},
		{
			name: "an archive of another organization is replaced", pkg: "e2e", test: "TestArchivesFromOutside",
			file: "syncrun/previous.go", old: `had.ID == "" || had.ID == org.ID`, bad: `had.ID == "" || org.ID != ""`,
		},
		{
			name: "an archive is not looked at before it is believed", pkg: "c1z", test: "TestOpenOutside",
			file: "c1z/sqlitereader.go", old: `	return r.inspect(ctx)
}`, bad: `	_ = r.inspect(ctx)
	return nil
}`,
		},
		{
			name: "an error is merely counted", pkg: "e2e", test: "TestEveryFault",
			file: "syncer/read.go", old: `page, err := r.Source.Read(ctx, tok.List, tok.Token)`,
			bad: `page, err := r.Source.Read(ctx, tok.List, tok.Token)
	if err != nil && ctx.Err() == nil {
		page, err = &Page{Settled: true}, nil
	}`,
		},
		{
			name: "a gap in a sorted list is not seen", pkg: "jumpcloud/paging", test: "TestSortedListsUnderEdits",
			file: "jumpcloud/paging/sorted.go", old: `case reach != nil && n.low() > reach.Last:`, bad: `case reach != nil && n.low() > reach.Last && n.Rows < 0:`,
		},
		{
			name: "half a transaction stays", pkg: "workdb", test: "TestGroupWithAFailure",
			file: "workdb/writer.go", old: `return errors.Join(err, t.rollback(ctx))
		}
	}`, bad: `return errors.Join(err, t.exec(ctx, "COMMIT"))
		}
	}`,
		},
		{
			name: "a page that was stored is asked for again", pkg: "e2e", test: "TestKilledAfterEachCheckpoint",
			file: "workdb/open.go", old: `if reason := meta[metaDiscard]; reason != "" {`, bad: `if reason := meta[metaDiscard]; reason != meta[metaPhase] {`,
		},
		{
			name: "the work of another organization is gone on with", pkg: "e2e", test: "TestCheckpointsThatAreDropped",
			file: "workdb/open.go", old: `if f.had != f.want {`, bad: `if f.had != f.want && f.what != "organization" {`,
		},
		{
			name: "a group that was looked up has no members", pkg: "e2e", test: "TestGroupIsMadeWhileOthersAreRead",
			file: "syncer/run.go", old: `unread, err := e.unread(ctx)`, bad: `unread, err := false, ctx.Err()`,
		},
		{
			name: "a sync of yesterday is shown", pkg: "e2e", test: "TestClockWasPutBack",
			file: "c1z/finish.go", old: `run.EndedAt = last`, bad: `_ = last`,
		},
		{
			name: "an error repeats what the server said", pkg: "jumpcloud", test: "TestErrorsDoNotShowSecrets",
			file: "jumpcloud/failure.go", old: `e.Message = redact.Line(messageOf(body), slices.Concat(c.auth.secrets(), call.secrets)...)`, bad: `e.Message, _, _ = messageOf(body), redact.Line, slices.Concat[[]string]`,
		},
		{
			name: "a server may claim any length", pkg: "jumpcloud/paging", test: "TestClaimsAreBounded",
			file: "jumpcloud/paging/paging.go", old: `if len(next) <= maxPages {`, bad: `if len(next) >= 0 {`,
		},
		{
			name: "redirects are followed", pkg: "e2e", test: "TestRedirectsGetNoKey",
			file: "jumpcloud/transport.go", old: `error { return http.ErrUseLastResponse }`, bad: `error { return nil }`,
		},
		{
			name: "a change is made that could not be recorded", pkg: "provision", test: "TestAuditThatCannotWrite",
			file: "provision/apply.go", old: `if err := p.intend(ctx, plan.Change); err != nil {`, bad: `if err := p.intend(ctx, plan.Change); err != nil && ctx.Err() != nil {`,
		},
		{
			name: "a change is not read back", pkg: "provision", test: "TestChangeThatDoesNotShow",
			file: "provision/retry.go", old: `return w.prove(ctx, ResultChanged)`, bad: `return Outcome{Result: ResultChanged}`,
		},
	}
}

// TestPlantedInSource plants faults in the source of the program and runs the test
// that is to see each. That takes minutes, so that it is done with -e2e.sweep; at
// all times, the places to plant them and the tests must be there.
func TestPlantedInSource(t *testing.T) {
	t.Parallel()
	for _, plant := range sourcePlants() {
		t.Run(plant.name, func(t *testing.T) {
			path, err := filepath.Abs(filepath.Join("..", filepath.FromSlash(plant.file)))
			if err != nil {
				t.Fatal(err)
			}
			source := string(file(t, path))
			if n := strings.Count(source, plant.old); n != 1 {
				t.Fatalf("%q stands %d times in %s", plant.old, n, plant.file)
			}
			pkg := filepath.Join("..", plant.pkg)
			if !declares(t, pkg, plant.test) {
				t.Fatalf("%s is not in %s", plant.test, plant.pkg)
			}
			if !*sweep {
				return
			}
			bad := filepath.Join(t.TempDir(), filepath.Base(path))
			writeFile(t, bad, []byte(strings.Replace(source, plant.old, plant.bad, 1)))
			out := testWith(t, map[string]string{path: bad}, pkg, plant.test)
			if !bytes.Contains(out, []byte("--- FAIL: "+plant.test)) {
				t.Errorf("%s does not see it:\n%s", plant.test, out)
			}
		})
	}
}

// declares reports whether a test stands in a package.
func declares(t *testing.T, pkg, test string) bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	declaration := regexp.MustCompile(`(?m)^func ` + test + `\(`)
	for _, path := range paths {
		if declaration.Match(file(t, path)) {
			return true
		}
	}
	return false
}

// testWith runs a test with other files in the place of some.
func testWith(t *testing.T, files map[string]string, pkg, test string) []byte {
	t.Helper()
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, overlay, text)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off", "-timeout=10m", "-run", "^"+test+"$", "./"+filepath.ToSlash(pkg))
	// The program is built by the test, and is to have the fault too.
	cmd.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("the test passes")
	}
	return out
}
