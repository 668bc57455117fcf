package review_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// written is an access as text: "direct" or the resources on the way, then what they
// lead to.
func written(s *review.Sync, h review.Holding) []string {
	var lines []string
	for _, p := range h.Paths {
		way := "direct"
		if len(p) > 0 {
			var names []string
			for _, e := range p {
				names = append(names, s.EntitlementAt(e).Resource.Name)
			}
			way = strings.Join(names, " > ")
		}
		lines = append(lines, fmt.Sprintf("%s: %s (direct %t)", h.Entitlement.Resource.Name, way, h.Direct))
	}
	return lines
}

func TestAccessPaths(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	ada := b.User("u1", "Ada")
	staff, all, loop := b.Resource("group", "g1", "Staff"), b.Resource("group", "g2", "Everybody"), b.Resource("group", "g3", "Loop")
	app, wiki := b.Resource("app", "a1", "Mail"), b.Resource("app", "a2", "Wiki")
	ofStaff, ofAll, ofLoop := b.Entitlement(staff, "member"), b.Entitlement(all, "member"), b.Entitlement(loop, "member")
	mail, read := b.Entitlement(app, "access"), b.Entitlement(wiki, "read")
	// Staff is in Everybody, which has Mail, and so has Staff itself.
	b.Grant(ofAll, staff)
	b.Grant(mail, all)
	b.Grant(mail, staff)
	b.Grant(ofStaff, ada)
	b.Grant(ofAll, ada, ofStaff.GetId())
	b.Grant(mail, ada, ofAll.GetId(), ofStaff.GetId(), mail.GetId())
	// Loop and Everybody are in each other.
	b.Grant(ofAll, loop)
	b.Grant(ofLoop, all)
	b.Grant(ofLoop, ada, ofAll.GetId())
	// The source of this one is nowhere.
	b.Grant(read, ada, "group:gone:member")
	s := b.Load()

	page, err := s.Access(reviewtest.Ref(t, s, "user", "u1"), search.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range page.Rows {
		got = append(got, written(s, h)...)
	}
	want := []string{
		"Everybody: Staff (direct false)",
		"Loop: Staff > Everybody (direct false)",
		"Mail: direct (direct true)",
		"Mail: Staff (direct true)",
		"Mail: Staff > Everybody (direct true)",
		"Staff: direct (direct true)",
		"Wiki: group:gone:member (direct false)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if page.Total != 5 || page.All != 5 {
		t.Errorf("total %d of %d, want 5 of 5", page.Total, page.All)
	}
}
