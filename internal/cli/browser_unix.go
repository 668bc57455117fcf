//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// detach puts a command into a session of its own, out of the reach of what the
// terminal sends to its programs.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
