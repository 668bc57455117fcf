package review_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// company is a small organization: Ada is an administrator in Staff, which has Mail;
// Bo is suspended, in Staff, and has Mail himself too; Chloé has nothing.
func company(t testing.TB) *review.Sync {
	t.Helper()
	return companyBuilder(t).load()
}

func companyBuilder(t testing.TB) *builder {
	t.Helper()
	b := newBuilder(t)
	department := func(name string) func(*v2.Resource, *v2.UserTrait) {
		return func(r *v2.Resource, _ *v2.UserTrait) {
			r.Profile = profile(t, map[string]any{"department": name, "manager": "boss@example.com"})
		}
	}
	mfa := func(on bool) func(*v2.Resource, *v2.UserTrait) {
		return func(_ *v2.Resource, u *v2.UserTrait) { u.MfaStatus = &v2.UserTrait_MFAStatus{MfaEnabled: on} }
	}
	ada := b.user("u1", "Ada", department("Research"), mfa(false))
	bo := b.user("u2", "Bo", department("Sales"), mfa(true), func(r *v2.Resource, _ *v2.UserTrait) {
		r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: "suspended"}
	})
	b.user("u3", "Chloé", department("research"))
	staff, empty := b.resource("group", "g1", "Staff"), b.resource("group", "g2", "Empty")
	mail := b.resource("app", "a1", "Mail")
	admin := b.resource("role", "r1", "Administrator")
	ofStaff, ofMail, ofAdmin := b.entitlement(staff, "member"), b.entitlement(mail, "access"), b.entitlement(admin, "member")
	b.entitlement(empty, "member")
	b.grant(ofStaff, ada)
	b.grant(ofStaff, bo)
	b.grant(ofMail, staff).Annotations = []*anypb.Any{annotation(t, &v2.GrantExpandable{EntitlementIds: []string{ofStaff.GetId()}})}
	b.grant(ofMail, ada, ofStaff.GetId()).Annotations = []*anypb.Any{annotation(t, &v2.GrantImmutable{})}
	b.grant(ofMail, bo, ofStaff.GetId(), ofMail.GetId())
	b.grant(ofAdmin, ada)
	return b
}

func names[T any](rows []T, name func(T) string) string {
	var list []string
	for _, r := range rows {
		list = append(list, name(r))
	}
	return strings.Join(list, ", ")
}

