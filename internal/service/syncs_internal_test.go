package service

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// Folders that nobody came back for go with any later sync, and not those in use.
func TestSweepsEachTime(t *testing.T) {
	t.Parallel()
	s := &taskSyncs{dir: t.TempDir(), busy: map[string]chan struct{}{}}
	make1 := func(name string, age time.Duration) string {
		dir := filepath.Join(s.dir, name)
		file := filepath.Join(dir, "sync.db")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := errors.Join(os.Chtimes(file, when, when), os.Chtimes(dir, when, when)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for range 2 {
		gone := make1("gone", workdb.MaxAge+time.Minute)
		kept := make1("kept", workdb.MaxAge-time.Minute)
		used := make1("used", workdb.MaxAge+time.Minute)
		s.busy[used] = nil
		next := filepath.Join(s.dir, "next")
		if err := s.makeDir(t.Context(), next, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the old folder: %v", err)
		}
		for _, dir := range []string{kept, used, next} {
			if _, err := os.Stat(dir); err != nil {
				t.Error(err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// An archive is fresh only if nothing was changed since it began to be read.
func TestLeftKnowsOfChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &taskSyncs{changes: changeCounter{path: filepath.Join(dir, "changes-x")}}
	path := filepath.Join(dir, "work", archiveName)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	fresh := func(want bool) {
		t.Helper()
		// What a restart knows is what is on the disk.
		s := &taskSyncs{changes: changeCounter{path: s.changes.path}}
		if _, got, err := s.left(path); err != nil || got != want {
			t.Errorf("fresh: %v, %v; want %v", got, err, want)
		}
	}
	write := func() {
		t.Helper()
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fresh(false) // A sync begins.
	write()
	fresh(true)
	if err := s.changes.add(); err != nil { // A change begins, and the process dies.
		t.Fatal(err)
	}
	fresh(false)
	fresh(true) // As if the sync that this began had ended; the change goes on.
	if err := s.changes.add(); err != nil {
		t.Fatal(err)
	}
	fresh(false)
	// A sync that goes on with what was read before a change is as old as that.
	if err := s.changes.add(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+syncrun.WorkSuffix, 0o700); err != nil {
		t.Fatal(err)
	}
	fresh(false)
	fresh(false)
	if err := os.Remove(path + syncrun.WorkSuffix); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.changes.path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.left(path); err == nil {
		t.Error("a damaged count is no error")
	}
}
