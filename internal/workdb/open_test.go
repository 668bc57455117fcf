package workdb_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

var fingerprint = workdb.Fingerprint{Organization: "org-1", Host: "console.example", Settings: "types=", Version: "v1"}

// open opens a work database and closes it with the test.
func open(t *testing.T, dir string, fp workdb.Fingerprint, logger *slog.Logger) *workdb.DB {
	t.Helper()
	db, err := workdb.Open(t.Context(), dir, fp, logger)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

// begun makes a database with a sync that has begun.
func begun(t *testing.T, dir string) syncer.Info {
	t.Helper()
	db := open(t, dir, fingerprint, slog.New(slog.DiscardHandler))
	if err := db.Begin(t.Context(), syncer.State{}, &syncer.Batch{Lists: []syncer.List{{Kind: "users"}}}); err != nil {
		t.Fatalf("Begin: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return db.Info()
}

func TestOpenResumes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a folder?with#odd%20names", "work")
	first := begun(t, dir)
	if first.SyncID == "" || first.StartedAt.IsZero() || first.Resumed {
		t.Errorf("info of a new database: %+v", first)
	}
	var log bytes.Buffer
	db := open(t, dir, fingerprint, slog.New(slog.NewTextHandler(&log, nil)))
	got := db.Info()
	if got.SyncID != first.SyncID || !got.StartedAt.Equal(first.StartedAt) || !got.Resumed {
		t.Errorf("info = %+v, want that of %+v", got, first)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "resuming") {
		t.Errorf("log = %q, want one line", log.String())
	}
	tokens, _, err := db.OpenTokens(t.Context(), 10)
	if err != nil || len(tokens) != 1 || tokens[0].List.Kind != "users" || tokens[0].Token != "" {
		t.Errorf("OpenTokens = %v, %v", tokens, err)
	}
}

// refuse refuses the sync in a folder.
func refuse(t *testing.T, dir, code string) {
	t.Helper()
	db := open(t, dir, fingerprint, slog.New(slog.DiscardHandler))
	if err := errors.Join(db.Refuse(t.Context(), code), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenResumesAcceptedSync(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := begun(t, dir)
	refuse(t, dir, "k7m3q9x2")
	accepting := fingerprint
	accepting.Accepted = "k7m3q9x2"
	db := open(t, dir, accepting, slog.New(slog.DiscardHandler))
	if got := db.Info(); !got.Resumed || got.SyncID != first.SyncID {
		t.Errorf("info = %+v, want that of %+v", got, first)
	}
}

func TestOpenDiscards(t *testing.T) {
	t.Parallel()
	with := func(change func(*workdb.Fingerprint)) workdb.Fingerprint {
		fp := fingerprint
		change(&fp)
		return fp
	}
	tests := []struct {
		name   string
		fp     workdb.Fingerprint
		harm   func(t *testing.T, dir string)
		reason string
	}{
		{"organization", with(func(f *workdb.Fingerprint) { f.Organization = "org-2" }), nil, `another organization: \"org-1\", not \"org-2\"`},
		{"host", with(func(f *workdb.Fingerprint) { f.Host = "other" }), nil, "another host"},
		{"settings", with(func(f *workdb.Fingerprint) { f.Settings = "types=user" }), nil, "another selection"},
		{"version", with(func(f *workdb.Fingerprint) { f.Version = "v2" }), nil, "another version"},
		{"spoiled", fingerprint, func(t *testing.T, dir string) {
			db := open(t, dir, fingerprint, slog.New(slog.DiscardHandler))
			if err := db.Discard(t.Context(), "groups vanished"); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}, "its sync failed: groups vanished"},
		{"refused", fingerprint, func(t *testing.T, dir string) { refuse(t, dir, "k7m3q9x2") }, "its sync was rejected and needs --allow-drop k7m3q9x2"},
		{"refused for something else", with(func(f *workdb.Fingerprint) { f.Accepted = "aaaaaaaa" }), func(t *testing.T, dir string) { refuse(t, dir, "k7m3q9x2") }, "its sync was rejected"},
		{"not a database", fingerprint, func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "work.db"), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"truncated", fingerprint, func(t *testing.T, dir string) {
			path := filepath.Join(dir, "work.db")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, info.Size()/2); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"overwritten", fingerprint, func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "work.db"), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 3*4096), 4096*5); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first := begun(t, dir)
			if tt.harm != nil {
				tt.harm(t, dir)
			}
			var log bytes.Buffer
			db := open(t, dir, tt.fp, slog.New(slog.NewTextHandler(&log, nil)))
			if got := db.Info(); got.SyncID == first.SyncID || got.Resumed {
				t.Errorf("info = %+v, want that of a new sync", got)
			}
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), tt.reason) || !strings.Contains(log.String(), dir) {
				t.Errorf("log = %q, want one line with %q and the path", log.String(), tt.reason)
			}
			if st, err := db.State(t.Context()); err != nil || st.Phase != syncer.PhaseNew {
				t.Errorf("State = %+v, %v, want a new sync", st, err)
			}
		})
	}
}

func TestOpenDiscardsByAge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		wait    time.Duration
		resumed bool
	}{
		{"23 hours", 23 * time.Hour, true},
		{"25 hours", 25 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				first := begun(t, dir)
				time.Sleep(tt.wait) //nolint:forbidigo // the clock is synctest's.
				db := open(t, dir, fingerprint, slog.New(slog.DiscardHandler))
				if got := db.Info(); got.Resumed != tt.resumed || (got.SyncID == first.SyncID) != tt.resumed {
					t.Errorf("resumed = %t, want %t", got.Resumed, tt.resumed)
				}
			})
		})
	}
}

func TestFilesAreThePrivateOfTheUser(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "work")
	db := open(t, dir, fingerprint, slog.New(slog.DiscardHandler))
	check := func(path string, want os.FileMode) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	check(dir, 0o700)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 2 {
		t.Fatalf("files = %v, %v, want the database and its log", entries, err)
	}
	for _, e := range entries {
		check(filepath.Join(dir, e.Name()), 0o600)
	}
	if err := db.Remove(); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestRemoveLeavesForeignFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	foreign := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t, dir, fingerprint, slog.New(slog.DiscardHandler))
	if err := db.Remove(); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files = %v, %v, want the foreign one alone", entries, err)
	}
}

func TestOpenNamesThePath(t *testing.T) {
	t.Parallel()
	t.Run("a file where the folder should be", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := workdb.Open(t.Context(), filepath.Join(file, "work"), fingerprint, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("Open = %v, want an error that names %s", err, file)
		}
	})
	t.Run("a folder where the database should be", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "work.db", "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := workdb.Open(t.Context(), dir, fingerprint, slog.New(slog.DiscardHandler))
		if e := new(workdb.Error); !errors.As(err, &e) || e.Hint == "" || !strings.Contains(err.Error(), dir) {
			t.Errorf("Open = %v, want an error that names %s and says what to do", err, dir)
		}
	})
}

func TestClosed(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), fingerprint, slog.New(slog.DiscardHandler))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Discard(t.Context(), "x"); !errors.Is(err, workdb.ErrClosed) {
		t.Errorf("Discard = %v, want %v", err, workdb.ErrClosed)
	}
	if _, err := db.State(t.Context()); !errors.Is(err, workdb.ErrClosed) {
		t.Errorf("State = %v, want %v", err, workdb.ErrClosed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Discard(ctx, "x"); err == nil {
		t.Error("Discard of a closed database with an ended context succeeded")
	}
}
