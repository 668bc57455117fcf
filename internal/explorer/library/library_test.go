package library_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// archive writes an archive with a sync for each list of names of accounts; the last
// is the newest.
func archive(t *testing.T, path string, syncs ...[]string) {
	t.Helper()
	for i, names := range syncs {
		at := time.Date(2026, 11, 20+i, 8, 0, 0, 0, time.UTC)
		w, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: t.TempDir(), Keep: 5, StartedAt: at})
		if err != nil {
			t.Fatal(err)
		}
		user := &v2.ResourceType{Id: "user", DisplayName: "User", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}}
		err = w.PutResourceTypes(t.Context(), user)
		for _, name := range names {
			err = errors.Join(err, w.PutResources(t.Context(), &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: name}, DisplayName: name}))
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Finish(t.Context(), c1z.SyncRun{EndedAt: at.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, paths ...string) *library.Library {
	t.Helper()
	l, err := library.Open(t.Context(), paths, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestLibraryHoldsAllSyncs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one.c1z"), filepath.Join(dir, "other.c1z")
	archive(t, one, []string{"ada"}, []string{"ada", "bo"})
	archive(t, other, []string{"eve"})
	l := open(t, one, other)
	var got []string
	for _, e := range l.Entries() {
		s, err := l.Sync(t.Context(), e.Key)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := l.Sync(t.Context(), e.Key); again != s || err != nil {
			t.Errorf("the second time, %s is another sync, or %v", e.Key, err)
		}
		names := []string{e.Name}
		for _, id := range []string{"ada", "bo", "eve"} {
			if _, ok := s.ByID("user", id); ok {
				names = append(names, id)
			}
		}
		got = append(got, strings.Join(names, " "))
	}
	if diff := cmp.Diff([]string{"one.c1z ada bo", "one.c1z ada", "other.c1z eve"}, got); diff != "" {
		t.Errorf("syncs (-want +got):\n%s", diff)
	}
	if first := l.First(); first != l.Entries()[0].Key {
		t.Errorf("the first is %v", first)
	}
	for _, key := range []library.Key{{}, {Archive: 7, Sync: l.First().Sync}, {Archive: 1, Sync: l.First().Sync}} {
		if _, err := l.Sync(t.Context(), key); !errors.Is(err, library.ErrUnknown) {
			t.Errorf("the sync %v gives %v", key, err)
		}
	}
}

// Whoever does not wait is told, and the sync is there later.
func TestSyncIsReadWhileNobodyWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	archive(t, path, []string{"ada"})
	l := open(t, path)
	gone, leave := context.WithCancel(t.Context())
	leave()
	var loading *library.LoadingError
	if _, err := l.Sync(gone, l.First()); err != nil && !errors.As(err, &loading) {
		t.Errorf("error %v, want that it is being read", err)
	}
	if s, err := l.Sync(t.Context(), l.First()); err != nil || s == nil {
		t.Errorf("later, the sync is %v, %v", s, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := library.Open(t.Context(), []string{filepath.Join(dir, "none.c1z")}, c1z.OpenOptions{TempDir: dir}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing archive gives %v", err)
	}
	empty := filepath.Join(dir, "empty.c1z")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := library.Open(t.Context(), []string{empty}, c1z.OpenOptions{TempDir: dir}); err == nil {
		t.Error("an archive without syncs is opened")
	}
}

// Archives of the same name are told apart by their folders.
func TestNames(t *testing.T) {
	t.Parallel()
	one, other := filepath.Join(t.TempDir(), "sync.c1z"), filepath.Join(t.TempDir(), "sync.c1z")
	archive(t, one, []string{"ada"})
	archive(t, other, []string{"bo"})
	l := open(t, one, other)
	if got := l.Entries(); got[0].Name != one || got[1].Name != other {
		t.Errorf("names %q and %q", got[0].Name, got[1].Name)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	key := library.Key{Archive: 2, Sync: "abc.def"}
	if got, ok := library.ParseKey(key.String()); !ok || got != key {
		t.Errorf("%q is read as %v", key.String(), got)
	}
	for _, text := range []string{"", "1", "0.a", "-1.a", "x.a", ".a"} {
		if got, ok := library.ParseKey(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// TestRefresh replaces an archive while it is shown: the new one is there, the old one is closed when
// nobody reads it any more, and one that cannot be read changes nothing.
func TestRefresh(t *testing.T) {
	t.Parallel()
	dir, temp := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "sync.c1z")
	archive(t, path, []string{"ada"})
	l, err := library.Open(t.Context(), []string{path, path}, c1z.OpenOptions{TempDir: temp})
	if err != nil {
		t.Fatal(err)
	}
	unpacked := func() int {
		t.Helper()
		files, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	before, open := l.First(), unpacked()
	if changed, err := l.Refresh(t.Context()); changed || err != nil || l.IsReplaced(0) {
		t.Errorf("without another file: %v, %v", changed, err)
	}
	if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := l.Refresh(t.Context()); changed || !errors.Is(err, c1z.ErrNotArchive) || l.First() != before || !l.IsReplaced(0) {
		t.Errorf("with a file that is no archive: %v, %v", changed, err)
	}
	if s, err := l.Sync(t.Context(), before); err != nil || s.Len() != 1 {
		t.Errorf("what was shown is gone: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if changed, err := l.Refresh(t.Context()); changed || err != nil {
		t.Errorf("without a file: %v, %v", changed, err)
	}
	archive(t, path, []string{"ada"}, []string{"ada", "bo"})
	if changed, err := l.Refresh(t.Context()); !changed || err != nil || l.IsReplaced(0) || l.IsReplaced(1) || l.IsReplaced(7) {
		t.Errorf("with another file: %v, %v", changed, err)
	}
	if s, err := l.Sync(t.Context(), l.First()); err != nil || s.Len() != 2 {
		t.Errorf("the newest sync: %v", err)
	}
	if _, err := l.Sync(t.Context(), before); !errors.Is(err, library.ErrUnknown) {
		t.Errorf("a sync of the old file: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if n := unpacked(); n != 0 {
		t.Errorf("%d files are left of %d", n, open)
	}
}
