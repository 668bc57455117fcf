//go:build unix

package view

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// Saving a table removes what killed commands wrote beside it, and nothing else.
func TestSweepSaves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stay := []string{".other.csv.12.tmp", ".out.csv.12.tmp.bak", ".out.csv.1a.tmp", ".out.csv.7.tmp"}
	for _, name := range append(slices.Clone(stay), ".out.csv.12.tmp", ".out.csv.3456.tmp") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("who has what"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alive, err := regularfile.Lock(filepath.Join(dir, ".out.csv.7.tmp"))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	target := filepath.Join(dir, "out.csv")
	err = SaveFile(target, func(w io.Writer) error {
		// Another command for the same file, while this one writes.
		if err := SaveFile(target, func(w io.Writer) error { return writeText(w, "second") }); err != nil {
			return err
		}
		return writeText(w, "first")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "first" {
		t.Errorf("%q, %v", got, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := append(stay, "out.csv"); !slices.Equal(left, slices.Sorted(slices.Values(want))) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

func writeText(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
