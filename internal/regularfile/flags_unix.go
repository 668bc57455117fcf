//go:build unix

package regularfile

import "syscall"

// NoFollow makes opening a symbolic link fail.
const NoFollow = syscall.O_NOFOLLOW

// SystemFlags are the flags for [os.OpenFile], with the one that makes opening a pipe
// return at once.
func SystemFlags(flag int) int { return flag | syscall.O_NONBLOCK }
