package findings_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// TestDeviceReports has three laptops: Ada's is not encrypted, and she administers the
// organization under another account; Bo administers by his own setting what he can sign in
// to, by a group; of the third nobody knows, and nobody owns it.
func TestDeviceReports(t *testing.T) {
	t.Parallel()
	b := reviewtest.New(t)
	b.Type("device", "Device", v2.ResourceType_TRAIT_MANAGED_DEVICE)
	ada := b.User("u1", "Ada")
	root := b.User("d1", "Ada (admin)", func(_ *v2.Resource, u *v2.UserTrait) { u.Emails[0].Address = "U1@example.com" })
	bo := b.User("u2", "Bo", func(r *v2.Resource, _ *v2.UserTrait) { r.Profile = reviewtest.Profile(t, map[string]any{"sudo": true}) })
	b.Grant(b.Entitlement(b.Resource("role", "r1", "Administrator"), "member"), root)
	staff := b.Resource("group", "g1", "Staff")
	ofStaff := b.Entitlement(staff, "member")
	b.Grant(ofStaff, bo)
	b.Grant(ofStaff, ada)
	device := func(id, name, owner string, encrypted *wrapperspb.BoolValue) (user, admin *v2.Entitlement) {
		d := b.Resource("device", id, name)
		d.Profile = reviewtest.Profile(t, map[string]any{"owner_id": owner, "last_contact": "2026-11-29T09:00:00Z"})
		d.Annotations = []*anypb.Any{reviewtest.Annotation(t, &v2.ManagedDeviceTrait{IsEncrypted: encrypted, Os: &v2.DeviceOS{Name: "Ubuntu"}})}
		return b.Entitlement(d, "user"), b.Entitlement(d, "admin")
	}
	user1, admin1 := device("c1", "laptop-1", "u1", wrapperspb.Bool(false))
	user2, _ := device("c2", "laptop-2", "u2", wrapperspb.Bool(true))
	user3, _ := device("c3", "laptop-3", "gone", nil)
	b.Grant(user1, ada)
	b.Grant(admin1, ada)
	b.Grant(user2, staff).Annotations = []*anypb.Any{reviewtest.Annotation(t, &v2.GrantExpandable{EntitlementIds: []string{ofStaff.GetId()}})}
	b.Grant(user2, bo, ofStaff.GetId())
	b.Grant(user2, ada, ofStaff.GetId())
	b.Grant(user3, ada)
	s := b.Load()
	for name, want := range map[string]struct {
		rows     []string
		findings int
	}{
		findings.LocalAdmins: {[]string{
			"Ada | u1@example.com | enabled | laptop-1 | sudo of the binding | directly",
			"Bo | u2@example.com | enabled | laptop-2 | the account's own setting (sudo) | Staff",
		}, 2},
		findings.UnencryptedDevices: {[]string{
			"laptop-1 | no | Ada | u1@example.com | directly",
			"laptop-3 | unknown | Ada | u1@example.com | directly",
		}, 1},
		findings.UnownedDevices: {[]string{"laptop-3 | unknown | Ubuntu | 2026-11-29T09:00:00Z | gone | 1"}, 1},
	} {
		r, err := findings.Make(t.Context(), s, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.Page(search.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.rows, lines(page.Rows)); d != "" || r.Findings != want.findings {
			t.Errorf("%s: %d findings: %s", name, r.Findings, d)
		}
		none, err := findings.Make(t.Context(), reviewtest.Company(t).Load(), name, nil)
		if err != nil || none.Total != 0 || none.Note == "" {
			t.Errorf("%s without devices: %+v, %v", name, none, err)
		}
	}
}
