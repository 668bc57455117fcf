package review_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

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
