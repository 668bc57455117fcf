//go:build unix

package audit

import (
	"io/fs"
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
