//go:build !unix

package audit

import "io/fs"

// lockPath is the file that the lock is on. A lock keeps everybody out of a file
// on these systems, its holder's other handles included, so it is one beside it.
func lockPath(path string) string { return path + ".lock" }

// tooOpen and linked rely on the permissions of the folder: the mode of
// a file says nothing on these systems.
func tooOpen(fs.FileInfo) bool { return false }
func linked(fs.FileInfo) bool  { return false }
