package connector_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// secretTypes are the types that --sync-secrets has read.
func secretTypes() []string {
	return []string{restype.AdminAPIKey, restype.ServiceCredential, restype.SSHKey}
}

func everySwitch() []string {
	var names []string
	for _, s := range restype.Switches() {
		names = append(names, s.Name)
	}
	return names
}

// A service account or credential that is read by itself is the one of a full sync, and one
// that does not exist is remarked on.
func TestTargetsOfCredentials(t *testing.T) {
	t.Parallel()
	for _, merge := range []bool{false, true} {
		source := newSource(t, jcsim.New(jcsim.Options{Tenant: generated()}), connector.Options{Switches: everySwitch(), MergeAdmins: merge})
		full, err := readAll(t.Context(), source, syncer.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		for _, resourceType := range append(secretTypes(), restype.ServiceAccount) {
			ids := full.ids(resourceType)
			if len(ids) == 0 {
				t.Fatalf("no %s", resourceType)
			}
			for _, id := range []string{ids[0], "64c0000000000000000000ff"} {
				got, err := readAll(t.Context(), source, syncer.Scope{Targets: []*v2.ResourceId{target(resourceType, id)}})
				if err != nil {
					t.Fatalf("%s %s: %v", resourceType, id, err)
				}
				ref := syncer.Ref{Type: resourceType, ID: id}
				if diff := cmp.Diff(full.resources[ref], got.resources[ref], protoDiff()); diff != "" {
					t.Errorf("merged %t, %s (-full +partial):\n%s", merge, ref, diff)
				}
				missing := slices.ContainsFunc(got.remarks, func(s string) bool { return strings.HasPrefix(s, "no "+resourceType+" with ID") })
				if missing != (full.resources[ref] == nil) {
					t.Errorf("%s: remarks %q", ref, got.remarks)
				}
			}
		}
	}
}

// Whoever a credential names as its identity is in the archive: with administrators who were
// merged the user, and nobody where accounts are no part of the sync.
func TestIdentitiesAreInTheArchive(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options connector.Options
		types   []string
	}{
		"everything":               {options: connector.Options{Switches: everySwitch()}},
		"merged":                   {options: connector.Options{Switches: everySwitch(), MergeAdmins: true}},
		"without administrators":   {options: connector.Options{Switches: everySwitch(), SkipAdmins: true}},
		"without service accounts": {options: connector.Options{Switches: []string{restype.SyncSecrets}}},
		"credentials only":         {options: connector.Options{Switches: everySwitch()}, types: secretTypes()},
	} {
		read, err := readAll(t.Context(), newSource(t, jcsim.New(jcsim.Options{Tenant: generated()}), tt.options), syncer.Scope{ResourceTypes: tt.types})
		if err != nil {
			t.Fatal(err)
		}
		keys := 0
		for _, resourceType := range secretTypes() {
			for _, id := range read.ids(resourceType) {
				keys++
				r := read.resources[syncer.Ref{Type: resourceType, ID: id}]
				trait := new(v2.SecretTrait)
				if err := r.GetAnnotations()[0].UnmarshalTo(trait); err != nil {
					t.Fatal(err)
				}
				owner := trait.GetIdentityId()
				if owner != nil && read.resources[refOf(owner)] == nil {
					t.Errorf("%s: %s of %v, which is not there", name, resourceType, owner)
				}
				if r.GetProfile().GetFields()["owner_id"].GetStringValue() == "" {
					t.Errorf("%s: %s without an owner", name, resourceType)
				}
				if owner == nil && tt.types == nil && resourceType != restype.ServiceCredential {
					t.Errorf("%s: %s without an identity", name, resourceType)
				}
			}
		}
		if keys == 0 {
			t.Errorf("%s: no credentials", name)
		}
	}
}

// A list that is read for its credentials only fails a sync that may not read it, and names
// the permission and the option; where the organization does not have it, the summary says so.
func TestDeniedCredentials(t *testing.T) {
	t.Parallel()
	for resourceType, routes := range map[string][]string{
		restype.AdminAPIKey:       {"GET /api/users"},
		restype.ServiceCredential: {"GET /api/v2/service-accounts"},
		restype.SSHKey:            {"POST /api/search/systemusers", "GET /api/systemusers"},
	} {
		for status, fails := range map[int]bool{401: true, 403: true, 402: false, 404: false, 501: false} {
			var faults []jcsim.Fault
			for _, r := range routes {
				faults = append(faults, jcsim.Fault{Route: r, Status: status})
			}
			sim := jcsim.New(jcsim.Options{Tenant: generated(), Settings: jcsim.Settings{Faults: faults}})
			source := newSource(t, sim, connector.Options{Switches: []string{restype.SyncSecrets}})
			read, err := readAll(t.Context(), source, syncer.Scope{ResourceTypes: []string{resourceType}})
			row, _ := restype.Find(resourceType)
			switch {
			case fails && (err == nil || !strings.Contains(err.Error(), row.Read[0]) || !strings.Contains(err.Error(), "--sync-secrets")):
				t.Errorf("%s %d: %v", resourceType, status, err)
			case !fails && (err != nil || !slices.ContainsFunc(read.remarks, func(s string) bool { return strings.Contains(s, row.Plural) })):
				t.Errorf("%s %d: %v, %v", resourceType, status, err, read)
			}
		}
	}
}
