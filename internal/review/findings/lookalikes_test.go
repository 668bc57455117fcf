package findings_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// kelvins are an administrator, an account of somebody whose address is spelled with
// U+212A KELVIN SIGN, and things with names of the same sort.
func kelvins(t *testing.T) *review.Sync {
	t.Helper()
	b := reviewtest.Company(t)
	at := func(address, login string) func(*v2.Resource, *v2.UserTrait) {
		return func(_ *v2.Resource, u *v2.UserTrait) { u.Emails[0].Address, u.Login = address, login }
	}
	admin := b.User("k1", "Kay", at("kelvin@example.com", "kelvin@example.com"))
	b.User("k2", "Kay", at("\u212aelvin@Example.com", "kay"))
	// The same person twice, and one person with two addresses, deceive nobody.
	b.User("k3", "Zoë", at("zoë@example.com.", "zoe3"))
	b.User("k4", "Zoë", at("ZOë@example.com", "zoe4"))
	b.User("k5", "Max", func(_ *v2.Resource, u *v2.UserTrait) {
		u.Emails = append(u.Emails, &v2.UserTrait_Email{Address: "k\u0035@example.com"}, &v2.UserTrait_Email{Address: "\u212a5@example.com"})
	})
	b.Grant(b.Entitlements[2], admin)
	b.Resource("role", "r2", "Help Desk")
	b.Resource("role", "r3", "Help De\u017fk")
	b.Resource("group", "g4", "Admins")
	b.Resource("group", "g5", "\u0410dmins")
	b.Resource("app", "a4", "Admins") // Of another kind.
	return b.Load()
}

func TestReportLookalikes(t *testing.T) {
	t.Parallel()
	s := kelvins(t)
	r, err := findings.Make(t.Context(), s, findings.Lookalikes, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page(search.Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Kay | account | kelvin@example.com | ASCII only | \u212aelvin@example.com | Kay | enabled",
		"Kay | account | \u212aelvin@example.com | U+212A | kelvin@example.com | Kay | enabled",
		"Admins | group | admins | ASCII only | \u0410dmins | \u0410dmins | ",
		"\u0410dmins | group | \u0410dmins | U+0410 | admins | Admins | ",
		"Help Desk | role | help desk | ASCII only | help de\u017fk | Help De\u017fk | ",
		"Help De\u017fk | role | help de\u017fk | U+017F | help desk | Help Desk | ",
	}
	if diff := cmp.Diff(want, lines(page.Rows)); diff != "" || r.Findings != len(want) {
		t.Errorf("%d findings (-want +got):\n%s", r.Findings, diff)
	}
	if page.Rows[0].Resource == page.Rows[0].Other {
		t.Error("an account looks like itself")
	}
}

func TestLookalikesAreNotOnePerson(t *testing.T) {
	t.Parallel()
	s := kelvins(t)
	r, err := findings.Make(t.Context(), s, findings.AdminsWithoutUser, nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Page(search.Query{Search: "kelvin@example.com"})
	if err != nil || page.Total != 1 {
		t.Errorf("administrators without a user: %q, %v", lines(page.Rows), err)
	}
	for text, want := range map[string]string{
		"kelvin@example.com": "k1", "KELVIN@example.com": "k1", "kelvin@example.com.": "k1",
		"\u212aelvin@example.com": "k2", "KAY": "", "kay ": "",
	} {
		found, err := s.FindResource(text)
		if want == "" {
			if ambiguous := new(review.AmbiguousError); !errors.As(err, &ambiguous) || ambiguous.Count != 2 {
				t.Errorf("%q: %v, %v", text, found, err)
			}
			continue
		}
		if err != nil || s.Brief(found).ID != want {
			t.Errorf("%q: %v, %v, want %s", text, found, err, want)
		}
	}
	// Of one who is not there, one who looks alike is near at most.
	for _, text := range []string{"zo\u0435@example.com", "k\u00b2@example.com"} {
		if found, err := s.FindResource(text); !errors.As(err, new(*review.NotFoundError)) {
			t.Errorf("%q: %v, %v", text, found, err)
		}
	}
	rows, err := s.Resources(review.Account, search.Query{Filter: map[string]string{"manager": "\u212aelvin@example.com"}})
	if err != nil || rows.Total != 0 {
		t.Errorf("reports of nobody: %d, %v", rows.Total, err)
	}
}
