package actions_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

var update = flag.Bool("update", false, "write docs/ACTIONS.md")

// docs/ACTIONS.md is the table of actions for people.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	const path = "../../docs/ACTIONS.md"
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
		t.Error("docs/ACTIONS.md is not what the table says: go test ./internal/actions -update")
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(`<!-- Written by go test ./internal/actions -update; edit internal/actions. -->

# Actions

An action is invoked by ConductorOne, with ` + "`--invoke-action NAME --invoke-action-args JSON`" + `, or with
` + "`baton-jumpcloud actions invoke NAME`" + `; [CHANGING.md](CHANGING.md) has the commands for people. Those of
a user need ` + "`--provision-types user`" + `, those of a group ` + "`--provision-types user,group`" + `. Each is a change, or
several: previewed by ` + "`--dry-run`" + `, recorded, read back, and safe to repeat (but ` + "`resend_activation`" + ` sends another email).
`)
	for _, schema := range actions.Schemas([]string{restype.User, restype.Group}, "") {
		name := schema.GetName()
		if scope := schema.GetResourceTypeId(); scope != "" {
			name += "` of `" + scope
		}
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n\n| argument | required | |\n|---|---|---|\n", name, schema.GetDescription())
		for _, arg := range schema.GetArguments() {
			required := ""
			if arg.GetIsRequired() {
				required = "yes"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", arg.GetName(), required, arg.GetDescription())
		}
	}
	return b.String()
}
