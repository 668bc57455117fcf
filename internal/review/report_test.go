package review_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// lines are the rows of a report as text.
func lines(rows []review.ReportRow) []string {
	var list []string
	for _, r := range rows {
		var cells []string
		for _, c := range r.Cells {
			cells = append(cells, fmt.Sprint(c))
		}
		list = append(list, strings.Join(cells, " | "))
	}
	return list
}

func TestReports(t *testing.T) {
	t.Parallel()
	b := companyBuilder(t)
	// Dora is an administrator of whom little is told, and somebody else's e-mail.
	dora := b.user("u4", "Dora", func(_ *v2.Resource, u *v2.UserTrait) { u.Emails[0].Address = "U3@example.com" })
	b.grant(b.entitlements[2], dora)
	s := b.load()
	want := map[string][]string{
		review.ReportDisabledWithAccess: {"Bo | u2@example.com | suspended | 1 | 1 | 0 | 0 | 2"},
		review.ReportAdminsWithoutMFA:   {"Ada | u1@example.com | no | enabled | Administrator", "Dora | U3@example.com | unknown | enabled | Administrator"},
		review.ReportAdminsWithoutUser:  {"Ada | u1@example.com | enabled | no | Administrator"},
		review.ReportNoManager:          {"Dora | U3@example.com |  |  | true"},
		review.ReportEmptyGroups:        {"Empty | g2 | 0"},
		review.ReportEverybody:          nil,
		review.ReportMultiplePaths:      {"Bo | u2@example.com | Mail | access | 2 | directly; Staff"},
		review.ReportRoleHolders: {
			"Administrator | member | Ada | u1@example.com | enabled | no | true",
			"Administrator | member | Dora | U3@example.com | enabled | unknown | true",
		},
		review.ReportChanges: nil,
	}
	findings := map[string]int{
		review.ReportDisabledWithAccess: 1, review.ReportAdminsWithoutMFA: 1, review.ReportAdminsWithoutUser: 1,
		review.ReportNoManager: 1, review.ReportEmptyGroups: 1, review.ReportMultiplePaths: 1,
	}
	for _, info := range review.Reports() {
		r, err := s.Report(t.Context(), info.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.Page(review.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want[info.Name], lines(page.Rows)); d != "" || r.Total != len(page.Rows) {
			t.Errorf("%s: %s", info.Name, d)
		}
		if r.Findings != findings[info.Name] {
			t.Errorf("%s: %d findings, want %d", info.Name, r.Findings, findings[info.Name])
		}
		for _, c := range r.Columns {
			for _, desc := range []bool{false, true} {
				if page, err := r.Page(review.Query{Sort: c.Key, Desc: desc}); err != nil || len(page.Rows) != r.Total {
					t.Errorf("%s by %s: %v", info.Name, c.Key, err)
				}
			}
		}
	}
	r, err := s.Report(t.Context(), review.ReportRoleHolders, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page(review.Query{Sort: "account", Desc: true, Limit: 1})
	if err != nil || page.Total != 2 || s.Brief(page.Rows[0].Resource).Name != "Dora" {
		t.Errorf("the last role holder: %+v, %v", page, err)
	}
	if page, err = r.Page(review.Query{Search: "administrator ada"}); err != nil || page.Total != 1 || page.All != 2 {
		t.Errorf("a role holder: %+v, %v", page, err)
	}
}

func TestEverybody(t *testing.T) {
	t.Parallel()
	b := companyBuilder(t)
	wiki := b.entitlement(b.resource("app", "a2", "Wiki"), "read")
	b.grant(wiki, b.resources[2]) // Chloé, the only enabled account that is no administrator's
	b.grant(wiki, b.resources[1]) // Bo, who is suspended
	s := b.load()
	r, err := s.Report(t.Context(), review.ReportEverybody, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page(review.Query{})
	if d := cmp.Diff([]string{"Wiki | 1 | 1 | 0 | 2"}, lines(page.Rows)); d != "" || err != nil || r.Findings != 0 || !strings.Contains(r.Note, "1 enabled account") {
		t.Error(d, err, r.Note)
	}
}

// TestNoManagers is an archive that tells of no managers at all.
func TestNoManagers(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	b.user("u1", "Ada")
	r, err := b.load().Report(t.Context(), review.ReportNoManager, nil)
	if err != nil || r.Findings != 0 || r.Note == "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	older := company(t)
	b := companyBuilder(t)
	// Chloé goes, and Eve comes; Ada changes; Mail is given to Eve, taken from the
	// group, and Bo has it through the group only.
	b.resources = append(b.resources[:2], b.resources[3:]...)
	eve := b.user("u5", "Eve")
	b.resources[0].Profile = profile(t, map[string]any{"department": "Sales", "manager": "boss@example.com"})
	b.entitlements[1].DisplayName = "Mail usage"
	mail := b.entitlements[1]
	kept := b.grants[:0]
	for _, g := range b.grants {
		if g.GetEntitlement().GetId() == mail.GetId() && g.GetPrincipal().GetId().GetResource() == "g1" {
			continue
		}
		if g.GetId() == mail.GetId()+":user:u2" {
			delete(g.GetSources().GetSources(), mail.GetId())
		}
		kept = append(kept, g)
	}
	b.grants = kept
	b.grant(mail, eve)
	newer := b.load()

	d, err := review.Compare(t.Context(), older, newer)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	resources, err := d.ResourceChanges(review.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range resources.Rows {
		got = append(got, fmt.Sprintf("%s %s %v", c.Resource.Name, c.Change, c.Fields))
	}
	entitlements, err := d.EntitlementChanges(review.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range entitlements.Rows {
		got = append(got, fmt.Sprintf("%s %s %v", c.Entitlement.ID, c.Change, c.Fields))
	}
	grants, err := d.GrantChanges(review.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range grants.Rows {
		was := ""
		if c.Was != nil {
			was = fmt.Sprintf(", direct %t before", c.Was.Direct)
		}
		got = append(got, fmt.Sprintf("%s to %s %s, direct %t%s", c.Grant.Entitlement.Resource.Name, c.Grant.Principal.Name, c.Change, c.Grant.Direct, was))
	}
	want := []string{
		"Ada changed [{profile.department Research Sales}]", "Chloé removed []", "Eve added []",
		"app:a1:access changed [{name Mail access Mail usage}]",
		"Mail to Bo changed, direct false, direct true before", "Mail to Eve added, direct true", "Mail to Staff removed, direct true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c := d.Grants[review.Application]; c.Added != (review.Count{All: 1, Direct: 1}) || c.Removed != (review.Count{All: 1, Direct: 1}) || c.Changed != 1 {
		t.Errorf("assignments: %+v", c)
	}
	for filter, want := range map[string]int{"change=removed": 1, "principal=user:u5": 1, "direct=no": 1, "resource=app:a1": 3, "kind=group": 0, "type=app": 3} {
		key, value, _ := strings.Cut(filter, "=")
		page, err := d.GrantChanges(review.Query{Filter: map[string]string{key: value}, Sort: "principal", Desc: true})
		if err != nil || page.Total != want {
			t.Errorf("%s: %d, %v; want %d", filter, page.Total, err, want)
		}
	}
	if page, err := d.GrantChanges(review.Query{Search: "staff mail"}); err != nil || page.Total != 1 {
		t.Errorf("search: %+v, %v", page, err)
	}
	if page, err := d.ResourceChanges(review.Query{Search: "chloe", Sort: "change"}); err != nil || page.Total != 1 {
		t.Errorf("search: %+v, %v", page, err)
	}
	r, err := newer.Report(t.Context(), review.ReportChanges, older)
	if err != nil || r.Total != len(want) {
		t.Fatalf("report: %+v, %v", r, err)
	}
	page, err := r.Page(review.Query{Search: "mail bo"})
	if diff := cmp.Diff([]string{"changed | assignment | Mail | Mail usage | Bo | through Staff"}, lines(page.Rows)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
