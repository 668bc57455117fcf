package connector_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// people is a small tenant: administrators linked by id, by email, and in ways
// that leave doubt.
const people = `{
  "organization": {"displayName": "Borealis"},
  "users": [
    {"username": "ana", "email": "ana@example.com", "admin": {"id": "ops@example.com"}},
    {"username": "bo", "email": "Bo@Example.com"},
    {"username": "cy", "email": "cy@example.com", "admin": {"id": "dd@example.com"}},
    {"username": "dd", "email": "dd2@example.com", "admin": {"id": "dd@example.com"}}
  ],
  "admins": [
    {"email": "ops@example.com", "roleName": "Manager"},
    {"email": "BO@example.com", "roleName": "Help Desk"},
    {"email": "dd@example.com"},
    {"email": "solo@example.com"}
  ]
}`

func TestMergeAdmins(t *testing.T) {
	t.Parallel()
	tenant, err := jcsim.Load(strings.NewReader(people))
	if err != nil {
		t.Fatal(err)
	}
	user := func(ref string) syncer.Ref {
		return syncer.Ref{Type: "user", ID: must[*jcsim.User](t)(tenant.User(ref)).ID}
	}
	admin := func(email string) syncer.Ref {
		for _, a := range tenant.Admins() {
			if a.Email == email {
				return syncer.Ref{Type: "user", ID: a.ID}
			}
		}
		t.Fatalf("no administrator %s", email)
		return syncer.Ref{}
	}
	want := map[syncer.Ref]syncer.Ref{
		admin("ops@example.com"): user("ana"),
		admin("BO@example.com"):  user("bo"),
	}
	server := jcsim.New(jcsim.Options{Tenant: tenant})
	got, err := readAll(t.Context(), newSource(t, server, connector.Options{MergeAdmins: true}), syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.aliases); diff != "" {
		t.Errorf("joined accounts (-want +got):\n%s", diff)
	}
	if len(got.remarks) != 1 || !strings.Contains(got.remarks[0], "dd@example.com") || strings.Contains(got.remarks[0], "solo") {
		t.Errorf("remarks %q", got.remarks)
	}
	apart, err := readAll(t.Context(), newSource(t, server, connector.Options{}), syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if len(apart.aliases) != 0 || len(apart.ids("user")) != 8 {
		t.Errorf("without joining: %d accounts, aliases %v", len(apart.ids("user")), apart.aliases)
	}
}

// Two addresses that look alike are those of two people, and those that mail takes to
// the same box are one, however they were typed.
func TestMergeAdminsByAddress(t *testing.T) {
	t.Parallel()
	const address = "kelvin.small@books.example"
	for _, other := range []struct {
		name, address string
		joined        bool
		remark        string // code points in it
	}{
		{name: "the same", address: address, joined: true},
		{name: "another case", address: "Kelvin.SMALL@Books.Example", joined: true},
		{name: "spaces", address: " kelvin.small@books.example ", joined: true},
		{name: "the dot of the root", address: "kelvin.small@books.example.", joined: true},
		{name: "full width in the domain", address: "kelvin.small@\uff42ooks.example", joined: true},
		{name: "Kelvin sign", address: "\u212aelvin.small@books.example", remark: "U+212A"},
		{name: "long s", address: "kelvin.\u017fmall@books.example", remark: "U+017F"},
		{name: "dotless i", address: "kelv\u0131n.small@books.example", remark: "U+0131"},
		{name: "dotted capital i", address: "KELV\u0130N.small@books.example", remark: "U+0130"},
		{name: "full width", address: "\uff4belvin.small@books.example", remark: "U+FF4B"},
		{name: "Cyrillic", address: "k\u0435lvin.small@books.example", remark: "U+0435"},
		{name: "Cyrillic in the domain", address: "kelvin.small@b\u043eoks.example", remark: "U+043E"},
		{name: "another white space", address: "kelvin.small@books.example\u00a0", remark: "U+00A0"},
		{name: "nothing to see", address: "kelvin\u200b.small@books.example", remark: "U+200B"},
		{name: "one more dot", address: "kelvin..small@books.example"},
		{name: "no dot", address: "kelvinsmall@books.example"},
		{name: "another domain", address: "kelvin.small@books.example.com"},
	} {
		t.Run(other.name, func(t *testing.T) {
			t.Parallel()
			tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
			user := must[string](t)(tenant.AddUser(jcsim.User{Username: "someone", Email: other.address}))
			admin := must[string](t)(tenant.AddAdmin(jcsim.Admin{Email: address, RoleName: "Administrator"}))
			source := newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{MergeAdmins: true})
			got, err := readAll(t.Context(), source, syncer.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			want := map[syncer.Ref]syncer.Ref{}
			if other.joined {
				want[syncer.Ref{Type: "user", ID: admin}] = syncer.Ref{Type: "user", ID: user}
			}
			if diff := cmp.Diff(want, got.aliases); diff != "" {
				t.Errorf("joined accounts (-want +got):\n%s", diff)
			}
			remarks := strings.Join(got.remarks, "\n")
			told := strings.Contains(remarks, user) && strings.Contains(remarks, admin) && strings.Contains(remarks, other.remark)
			if other.remark != "" && !told || other.remark == "" && remarks != "" {
				t.Errorf("remarks %q", remarks)
			}
		})
	}
}

// A partial sync of a role with joined accounts learns who the holders are.
func TestMergeAdminsOfATarget(t *testing.T) {
	t.Parallel()
	tenant := generated()
	source := newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{MergeAdmins: true})
	full, err := readAll(t.Context(), source, syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t.Context(), source, syncer.Scope{Targets: []*v2.ResourceId{
		target("app", restype.AdministrationAppID),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(full.aliases) == 0 {
		t.Fatal("the tenant has no administrator who is a user")
	}
	if diff := cmp.Diff(full.aliases, got.aliases); diff != "" {
		t.Errorf("joined accounts (-full +partial):\n%s", diff)
	}
	if roles := got.ids("role"); len(roles) != 0 {
		t.Errorf("the app brought roles: %v", roles)
	}
}
