package connector

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// builtinRoles returns the names of the roles that every organization has, in
// JumpCloud's spelling (administrator roles of the admin console).
func builtinRoles() []string {
	return []string{
		"Administrator With Billing",
		"Administrator",
		"Manager",
		"Command Runner With Billing",
		"Command Runner",
		"Help Desk",
		"Billing Only",
		"Read Only",
	}
}

// maxRoleWords bounds the readable part of a role id in bytes: a grant's id
// holds the role's id twice and must stay below MaxID.
const maxRoleWords = 200

// roleName returns the name under which a role is known: JumpCloud's spelling of
// a built-in role, whatever the case it was met in, and the NFC form of any other
// name. Built-in names are pure ASCII, and only ASCII letters are compared
// without regard to case: "Help De\u017fk" is another role.
func roleName(name string) (canonical string, builtin bool) {
	name = norm.NFC.String(strings.ToValidUTF8(name, "\uFFFD"))
	for _, b := range builtinRoles() {
		if identity.Equal(name, b) {
			return b, true
		}
	}
	return name, false
}

// roleID forms a role's resource id: "role_" and the name in lower snake case. For
// a role that is not built in, "_" and the first 8 hex digits of the SHA-256 of
// its NFC name follow, so that two names that differ in signs only stay apart.
func roleID(name string) string {
	name, builtin := roleName(name)
	id := "role_" + printable.Clip(snake(name), maxRoleWords)
	if builtin {
		return id
	}
	sum := sha256.Sum256([]byte(name))
	return id + "_" + hex.EncodeToString(sum[:4])
}

// snake writes letters and digits in lower case and one underscore for every run
// of other characters between them.
func snake(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	return strings.ToLower(strings.Join(words, "_"))
}
