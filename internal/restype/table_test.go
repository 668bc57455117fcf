package restype_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

var update = flag.Bool("update", false, "write docs/TYPES.md")

// A row is whole, and no two rows share what tells them apart.
func TestRowsAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, row := range restype.All() {
		for name, value := range map[string]string{
			"id": row.ID, "label": row.Label, "noun": row.Noun, "plural": row.Plural, "path": row.Path, "heading": row.Title(), "grant": row.Grant,
		} {
			if value == "" && name != "grant" {
				t.Errorf("%s has no %s", row.ID, name)
			}
			if other, taken := seen[name+" "+value]; taken && value != "" {
				t.Errorf("%s and %s have the same %s", row.ID, other, name)
			}
			seen[name+" "+value] = row.ID
		}
		if (row.Grant == "") != (row.Holding == "") || (row.Grant == "") != (row.Grants == "") || row.Holders == "" {
			t.Errorf("%s: some of the words for holding one are missing", row.ID)
		}
		if strings.ToLower(row.Noun) != row.Noun || strings.Contains(row.Noun, " ") || !strings.HasPrefix(row.Path, "/") {
			t.Errorf("%s: noun %q, path %q", row.ID, row.Noun, row.Path)
		}
		if len(row.Read) == 0 || !slices.IsSorted(row.Read) || !slices.IsSorted(row.Write) {
			t.Errorf("%s: permissions %q, %q", row.ID, row.Read, row.Write)
		}
		if row.Switch != "" && !slices.ContainsFunc(restype.Switches(), func(s restype.Switch) bool { return s.Name == row.Switch }) {
			t.Errorf("%s has the switch %q, which is none", row.ID, row.Switch)
		}
		if got, ok := restype.Find(row.ID); !ok || got.Label != row.Label {
			t.Errorf("%s is found as %+v", row.ID, got)
		}
	}
}

// docs/TYPES.md is the table for people.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	const path = "../../docs/TYPES.md"
	if *update {
		if err := os.WriteFile(path, []byte(document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != document() {
		t.Error("docs/TYPES.md is not what the table says: go test ./internal/restype -update")
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(`<!-- Written by go test ./internal/restype -update; edit internal/restype/table.go. -->

# Resource types

| type | shown as | in reviews | synced | holding one | grants can be changed | permissions to read | permissions to change |
|---|---|---|---|---|---|---|---|
`)
	for _, row := range restype.All() {
		change := "no"
		switch {
		case row.Grantable() && row.ChangedByDefault:
			change = "yes"
		case row.Grantable():
			change = "with `--" + restype.ProvisionTypes + " " + row.ID + "`"
		}
		synced := "always"
		if row.Switch != "" {
			synced = "with `--" + row.Switch + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", row.ID, row.Label, row.Plural, synced, row.Grant, change, code(row.Read), code(row.Write))
	}
	return b.String()
}

func code(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "`, `") + "`"
}
