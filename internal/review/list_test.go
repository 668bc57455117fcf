package review_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

func names[T any](rows []T, name func(T) string) string {
	var list []string
	for _, r := range rows {
		list = append(list, name(r))
	}
	return strings.Join(list, ", ")
}

func TestResources(t *testing.T) {
	t.Parallel()
	s := reviewtest.Company(t).Load()
	filter := func(key, value string) search.Query { return search.Query{Filter: map[string]string{key: value}} }
	for _, test := range []struct {
		name string
		kind review.Kind
		q    search.Query
		want string
		of   int // rows that match, where not all are on the page
	}{
		{"all", 0, search.Query{}, "Ada, Administrator, Bo, Chloé, Empty, Mail, Staff", 0},
		{"a kind", review.Group, search.Query{}, "Empty, Staff", 0},
		{"turned round", review.Account, search.Query{Sort: "name", Desc: true}, "Chloé, Bo, Ada", 0},
		{"a page", review.Account, search.Query{Offset: 1, Limit: 1}, "Bo", 3},
		{"behind the end", review.Account, search.Query{Offset: 9, Limit: 1}, "", 3},
		{"search", review.Account, search.Query{Search: "CHLOE"}, "Chloé", 0},
		{"two words", review.Account, search.Query{Search: "example u2"}, "Bo", 0},
		{"two words of two", review.Account, search.Query{Search: "ada u2"}, "", 0},
		{"an id", 0, search.Query{Search: "group:g1"}, "Staff", 0},
		{"department", review.Account, filter("department", "RESEARCH"), "Ada, Chloé", 0},
		{"status", review.Account, filter("status", "disabled"), "Bo", 0},
		{"details", review.Account, filter("details", "suspended"), "Bo", 0},
		{"mfa", review.Account, filter("mfa", "unknown"), "Chloé", 0},
		{"admin", review.Account, filter("admin", "yes"), "Ada", 0},
		{"empty", review.Group, filter("empty", "yes"), "Empty", 0},
		{"holds", 0, filter("holds", "yes"), "Ada, Bo, Staff", 0},
		{"type", 0, filter("type", "app"), "Mail", 0},
		{"no value", review.Group, filter("type", ""), "Empty, Staff", 0},
		{"by members", 0, search.Query{Sort: "members", Desc: true, Limit: 3}, "Mail, Staff, Administrator", 7},
		{"by department, none last", 0, search.Query{Sort: "department", Limit: 4}, "Ada, Chloé, Bo, Administrator", 7},
		{"by status", review.Account, search.Query{Sort: "status", Desc: true}, "Ada, Chloé, Bo", 0},
		{"by direct", review.Account, search.Query{Sort: "direct", Desc: true}, "Ada, Bo, Chloé", 0},
	} {
		page, err := s.Resources(test.kind, test.q)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := names(page.Rows, func(r review.ResourceRow) string { return r.Name })
		total := test.of
		if total == 0 {
			total = len(page.Rows)
		}
		if got != test.want || page.Total != total {
			t.Errorf("%s: %q of %d, want %q of %d", test.name, got, page.Total, test.want, total)
		}
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	s := reviewtest.Company(t).Load()
	text := func(g review.Grant) string { return g.Principal.Name + "-" + g.Entitlement.Resource.Name }
	filter := func(pairs ...string) map[string]string {
		f := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			f[pairs[i]] = pairs[i+1]
		}
		return f
	}
	all := "Ada-Administrator, Ada-Mail, Bo-Mail, Staff-Mail, Ada-Staff, Bo-Staff"
	for _, test := range []struct {
		name string
		q    search.Query
		want string
	}{
		{"all", search.Query{}, all},
		{"by resource, turned round", search.Query{Sort: "resource", Desc: true}, "Ada-Staff, Bo-Staff, Ada-Mail, Bo-Mail, Staff-Mail, Ada-Administrator"},
		{"by principal", search.Query{Sort: "principal"}, "Ada-Administrator, Ada-Mail, Ada-Staff, Bo-Mail, Bo-Staff, Staff-Mail"},
		{"by principal, turned round", search.Query{Sort: "principal", Desc: true}, "Staff-Mail, Bo-Mail, Bo-Staff, Ada-Administrator, Ada-Mail, Ada-Staff"},
		{"inherited first", search.Query{Sort: "direct", Desc: true}, "Ada-Mail, Ada-Administrator, Bo-Mail, Staff-Mail, Ada-Staff, Bo-Staff"},
		{"search both ends", search.Query{Search: "ada mail"}, "Ada-Mail"},
		{"search one", search.Query{Search: "STAFF"}, "Staff-Mail, Ada-Staff, Bo-Staff"},
		{"inherited", search.Query{Filter: filter("direct", "no")}, "Ada-Mail"},
		{"immutable", search.Query{Filter: filter("immutable", "yes")}, "Ada-Mail"},
		{"expandable", search.Query{Filter: filter("expandable", "yes")}, "Staff-Mail"},
		{"via", search.Query{Filter: filter("via", "group:g1:member")}, "Ada-Mail, Bo-Mail"},
		{"a principal", search.Query{Filter: filter("principal", "user:u2")}, "Bo-Mail, Bo-Staff"},
		{"a principal, inherited last", search.Query{Filter: filter("principal", "user:u1"), Sort: "direct"}, "Ada-Administrator, Ada-Staff, Ada-Mail"},
		{"a principal by kind", search.Query{Filter: filter("principal", "user:u2", "kind", "group")}, "Bo-Staff"},
		{"nobody", search.Query{Filter: filter("principal", "user:u9")}, ""},
		{"a resource", search.Query{Filter: filter("resource", "app:a1", "principal_kind", "account")}, "Ada-Mail, Bo-Mail"},
		{"an entitlement", search.Query{Filter: filter("entitlement", "group:g1:member"), Search: "u2"}, "Bo-Staff"},
		{"another entitlement", search.Query{Filter: filter("entitlement", "group:g9:member")}, ""},
		{"principals of a type", search.Query{Filter: filter("principal_type", "group")}, "Staff-Mail"},
	} {
		page, err := s.Grants(test.q)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := names(page.Rows, text); got != test.want || page.Total != len(page.Rows) || page.All != 6 {
			t.Errorf("%s: %q of %d, want %q", test.name, got, page.Total, test.want)
		}
		// Pages are the same rows, cut.
		var cut []review.Grant
		for offset := range page.Total {
			q := test.q
			q.Offset, q.Limit = offset, 1
			one, err := s.Grants(q)
			if err != nil || len(one.Rows) != 1 || one.Total != page.Total {
				t.Fatalf("%s: page %d: %+v, %v", test.name, offset, one, err)
			}
			cut = append(cut, one.Rows...)
		}
		if d := cmp.Diff(page.Rows, cut); d != "" {
			t.Errorf("%s: pages: %s", test.name, d)
		}
	}
}

