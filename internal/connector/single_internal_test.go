package connector

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// made maps an object.
func made[T any](t *testing.T, mapping func(T) (*v2.Resource, error), object T) *v2.Resource {
	t.Helper()
	r, err := mapping(object)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is made of a resource alone is what a sync makes of its object.
func TestSingleResource(t *testing.T) {
	t.Parallel()
	s := new(Source)
	page := new(syncer.Page)
	for _, g := range []*jumpcloud.UserGroup{dynamicGroup(), {ID: "g2"}, {ID: "g3", Name: " Night\x00 shift ", MembershipMethod: "STATIC"}} {
		if err := s.fillGroup(page, kind{}, g); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.fillApps(page, kind{}, []jumpcloud.Application{*fullApp(), {ID: "a2"}}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.fillDirectories(page, kind{}, fullDirectories()), s.fillRADIUSServers(page, kind{}, []jumpcloud.RADIUSServer{*fullRADIUSServer()})); err != nil {
		t.Fatal(err)
	}
	lists := page.Lists
	for _, name := range []string{"help desk", "Küchen-Team"} {
		page.Resources = append(page.Resources, roleResource(&jumpcloud.Role{Name: name}))
		page.Entitlements = append(page.Entitlements, roleEntitlement(name))
	}
	page.Resources = append(page.Resources, administrationApp())
	page.Entitlements = append(page.Entitlements, administrationEntitlement())
	for i, r := range page.Resources {
		if !IsWhole(r) || IsWhole(&v2.Resource{Id: r.GetId()}) {
			t.Errorf("%s is not told from its ID", r.GetId())
		}
		if diff := cmp.Diff(page.Entitlements[i], EntitlementOf(r), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-listed +alone):\n%s", r.GetId(), diff)
		}
		list, ok := HoldersOf(r)
		if want := (syncer.List{}); !ok || i < len(lists) && list != lists[i] || i >= len(lists) && list != want {
			t.Errorf("holders of %s are in %v, %v", r.GetId(), list, ok)
		}
	}
	user := made(t, adminResource, fullAdmin())
	if _, ok := HoldersOf(user); ok || EntitlementOf(user) != nil || !IsWhole(user) {
		t.Error("an account can be granted")
	}
	if EntitlementOf(nil) != nil || IsWhole(nil) {
		t.Error("nothing can be granted")
	}
}

// The grants of a list are those that its pages bring.
func TestGrantsOf(t *testing.T) {
	t.Parallel()
	edges := []jumpcloud.Connection{{Type: jumpcloud.TypeUser, ID: "u1"}, {Type: jumpcloud.TypeUserGroup, ID: "g1"}}
	ids := []*v2.ResourceId{resourceID(restype.User, "u1"), resourceID(restype.Group, "g1")}
	lists := 0
	for _, m := range mappings() {
		for _, l := range m.lists {
			if l.grants == nil {
				continue
			}
			lists++
			k, owner := kind{collection: l.id}, syncer.Ref{Type: m.id, ID: "x9"}
			grants, _ := l.grants(k, owner, edges)
			got, err := GrantsOf(k.of(owner), ids[:len(grants)])
			if diff := cmp.Diff(grants, got, protocmp.Transform()); err != nil || len(grants) == 0 || diff != "" {
				t.Errorf("%s: %v\n%s", l.id, err, diff)
			}
		}
	}
	if lists < 8 {
		t.Errorf("only %d lists are of holders", lists)
	}
	if _, err := GrantsOf(kind{collection: users}.of(syncer.Ref{}), nil); err == nil {
		t.Error("users are holders")
	}
	if _, err := GrantsOf(kind{collection: members}.of(syncer.Ref{}), []*v2.ResourceId{resourceID(restype.Role, "r1")}); err == nil {
		t.Error("a role is a member")
	}
}
