package findings_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// TestUnusedAccess tells access that was not used from that of which nobody knows, for as
// long as was asked for.
func TestUnusedAccess(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	group := b.Resource("group", "g1", "Sales")
	member := b.Entitlement(group, "member")
	mail := b.Entitlement(b.Resource("app", "a1", "Mail"), "access")
	admin := b.Entitlement(b.Resource("app", restype.AdministrationAppID, "Administration"), "access")
	ago := func(days int) string { return reviewtest.Begin.AddDate(0, 0, -days).Format(time.RFC3339) }
	use := func(g *v2.Grant, key, at string) {
		g.Annotations = append(g.Annotations, reviewtest.Annotation(t, &v2.GrantMetadata{Metadata: reviewtest.Profile(t, map[string]any{key: at})}))
	}
	grant := func(id, name, key string, days int, sources ...string) {
		g := b.Grant(mail, b.User(id, name), sources...)
		use(g, key, ago(days))
	}
	grant("u1", "Ada", "last_used", 3)
	grant("u2", "Bo", "last_used", 100, member.GetId())
	grant("u3", "Chloé", "not_used_since", 90)
	grant("u4", "Dora", "not_used_since", 2)
	eve := b.User("u5", "Eve")
	b.Grant(mail, eve)
	b.Grant(admin, eve)
	b.Grant(member, eve)
	b.Grant(mail, group)
	fay := b.Grant(mail, b.User("u6", "Fay", func(r *v2.Resource, _ *v2.UserTrait) {
		r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED}
	}))
	use(fay, "last_used", ago(200))
	use(b.Grant(mail, b.User("u7", "Gus")), "last_used", "yesterday") // It says nothing.
	s := b.Load()
	bo := "Bo | u2@example.com | Mail | access | " + ago(100) + " |  | false | "
	chloe := "Chloé | u3@example.com | Mail | access |  | " + ago(90) + " | true | "
	dora := "Dora | u4@example.com | Mail | access |  | " + ago(2) + " | true | "
	unknown := []string{"Eve | u5@example.com | Mail | access |  |  | true | ", "Gus | u7@example.com | Mail | access |  |  | true | "}
	ada := "Ada | u1@example.com | Mail | access | " + ago(3) + " |  | true | "
	for days, want := range map[int]struct {
		rows  []string
		found int
	}{
		90:  {append([]string{bo, chloe, dora}, unknown...), 2},
		95:  {append([]string{bo, chloe, dora}, unknown...), 1},
		120: {append([]string{chloe, dora}, unknown...), 0},
		2:   {append([]string{ada, bo, chloe, dora}, unknown...), 4},
	} {
		r, err := findings.MakeFor(t.Context(), s, findings.UnusedAccess, nil, days)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.Page(search.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.rows, lines(page.Rows)); d != "" || r.Findings != want.found || r.Note == "" {
			t.Errorf("%d days: %d findings, %q: %s", days, r.Findings, r.Note, d)
		}
	}
	silent, err := findings.Make(t.Context(), reviewtest.Company(t).Load(), findings.UnusedAccess, nil)
	if err != nil || silent.Total != 0 || silent.Note == "" {
		t.Errorf("an archive that tells of no use: %+v, %v", silent, err)
	}
}
