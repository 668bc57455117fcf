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

// TestExpiringKeys leaves out keys that expire later, and those of which nobody knows.
func TestExpiringKeys(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	b.Type(restype.AdminAPIKey, "API key", v2.ResourceType_TRAIT_SECRET)
	b.Type(restype.SSHKey, "SSH key", v2.ResourceType_TRAIT_SECRET)
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.RFC3339) }
	soon, gone := day(20), day(-3)
	for name, key := range map[string][2]string{
		"a later": {restype.AdminAPIKey, day(40)}, "b soon": {restype.AdminAPIKey, soon}, "c gone": {restype.AdminAPIKey, gone},
		"d never": {restype.AdminAPIKey, "never"}, "e unknown": {restype.AdminAPIKey, ""}, "f ssh": {restype.SSHKey, "never"},
	} {
		b.Resource(key[0], name, name).Profile = reviewtest.Profile(t, map[string]any{"expires_at": key[1], "owner": "ana"})
	}
	r, err := findings.Make(t.Context(), b.Load(), findings.ExpiringKeys, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page(search.Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"b soon | ana | " + soon + " |  | ", "c gone | ana | " + gone + " |  | ", "d never | ana | never |  | "}
	if d := cmp.Diff(want, lines(page.Rows)); d != "" || r.Findings != 3 {
		t.Errorf("%d findings: %s", r.Findings, d)
	}
	none, err := findings.Make(t.Context(), reviewtest.Company(t).Load(), findings.ExpiringKeys, nil)
	if err != nil || none.Total != 0 || none.Note == r.Note {
		t.Errorf("without keys: %+v, %v", none, err)
	}
}
