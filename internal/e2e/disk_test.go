//go:build unix && !race

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// nobody is a user without rights, to run the program as when the test has all.
const nobody = 65534

// TestDiskIsFull lets files not grow beyond some size, or gives the program a disk
// of some size where the test may make one, so that the old archive unpacked, the
// work database, the new database or the packed archive cannot be written to its
// end. The run says which file it was and leaves the archive of the day before as it
// was; the next run, with room, ends as if nothing had been.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	size := jcsim.Size{Users: 600, Groups: 20, Apps: 40, Admins: 8, Expanded: 9_000}
	tenant := jcsim.Generate(3, size)
	url := serve(t, jcsim.New(jcsim.Options{Tenant: tenant}))
	// A small archive of the same organization, so that there is room to unpack it.
	yesterday := newProgram(t, "").yesterday(jcsim.NewTenant(tenant.Organization()))
	want := newProgram(t, url)
	if r := want.run(); r.code != exitOK {
		t.Fatal(r.message())
	}
	whole := dump(t, want.path())
	stages := map[string]bool{}
	check := func(t *testing.T, p *program, full func(*program) result) {
		t.Helper()
		writeFile(t, p.path(), yesterday)
		r := full(p)
		if r.code != exitUnknown {
			t.Fatalf("exit code %d: %s", r.code, r.message())
		}
		for stage, word := range map[string]string{"unpacking": "unpack archive", "work": "work database", "writing": "build.db"} {
			stages[stage] = stages[stage] || strings.Contains(r.message(), word)
		}
		if !strings.Contains(r.message(), p.dir) && !strings.Contains(r.message(), "sync.c1z") {
			t.Errorf("the message names no path: %s", r.message())
		}
		if !bytes.Equal(yesterday, file(t, p.path())) {
			t.Error("the archive of the day before is not what it was")
		}
		leftovers(t, p.dir)
	}
	again := func(t *testing.T, p *program) {
		t.Helper()
		if r := p.run(); r.code != exitOK {
			t.Fatalf("with room: exit code %d: %s", r.code, r.message())
		}
		if dump(t, p.path()) != whole {
			t.Error("with room, the archive is another one")
		}
	}
	for _, limit := range []int{1, 200 << 10, 4500 << 10} {
		t.Run(fmt.Sprintf("files of %d bytes", limit), func(t *testing.T) {
			p := newProgram(t, url)
			check(t, p, func(p *program) result {
				p.limit = limit
				defer func() { p.limit = 0 }()
				return p.run()
			})
			again(t, p)
		})
	}
	for _, disk := range []struct {
		bytes     int
		elsewhere bool // the work is on another disk
	}{{100 << 10, false}, {1 << 20, false}, {8 << 20, false}, {60 << 10, true}} {
		p := newProgram(t, url)
		if disk.elsewhere {
			p.with(map[string]string{"BATON_TMPDIR": t.TempDir()})
		}
		resize, err := mount(t, p.dir, disk.bytes)
		if err != nil {
			t.Logf("without the right to mount, there is no disk of %d bytes: %v", disk.bytes, err)
			break
		}
		t.Run(fmt.Sprintf("a disk of %d bytes, work elsewhere %t", disk.bytes, disk.elsewhere), func(t *testing.T) {
			check(t, p, (*program).run)
			resize(64 << 20)
			again(t, p)
		})
	}
	for stage, seen := range stages {
		if !seen {
			t.Errorf("no disk was full while %s", stage)
		}
	}
}

// TestDiskIsFullOfOldWork starts the program where an earlier run was killed while it
// wrote: what that one left takes no room from the next, however early it fails.
func TestDiskIsFullOfOldWork(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Small())
	p := newProgram(t, serve(t, jcsim.New(jcsim.Options{Tenant: tenant})))
	p.yesterday(tenant)
	build := filepath.Join(p.path()+".work", "c1z-build")
	if err := os.MkdirAll(build, 0o700); err != nil {
		t.Fatal(err)
	}
	chmod(t, filepath.Dir(build), 0o700)
	for _, path := range []string{filepath.Join(build, "build.db"), p.path() + ".tmp"} {
		writeFile(t, path, []byte("half"))
	}
	p.limit = 1
	if r := p.run(); r.code != exitUnknown || !strings.Contains(r.message(), "unpack archive") {
		t.Errorf("exit code %d: %s", r.code, r.message())
	}
	leftovers(t, p.dir)
}

// leftovers fails for files that no later run takes up.
func leftovers(t *testing.T, dir string) {
	t.Helper()
	for _, path := range strays(t, dir) {
		t.Errorf("%s was left behind", path)
	}
}

// strays lists files that no later run takes up.
func strays(t testing.TB, dir string) (list []string) {
	t.Helper()
	for _, pattern := range []string{"*", "*.work/*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			switch name := filepath.Base(path); {
			case name == "sync.c1z", name == "sync.c1z.lock", name == "sync.c1z.work", strings.HasPrefix(name, "work.db"):
			default:
				list = append(list, path)
			}
		}
	}
	return list
}

// TestFolderIsReadOnly runs the program where it may not write, or not read.
func TestFolderIsReadOnly(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Small())
	url := serve(t, jcsim.New(jcsim.Options{Tenant: tenant}))
	yesterday := newProgram(t, "").yesterday(tenant)
	tests := []struct {
		name    string
		archive os.FileMode
		folder  os.FileMode
		env     func(dir string) map[string]string
		says    string
	}{
		{"the folder", 0o644, 0o555, nil, "sync.c1z"},
		{"the folder, and the work is elsewhere", 0o644, 0o555, func(dir string) map[string]string {
			return map[string]string{"BATON_TMPDIR": filepath.Join(dir, "tmp")}
		}, "sync.c1z"},
		{"the folder of the work", 0o644, 0o777, func(dir string) map[string]string {
			return map[string]string{"BATON_TMPDIR": filepath.Join(dir, "closed")}
		}, "closed"},
		{"the archive cannot be read", 0o000, 0o777, nil, "sync.c1z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, url)
			if os.Geteuid() == 0 {
				p.user = nobody
			}
			if tt.env != nil {
				p.with(tt.env(p.dir))
			}
			writeFile(t, p.path(), yesterday)
			for path, mode := range map[string]os.FileMode{"tmp": 0o777, "closed": 0o555} {
				if err := os.Mkdir(filepath.Join(p.dir, path), 0o700); err != nil {
					t.Fatal(err)
				}
				chmod(t, filepath.Join(p.dir, path), mode)
			}
			chmod(t, filepath.Dir(p.dir), 0o755)
			chmod(t, p.path(), tt.archive)
			chmod(t, p.dir, tt.folder)
			r := p.run()
			chmod(t, p.dir, 0o755)
			chmod(t, p.path(), 0o644)
			if r.code != exitUnknown || !strings.Contains(r.message(), tt.says) || !strings.Contains(r.message(), "permission denied") {
				t.Errorf("exit code %d: %s", r.code, r.message())
			}
			if !bytes.Equal(yesterday, file(t, p.path())) {
				t.Error("the archive of the day before is not what it was")
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
