package review_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
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
	s := company(t)
	want := []string{
		"Bo (0) has Mail (2)", "Bo (0) has Staff (1)", "Staff (1) through Mail (2)",
	}
	g := s.Graph(ref(t, s, "user", "u2"), 0)
	// Mail is also held directly, and so as near as Staff.
	want[0], want[2] = "Bo (0) has Mail (1)", "Staff (1) through Mail (1)"
	if d := cmp.Diff(want, edges(g)); d != "" {
		t.Error("of a user:", d)
	}
	g = s.Graph(ref(t, s, "group", "g1"), 0)
	if d := cmp.Diff([]string{"Ada (-1) has Staff (0)", "Bo (-1) has Staff (0)", "Staff (0) has Mail (1)"}, edges(g)); d != "" {
		t.Error("of a group:", d)
	}
	// Ada has Mail only through Staff.
	g = s.Graph(ref(t, s, "app", "a1"), 1)
	if d := cmp.Diff([]string{"Bo (-1) has Mail (0)"}, edges(g)); d != "" || g.HiddenMembers != 1 {
		t.Error("of an application, cut:", d, g.HiddenMembers)
	}
	g = s.Graph(ref(t, s, "user", "u1"), 2)
	if g.HiddenHoldings != 1 || g.Nodes[0].Hidden != 1 || len(g.Nodes) != 3 {
		t.Errorf("of a user, cut: %+v", g)
	}
}

// TestGraphCircle draws groups that are in each other.
func TestGraphCircle(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	ada := b.user("u1", "Ada")
	one, two := b.resource("group", "g1", "One"), b.resource("group", "g2", "Two")
	ofOne, ofTwo := b.entitlement(one, "member"), b.entitlement(two, "member")
	b.grant(ofOne, two)
	b.grant(ofTwo, one)
	b.grant(ofOne, ada, ofTwo.GetId())
	b.grant(ofTwo, ada, ofOne.GetId())
	s := b.load()
	// Nobody says how Ada came in: each is told as the way to the other.
	if d := cmp.Diff([]string{
		"Ada (0) has One (1)", "Ada (0) has Two (1)", "One (1) through Two (1)", "Two (1) through One (1)",
	}, edges(s.Graph(ref(t, s, "user", "u1"), 0))); d != "" {
		t.Error(d)
	}
	if got := len(s.Graph(ref(t, s, "group", "g1"), 0).Edges); got != 2 {
		t.Errorf("%d edges of a group in a circle, want 2", got)
	}
}

// TestManyPaths bounds ways that multiply at each step.
func TestManyPaths(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	ada := b.user("u1", "Ada")
	const levels, wide = 8, 4
	var before []string
	for level := range levels {
		var here []string
		for i := range wide {
			g := b.resource("group", fmt.Sprintf("g%d-%d", level, i), fmt.Sprintf("Group %d-%d", level, i))
			e := b.entitlement(g, "member")
			b.grant(e, ada, before...)
			here = append(here, e.GetId())
		}
		before = here
	}
	mail := b.entitlement(b.resource("app", "a1", "Mail"), "access")
	b.grant(mail, ada, before...)
	s := b.load()
	page, err := s.Access(ref(t, s, "user", "u1"), review.Query{Search: "mail"})
	if err != nil || len(page.Rows) != 1 {
		t.Fatal(page, err)
	}
	if h := page.Rows[0]; len(h.Paths) != review.MaxPaths || !h.MorePaths || len(h.Paths[0]) != levels {
		t.Errorf("%d paths, more %t", len(h.Paths), h.MorePaths)
	}
}
