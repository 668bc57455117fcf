package connector

import (
	"context"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// allSwitches are the options that have further types read.
func allSwitches() []string {
	var names []string
	for _, s := range restype.Switches() {
		names = append(names, s.Name)
	}
	return names
}

// fullDirectories are directories of each kind that somebody can be bound to.
func fullDirectories() []jumpcloud.Directory {
	return []jumpcloud.Directory{
		{ID: "68a000000000000000000041", Name: "Google Workspace", Type: jumpcloud.TypeGSuite, Domain: "example.com"},
		{ID: "68a000000000000000000042", Name: "Microsoft 365", Type: jumpcloud.TypeOffice365},
		{ID: "68a000000000000000000043", Name: "JumpCloud LDAP", Type: jumpcloud.TypeLDAPServer},
		{ID: "68a000000000000000000044", Name: "", Type: jumpcloud.TypeActiveDirectory, Domain: "DC=example;DC=com"},
	}
}

func fullRADIUSServer() *jumpcloud.RADIUSServer {
	return &jumpcloud.RADIUSServer{
		ID: "69a000000000000000000051", Name: "Office Wi-Fi", NetworkSourceIP: "192.0.2.7", MFA: "REQUIRED", AuthIDP: "JUMPCLOUD",
		LockoutAction: "REMOVE", ExpirationAction: "MAINTAIN",
	}
}

// Each kind of directory has its own list of bindings; nobody can be bound to one that only
// sends people to JumpCloud, and one of an unknown kind is a doubt.
func TestDirectoryKinds(t *testing.T) {
	t.Parallel()
	page := new(syncer.Page)
	odd := []jumpcloud.Directory{{ID: "d5", Name: "HR", Type: workday}, {ID: "d6", Name: "Next", Type: "okta"}}
	if err := new(Source).fillDirectories(page, kind{}, append(fullDirectories(), odd...)); err != nil {
		t.Fatal(err)
	}
	if len(page.Resources) != 6 || len(page.Entitlements) != 4 || len(page.Lists) != 4 {
		t.Fatalf("%d resources, %d entitlements, %d lists", len(page.Resources), len(page.Entitlements), len(page.Lists))
	}
	seen := map[string]bool{}
	for _, l := range page.Lists {
		seen[l.Kind] = true
	}
	if len(seen) != 4 {
		t.Errorf("lists %v", page.Lists)
	}
	if len(page.Facts) != 1 || page.Facts[0].Kind != string(doubtDirectory) {
		t.Errorf("facts %v", page.Facts)
	}
	for i, name := range []string{"Google Workspace", "Microsoft 365", "JumpCloud LDAP", "Active Directory", "HR", "Next"} {
		if got := page.Resources[i].GetDisplayName(); got != name {
			t.Errorf("directory %d is called %q", i, got)
		}
	}
	for _, r := range page.Resources[4:] {
		if EntitlementsOf(r) != nil || HoldersOf(r) != nil {
			t.Errorf("%s can be granted", r.GetDisplayName())
		}
	}
}

// A directory that is no more is told from one whose list fails.
func TestDirectoriesAreSwitched(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		s := new(Source)
		if on {
			s.options.Switches = []string{restype.SyncDirectories}
		}
		page, err := s.Start(context.Background(), syncer.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		lists := map[string]bool{}
		for _, l := range page.Lists {
			lists[l.Kind] = true
		}
		if lists["directories"] != on || lists["radius-servers"] != on || len(s.ResourceTypes()) != map[bool]int{false: 4, true: 6}[on] {
			t.Errorf("switched %v: lists %v, %d types", on, page.Lists, len(s.ResourceTypes()))
		}
		_, err = s.Start(context.Background(), syncer.Scope{Targets: []*v2.ResourceId{resourceID(restype.Directory, "d1")}})
		if (err == nil) != on {
			t.Errorf("switched %v: a target: %v", on, err)
		}
	}
}
