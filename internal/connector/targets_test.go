package connector_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func isNotFound(err error) bool { return errors.Is(err, syncer.ErrNotFound) }

func target(resourceType, id string) *v2.ResourceId {
	return &v2.ResourceId{ResourceType: resourceType, Resource: id}
}

// The part of a full sync that a partial one is about comes out the same.
func TestTargets(t *testing.T) {
	t.Parallel()
	tenant := generated()
	server := jcsim.New(jcsim.Options{Tenant: tenant})
	source := newSource(t, server, connector.Options{})
	full, err := readAll(t.Context(), source, syncer.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	var manager *jcsim.User
	for _, u := range tenant.Users() {
		if u.Manager != "" {
			manager = u
		}
	}
	custom := ""
	for ref := range full.resources {
		if ref.Type == "role" && strings.HasPrefix(ref.ID, "role_retired_role_") {
			custom = ref.ID
		}
	}
	for _, want := range []syncer.Ref{
		{Type: "user", ID: manager.ID},
		{Type: "user", ID: tenant.Admins()[1].ID},
		{Type: "group", ID: tenant.Groups()[0].ID},
		{Type: "app", ID: tenant.Applications()[0].ID},
		{Type: "app", ID: restype.AdministrationAppID},
		{Type: "role", ID: "role_help_desk"},
		{Type: "role", ID: "role_administrator_with_billing"},
		{Type: "role", ID: custom},
	} {
		t.Run(want.String(), func(t *testing.T) {
			t.Parallel()
			got, err := readAll(t.Context(), source, syncer.Scope{Targets: []*v2.ResourceId{target(want.Type, want.ID), target(want.Type, want.ID)}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(full.resources[want], got.resources[want], protoDiff()); diff != "" {
				t.Errorf("resource (-full +partial):\n%s", diff)
			}
			id := want.Type + ":" + want.ID
			if diff := cmp.Diff(full.entitlements[id], got.entitlements[id], protoDiff()); diff != "" {
				t.Errorf("entitlement (-full +partial):\n%s", diff)
			}
			if diff := cmp.Diff(grantsOf(full, want), grantsOf(got, want)); diff != "" {
				t.Errorf("grants (-full +partial):\n%s", diff)
			}
			if len(got.grants) != len(grantsOf(got, want)) {
				t.Errorf("%d grants, of them %d of the target", len(got.grants), len(grantsOf(got, want)))
			}
		})
	}
}

func grantsOf(r *reading, ref syncer.Ref) []string {
	var ids []string
	for _, id := range r.grantIDs() {
		if refOf(r.grants[id].GetEntitlement().GetResource().GetId()) == ref {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestTargetsThatAreNotThere(t *testing.T) {
	t.Parallel()
	source := newSource(t, jcsim.New(jcsim.Options{}), connector.Options{})
	const nobody = "64b0000000000000000000ff"
	got, err := readAll(t.Context(), source, syncer.Scope{Targets: []*v2.ResourceId{
		target("user", nobody), target("group", nobody), target("app", nobody), target("role", "role_of_nobody_12345678"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.resources) != 0 || len(got.remarks) != 4 {
		t.Errorf("resources %v, remarks %q", got.resources, got.remarks)
	}
	for _, wrong := range []*v2.ResourceId{target("device", nobody), target("user", "")} {
		_, err := source.Start(t.Context(), syncer.Scope{Targets: []*v2.ResourceId{wrong}})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("target %v: %v", wrong, err)
		}
	}
}

func TestTargetsWithoutGrants(t *testing.T) {
	t.Parallel()
	tenant := generated()
	source := newSource(t, jcsim.New(jcsim.Options{Tenant: tenant}), connector.Options{})
	targets := []*v2.ResourceId{
		target("group", tenant.Groups()[0].ID), target("app", tenant.Applications()[0].ID), target("role", "role_manager"),
	}
	got, err := readAll(t.Context(), source, syncer.Scope{Targets: targets, SkipGrants: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.grants) != 0 || len(got.entitlements) != 3 || len(got.resources) != 3 {
		t.Errorf("skip grants: %d grants, %d entitlements, %d resources", len(got.grants), len(got.entitlements), len(got.resources))
	}
	got, err = readAll(t.Context(), source, syncer.Scope{Targets: targets, SkipEntitlementsAndGrants: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.grants) != 0 || len(got.entitlements) != 0 || len(got.resources) != 3 {
		t.Errorf("resources only: %d grants, %d entitlements, %d resources", len(got.grants), len(got.entitlements), len(got.resources))
	}
}
