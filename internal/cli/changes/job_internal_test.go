package changes

import (
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

func TestTold(t *testing.T) {
	t.Parallel()
	ana := provision.Named{Type: "user", ID: "u1", Name: "Ana"}
	sales := provision.Named{Type: "group", ID: "g1", Name: "Sales"}
	wiki := provision.Named{Type: "app", ID: "a1", Name: "Wiki"}
	for _, tt := range []struct {
		operation provision.Operation
		resource  provision.Named
		outcome   provision.Outcome
		want      string
	}{
		{provision.OperationGrant, sales, provision.Outcome{Result: provision.ResultChanged}, `Granted: user "Ana" (u1) now has membership of group "Sales" (g1).`},
		{provision.OperationGrant, wiki, provision.Outcome{Result: provision.ResultAlready}, `No change needed: user "Ana" (u1) already has access to app "Wiki" (a1).`},
		{provision.OperationRevoke, sales, provision.Outcome{Result: provision.ResultAlready}, `No change needed: user "Ana" (u1) does not have membership of group "Sales" (g1).`},
		{
			provision.OperationRevoke, wiki,
			provision.Outcome{Result: provision.ResultChanged, Inherited: []provision.Named{sales, {Type: "group", ID: "g2"}}},
			"Revoked: user \"Ana\" (u1) no longer has access to app \"Wiki\" (a1).\nAccess remains via group \"Sales\" (g1), group g2.",
		},
	} {
		plan := &provision.Plan{Change: provision.Change{Operation: tt.operation, Resource: tt.resource, Principal: ana}}
		if got := outcomeText(plan, tt.outcome); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
