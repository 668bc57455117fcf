package console

import (
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// CommandFor is the program's name with the archive that a command is to use.
func CommandFor(file string) string {
	if file == "sync.c1z" {
		return version.Program
	}
	return version.Program + " --file " + ShellWord(file)
}

// ShellWord is a text as a shell takes it for one word.
func ShellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/+:@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
