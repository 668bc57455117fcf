package main

import (
	"regexp"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
)

// lose deletes so many of the organisation's users or groups, those with the lowest
// ids first.
func lose(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: lose users|groups COUNT")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(loseSome(simOf(ts).Tenant(), args[0], n))
}

func loseSome(tenant *jcsim.Tenant, kind string, n int) error {
	var edits []jcsim.Edit
	if kind == "users" {
		for _, u := range tenant.Users() {
			edits = append(edits, jcsim.Edit{Op: "delete-user", Ref: u.ID})
		}
	} else {
		for _, g := range tenant.Groups() {
			edits = append(edits, jcsim.Edit{Op: "delete-group", Ref: g.ID})
		}
	}
	return tenant.Apply(edits[:n]...)
}

// code sets a variable to the code that the program has just printed.
func code(ts *testscript.TestScript, _ bool, args []string) {
	found := dropCode.FindStringSubmatch(ts.ReadFile("stderr"))
	if len(args) != 1 || found == nil {
		ts.Fatalf("usage: code VARIABLE, after a code was printed")
	}
	ts.Setenv(args[0], found[1])
}

// dropCode finds the code of a loss in what the program says.
var dropCode = regexp.MustCompile(`--allow-drop ([a-z2-7]{8}) `)
