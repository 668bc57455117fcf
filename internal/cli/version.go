package cli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/version"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what the binary was built from",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return runVersion(a, version.Read()) },
	}
}

func runVersion(a *app, b version.Build) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s version %s\n", Name, b.Version)
	for _, line := range []struct{ key, value string }{
		{"commit", b.Commit},
		{"date", b.Date},
		{"go", runtime.Version()},
		{"platform", runtime.GOOS + "/" + runtime.GOARCH},
	} {
		if line.value != "" {
			fmt.Fprintf(&text, "%-9s %s\n", line.key+":", line.value)
		}
	}
	return say(a.Stdout, "%s", text.String())
}
