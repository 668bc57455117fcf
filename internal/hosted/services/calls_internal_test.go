package services

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// small is a tenant to ask single questions of.
func small(t *testing.T) *tenant {
	t.Helper()
	return newTenant(t, jcsim.Options{Tenant: jcsim.Generate(2, jcsim.Small())})
}

func resourceOf(resourceType, id string) *v2.Resource {
	return &v2.Resource{Id: &v2.ResourceId{ResourceType: resourceType, Resource: id}}
}

func annotation(t *testing.T, m proto.Message) []*anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return []*anypb.Any{a}
}

// What a request lacks is said, whatever else is in it.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	n := small(t)
	conn := n.serve(t)
	resources, getter := v2.NewResourcesServiceClient(conn), v2.NewResourceGetterServiceClient(conn)
	entitlements, grants, types := v2.NewEntitlementsServiceClient(conn), v2.NewGrantsServiceClient(conn), v2.NewResourceTypesServiceClient(conn)
	ctx := t.Context()
	long := strings.Repeat("x", 2000)
	for name, tc := range map[string]struct {
		call func() error
		want codes.Code
	}{
		"types, foreign token": {func() error {
			_, err := types.ListResourceTypes(ctx, &v2.ResourceTypesServiceListResourceTypesRequest{PageToken: "x"})
			return err
		}, codes.InvalidArgument},
		"resources of no type": {func() error {
			_, err := resources.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{})
			return err
		}, codes.NotFound},
		"resources of an unknown type": {func() error {
			_, err := resources.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "device"})
			return err
		}, codes.NotFound},
		"resources, foreign token": {func() error {
			_, err := resources.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "user", PageToken: "x"})
			return err
		}, codes.InvalidArgument},
		"resources of a long sync": {func() error {
			_, err := resources.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "user", ActiveSyncId: long})
			return err
		}, codes.InvalidArgument},
		"no resource": {func() error {
			_, err := getter.GetResource(ctx, &v2.ResourceGetterServiceGetResourceRequest{})
			return err
		}, codes.InvalidArgument},
		"a resource of an unknown type": {func() error {
			_, err := getter.GetResource(ctx, &v2.ResourceGetterServiceGetResourceRequest{ResourceId: resourceOf("device", "d").GetId()})
			return err
		}, codes.NotFound},
		"a resource that does not exist": {func() error {
			_, err := getter.GetResource(ctx, &v2.ResourceGetterServiceGetResourceRequest{ResourceId: resourceOf("group", "65a000000000000000000000").GetId()})
			return err
		}, codes.NotFound},
		"static entitlements of an unknown type": {func() error {
			_, err := entitlements.ListStaticEntitlements(ctx, &v2.EntitlementsServiceListStaticEntitlementsRequest{ResourceTypeId: "device"})
			return err
		}, codes.NotFound},
		"entitlements of nothing": {func() error {
			_, err := entitlements.ListEntitlements(ctx, &v2.EntitlementsServiceListEntitlementsRequest{})
			return err
		}, codes.InvalidArgument},
		"entitlements of a long ID": {func() error {
			_, err := entitlements.ListEntitlements(ctx, &v2.EntitlementsServiceListEntitlementsRequest{Resource: resourceOf("group", long)})
			return err
		}, codes.InvalidArgument},
		"entitlements of a type": {func() error {
			_, err := entitlements.ListEntitlements(ctx, &v2.EntitlementsServiceListEntitlementsRequest{
				Resource: resourceOf("group", "group"), Annotations: annotation(t, &v2.TypeScopedEntitlements{}),
			})
			return err
		}, codes.InvalidArgument},
		"grants on nothing": {func() error {
			_, err := grants.ListGrants(ctx, &v2.GrantsServiceListGrantsRequest{Resource: &v2.Resource{}})
			return err
		}, codes.InvalidArgument},
		"grants on a type": {func() error {
			_, err := grants.ListGrants(ctx, &v2.GrantsServiceListGrantsRequest{
				Resource: resourceOf("role", "role"), Annotations: annotation(t, &v2.TypeScopedGrants{}),
			})
			return err
		}, codes.InvalidArgument},
		"grants on a role that does not exist": {func() error {
			_, err := grants.ListGrants(ctx, &v2.GrantsServiceListGrantsRequest{Resource: resourceOf("role", "role_none")})
			return err
		}, codes.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.call()
			if got := status.Code(err); got != tc.want || strings.Contains(err.Error(), jcsim.DefaultKey) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
	// Accounts are granted to, and nothing is granted on them.
	if answer, err := grants.ListGrants(ctx, &v2.GrantsServiceListGrantsRequest{Resource: resourceOf("user", "u")}); err != nil || len(answer.GetList()) > 0 {
		t.Errorf("grants on a user: %v, %v", answer, err)
	}
	if answer, err := resources.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "user", ParentResourceId: resourceOf("group", "g").GetId()}); err != nil || len(answer.GetList()) > 0 {
		t.Errorf("users in a group: %v, %v", answer, err)
	}
}

// firstGroup is the first group of the tenant, as the platform stores it.
func firstGroup(t *testing.T, conn grpc.ClientConnInterface, sync string) *v2.Resource {
	t.Helper()
	answer, err := v2.NewResourcesServiceClient(conn).ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "group", ActiveSyncId: sync})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetList()[0]
}

