package review_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// edges writes a graph down.
func edges(g review.Graph) []string {
	var list []string
	for _, e := range g.Edges {
		from, to := g.Nodes[e.From], g.Nodes[e.To]
		arrow := "through"
		if e.Own {
			arrow = "has"
		}
		list = append(list, fmt.Sprintf("%s (%d) %s %s (%d)", from.Name, from.Level, arrow, to.Name, to.Level))
	}
	slices.Sort(list)
	return list
}

func TestGraph(t *testing.T) {
	t.Parallel()
	s := reviewtest.Company(t).Load()
	want := []string{
		"Bo (0) has Mail (2)", "Bo (0) has Staff (1)", "Staff (1) through Mail (2)",
	}
	g := s.Graph(reviewtest.Ref(t, s, "user", "u2"), 0)
	// Mail is also held directly, and so as near as Staff.
	want[0], want[2] = "Bo (0) has Mail (1)", "Staff (1) through Mail (1)"
	if d := cmp.Diff(want, edges(g)); d != "" {
		t.Error("of a user:", d)
	}
	g = s.Graph(reviewtest.Ref(t, s, "group", "g1"), 0)
	if d := cmp.Diff([]string{"Ada (-1) has Staff (0)", "Bo (-1) has Staff (0)", "Staff (0) has Mail (1)"}, edges(g)); d != "" {
		t.Error("of a group:", d)
	}
	// Ada has Mail only through Staff.
	g = s.Graph(reviewtest.Ref(t, s, "app", "a1"), 1)
	if d := cmp.Diff([]string{"Bo (-1) has Mail (0)"}, edges(g)); d != "" || g.HiddenMembers != 1 {
		t.Error("of an application, cut:", d, g.HiddenMembers)
	}
	g = s.Graph(reviewtest.Ref(t, s, "user", "u1"), 2)
	if g.HiddenHoldings != 1 || g.Nodes[0].Hidden != 1 || len(g.Nodes) != 3 {
		t.Errorf("of a user, cut: %+v", g)
	}
}

// TestGraphCircle draws groups that are in each other.
func TestGraphCircle(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	ada := b.User("u1", "Ada")
	one, two := b.Resource("group", "g1", "One"), b.Resource("group", "g2", "Two")
	ofOne, ofTwo := b.Entitlement(one, "member"), b.Entitlement(two, "member")
	b.Grant(ofOne, two)
	b.Grant(ofTwo, one)
	b.Grant(ofOne, ada, ofTwo.GetId())
	b.Grant(ofTwo, ada, ofOne.GetId())
	s := b.Load()
	// Nobody says how Ada came in: each is told as the way to the other.
	if d := cmp.Diff([]string{
		"Ada (0) has One (1)", "Ada (0) has Two (1)", "One (1) through Two (1)", "Two (1) through One (1)",
	}, edges(s.Graph(reviewtest.Ref(t, s, "user", "u1"), 0))); d != "" {
		t.Error(d)
	}
	if got := len(s.Graph(reviewtest.Ref(t, s, "group", "g1"), 0).Edges); got != 2 {
		t.Errorf("%d edges of a group in a circle, want 2", got)
	}
}

// TestManyPaths bounds ways that multiply at each step.
func TestManyPaths(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	ada := b.User("u1", "Ada")
	const levels, wide = 8, 4
	var before []string
	for level := range levels {
		var here []string
		for i := range wide {
			g := b.Resource("group", fmt.Sprintf("g%d-%d", level, i), fmt.Sprintf("Group %d-%d", level, i))
			e := b.Entitlement(g, "member")
			b.Grant(e, ada, before...)
			here = append(here, e.GetId())
		}
		before = here
	}
	mail := b.Entitlement(b.Resource("app", "a1", "Mail"), "access")
	b.Grant(mail, ada, before...)
	s := b.Load()
	page, err := s.Access(reviewtest.Ref(t, s, "user", "u1"), search.Query{Search: "mail"})
	if err != nil || len(page.Rows) != 1 {
		t.Fatal(page, err)
	}
	if h := page.Rows[0]; len(h.Paths) != review.MaxPaths || !h.MorePaths || len(h.Paths[0]) != levels {
		t.Errorf("%d paths, more %t", len(h.Paths), h.MorePaths)
	}
}
