package connector

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

func TestRoleID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, role, want string
	}{
		{"built in", "Administrator With Billing", "role_administrator_with_billing"},
		{"built in, other case", "Administrator with billing", "role_administrator_with_billing"},
		{"built in, upper case", "HELP DESK", "role_help_desk"},
		{"one word", "manager", "role_manager"},
		{"read only", "Read Only", "role_read_only"},
		{"custom", "Auditor", "role_auditor_465b5967"},
		{"custom, other case is another role", "auditor", "role_auditor_c5a62ce3"},
		{"composed", "Küchen-Team", "role_küchen_team_b77c826a"},
		{"decomposed is the same", "Ku\u0308chen-Team", "role_küchen_team_b77c826a"},
		{"signs only", "!!!", "role__e84c538e"},
		{"underscore and spaces", "  Ops__Team (EU) ", "role_ops_team_eu_a6db6289"},
		{"a letter that folds to ASCII is another role", "Help De\u017fk", "role_help_deſk_1f52e32e"},
		{"not a word for a built-in role", "Help  Desk", "role_help_desk_932e282e"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := roleID(tt.role); got != tt.want {
				t.Errorf("roleID(%q) = %q, want %q", tt.role, got, tt.want)
			}
		})
	}
}

// Long names give ids that fit twice into a grant's id.
func TestRoleIDIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name") + strings.Repeat("ü", rapid.IntRange(0, 1000).Draw(t, "tail"))
		id := roleID(name)
		if !utf8.ValidString(id) || len(id) > maxRoleWords+len("role__12345678") {
			t.Fatalf("roleID(%q) = %q", name, id)
		}
		if g := restype.GrantID(restype.Role, id, restype.User, strings.Repeat("6", 24)); len(g) > MaxID {
			t.Fatalf("grant id of %d bytes", len(g))
		}
		if id != roleID(name) {
			t.Fatal("not stable")
		}
	})
}
