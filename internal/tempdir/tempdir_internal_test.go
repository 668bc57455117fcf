package tempdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// abandon ends a folder's process without removing the folder.
func abandon(t *testing.T, d *Dir) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.Path(), "unpacked.db"), []byte("who has what"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.lock.Close(); err != nil {
		t.Fatal(err)
	}
	return d.Path()
}

func newDir(t *testing.T, parent string) *Dir {
	t.Helper()
	d, err := New(parent)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func TestDir(t *testing.T) {
	t.Parallel()
	d := newDir(t, t.TempDir())
	info, err := os.Stat(d.Path())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v, want a folder of mode 0700", info, err)
	}
	for range 2 {
		if err := d.Close(); err != nil || !missing(d.Path()) {
			t.Errorf("close: %v; folder gone: %t", err, missing(d.Path()))
		}
	}
	if _, err := New(filepath.Join(d.Path(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
}

// Sweep removes the folders of dead processes, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	alive := newDir(t, parent)
	defer alive.Close()
	dead := abandon(t, newDir(t, parent))
	halfway := dead + abandoned
	if err := os.Mkdir(halfway, 0o700); err != nil {
		t.Fatal(err)
	}
	unlocked := filepath.Join(parent, "baton-jumpcloud-tmp-1")
	outside := filepath.Join(parent, "outside")
	for _, dir := range []string{unlocked, outside, filepath.Join(parent, "baton-jumpcloud-0a.work")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// A link to a folder is not followed, nor one in a folder that goes.
	for _, link := range []string{filepath.Join(parent, "baton-jumpcloud-tmp-2"), filepath.Join(unlocked, "link")} {
		if err := os.Symlink(outside, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(parent, "baton-jumpcloud-tmp-3"), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	Sweep(parent)
	Sweep(parent) // What was left halfway had the name that the folder takes when it goes.
	left, err := filepath.Glob(filepath.Join(parent, "*"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		filepath.Join(parent, "baton-jumpcloud-0a.work"), filepath.Join(parent, "baton-jumpcloud-tmp-2"),
		filepath.Join(parent, "baton-jumpcloud-tmp-3"), alive.Path(), outside,
	}
	slices.Sort(left)
	slices.Sort(want)
	if !slices.Equal(left, want) || missing(filepath.Join(outside, "file")) {
		t.Errorf("left are\n%q, want\n%q; file outside gone: %t", left, want, missing(filepath.Join(outside, "file")))
	}
}

// Processes that begin while others sweep keep their folders.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 50 {
				d, err := New(parent)
				if err != nil {
					t.Error(err)
					return
				}
				Sweep(parent)
				file := filepath.Join(d.Path(), "file")
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Error(err)
				}
				Sweep(parent)
				if missing(file) || missing(filepath.Join(d.Path(), lockName)) {
					t.Error("a folder went while its process was alive")
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
