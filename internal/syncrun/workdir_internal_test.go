package syncrun

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

func TestWorkDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	beside, err := WorkDir(config.Output{File: filepath.Join(dir, "a.c1z")})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "a.c1z.work"); beside != want {
		t.Errorf("workDir = %s, want %s", beside, want)
	}
	seen := make(map[string]bool)
	for _, file := range []string{filepath.Join(dir, "a.c1z"), filepath.Join(dir, "b.c1z"), filepath.Join(dir, "x", "..", "a.c1z")} {
		elsewhere, err := WorkDir(config.Output{File: file, TempDir: "/var/tmp"})
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(elsewhere) != "/var/tmp" {
			t.Errorf("workDir = %s, want it in /var/tmp", elsewhere)
		}
		seen[elsewhere] = true
	}
	if len(seen) != 2 {
		t.Errorf("work folders of two archives: %v, want two", seen)
	}
}

func TestMakeWorkDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	place := func(name string, mode os.FileMode) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	place("ours", 0o700)
	place("open", 0o755)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "ours"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]string{
		"new": "", "ours": "", "open": "is accessible to other users (mode 0755)", "file": "is not a directory", "link": "is not a directory",
		"missing/new": "no such file or directory",
	} {
		err := MakeWorkDir(filepath.Join(dir, name))
		if wrong == "" && err != nil || wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("MakeWorkDir(%s) = %v, want %q", name, err, wrong)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode of a new work folder = %v, want 0700", info.Mode())
	}
}
