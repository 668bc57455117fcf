package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

func TestChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		args  []string
		want  config.Change
		asked bool
	}{
		{"nothing", nil, config.Change{OnDeleteReports: "refuse", OnLastRole: "refuse", Types: []string{"group"}}, false},
		{
			"grant",
			[]string{"--grant-entitlement=e", "--grant-principal=u", "--grant-principal-type=user", "--audit-file=a.jsonl", "--provision-types=app,group"},
			config.Change{Entitlement: "e", Principal: "u", PrincipalType: "user", AuditFile: "a.jsonl", OnDeleteReports: "refuse", OnLastRole: "refuse", Types: []string{"group", "app"}},
			true,
		},
		{"revoke", []string{"--revoke-grant=g", "--dry-run"}, config.Change{Grant: "g", DryRun: true, OnDeleteReports: "refuse", OnLastRole: "refuse", Types: []string{"group"}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := world{args: tt.args, env: map[string]string{"BATON_API_KEY": "k"}}.load(t, config.ForRun)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.Change); diff != "" || c.Change.IsSet() != tt.asked {
				t.Errorf("asked %v, Change differs (-want +got):\n%s", c.Change.IsSet(), diff)
			}
		})
	}
}