func TestResources(t *testing.T) {
	t.Parallel()
	s := company(t)
	filter := func(key, value string) review.Query { return review.Query{Filter: map[string]string{key: value}} }
	for _, test := range []struct {
		name string
		kind review.Kind
		q    review.Query
		want string
		of   int // rows that match, where not all are on the page
	}{
		{"all", 0, review.Query{}, "Ada, Administrator, Bo, Chloé, Empty, Mail, Staff", 0},
		{"a kind", review.Group, review.Query{}, "Empty, Staff", 0},
		{"turned round", review.Account, review.Query{Sort: "name", Desc: true}, "Chloé, Bo, Ada", 0},
		{"a page", review.Account, review.Query{Offset: 1, Limit: 1}, "Bo", 3},
		{"behind the end", review.Account, review.Query{Offset: 9, Limit: 1}, "", 3},
		{"search", review.Account, review.Query{Search: "CHLOE"}, "Chloé", 0},
		{"two words", review.Account, review.Query{Search: "example u2"}, "Bo", 0},
		{"two words of two", review.Account, review.Query{Search: "ada u2"}, "", 0},
		{"an id", 0, review.Query{Search: "group:g1"}, "Staff", 0},
		{"department", review.Account, filter("department", "RESEARCH"), "Ada, Chloé", 0},
		{"status", review.Account, filter("status", "disabled"), "Bo", 0},
		{"details", review.Account, filter("details", "suspended"), "Bo", 0},
		{"mfa", review.Account, filter("mfa", "unknown"), "Chloé", 0},
		{"admin", review.Account, filter("admin", "yes"), "Ada", 0},
		{"empty", review.Group, filter("empty", "yes"), "Empty", 0},
		{"holds", 0, filter("holds", "yes"), "Ada, Bo, Staff", 0},
		{"type", 0, filter("type", "app"), "Mail", 0},
		{"no value", review.Group, filter("type", ""), "Empty, Staff", 0},
		{"by members", 0, review.Query{Sort: "members", Desc: true, Limit: 3}, "Mail, Staff, Administrator", 7},
		{"by department, none last", 0, review.Query{Sort: "department", Limit: 4}, "Ada, Chloé, Bo, Administrator", 7},
		{"by status", review.Account, review.Query{Sort: "status", Desc: true}, "Ada, Chloé, Bo", 0},
		{"by direct", review.Account, review.Query{Sort: "direct", Desc: true}, "Ada, Bo, Chloé", 0},
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
	s := company(t)
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
		q    review.Query
		want string
	}{
		{"all", review.Query{}, all},
		{"by resource, turned round", review.Query{Sort: "resource", Desc: true}, "Ada-Staff, Bo-Staff, Ada-Mail, Bo-Mail, Staff-Mail, Ada-Administrator"},
		{"by principal", review.Query{Sort: "principal"}, "Ada-Administrator, Ada-Mail, Ada-Staff, Bo-Mail, Bo-Staff, Staff-Mail"},
		{"by principal, turned round", review.Query{Sort: "principal", Desc: true}, "Staff-Mail, Bo-Mail, Bo-Staff, Ada-Administrator, Ada-Mail, Ada-Staff"},
		{"inherited first", review.Query{Sort: "direct", Desc: true}, "Ada-Mail, Ada-Administrator, Bo-Mail, Staff-Mail, Ada-Staff, Bo-Staff"},
		{"search both ends", review.Query{Search: "ada mail"}, "Ada-Mail"},
		{"search one", review.Query{Search: "STAFF"}, "Staff-Mail, Ada-Staff, Bo-Staff"},
		{"inherited", review.Query{Filter: filter("direct", "no")}, "Ada-Mail"},
		{"immutable", review.Query{Filter: filter("immutable", "yes")}, "Ada-Mail"},
		{"expandable", review.Query{Filter: filter("expandable", "yes")}, "Staff-Mail"},
		{"via", review.Query{Filter: filter("via", "group:g1:member")}, "Ada-Mail, Bo-Mail"},
		{"a principal", review.Query{Filter: filter("principal", "user:u2")}, "Bo-Mail, Bo-Staff"},
		{"a principal, inherited last", review.Query{Filter: filter("principal", "user:u1"), Sort: "direct"}, "Ada-Administrator, Ada-Staff, Ada-Mail"},
		{"a principal by kind", review.Query{Filter: filter("principal", "user:u2", "kind", "group")}, "Bo-Staff"},
		{"nobody", review.Query{Filter: filter("principal", "user:u9")}, ""},
		{"a resource", review.Query{Filter: filter("resource", "app:a1", "principal_kind", "account")}, "Ada-Mail, Bo-Mail"},
		{"an entitlement", review.Query{Filter: filter("entitlement", "group:g1:member"), Search: "u2"}, "Bo-Staff"},
		{"another entitlement", review.Query{Filter: filter("entitlement", "group:g9:member")}, ""},
		{"principals of a type", review.Query{Filter: filter("principal_type", "group")}, "Staff-Mail"},
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
	s := company(t)
	page, err := s.Entitlements(review.Query{Sort: "holders", Desc: true})
	if got := names(page.Rows, func(e review.Entitlement) string { return e.ID }); err != nil ||
		got != "app:a1:access, group:g1:member, role:r1:member, group:g2:member" {
		t.Error(got, err)
	}
	page, err = s.Entitlements(review.Query{Search: "staff member", Filter: map[string]string{"kind": "group", "empty": "no"}})
	if got := names(page.Rows, func(e review.Entitlement) string { return e.Name }); err != nil || got != "Staff member" {
		t.Error(got, err)
	}
	mail := entRef(t, s, "app:a1:access")
	for want, q := range map[string]review.Query{
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
	s := company(t)
	d, err := review.Compare(t.Context(), s, s)
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.Report(t.Context(), review.ReportEmptyGroups, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]func(review.Query) error{
		"resources":               func(q review.Query) error { _, err := s.Resources(0, q); return err },
		"principals":              func(q review.Query) error { _, err := s.Principals(q); return err },
		"entitlements":            func(q review.Query) error { _, err := s.Entitlements(q); return err },
		"grants":                  func(q review.Query) error { _, err := s.Grants(q); return err },
		"access":                  func(q review.Query) error { _, err := s.Access(0, q); return err },
		"who":                     func(q review.Query) error { _, err := s.Who(0, q); return err },
		"changes of resources":    func(q review.Query) error { _, err := d.ResourceChanges(q); return err },
		"changes of entitlements": func(q review.Query) error { _, err := d.EntitlementChanges(q); return err },
		"changes of grants":       func(q review.Query) error { _, err := d.GrantChanges(q); return err },
		"report":                  func(q review.Query) error { _, err := report.Page(q); return err },
	} {
		for use, q := range map[string]review.Query{"sort": {Sort: "color"}, "filter": {Filter: map[string]string{"color": "red"}}} {
			if err := list(q); err == nil {
				t.Errorf("%s: no error for an unknown %s", name, use)
			} else if key, ok := errors.AsType[*review.KeyError](err); !ok || key.Use != use || key.Key != "color" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	var value *review.ValueError
	if _, err := s.Resources(0, review.Query{Filter: map[string]string{"status": "off"}}); !errors.As(err, &value) || !slices.Contains(value.Known, "enabled") {
		t.Errorf("error %v", err)
	}
	var unknown *review.UnknownReportError
	if _, err := s.Report(t.Context(), "color", nil); !errors.As(err, &unknown) || len(unknown.Known) != len(review.Reports()) {
		t.Errorf("error %v", err)
	}
}

// TestConcurrentUse asks the same things at once, as a browser does.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := company(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, key := range []string{"name", "department", "members"} {
				if _, err := s.Resources(0, review.Query{Sort: key, Search: "a", Desc: i%2 == 0}); err != nil {
					t.Error(err)
				}
			}
			s.Overview()
			for _, info := range review.Reports() {
				r, err := s.Report(t.Context(), info.Name, s)
				if err != nil {
					t.Error(err)
					continue
				}
				if _, err := r.Page(review.Query{Sort: r.Columns[0].Key, Search: fmt.Sprint("a", i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
