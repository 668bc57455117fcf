package cli

import (
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
)

func TestTold(t *testing.T) {
	t.Parallel()
	ana := connector.Named{Type: "user", ID: "u1", Name: "Ana"}
	sales := connector.Named{Type: "group", ID: "g1", Name: "Sales"}
	wiki := connector.Named{Type: "app", ID: "a1", Name: "Wiki"}
	for _, tt := range []struct {
		operation connector.Operation
		resource  connector.Named
		outcome   connector.Outcome
		want      string
	}{
		{connector.OperationGrant, sales, connector.Outcome{Result: connector.ResultChanged}, `Granted: user "Ana" (u1) has membership of group "Sales" (g1).`},
		{connector.OperationGrant, wiki, connector.Outcome{Result: connector.ResultAlready}, `Nothing was changed: user "Ana" (u1) had access to app "Wiki" (a1) already.`},
		{connector.OperationRevoke, sales, connector.Outcome{Result: connector.ResultAlready}, `Nothing was changed: user "Ana" (u1) did not have membership of group "Sales" (g1).`},
		{
			connector.OperationRevoke, wiki,
			connector.Outcome{Result: connector.ResultChanged, Inherited: []connector.Named{sales, {Type: "group", ID: "g2"}}},
			"Revoked: user \"Ana\" (u1) no longer has access to app \"Wiki\" (a1).\nAccess remains through group \"Sales\" (g1), group g2.",
		},
	} {
		plan := &connector.Plan{Change: connector.Change{Operation: tt.operation, Resource: tt.resource, Principal: ana}}
		if got := told(plan, tt.outcome); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