func TestEntitlementsAndHolders(t *testing.T) {
	t.Parallel()
	s := reviewtest.Company(t).Load()
	page, err := s.Entitlements(search.Query{Sort: "holders", Desc: true})
	if got := names(page.Rows, func(e review.Entitlement) string { return e.ID }); err != nil ||
		got != "app:a1:access, group:g1:member, role:r1:member, group:g2:member" {
		t.Error(got, err)
	}
	page, err = s.Entitlements(search.Query{Search: "staff member", Filter: map[string]string{"kind": "group", "empty": "no"}})
	if got := names(page.Rows, func(e review.Entitlement) string { return e.Name }); err != nil || got != "Staff member" {
		t.Error(got, err)
	}
	mail := reviewtest.EntRef(t, s, "app:a1:access")
	for want, q := range map[string]search.Query{
		"Ada, Bo, Staff": {},
		"Bo, Staff, Ada": {Sort: "direct"},
		"Bo, Staff":      {Filter: map[string]string{"direct": "yes"}},
		"Bo":             {Filter: map[string]string{"status": "disabled"}},
		"Staff, Bo, Ada": {Sort: "name", Desc: true},
		"Ada":            {Search: "research"},
	} {
		page, err := s.Who(mail, q)
		if got := names(page.Rows, func(h review.Holder) string { return h.Principal.Name }); err != nil || got != want || page.All != 3 {
			t.Errorf("%+v: %q, want %q, %v", q, got, want, err)
		}
	}
}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	s := reviewtest.Company(t).Load()
	d, err := diff.Compare(t.Context(), s, s)
	if err != nil {
		t.Fatal(err)
	}
	report, err := findings.Make(t.Context(), s, findings.EmptyGroups, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]func(search.Query) error{
		"resources":               func(q search.Query) error { _, err := s.Resources(0, q); return err },
		"principals":              func(q search.Query) error { _, err := s.Principals(q); return err },
		"entitlements":            func(q search.Query) error { _, err := s.Entitlements(q); return err },
		"grants":                  func(q search.Query) error { _, err := s.Grants(q); return err },
		"access":                  func(q search.Query) error { _, err := s.Access(0, q); return err },
		"who":                     func(q search.Query) error { _, err := s.Who(0, q); return err },
		"changes of resources":    func(q search.Query) error { _, err := d.ResourceChanges(q); return err },
		"changes of entitlements": func(q search.Query) error { _, err := d.EntitlementChanges(q); return err },
		"changes of grants":       func(q search.Query) error { _, err := d.GrantChanges(q); return err },
		"report":                  func(q search.Query) error { _, err := report.Page(q); return err },
	} {
		for use, q := range map[string]search.Query{"sort": {Sort: "color"}, "filter": {Filter: map[string]string{"color": "red"}}} {
			if err := list(q); err == nil {
				t.Errorf("%s: no error for an unknown %s", name, use)
			} else if key, ok := errors.AsType[*search.KeyError](err); !ok || key.Use != use || key.Key != "color" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	var value *search.ValueError
	if _, err := s.Resources(0, search.Query{Filter: map[string]string{"status": "off"}}); !errors.As(err, &value) || !slices.Contains(value.Known, "enabled") {
		t.Errorf("error %v", err)
	}
	var unknown *findings.UnknownError
	if _, err := findings.Make(t.Context(), s, "color", nil); !errors.As(err, &unknown) || len(unknown.Known) != len(findings.Reports()) {
		t.Errorf("error %v", err)
	}
}

// TestConcurrentUse asks the same things at once, as a browser does.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := reviewtest.Company(t).Load()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, key := range []string{"name", "department", "members"} {
				if _, err := s.Resources(0, search.Query{Sort: key, Search: "a", Desc: i%2 == 0}); err != nil {
					t.Error(err)
				}
			}
			s.Overview()
			for _, info := range findings.Reports() {
				r, err := findings.Make(t.Context(), s, info.Name, s)
				if err != nil {
					t.Error(err)
					continue
				}
				if _, err := r.Page(search.Query{Sort: r.Columns[0].Key, Search: fmt.Sprint("a", i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