// A resource that was sent by its ID alone is read, which shows whether a group is dynamic.
func TestResourceByID(t *testing.T) {
	t.Parallel()
	n := small(t)
	conn := n.serve(t)
	entitlements, grants := v2.NewEntitlementsServiceClient(conn), v2.NewGrantsServiceClient(conn)
	group := firstGroup(t, conn, "s")
	for _, r := range []*v2.Resource{group, {Id: group.GetId()}} {
		e, err := entitlements.ListEntitlements(t.Context(), &v2.EntitlementsServiceListEntitlementsRequest{Resource: r, ActiveSyncId: "s"})
		if err != nil || len(e.GetList()) != 1 || e.GetList()[0].GetDisplayName() != group.GetDisplayName()+" member" {
			t.Errorf("entitlements: %v, %v", e, err)
		}
		g, err := grants.ListGrants(t.Context(), &v2.GrantsServiceListGrantsRequest{Resource: r, ActiveSyncId: "s"})
		if err != nil || len(g.GetList()) == 0 || g.GetList()[0].GetEntitlement().GetResource().GetDisplayName() != group.GetDisplayName() {
			t.Errorf("grants: %v, %v", g, err)
		}
	}
	for _, resourceType := range []string{"user", "group", "app", "role"} {
		listed, err := v2.NewResourcesServiceClient(conn).ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: resourceType, ActiveSyncId: "s"})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range listed.GetList()[:3] {
			got, err := v2.NewResourceGetterServiceClient(conn).GetResource(t.Context(), &v2.ResourceGetterServiceGetResourceRequest{ResourceId: r.GetId()})
			if err != nil || got.GetResource().String() != r.String() {
				t.Errorf("got %v, %v\nlisted %v", got.GetResource(), err, r)
			}
		}
	}
}

// A group that was deleted is left out with a warning. A group whose list is not found
// although it exists is not: it would read as an empty one.
func TestGone(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{false, true} {
		n := small(t)
		conn := n.serve(t)
		group := firstGroup(t, conn, "s")
		want := codes.NotFound
		routes := jcsim.Routes{"/api/v2/usergroups/{id}/members", "/api/v2/usergroups/{id}"}
		if exists {
			want, routes = codes.FailedPrecondition, routes[:1]
		}
		if err := n.Update(func(s *jcsim.Settings) { s.WrongNotFound = routes }); err != nil {
			t.Fatal(err)
		}
		_, err := v2.NewGrantsServiceClient(conn).ListGrants(t.Context(), &v2.GrantsServiceListGrantsRequest{Resource: group, ActiveSyncId: "s"})
		if status.Code(err) != want {
			t.Errorf("exists %v: %v, want %v", exists, err, want)
		}
	}
}

// The platform is told how long to wait, and until then JumpCloud is left alone.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	n := small(t)
	conn := n.serve(t)
	group := firstGroup(t, conn, "s")
	if err := n.AddFault(jcsim.Fault{Route: "/api/v2/usergroups/{id}/members", Status: 429, RetryAfter: "40"}); err != nil {
		t.Fatal(err)
	}
	began, asked := time.Now(), n.Requests().Requests
	for range 3 {
		_, err := v2.NewGrantsServiceClient(conn).ListGrants(t.Context(), &v2.GrantsServiceListGrantsRequest{Resource: group, ActiveSyncId: "s"})
		var limit *v2.RateLimitDescription
		for _, d := range status.Convert(err).Details() {
			limit, _ = d.(*v2.RateLimitDescription)
		}
		if wait := limit.GetResetAt().AsTime().Sub(began); status.Code(err) != codes.Unavailable ||
			limit.GetStatus() != v2.RateLimitDescription_STATUS_OVERLIMIT || wait < 30*time.Second || wait > 50*time.Second {
			t.Errorf("%v: wait %v (%v)", err, wait, limit)
		}
	}
	if sent := n.Requests().Requests - asked; sent != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("%d requests in %v", sent, time.Since(began))
	}
}

// Validate tells a version from which on calls name their sync, and what is wrong with a key.
func TestValidate(t *testing.T) {
	t.Parallel()
	n := small(t)
	client := v2.NewConnectorServiceClient(n.serve(t))
	answer, err := client.Validate(t.Context(), new(v2.ConnectorServiceValidateRequest))
	if err != nil || answer.GetSdkVersion() != "v0.25.0" {
		t.Errorf("%v, %v", answer, err)
	}
	metadata, err := client.GetMetadata(t.Context(), new(v2.ConnectorServiceGetMetadataRequest))
	if err != nil || metadata.GetMetadata().GetCapabilities() == nil {
		t.Errorf("%v, %v", metadata, err)
	}
	if err := n.AddFault(jcsim.Fault{Route: "/api/organizations", Status: 401}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Validate(t.Context(), new(v2.ConnectorServiceValidateRequest)); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a refused key: %v", err)
	}
}

// A credential that sees no members is not taken for groups without any.
func TestNothingShown(t *testing.T) {
	t.Parallel()
	n := newTenant(t, jcsim.Options{
		Tenant:   jcsim.Generate(1, jcsim.Size{Users: 90, Groups: 6, Apps: 2, Admins: 3}),
		Settings: jcsim.Settings{Behavior: jcsim.Behavior{HideRows: map[string]int{"GET /api/v2/usergroups/{id}/members": 100, "GET /api/v2/usergroups/{id}/membership": 100}}},
	})
	conn := n.serve(t)
	groups, err := v2.NewResourcesServiceClient(conn).ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "group", ActiveSyncId: "s"})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, g := range groups.GetList() {
		answer, err := v2.NewGrantsServiceClient(conn).ListGrants(t.Context(), &v2.GrantsServiceListGrantsRequest{Resource: g, ActiveSyncId: "s"})
		switch {
		case status.Code(err) == codes.FailedPrecondition:
			refused++
		case err != nil || len(answer.GetList()) > 0:
			t.Errorf("%v, %v", answer, err)
		}
	}
	if refused < len(groups.GetList())/2 {
		t.Errorf("%d of %d groups are refused", refused, len(groups.GetList()))
	}
}
