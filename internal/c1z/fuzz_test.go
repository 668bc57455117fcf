package c1z_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
)

// fuzzLimits keep one run of a fuzz target small.
func fuzzLimits() c1z.Limits { return c1z.Limits{DecodedSize: 4 << 20, Window: 8 << 20} }

// readAll opens an archive and reads everything in it. Whatever is wrong with
// it must be one of the errors that say so.
func readAll(t *testing.T, path string) {
	t.Helper()
	temp := t.TempDir()
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: temp, Limits: fuzzLimits()})
	if err != nil {
		typed(t, err)
		empty(t, temp)
		return
	}
	syncs, err := r.Syncs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(syncs, c1z.SyncRun{ID: "none"}) {
		for _, err := range r.ResourceTypes(t.Context(), s.ID) {
			typed(t, err)
		}
		for _, err := range r.Resources(t.Context(), s.ID, c1z.ResourceFilter{}) {
			typed(t, err)
		}
		for _, err := range r.Entitlements(t.Context(), s.ID, c1z.EntitlementFilter{}) {
			typed(t, err)
		}
		for g, err := range r.Grants(t.Context(), s.ID, c1z.GrantFilter{}) {
			typed(t, err)
			_, err = r.Grant(t.Context(), s.ID, g.GetId())
			typed(t, err)
		}
		for _, err := range r.GrantKeys(t.Context(), s.ID, c1z.GrantFilter{Expandable: true}) {
			typed(t, err)
		}
		_, err := r.Stats(t.Context(), s.ID)
		typed(t, err)
		typed(t, r.Dump(t.Context(), s.ID, io.Discard))
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// typed fails for an error that is none of those that say what is wrong with a
// file.
func typed(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, kind := range []error{c1z.ErrNotArchive, c1z.ErrUnsupported, c1z.ErrDamaged, c1z.ErrTooLarge, c1z.ErrNotFound} {
		if errors.Is(err, kind) {
			return
		}
	}
	t.Fatalf("no kind of error: %v", err)
}

// FuzzOpen opens whole files: header, frame and what is in it.
func FuzzOpen(f *testing.F) {
	path, _ := newFixture(f).write(f)
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Add(stream(f, unpack(f, path)))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "fuzz.c1z")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		readAll(t, path)
	})
}

// FuzzDatabase opens archives around databases, which the checksum of the frame
// would otherwise keep a mutation away from. The input is a change of a sound
// database: where, and the bytes that stand there instead.
func FuzzDatabase(f *testing.F) {
	path, _ := newFixture(f).write(f)
	db := unpack(f, path)
	f.Add(uint32(0), []byte{})
	f.Add(uint32(18), []byte{2, 2})             // The mark of a write-ahead log.
	f.Add(uint32(100), []byte{0x0d})            // The kind of the schema's root page.
	f.Add(uint32(103), []byte{0xff, 0xff})      // How many cells it has.
	f.Add(uint32(28), []byte{0, 0, 0, 1})       // How many pages the file has.
	f.Add(uint32(32), []byte{0, 0, 0, 2, 0, 0}) // The list of free pages.
	f.Add(uint32(4096), []byte{0x02, 0, 0, 0})  // The kind of a page.
	f.Add(uint32(len(db)-100), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		if int64(at)+int64(len(change)) > int64(len(db)) {
			t.Skip("the change does not fit")
		}
		changed := bytes.Clone(db)
		copy(changed[at:], change)
		path := filepath.Join(t.TempDir(), "fuzz.c1z")
		if err := os.WriteFile(path, pack(t, changed), 0o600); err != nil {
			t.Fatal(err)
		}
		readAll(t, path)
	})
}
