//go:build !unix

package cli

import "os/exec"

// detach does nothing where a terminal does not end what its programs have started.
func detach(*exec.Cmd) {}
