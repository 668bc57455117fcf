package c1z_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// TestRemoveUnfinished clears up after a run that was killed while it wrote, without
// writing anything, and twice.
func TestRemoveUnfinished(t *testing.T) {
	t.Parallel()
	dir, work := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "sync.c1z")
	for name, content := range map[string]string{path: "old", path + ".tmp": "half", filepath.Join(work, "work.db"): "work"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(work, "c1z-build", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c1z.RemoveUnfinished(path, work); err != nil {
			t.Fatal(err)
		}
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(left) != 1 || left[0] != path {
			t.Errorf("beside the archive: %v, %v", left, err)
		}
		left, err = filepath.Glob(filepath.Join(work, "*"))
		if err != nil || len(left) != 1 || filepath.Base(left[0]) != "work.db" {
			t.Errorf("in the work folder: %v, %v", left, err)
		}
	}
}

// TestWriterFile looks at the file: its mode, its container, and that nothing
// stays beside it.
func TestWriterFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := proto.CloneOf(f.grants[4])
	dir, work := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "a?b#c%20 ü.c1z")
	// What a run that was killed while it packed left behind.
	if err := os.WriteFile(path+".tmp", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(work, "c1z-build", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	info := f.writeTo(t, c1z.Options{Path: path, WorkDir: work}, fixtureRun())
	empty(t, work)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside the archive: %v, %v", entries, err)
	}
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode() != 0o600 {
		t.Errorf("mode %v", stat.Mode())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	window, size, checksum := frameHeader(t, content[5:])
	db := unpack(t, path)
	if window > 8<<20 || size != uint64(len(db)) || !checksum {
		t.Errorf("frame: window %d, size %d of %d, checksum %v", window, size, len(db), checksum)
	}
	if info.Path != path || info.Size != stat.Size() || info.DecodedSize != int64(len(db)) || info.Sync.ID == "" {
		t.Errorf("info: %+v", info)
	}
	if diff := cmp.Diff(before, f.grants[4], protocmp.Transform()); diff != "" {
		t.Errorf("PutGrants changed its argument: %s", diff)
	}
	open(t, path)
}

// TestWriterDeterministic writes the same rows twice.
func TestWriterDeterministic(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := "2rABCDEFGHIJKLMNOPQRSTUVWXY"
	var contents [2]string
	for i := range contents {
		path := filepath.Join(t.TempDir(), "a.c1z")
		f.writeTo(t, c1z.Options{Path: path, SyncID: id, StartedAt: fixtureStart}, fixtureRun())
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		contents[i] = string(content)
	}
	if contents[0] != contents[1] {
		t.Error("two archives of the same rows and times differ")
	}
}

// TestWriterRefuses rows that an archive cannot hold, and leaves the old archive
// as it was.
func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	other := func(id string) *v2.Grant {
		f := newFixture(t)
		f.grants[0].Id = id
		return f.grants[0]
	}
	for _, test := range []struct {
		name string
		put  func(context.Context, *c1z.Writer, *fixture) error
		is   error
		says []string
	}{
		{
			name: "two grants of one id",
			put:  func(ctx context.Context, w *c1z.Writer, f *fixture) error { return w.PutGrants(ctx, f.grants[1]) },
			is:   c1z.ErrDuplicate, says: []string{`"group-grant:group:g1:user:u2"`, "v1_grants"},
		},
		{
			name: "two resources of one id",
			put:  func(ctx context.Context, w *c1z.Writer, f *fixture) error { return w.PutResources(ctx, f.resources[3]) },
			is:   c1z.ErrDuplicate, says: []string{`"user:u1"`, "v1_resources"},
		},
		{
			name: "no grant id",
			put:  func(ctx context.Context, w *c1z.Writer, _ *fixture) error { return w.PutGrants(ctx, other("")) },
			says: []string{"an id is missing"},
		},
		{
			name: "no principal",
			put: func(ctx context.Context, w *c1z.Writer, _ *fixture) error {
				g := other("x")
				g.Principal = nil
				return w.PutGrants(ctx, g)
			},
			says: []string{`put grant "x"`, "an id is missing", `principal "":""`},
		},
		{
			name: "no resource type ID",
			put: func(ctx context.Context, w *c1z.Writer, _ *fixture) error {
				return w.PutResourceTypes(ctx, &v2.ResourceType{})
			},
			says: []string{"an id is missing"},
		},
		{
			name: "no resource id",
			put: func(ctx context.Context, w *c1z.Writer, _ *fixture) error {
				return w.PutResources(ctx, &v2.Resource{Id: &v2.ResourceId{ResourceType: "user"}})
			},
			says: []string{"an id is missing"},
		},
		{
			name: "no resource of an entitlement",
			put: func(ctx context.Context, w *c1z.Writer, _ *fixture) error {
				return w.PutEntitlements(ctx, &v2.Entitlement{Id: "e"})
			},
			says: []string{`put entitlement "e"`, "an id is missing"},
		},
		{
			name: "text that is not UTF-8",
			put: func(ctx context.Context, w *c1z.Writer, _ *fixture) error {
				return w.PutResourceTypes(ctx, &v2.ResourceType{Id: "x", DisplayName: "\xff"})
			},
			says: []string{`put resource type "x"`, "UTF-8"},
		},
		{
			name: "context ended",
			put: func(_ context.Context, w *c1z.Writer, _ *fixture) error {
				ctx := canceled(t)
				for i := range 10_000 {
					if err := w.PutResourceTypes(ctx, &v2.ResourceType{Id: objectID("", i)}); err != nil {
						return err
					}
				}
				return nil
			},
			is: context.Canceled,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			path, _ := f.write(t)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			work := t.TempDir()
			w, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: work})
			if err != nil {
				t.Fatal(err)
			}
			if err := f.put(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			putErr := test.put(t.Context(), w, f)
			_, err = w.Finish(t.Context(), fixtureRun())
			if err == nil {
				t.Fatal("Finish is content")
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("Finish: %v", err)
			}
			for _, says := range test.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q is not in %v (put: %v)", says, err, putErr)
				}
			}
			empty(t, work)
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the old archive changed: %v", err)
			}
		})
	}
}

