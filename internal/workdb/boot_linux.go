package workdb

import (
	"os"
	"strings"
)

// bootID tells one run of the machine from another, between its start and its end:
// what the Linux kernel draws at each start (random(4)). It is empty where that
// cannot be read.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
