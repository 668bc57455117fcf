package review_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review"
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
	b := newBuilder(t)
	ada := b.user("u1", "Ada")
	staff, all, loop := b.resource("group", "g1", "Staff"), b.resource("group", "g2", "Everybody"), b.resource("group", "g3", "Loop")
	app, wiki := b.resource("app", "a1", "Mail"), b.resource("app", "a2", "Wiki")
	ofStaff, ofAll, ofLoop := b.entitlement(staff, "member"), b.entitlement(all, "member"), b.entitlement(loop, "member")
	mail, read := b.entitlement(app, "access"), b.entitlement(wiki, "read")
	// Staff is in Everybody, which has Mail, and so has Staff itself.
	b.grant(ofAll, staff)
	b.grant(mail, all)
	b.grant(mail, staff)
	b.grant(ofStaff, ada)
	b.grant(ofAll, ada, ofStaff.GetId())
	b.grant(mail, ada, ofAll.GetId(), ofStaff.GetId(), mail.GetId())
	// Loop and Everybody are in each other.
	b.grant(ofAll, loop)
	b.grant(ofLoop, all)
	b.grant(ofLoop, ada, ofAll.GetId())
	// The source of this one is nowhere.
	b.grant(read, ada, "group:gone:member")
	s := b.load()

	page, err := s.Access(ref(t, s, "user", "u1"), review.Query{})
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
