package services

import (
	"cmp"
	"fmt"
	"log/slog"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The pages of a list hold each principal once and fit the limits, however long it is. A
// list that is too long for that is refused.
func TestPagesOfGrants(t *testing.T) {
	t.Parallel()
	group := &v2.Resource{Id: &v2.ResourceId{ResourceType: restype.Group, Resource: "63b296666a6373696d000171"}, DisplayName: "Everybody", Annotations: connector.Annotations(&v2.GroupTrait{})}
	lists := connector.HoldersOf(group)
	for _, tc := range []struct {
		rows, bytes int
		size        int // of a page, as the platform asks for
		fails       bool
	}{
		{rows: 0, bytes: maxPageBytes},
		{rows: 1, bytes: maxPageBytes},
		{rows: maxPageRows, bytes: maxPageBytes},
		{rows: maxPageRows + 1, bytes: maxPageBytes},
		{rows: 7000, bytes: 130_000}, // The tokens leave room for few grants, and pages are split.
		{rows: 3000, bytes: maxPageBytes, size: 1},
		{rows: 90, bytes: maxPageBytes, size: 40},
		{rows: 200_000, bytes: maxPageBytes},
		{rows: 240_000, bytes: maxPageBytes, fails: true},
	} {
		t.Run(fmt.Sprintf("%d rows in %d bytes by %d", tc.rows, tc.bytes, tc.size), func(t *testing.T) {
			t.Parallel()
			s := New(Options{Logger: slog.New(slog.DiscardHandler)})
			s.pageBytes = tc.bytes
			l := grantList{
				Services: s, lists: lists, resource: group, place: place{list: "grants", of: refOf(group.GetId())},
				rows: cmp.Or(tc.size, maxPageRows), dir: view{new(directory), &snapshot{types: map[string]*resources{}}},
			}
			all := make([]holder, tc.rows)
			for i := range all {
				all[i].Ref = syncer.Ref{Type: restype.User, ID: fmt.Sprintf("63b296666a6373696d%06x", i)}
			}
			page, err := l.first(all)
			if tc.fails {
				if fault.Code(err) != codes.ResourceExhausted {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			take := func(page *v2.GrantsServiceListGrantsResponse) {
				if size := proto.Size(page); size > tc.bytes+5000 {
					t.Errorf("a page of %d bytes", size)
				}
				if len(page.GetList()) > l.rows {
					t.Errorf("a page of %d rows", len(page.GetList()))
				}
				for _, g := range page.GetList() {
					if seen[g.GetId()] {
						t.Fatalf("%s comes twice", g.GetId())
					}
					seen[g.GetId()] = true
				}
			}
			take(page)
			further := new(v2.EnqueuePageTokens)
			for _, a := range page.GetAnnotations() {
				if err := a.UnmarshalTo(further); err != nil {
					t.Fatal(err)
				}
			}
			for _, token := range further.GetPageTokens() {
				for token != "" {
					next, err := l.rest(token)
					if err != nil {
						t.Fatal(err)
					}
					if next.GetNextPageToken() == token || len(next.GetList()) == 0 {
						t.Fatal("the list does not go on")
					}
					take(next)
					token = next.GetNextPageToken()
				}
			}
			if len(seen) != tc.rows {
				t.Errorf("%d grants, want %d", len(seen), tc.rows)
			}
		})
	}
}
