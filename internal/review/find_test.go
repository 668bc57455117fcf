package review_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
)

func TestFindResource(t *testing.T) {
	t.Parallel()
	b := reviewtest.Company(t)
	b.Resource("group", "u1", "Namesakes")
	b.Resource("group", "g3", "BO")
	s := b.Load()
	for text, want := range map[string]string{
		"user:u1": "user:u1", "u2": "user:u2", "chloe": "user:u3", " Chloé ": "user:u3", "U3@EXAMPLE.COM": "user:u3",
		"u3-login": "user:u3", "mail": "app:a1", "g1": "group:g1",
	} {
		r, err := s.FindResource(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.Brief(r); got.Type+":"+got.ID != want {
			t.Errorf("%s is %s:%s, want %s", text, got.Type, got.ID, want)
		}
	}
	var several *review.AmbiguousError
	for text, want := range map[string][]string{"u1": {"user:u1", "group:u1"}, "bo": {"user:u2", "group:g3"}} {
		_, err := s.FindResource(text)
		if !errors.As(err, &several) || several.Count != len(want) {
			t.Fatalf("%s: %v", text, err)
		}
		for _, c := range several.Candidates {
			if !slices.Contains(want, c.ID) || !strings.Contains(err.Error(), c.ID) {
				t.Errorf("%s: candidate %+v", text, c)
			}
		}
	}
	if r, err := s.FindResource("bo", review.Account); err != nil || s.Brief(r).ID != "u2" {
		t.Errorf("an account called bo: %v", err)
	}
	var none *review.NotFoundError
	for text, near := range map[string]string{"Chloee": "user:u3", "adm": "role:r1", "zzzzzzzzzzzzzz": "", "": ""} {
		_, err := s.FindResource(text)
		if !errors.As(err, &none) || (near == "") != (len(none.Nearest) == 0) || near != "" && none.Nearest[0].ID != near {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The nearest name comes first, wherever it stands in the archive.
func TestNearestComesFirst(t *testing.T) {
	t.Parallel()
	b := reviewtest.Company(t)
	for _, app := range [][2]string{{"n1", "SAP"}, {"n2", "Slack"}, {"n3", "Slate"}} {
		b.Entitlement(b.Resource("app", app[0], app[1]), "access")
	}
	s := b.Load()
	var none *review.NotFoundError
	if _, err := s.FindEntitlement("Slak"); !errors.As(err, &none) || len(none.Nearest) != 3 || none.Nearest[0].ID != "app:n2:access" {
		t.Errorf("Slak: %v", err)
	}
}

func TestFindEntitlement(t *testing.T) {
	t.Parallel()
	b := reviewtest.Company(t)
	wiki := b.Resource("app", "a2", "Wiki")
	b.Entitlement(wiki, "read")
	b.Entitlement(wiki, "write")
	s := b.Load()
	for text, want := range map[string]string{
		"app:a1:access": "app:a1:access", "Mail": "app:a1:access", "app:a1": "app:a1:access", "MAIL access": "app:a1:access",
		"wiki read": "app:a2:read", "a2 write": "app:a2:write", "app:a2 write": "app:a2:write",
	} {
		e, err := s.FindEntitlement(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := s.EntitlementAt(e).ID; got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	var several *review.AmbiguousError
	if _, err := s.FindEntitlement("Wiki"); !errors.As(err, &several) || several.Count != 2 || several.Candidates[1].ID != "app:a2:write" {
		t.Errorf("Wiki: %v", err)
	}
	var none *review.NotFoundError
	if _, err := s.FindEntitlement("Wikj"); !errors.As(err, &none) || len(none.Nearest) != 2 || none.Nearest[0].Entitlement == review.NoEnt {
		t.Errorf("Wikj: %v", err)
	}
}

// TestSearchRanks has names before addresses, and addresses before all else.
func TestSearchRanks(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	user := func(id, name, email, login, department string) {
		b.User(id, name, func(r *v2.Resource, u *v2.UserTrait) {
			u.Emails, u.Login = []*v2.UserTrait_Email{{Address: email, IsPrimary: true}}, login
			r.Profile = reviewtest.Profile(t, map[string]any{"department": department})
		})
	}
	user("1", "Bo", "bo@example.com", "bo", "Ana")
	user("2", "Cy", "cy@example.com", "ana7", "x")
	user("3", "Di", "ana@example.com", "di", "x")
	user("4", "Hanan", "h@example.com", "h", "x")
	user("5", "Eva Ana", "e@example.com", "e", "x")
	user("6", "Ana Ruiz", "r@example.com", "r", "x")
	user("7", "Ána", "a@example.com", "a", "x")
	user("8", "Zed", "z@example.com", "z", "x")
	s := b.Load()
	names := func(text string, most int) (list []string, total int) {
		refs, total := s.Search(text, review.Account, most)
		for _, r := range refs {
			list = append(list, s.Brief(r).Name)
		}
		return list, total
	}
	want := []string{"Ána", "Ana Ruiz", "Eva Ana", "Hanan", "Di", "Cy", "Bo"}
	if got, total := names("ana", 10); !slices.Equal(got, want) || total != len(want) {
		t.Errorf("ana finds %d: %q, want %q", total, got, want)
	}
	if got, total := names("ANA", 2); !slices.Equal(got, want[:2]) || total != len(want) {
		t.Errorf("two of ana are %q of %d", got, total)
	}
	if got, total := names(" ", 10); len(got) > 0 || total > 0 {
		t.Errorf("nothing finds %q", got)
	}
	if got := s.Similar("Ana Riuz"); len(got) == 0 || got[0].Resource.Name != "Ana Ruiz" {
		t.Errorf("similar to Ana Riuz are %v", got)
	}
}
