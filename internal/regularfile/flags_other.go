//go:build !unix

package regularfile

// NoFollow stands for a flag that these systems do not have; OpenFile looks for links
// all the same.
const NoFollow = 1 << 30

// SystemFlags are the flags for [os.OpenFile]. Pipes have no names among the files of
// these systems.
func SystemFlags(flag int) int { return flag &^ NoFollow }
