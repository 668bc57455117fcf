package console_test

import (
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/console"
)

// A command that is proposed can be pasted.
func TestCommandFor(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"sync.c1z":        "baton-jumpcloud",
		"/var/lib/b.c1z":  "baton-jumpcloud --file /var/lib/b.c1z",
		"my file.c1z":     "baton-jumpcloud --file 'my file.c1z'",
		"it's.c1z":        `baton-jumpcloud --file 'it'\''s.c1z'`,
		"$(reboot);a.c1z": "baton-jumpcloud --file '$(reboot);a.c1z'",
		"größe.c1z":       "baton-jumpcloud --file 'größe.c1z'",
	} {
		if got := console.CommandFor(file); got != want {
			t.Errorf("console.CommandFor(%q) = %s, want %s", file, got, want)
		}
	}
}
