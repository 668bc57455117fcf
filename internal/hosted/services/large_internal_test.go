package services

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// A long list is read and proven by one call. Its pages are within the limits, and are
// fetched side by side from processes that have not seen the others.
func TestManyPages(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(3, jcsim.Size{Users: 700, Groups: 2, Apps: 1, Admins: 3})
	n := newTenant(t, jcsim.Options{Tenant: tenant})
	n.pageRows, n.pageBytes = 200, 200_000
	want := n.local(t)
	local := n.Requests().Requests
	conn := n.serveInTurn(t, 2)
	got, summary := n.hosted(t, conn, 4)
	if got != want {
		t.Errorf("the archives differ: %s", firstDifference(want, got))
	}
	// The directory is read by each process; the lists of members by one.
	hosted := n.Requests().Requests - local
	if directory := 8; hosted > local+directory+3 || summary.Enqueued < 2 {
		t.Errorf("hosted takes %d requests, local %d; %d pages enqueued", hosted, local, summary.Enqueued)
	}
	// Pages of resources end where the limit does.
	client, pages, token := v2.NewResourcesServiceClient(conn), 0, ""
	var ids []string
	for {
		page, err := client.ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "user", PageToken: token, ActiveSyncId: "again"})
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(page); size > 200_100 {
			t.Errorf("a page of %d bytes", size)
		}
		for _, r := range page.GetList() {
			ids = append(ids, r.GetId().GetResource())
		}
		pages++
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if pages < 2 || !slices.IsSorted(ids) || len(slices.Compact(ids)) != 703 {
		t.Errorf("%d accounts on %d pages", len(ids), pages)
	}
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return cmp.Diff(x[i], y[i])
		}
	}
	return "length"
}

// Whoever was a member from the beginning to the end is one in the archive, whatever
// changes meanwhile.
func TestChurn(t *testing.T) {
	t.Parallel()
	tenant := jcsim.Generate(4, jcsim.Size{Users: 500, Groups: 8, Apps: 5, Admins: 110, Dangling: -1})
	n := newTenant(t, jcsim.Options{Tenant: tenant})
	stays := map[string]bool{} // grants
	for _, g := range tenant.Groups() {
		members, err := tenant.Members(g.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range members {
			stays[restype.GrantID("group", g.ID, "user", u)] = true
		}
	}
	for _, a := range tenant.Applications() {
		users, err := tenant.AppUsers(a.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			stays[restype.GrantID("app", a.ID, "user", u)] = true
		}
	}
	tenant.StartJournal()
	if err := n.Update(func(s *jcsim.Settings) { s.Churn = jcsim.Churn{Every: 4} }); err != nil {
		t.Fatal(err)
	}
	got, summary := n.hosted(t, n.serveInTurn(t, 2), 3)
	changes := 0
	for _, c := range tenant.Journal() {
		if changes++; c.Op == "add" {
			continue
		}
		switch c.Kind {
		case "member":
			delete(stays, restype.GrantID("group", c.Owner, "user", c.ID))
		case "application user":
			delete(stays, restype.GrantID("app", c.Owner, "user", c.ID))
		default:
			for id := range stays {
				if strings.Contains(id, c.ID) {
					delete(stays, id)
				}
			}
		}
	}
	missing := 0
	for id := range stays {
		if !strings.Contains(got, `"`+id+`"`) {
			missing++
		}
	}
	if missing > 0 || changes < 10 || len(stays) < 1000 {
		t.Errorf("%d of %d grants that stayed are missing after %d changes (%+v)", missing, len(stays), changes, summary)
	}
}
