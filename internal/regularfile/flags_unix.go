//go:build unix

package regularfile

import (
	"io/fs"
	"os"
	"syscall"
)

// NoFollow makes opening a symbolic link fail.
const NoFollow = syscall.O_NOFOLLOW

// SystemFlags are the flags for [os.OpenFile], with the one that makes opening a pipe
// return at once.
func SystemFlags(flag int) int { return flag | syscall.O_NONBLOCK }

// OwnedByUs reports whether a file belongs to the user who runs the process.
func OwnedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(stat.Uid) == int64(os.Geteuid())
}