// TestWriterAbort gives up at different times.
func TestWriterAbort(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path, work := filepath.Join(t.TempDir(), "a.c1z"), t.TempDir()
	w, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: work})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.put(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
	}
	empty(t, work)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an archive after Abort: %v", err)
	}
	if err := w.PutGrants(t.Context(), f.grants...); err == nil {
		t.Error("PutGrants after Abort is content")
	}
	if _, err := w.Finish(t.Context(), fixtureRun()); err == nil {
		t.Error("Finish after Abort is content")
	}

	if w, err = c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: work}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(canceled(t), fixtureRun()); !errors.Is(err, context.Canceled) {
		t.Errorf("Finish with a context that ended: %v", err)
	}
	empty(t, work)
	if _, err := w.Finish(t.Context(), fixtureRun()); err == nil {
		t.Error("a second Finish is content")
	}
}

// TestWriterCannotReplace finishes where no file can be put any more.
func TestWriterCannotReplace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, spoil := range map[string]func(path string) error{
		"a folder at the path":              func(path string) error { return os.Mkdir(path, 0o700) },
		"a folder at the path beside":       func(path string) error { return os.Mkdir(path+".tmp", 0o700) },
		"the folder of the path is no more": func(path string) error { return os.Remove(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, work := filepath.Join(t.TempDir(), "out"), t.TempDir()
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "a.c1z")
			w, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: work})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(f.put(t.Context(), w), spoil(path)); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Finish(t.Context(), fixtureRun()); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("Finish: %v", err)
			}
			empty(t, work)
			if info, err := os.Stat(path + ".tmp"); err == nil && info.Mode().IsRegular() {
				t.Error("the new file stays beside the path")
			}
		})
	}
}

// TestCreateRefuses files that are not ours to replace.
func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good, _ := f.write(t)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	format3, err := os.ReadFile(sample("tiny.c1z"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		content []byte
		is      error
		says    string
	}{
		{"format 3", format3, c1z.ErrOtherFormat, "of format 1"},
		{"SQLite", unpack(t, good), c1z.ErrNotArchive, "plain SQLite database"},
		{"something else", []byte("hello, world, this is a letter"), c1z.ErrNotArchive, "choose another file"},
	} {
		for _, keep := range []int{c1z.KeepDefault, c1z.KeepNone} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				path, work := filepath.Join(t.TempDir(), "a.c1z"), t.TempDir()
				if err := os.WriteFile(path, test.content, 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: work, Keep: keep})
				if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
					t.Errorf("Create: %v", err)
				}
				empty(t, work)
			})
		}
	}
	t.Run("truncated", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "a.c1z")
		if err := os.WriteFile(path, content[:len(content)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: t.TempDir()})
		if !errors.Is(err, c1z.ErrDamaged) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("Create: %v", err)
		}
	})
	t.Run("sync id", func(t *testing.T) {
		t.Parallel()
		for _, id := range []string{"short", strings.Repeat("'", 27), strings.Repeat("z", 27)} {
			if _, err := c1z.Create(t.Context(), c1z.Options{Path: filepath.Join(t.TempDir(), "a"), WorkDir: t.TempDir(), SyncID: id}); err == nil {
				t.Errorf("Create takes sync id %q", id)
			}
		}
	})
}

// TestWriterLinks writes to paths that are not plain files.
func TestWriterLinks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path, _ := f.write(t)
	link := filepath.Join(t.TempDir(), "link.c1z")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	info := f.writeTo(t, c1z.Options{Path: link}, fixtureRun())
	if stat, err := os.Lstat(link); err != nil || stat.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", stat, err)
	}
	if r := open(t, path); info.Path != path {
		t.Errorf("written to %s (%v)", info.Path, r)
	} else if _, err := r.Sync(t.Context(), info.Sync.ID); err != nil {
		t.Error(err)
	}

	dangling := filepath.Join(t.TempDir(), "dangling.c1z")
	if err := os.Symlink(filepath.Join(t.TempDir(), "none"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{dangling, t.TempDir(), "/dev/null", filepath.Join(t.TempDir(), "no", "folder.c1z"), filepath.Join(path, "x.c1z")} {
		if _, err := c1z.Create(t.Context(), c1z.Options{Path: bad, WorkDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("Create at %s: %v", bad, err)
		}
		if _, err := c1z.Lock(bad); err == nil {
			t.Errorf("Lock at %s is content", bad)
		}
	}
}

// TestLock takes a lock twice.
func TestLock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path, _ := f.write(t)
	link := filepath.Join(t.TempDir(), "link.c1z")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	lock, err := c1z.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		if _, err := c1z.Lock(name); !errors.Is(err, c1z.ErrLocked) || !strings.Contains(err.Error(), path) {
			t.Errorf("second lock of %s: %v", name, err)
		}
	}
	open(t, path) // Readers need no lock.
	for range 2 {
		if err := lock.Unlock(); err != nil {
			t.Error(err)
		}
	}
	if lock, err = c1z.Lock(path); err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}
