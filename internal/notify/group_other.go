//go:build !unix

package notify

import "os/exec"

// ownGroup does nothing where processes have no groups.
func ownGroup(*exec.Cmd) {}

// endGroup does nothing where processes have no groups.
func endGroup(*exec.Cmd) {}
