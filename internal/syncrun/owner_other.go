//go:build !unix

package syncrun

import "io/fs"

// ownedByUs relies on the permissions of the folder above, which are the user's
// own where temporary files go on these systems.
func ownedByUs(fs.FileInfo) bool { return true }
