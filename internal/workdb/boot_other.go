//go:build !linux && !darwin && !windows

package workdb

// bootID tells one run of the machine from another. It is empty here, where nothing
// is known that does.
func bootID() string { return "" }
