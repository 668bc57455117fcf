package e2e_test

import (
	"strings"
	"testing"
	"testing/synctest"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// TestMembersWhoAreNobody looks up members that no list contains. Whatever JumpCloud
// answers to say that there is nobody of that id, the sync is whole, counts what is
// left out and names ids that can be none. A fault is none of these answers.
func TestMembersWhoAreNobody(t *testing.T) {
	t.Parallel()
	const routeUser, routeAdmin = "GET /api/systemusers/{id}", "GET /api/users/{id}"
	for name, tt := range map[string]struct {
		answer jcsim.Fault // to the look-up; none of its own effect where the route is empty
		remark bool
		fails  bool
	}{
		"404":          {},
		"400":          {answer: jcsim.Fault{Status: 400}, remark: true},
		"422":          {answer: jcsim.Fault{Status: 422, Form: "spec"}, remark: true},
		"410":          {answer: jcsim.Fault{Status: 410}},
		"null":         {answer: jcsim.Fault{Effect: jcsim.EffectBody, Body: "null"}},
		"403":          {answer: jcsim.Fault{Status: 403}, fails: true},
		"405":          {answer: jcsim.Fault{Status: 405}, fails: true},
		"409":          {answer: jcsim.Fault{Status: 409}, fails: true},
		"an object":    {answer: jcsim.Fault{Effect: jcsim.EffectBody, Body: "{}"}, fails: true},
		"empty answer": {answer: jcsim.Fault{Effect: jcsim.EffectEmpty}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				tenant := jcsim.Generate(5, jcsim.Size{Users: 20, Groups: 3, Apps: 2, Admins: 2, Dangling: -1})
				group := tenant.Groups()[0].ID
				if err := tenant.AddGhostMembers(group, 1); err != nil {
					t.Fatal(err)
				}
				sim := jcsim.New(jcsim.Options{Tenant: tenant})
				if tt.answer.Status != 0 || tt.answer.Effect != "" {
					for _, route := range []string{routeUser, routeAdmin} {
						f := tt.answer
						f.Route = route
						if err := sim.AddFault(f); err != nil {
							t.Fatal(err)
						}
					}
				}
				ghosts, err := tenant.GhostMembers(group)
				if err != nil || len(ghosts) != 1 {
					t.Fatal(ghosts, err)
				}
				p := newPipeline(sim, dir)
				sum, err := p.run(t.Context())
				if tt.fails {
					if err == nil || !strings.Contains(err.Error(), ghosts[0]) {
						t.Errorf("the error is %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if sum.Dropped[syncer.DropNotFound] != 1 || sum.NotFound != 1 {
					t.Errorf("%v grants were left out, %d principals not found", sum.Dropped, sum.NotFound)
				}
				if told := strings.Contains(strings.Join(sum.Remarks, "\n"), "invalid, left out: user ("+ghosts[0]+")"); told != tt.remark {
					t.Errorf("remarks %q", sum.Remarks)
				}
				for _, wrong := range watch(tenant).judge(read(t, p.path())) {
					t.Error(wrong)
				}
			})
		})
	}
}
