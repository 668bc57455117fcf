//go:build unix

package audit_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What should not be written to is refused at the start and at each record, with
// what to do about it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(path string) error
		says string
	}{
		{"a link", func(p string) error { return os.Symlink(p+".target", p) }, "symbolic link"},
		{"a link to a fit file", func(p string) error {
			if err := os.WriteFile(p+".target", nil, 0o600); err != nil {
				return err
			}
			return os.Symlink(p+".target", p)
		}, "name the target file"},
		{"a folder", func(p string) error { return os.Mkdir(p, 0o700) }, "is a directory"},
		{"a pipe", func(p string) error { return syscall.Mkfifo(p, 0o600) }, "not a regular file"},
		{"a file that the group reads", func(p string) error { return writeMode(p, 0o640) }, "accessible to other users (mode 0640); check its contents, then run chmod 600"},
		{"a file that all read", func(p string) error { return writeMode(p, 0o604) }, "mode 0604"},
		{"a second name", func(p string) error {
			if err := os.WriteFile(p+".other", nil, 0o600); err != nil {
				return err
			}
			return os.Link(p+".other", p)
		}, "more than one hard link"},
		{"no folder", func(p string) error { return os.Remove(filepath.Dir(p)) }, "no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a", "audit.jsonl")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			tr, _ := trail(t, path)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			if _, _, err := start(t, path); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "start audit file "+path+": ") {
				t.Errorf("start: %v", err)
			}
			if err := tr.Intent(t.Context(), change("c1")); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "write audit file "+path+": ") {
				t.Errorf("intent: %v", err)
			}
			if info, err := os.Stat(path + ".target"); err == nil && info.Size() > 0 {
				t.Error("the link was followed")
			}
		})
	}
}

// writeMode makes a file of a mode, whatever the mask of the process.
func writeMode(path string, mode os.FileMode) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// A file that somebody else made is not believed. Where the test may not give
// files away, it takes one that is another's.
func TestForeignFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := writeMode(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, -1); err != nil {
		path = "/etc/passwd"
	}
	if _, _, err := start(t, path); err == nil || !strings.Contains(err.Error(), "owned by another user") {
		t.Errorf("got %v", err)
	}
}
