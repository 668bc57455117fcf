//go:build unix

package audit

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lockPath is the file that the lock is on: here the file itself.
func lockPath(path string) string { return path }

// tooOpen reports whether a file's mode allows more than its owner's reading and
// writing.
func tooOpen(info fs.FileInfo) bool { return info.Mode().Perm()&^permissions != 0 }

// linked reports whether a file has more than one name.
func linked(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}

// syncDir waits until a folder knows its new file on the disk too.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // It is the folder of the file that was chosen.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
