package connector

import (
	"errors"
	"slices"
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
	if err := errors.Join(s.fillDevices(page, kind{}, []jumpcloud.Device{*fullDevice()}), s.fillDeviceGroups(page, kind{}, []jumpcloud.DeviceGroup{{ID: "dg1", Name: "Servers"}})); err != nil {
		t.Fatal(err)
	}
	lists := page.Lists
	for _, name := range []string{"help desk", "Küchen-Team"} {
		page.Resources = append(page.Resources, roleResource(&jumpcloud.Role{Name: name}))
		page.Entitlements = append(page.Entitlements, roleEntitlement(name))
	}
	page.Resources = append(page.Resources, AdministrationApp())
	page.Entitlements = append(page.Entitlements, administrationEntitlement())
	entitlements := page.Entitlements
	for _, r := range page.Resources {
		if !IsWhole(r) || IsWhole(&v2.Resource{Id: r.GetId()}) {
			t.Errorf("%s is not told from its ID", r.GetId())
		}
		alone := EntitlementsOf(r)
		if diff := cmp.Diff(entitlements[:len(alone)], alone, protocmp.Transform()); diff != "" || len(alone) == 0 {
			t.Errorf("%s (-listed +alone):\n%s", r.GetId(), diff)
		}
		entitlements = entitlements[len(alone):]
		held := HoldersOf(r)
		if len(lists) == 0 {
			if len(held) != 1 || held[0] != (syncer.List{}) {
				t.Errorf("holders of %s are in %v", r.GetId(), held)
			}
			continue
		}
		if !slices.Equal(held, lists[:len(held)]) || len(held) == 0 {
			t.Errorf("holders of %s are in %v, not %v", r.GetId(), held, lists)
		}
		lists = lists[len(held):]
	}
	user := made(t, adminResource, fullAdmin())
	if HoldersOf(user) != nil || EntitlementsOf(user) != nil || !IsWhole(user) {
		t.Error("an account can be granted")
	}
	if EntitlementsOf(nil) != nil || IsWhole(nil) {
		t.Error("nothing can be granted")
	}
}

// The grants of a list are those that its pages bring.
func TestGrantsOf(t *testing.T) {
	t.Parallel()
	edges := []jumpcloud.Connection{
		{Type: jumpcloud.TypeUser, ID: "u1"}, {Type: jumpcloud.TypeUserGroup, ID: "g1"}, {Type: jumpcloud.TypeUser, ID: "u2", Sudo: true}, {Type: jumpcloud.TypeDevice, ID: "d1"},
	}
	holders := []Holder{{ID: resourceID(restype.User, "u1")}, {ID: resourceID(restype.Group, "g1")}, {ID: resourceID(restype.User, "u2"), Sudo: true}, {ID: resourceID(restype.Device, "d1")}}
	lists := 0
	for _, m := range mappings() {
		for _, l := range m.lists {
			if l.grants == nil {
				continue
			}
			lists++
			k, owner := kind{collection: l.id}, syncer.Ref{Type: m.id, ID: "x9"}
			grants, _ := l.grants(k, owner, edges)
			got, err := GrantsOf(k.of(owner), holders)
			if diff := cmp.Diff(grants, slices.Concat(got...), protocmp.Transform()); err != nil || len(grants) == 0 || diff != "" {
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
	if _, err := GrantsOf(kind{collection: members}.of(syncer.Ref{}), []Holder{{ID: resourceID(restype.Role, "r1")}}); err == nil {
		t.Error("a role is a member")
	}
}
