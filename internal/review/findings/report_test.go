package findings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// lines are the rows of a report as text.
func lines(rows []findings.Row) []string {
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
	b := reviewtest.Company(t)
	// Dora is an administrator of whom little is told, and somebody else's email.
	dora := b.User("u4", "Dora", func(_ *v2.Resource, u *v2.UserTrait) { u.Emails[0].Address = "U3@example.com" })
	b.Grant(b.Entitlements[2], dora)
	s := b.Load()
	want := map[string][]string{
		findings.DisabledWithAccess: {"Bo | u2@example.com | suspended | 1 | 1 | 0 | 0 | 2"},
		findings.AdminsWithoutMFA:   {"Ada | u1@example.com | no | enabled | Administrator", "Dora | U3@example.com | unknown | enabled | Administrator"},
		findings.AdminsWithoutUser:  {"Ada | u1@example.com | enabled | no | Administrator"},
		findings.NoManager:          {"Dora | U3@example.com |  |  | true"},
		findings.EmptyGroups:        {"Empty | g2 | 0"},
		findings.Everybody:          nil,
		findings.MultiplePaths:      {"Bo | u2@example.com | Mail | access | 2 | directly; Staff"},
		findings.RoleHolders: {
			"Administrator | member | Ada | u1@example.com | enabled | no | true",
			"Administrator | member | Dora | U3@example.com | enabled | unknown | true",
		},
		findings.Changes: nil,
	}
	found := map[string]int{
		findings.DisabledWithAccess: 1, findings.AdminsWithoutMFA: 1, findings.AdminsWithoutUser: 1,
		findings.NoManager: 1, findings.EmptyGroups: 1, findings.MultiplePaths: 1,
	}
	for _, info := range findings.Reports() {
		r, err := findings.Make(t.Context(), s, info.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.Page(search.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want[info.Name], lines(page.Rows)); d != "" || r.Total != len(page.Rows) {
			t.Errorf("%s: %s", info.Name, d)
		}
		if r.Findings != found[info.Name] {
			t.Errorf("%s: %d findings, want %d", info.Name, r.Findings, found[info.Name])
		}
		for _, c := range r.Columns {
			for _, desc := range []bool{false, true} {
				if page, err := r.Page(search.Query{Sort: c.Key, Desc: desc}); err != nil || len(page.Rows) != r.Total {
					t.Errorf("%s by %s: %v", info.Name, c.Key, err)
				}
			}
		}
	}
	r, err := findings.Make(t.Context(), s, findings.RoleHolders, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page(search.Query{Sort: "account", Desc: true, Limit: 1})
	if err != nil || page.Total != 2 || s.Brief(page.Rows[0].Resource).Name != "Dora" {
		t.Errorf("the last role holder: %+v, %v", page, err)
	}
	if page, err = r.Page(search.Query{Search: "administrator ada"}); err != nil || page.Total != 1 || page.All != 2 {
		t.Errorf("a role holder: %+v, %v", page, err)
	}
}

func TestEverybody(t *testing.T) {
	t.Parallel()
	b := reviewtest.Company(t)
	wiki := b.Entitlement(b.Resource("app", "a2", "Wiki"), "read")
	b.Grant(wiki, b.Resources[2]) // Chloé, the only enabled account that is no administrator's
	b.Grant(wiki, b.Resources[1]) // Bo, who is suspended
	s := b.Load()
	r, err := findings.Make(t.Context(), s, findings.Everybody, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page(search.Query{})
	if d := cmp.Diff([]string{"Wiki | 1 | 1 | 0 | 2"}, lines(page.Rows)); d != "" || err != nil || r.Findings != 0 || !strings.Contains(r.Note, "1 enabled non-admin user.") {
		t.Error(d, err, r.Note)
	}
}

// TestNoManagers is an archive that tells of no managers at all.
func TestNoManagers(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	b.User("u1", "Ada")
	r, err := findings.Make(t.Context(), b.Load(), findings.NoManager, nil)
	if err != nil || r.Findings != 0 || r.Note == "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	older, newer := reviewtest.Company(t).Load(), reviewtest.Later(t).Load()
	r, err := findings.Make(t.Context(), newer, findings.Changes, older)
	if err != nil || r.Total != 7 {
		t.Fatalf("report: %+v, %v", r, err)
	}
	page, err := r.Page(search.Query{Search: "mail bo"})
	if diff := cmp.Diff([]string{"changed | assignment | Mail | Mail usage | Bo | via Staff"}, lines(page.Rows)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Access is an outlier if under a tenth of five peers or more have it.
func TestOutliers(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	mail, vault := b.Entitlement(b.Resource("app", "a1", "Mail"), "access"), b.Entitlement(b.Resource("app", "a2", "Vault"), "access")
	engineer := func(department string) func(*v2.Resource, *v2.UserTrait) {
		return func(r *v2.Resource, _ *v2.UserTrait) {
			r.Profile = reviewtest.Profile(t, map[string]any{"department": department, "job_title": "Engineer"})
		}
	}
	for i := range 6 {
		u := b.User(fmt.Sprintf("u%d", i), fmt.Sprintf("User %d", i), engineer([]string{"IT", "it"}[i%2]))
		b.Grant(mail, u)
		if i == 3 {
			b.Grant(vault, u)
		}
	}
	for i := range 5 { // Four peers are too few to tell.
		u := b.User(fmt.Sprintf("s%d", i), fmt.Sprintf("Seller %d", i), engineer("Sales"))
		if i == 0 {
			b.Grant(vault, u)
		}
	}
	robot := b.User("r1", "Robot", func(_ *v2.Resource, u *v2.UserTrait) { u.AccountType = v2.UserTrait_ACCOUNT_TYPE_SERVICE })
	b.Grant(b.Entitlement(b.Resource("role", "r", "Administrator"), "member"), robot)
	s := b.Load()
	for name, want := range map[string][]string{
		findings.Outliers:      {"User 3 | u3@example.com | Vault | access | it | Engineer | 0 | 5"},
		findings.ServiceAdmins: {"Robot | r1@example.com | service | enabled | unknown | Administrator"},
	} {
		r, err := findings.Make(t.Context(), s, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.Page(search.Query{})
		if d := cmp.Diff(want, lines(page.Rows)); d != "" || err != nil || r.Findings != 1 {
			t.Error(name, d, err, r.Findings)
		}
	}
}
