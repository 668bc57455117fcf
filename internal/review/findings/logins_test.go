package findings_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// TestLoginReports tells those who did not sign in from those of whom nobody knows.
func TestLoginReports(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	access := b.Entitlement(b.Resource("app", "a1", "Mail"), "access")
	login := func(at string) func(*v2.Resource, *v2.UserTrait) {
		return func(_ *v2.Resource, u *v2.UserTrait) {
			when, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			u.LastLogin = timestamppb.New(when)
		}
	}
	none := func(r *v2.Resource, _ *v2.UserTrait) {
		r.Profile = reviewtest.Profile(t, map[string]any{"no_sign_in_since": "2020-01-01T00:00:00Z"})
	}
	b.Grant(access, b.User("u1", "Ada", login(time.Now().UTC().Format(time.RFC3339))))
	b.Grant(access, b.User("u2", "Bo", login("2020-03-01T08:00:00Z")))
	b.Grant(access, b.User("u3", "Chloé", none))
	b.Grant(access, b.User("u4", "Dora"))
	b.User("u5", "Eve", none) // has nothing
	b.Grant(access, b.User("u6", "Fay", none, func(r *v2.Resource, _ *v2.UserTrait) {
		r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED}
	}))
	s := b.Load()
	never, unknown := "Chloé | u3@example.com |  | 2020-01-01T00:00:00Z | false |  | 1", "Dora | u4@example.com |  |  | false |  | 1"
	for name, want := range map[string][]string{
		findings.NeverSignedIn:    {never, unknown},
		findings.InactiveAccounts: {"Bo | u2@example.com | 2020-03-01T08:00:00Z |  | false |  | 1", never, unknown},
	} {
		r, err := findings.Make(t.Context(), s, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.Page(search.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, lines(page.Rows)); d != "" || r.Findings != len(want)-1 {
			t.Errorf("%s: %d findings: %s", name, r.Findings, d)
		}
		silent, err := findings.Make(t.Context(), reviewtest.Company(t).Load(), name, nil)
		if err != nil || silent.Total != 0 || silent.Note == "" {
			t.Errorf("%s of an archive without logins: %+v, %v", name, silent, err)
		}
	}
}
