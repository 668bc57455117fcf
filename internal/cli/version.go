package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// build is what the binary knows of its own making.
type build struct {
	version, commit, date string
}

// readBuild reads what the Go command left in the binary. A build outside of a
// repository, or of a tree that no tag names, is a development version.
func readBuild() build {
	b := build{version: "dev"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.time":
			b.date = s.Value
		}
	}
	return b
}

// id tells one build from another, as far as the binary knows.
func (b build) id() string {
	return strings.TrimSpace(b.version + " " + b.commit)
}

// String is the version and, where they are known, the commit and its date.
func (b build) String() string {
	if b.commit == "" {
		return b.version
	}
	return fmt.Sprintf("%s (commit %s, %s)", b.version, b.commit[:min(len(b.commit), 12)], b.date)
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what the binary was built from",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return runVersion(a, readBuild()) },
	}
}

func runVersion(a *app, b build) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s version %s\n", Name, b.version)
	for _, line := range []struct{ key, value string }{
		{"commit", b.commit},
		{"date", b.date},
		{"go", runtime.Version()},
		{"platform", runtime.GOOS + "/" + runtime.GOARCH},
	} {
		if line.value != "" {
			fmt.Fprintf(&text, "%-9s %s\n", line.key+":", line.value)
		}
	}
	return say(a.Stdout, "%s", text.String())
}
