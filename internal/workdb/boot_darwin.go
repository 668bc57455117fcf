package workdb

import "golang.org/x/sys/unix"

// bootID tells one run of the machine from another: what macOS draws at each start
// (sysctl kern.bootsessionuuid). It is empty where that cannot be read.
func bootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
