//go:build unix && !race

package e2e_test

import (
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// hostileTexts are names that command a terminal, turn the writing around them, or
// cannot be stored everywhere.
var hostileTexts = []string{
	"a\x00b", "\x1b[31mred\x1b]0;title\x07", "\u009b1m", "del\x7f", "abc\u202egpj.exe", "\u2066inner\u2069", "two\nlines\r\n", "tab\tbed", "\u2028sep",
	"non\ufffecharacter",
}

// hostileTenant has every such text in every place that a sync reads.
func hostileTenant(t *testing.T) *jcsim.Tenant {
	t.Helper()
	tenant := jcsim.NewTenant(jcsim.Organization{Name: "Bore\x1b[31malis\u202e"})
	for _, text := range hostileTexts {
		user, err := tenant.AddUser(jcsim.User{
			Username: "u" + text, Email: text + "@example.com", DisplayName: text, FirstName: text, LastName: text, Department: text, JobTitle: text,
			EmployeeIdentifier: text, AlternateEmail: text + "@alternate.example", Attributes: []jcsim.Attribute{{Name: text, Value: text}},
		})
		must(t, err)
		_, err = tenant.AddUser(jcsim.User{Username: "report of " + text, Manager: user})
		must(t, err)
		_, err = tenant.AddAdmin(jcsim.Admin{Email: text + "@example.com", FirstName: text, LastName: text, RoleName: "Role " + text})
		must(t, err)
		_, err = tenant.AddRole(jcsim.Role{Name: "Other " + text, Description: text, Scopes: []string{text}})
		must(t, err)
		group, err := tenant.AddGroup(jcsim.Group{Name: "Group " + text, Description: text, Email: text})
		must(t, err)
		app, err := tenant.AddApplication(jcsim.Application{Name: text, DisplayLabel: "App " + text, SSOURL: "https://" + text, LogoURL: "https://" + text, LearnMore: "https://x/" + text})
		must(t, err)
		must(t, tenant.AddMember(group, user))
		must(t, tenant.Associate(app, jcsim.TypeUserGroup, group))
	}
	return tenant
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// badCharacter finds one that nobody should be handed.
func badCharacter(text string) int {
	return strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0xfffe
	})
}

// checkClean looks at every text of a message. JSON escapes the characters below
// space.
func checkClean(t *testing.T, m proto.Message) {
	t.Helper()
	text, err := protojson.Marshal(m)
	must(t, err)
	for _, escape := range []string{`\u0`, `\n`, `\r`, `\t`, `\b`, `\f`} {
		if i := strings.Index(string(text), escape); i >= 0 {
			t.Errorf("%s in %s", escape, text)
		}
	}
	if badCharacter(string(text)) >= 0 {
		t.Errorf("%q", text)
	}
}

// TestHostileNamesOfATenant syncs such a tenant: neither the archive nor anything that
// the program prints holds one of these characters, and everybody is in the archive.
func TestHostileNamesOfATenant(t *testing.T) {
	t.Parallel()
	tenant := hostileTenant(t)
	p := newProgram(t, serve(t, jcsim.New(jcsim.Options{Tenant: tenant})), "--merge-admins")
	r := p.run()
	if r.code != exitOK {
		t.Fatalf("exit code %d: %s", r.code, r.message())
	}
	for place, text := range map[string]string{"stdout": r.stdout, "stderr": r.stderr} {
		if i := badCharacter(text); i >= 0 {
			t.Errorf("%s: %q", place, text[max(0, i-60):min(len(text), i+20)])
		}
	}
	archive, run := open(t, p.path())
	for res, err := range archive.Resources(t.Context(), run.ID, c1z.ResourceFilter{}) {
		must(t, err)
		checkClean(t, res)
	}
	for e, err := range archive.Entitlements(t.Context(), run.ID, c1z.EntitlementFilter{}) {
		must(t, err)
		checkClean(t, e)
	}
	if run.Organization.Name != "Bore\ufffd[31malis\ufffd" {
		t.Errorf("the organization is called %q", run.Organization.Name)
	}
	c := read(t, p.path())
	for _, u := range tenant.Users() {
		if c.resources["user:"+u.ID] != 1 {
			t.Errorf("%q is not in the archive", u.Username)
		}
	}
	// Of another organization, which the error names.
	other := jcsim.New(jcsim.Options{Tenant: jcsim.NewTenant(jcsim.Organization{Name: "Ba\x07d\u202e"})})
	if r := p.with(map[string]string{"BATON_BASE_URL": serve(t, other)}).run(); r.code == exitOK || badCharacter(r.stderr) >= 0 {
		t.Errorf("exit code %d: %q", r.code, r.stderr)
	}
}
