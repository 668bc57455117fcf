package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	older, newer := reviewtest.Company(t).Load(), reviewtest.Later(t).Load()
	d, err := diff.Compare(t.Context(), older, newer)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	resources, err := d.ResourceChanges(search.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range resources.Rows {
		got = append(got, fmt.Sprintf("%s %s %v", c.Resource.Name, c.Change, c.Fields))
	}
	entitlements, err := d.EntitlementChanges(search.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range entitlements.Rows {
		got = append(got, fmt.Sprintf("%s %s %v", c.Entitlement.ID, c.Change, c.Fields))
	}
	grants, err := d.GrantChanges(search.Query{})
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
		page, err := d.GrantChanges(search.Query{Filter: map[string]string{key: value}, Sort: "principal", Desc: true})
		if err != nil || page.Total != want {
			t.Errorf("%s: %d, %v; want %d", filter, page.Total, err, want)
		}
	}
	if page, err := d.GrantChanges(search.Query{Search: "staff mail"}); err != nil || page.Total != 1 {
		t.Errorf("search: %+v, %v", page, err)
	}
	if page, err := d.ResourceChanges(search.Query{Search: "chloe", Sort: "change"}); err != nil || page.Total != 1 {
		t.Errorf("search: %+v, %v", page, err)
	}
}
