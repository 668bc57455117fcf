//go:build !unix

package regularfile

import "io/fs"

// NoFollow stands for a flag that these systems do not have; OpenFile looks for links
// all the same.
const NoFollow = 1 << 30

// SystemFlags are the flags for [os.OpenFile]. Pipes have no names among the files of
// these systems.
func SystemFlags(flag int) int { return flag &^ NoFollow }

// OwnedByUs relies on the permissions of the folder above, which are the user's own
// where temporary files go on these systems.
func OwnedByUs(fs.FileInfo) bool { return true }
