package cli

import (
	"os/exec"
	"runtime"
)

// openBrowser has the system open an address in the browser of its user. It does not
// wait: some systems' way to open one ends when the browser does.
func openBrowser(address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	// No context ends it, and neither does Ctrl-C in this terminal: the browser is
	// its user's.
	cmd := exec.Command(name, args...) //nolint:gosec,noctx // The address is ours.
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
