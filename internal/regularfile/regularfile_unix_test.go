//go:build unix

package regularfile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// What is no regular file is refused at once, whatever it is opened for.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := new(net.ListenConfig).Listen(t.Context(), "unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"to-pipe": "pipe", "to-file": "file"} {
		if err := os.Symlink(at(target), at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		path string
		flag int
		says string // empty where it opens
	}{
		{at("pipe"), 0, "pipe is a named pipe, not a regular file"},
		{at("to-pipe"), 0, "to-pipe is a named pipe, not a regular file"},
		{at("socket"), 0, "socket is a socket, not a regular file"},
		{at("folder"), 0, "folder is a folder, not a regular file"},
		{"/dev/zero", 0, "/dev/zero is a device, not a regular file"},
		{at("file"), 0, ""},
		{at("to-file"), 0, ""},
		{at("to-file"), regularfile.NoFollow, "to-file is a symbolic link, not a regular file"},
	} {
		for _, mode := range []int{os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_CREATE} {
			f, err := regularfile.OpenFile(tt.path, mode|tt.flag, 0o600)
			if tt.says == "" {
				if err != nil {
					t.Error(err)
					continue
				}
				_ = f.Close()
				continue
			}
			if _, ok := errors.AsType[*regularfile.KindError](err); !ok || !strings.HasSuffix(err.Error(), tt.says) {
				t.Errorf("%s with flags %#x: error %v, want %s", tt.path, mode|tt.flag, err, tt.says)
			}
		}
	}
	if _, err := regularfile.Open(at("missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("1234"), 0o640); err != nil {
		t.Fatal(err)
	}
	data, info, err := regularfile.Read(path, 4)
	if err != nil || string(data) != "1234" || info.Mode().Perm() != 0o640 {
		t.Errorf("%q, %v, %v", data, info, err)
	}
	if _, _, err := regularfile.Read(path, 3); err == nil || !strings.Contains(err.Error(), "is larger than 3 bytes") {
		t.Errorf("error is %v", err)
	}
}
