// Package version says which program this is and what it was built from.
package version

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Program is the name of the program and of the connector.
const Program = "baton-jumpcloud"

// Build is what the binary knows of its own making. Version is "dev" where no tag
// names it; Commit and Date may be empty.
type Build struct {
	Version, Commit, Date string
}

// Read reads what the Go command left in the binary. A build outside of a
// repository, or of a tree that no tag names, is a development version.
func Read() Build {
	b := Build{Version: "dev"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		}
	}
	return b
}

// ID tells one build from another, as far as the binary knows.
func (b Build) ID() string {
	return strings.TrimSpace(b.Version + " " + b.Commit)
}

// String is the version and, where they are known, the commit and its date.
func (b Build) String() string {
	if b.Commit == "" {
		return b.Version
	}
	return fmt.Sprintf("%s (commit %s, %s)", b.Version, b.Commit[:min(len(b.Commit), 12)], b.Date)
}
