package hostedsync_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/hostedsync"
)

// connector is a connector with groups that hold users, which can be bent.
type connector struct {
	v2.UnimplementedConnectorServiceServer
	v2.UnimplementedResourceTypesServiceServer
	v2.UnimplementedResourcesServiceServer
	v2.UnimplementedEntitlementsServiceServer
	v2.UnimplementedGrantsServiceServer

	version string
	groups  int
	// resources changes what a page of resources is, grants what a page of grants is.
	resources func(req *v2.ResourcesServiceListResourcesRequest, page *v2.ResourcesServiceListResourcesResponse) error
	grants    func(req *v2.GrantsServiceListGrantsRequest, page *v2.GrantsServiceListGrantsResponse) error

	cleaned, named atomic.Int64
}

func packed(m proto.Message) *anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		panic(err)
	}
	return a
}

func resource(resourceType, id string, trait proto.Message) *v2.Resource {
	return &v2.Resource{Id: &v2.ResourceId{ResourceType: resourceType, Resource: id}, DisplayName: id, Annotations: []*anypb.Any{packed(trait)}}
}

func (c *connector) Validate(context.Context, *v2.ConnectorServiceValidateRequest) (*v2.ConnectorServiceValidateResponse, error) {
	return &v2.ConnectorServiceValidateResponse{SdkVersion: c.version}, nil
}

func (c *connector) Cleanup(context.Context, *v2.ConnectorServiceCleanupRequest) (*v2.ConnectorServiceCleanupResponse, error) {
	c.cleaned.Add(1)
	return new(v2.ConnectorServiceCleanupResponse), nil
}

func (c *connector) ListResourceTypes(context.Context, *v2.ResourceTypesServiceListResourceTypesRequest) (*v2.ResourceTypesServiceListResourceTypesResponse, error) {
	return &v2.ResourceTypesServiceListResourceTypesResponse{List: []*v2.ResourceType{
		{Id: "group", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP}},
		{Id: "user", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}, Annotations: []*anypb.Any{packed(&v2.SkipEntitlementsAndGrants{})}},
	}}, nil
}

func (c *connector) ListResources(_ context.Context, req *v2.ResourcesServiceListResourcesRequest) (*v2.ResourcesServiceListResourcesResponse, error) {
	if req.GetActiveSyncId() != "" {
		c.named.Add(1)
	}
	page := new(v2.ResourcesServiceListResourcesResponse)
	if req.GetResourceTypeId() == "user" {
		page.List = []*v2.Resource{resource("user", "u1", &v2.UserTrait{}), resource("user", "u2", &v2.UserTrait{})}
	} else {
		for i := range c.groups {
			page.List = append(page.List, resource("group", fmt.Sprintf("g%d", i), &v2.GroupTrait{}))
		}
	}
	return page, c.resources(req, page)
}

func (c *connector) ListStaticEntitlements(context.Context, *v2.EntitlementsServiceListStaticEntitlementsRequest) (*v2.EntitlementsServiceListStaticEntitlementsResponse, error) {
	return new(v2.EntitlementsServiceListStaticEntitlementsResponse), nil
}

func (c *connector) ListEntitlements(_ context.Context, req *v2.EntitlementsServiceListEntitlementsRequest) (*v2.EntitlementsServiceListEntitlementsResponse, error) {
	return &v2.EntitlementsServiceListEntitlementsResponse{List: []*v2.Entitlement{{Id: "group:" + req.GetResource().GetId().GetResource(), Resource: req.GetResource()}}}, nil
}

func (c *connector) ListGrants(_ context.Context, req *v2.GrantsServiceListGrantsRequest) (*v2.GrantsServiceListGrantsResponse, error) {
	page := new(v2.GrantsServiceListGrantsResponse)
	return page, c.grants(req, page)
}

// grant is a grant on the resource of a request.
func grant(req *v2.GrantsServiceListGrantsRequest, user string) *v2.Grant {
	id := "group:" + req.GetResource().GetId().GetResource()
	return &v2.Grant{
		Id: id + ":" + user, Entitlement: &v2.Entitlement{Id: id, Resource: &v2.Resource{Id: req.GetResource().GetId()}},
		Principal: &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: user}},
	}
}

// sync syncs the connector.
func sync(t *testing.T, c *connector) (hostedsync.Summary, error) {
	t.Helper()
	if c.resources == nil {
		c.resources = func(*v2.ResourcesServiceListResourcesRequest, *v2.ResourcesServiceListResourcesResponse) error {
			return nil
		}
	}
	if c.grants == nil {
		c.grants = func(req *v2.GrantsServiceListGrantsRequest, page *v2.GrantsServiceListGrantsResponse) error {
			page.List = []*v2.Grant{grant(req, "u1")}
			return nil
		}
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	v2.RegisterConnectorServiceServer(server, c)
	v2.RegisterResourceTypesServiceServer(server, c)
	v2.RegisterResourcesServiceServer(server, c)
	v2.RegisterEntitlementsServiceServer(server, c)
	v2.RegisterGrantsServiceServer(server, c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Stop()
		if err := errors.Join(conn.Close(), <-served); err != nil {
			t.Error(err)
		}
	}()
	return hostedsync.Run(t.Context(), hostedsync.Options{
		Conn: conn, Path: filepath.Join(t.TempDir(), "sync.c1z"), WorkDir: t.TempDir(), Workers: 4, Logger: slog.New(slog.DiscardHandler),
	})
}

// What the public algorithm refuses is refused.
func TestConnectorsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		connector *connector
		want      string
	}{
		"the same token again": {&connector{groups: 1, resources: func(_ *v2.ResourcesServiceListResourcesRequest, page *v2.ResourcesServiceListResourcesResponse) error {
			page.NextPageToken = "next"
			return nil
		}}, "next page token unchanged"},
		"no trait": {&connector{groups: 1, resources: func(_ *v2.ResourcesServiceListResourcesRequest, page *v2.ResourcesServiceListResourcesResponse) error {
			page.List[0].Annotations = nil
			return nil
		}}, "missing expected trait"},
		"a reserved annotation": {&connector{groups: 1, resources: func(_ *v2.ResourcesServiceListResourcesRequest, page *v2.ResourcesServiceListResourcesResponse) error {
			page.List[0].Annotations = append(page.List[0].Annotations, packed(&v2.BatonID{}))
			return nil
		}}, "BatonID"},
		"an empty token": {&connector{groups: 1, grants: func(_ *v2.GrantsServiceListGrantsRequest, page *v2.GrantsServiceListGrantsResponse) error {
			page.Annotations = []*anypb.Any{packed(&v2.EnqueuePageTokens{PageTokens: []string{""}})}
			return nil
		}}, "EnqueuePageTokens"},
		"too many tokens": {&connector{groups: 1, grants: func(_ *v2.GrantsServiceListGrantsRequest, page *v2.GrantsServiceListGrantsResponse) error {
			page.Annotations = []*anypb.Any{packed(&v2.EnqueuePageTokens{PageTokens: strings.Split(strings.Repeat("x", 1025), "")})}
			return nil
		}}, "EnqueuePageTokens"},
		"a group of others": {&connector{groups: 1, grants: func(req *v2.GrantsServiceListGrantsRequest, page *v2.GrantsServiceListGrantsResponse) error {
			g := grant(req, "u1")
			g.Annotations = []*anypb.Any{packed(&v2.GrantExpandable{EntitlementIds: []string{"group:g0"}})}
			page.List = []*v2.Grant{g}
			return nil
		}}, "did not match grant principal"},
		"most lists not found": {&connector{groups: 30, grants: func(*v2.GrantsServiceListGrantsRequest, *v2.GrantsServiceListGrantsResponse) error {
			return status.Error(codes.NotFound, "gone")
		}}, "too many warnings"},
		"an error": {&connector{groups: 1, grants: func(*v2.GrantsServiceListGrantsRequest, *v2.GrantsServiceListGrantsResponse) error {
			return status.Error(codes.Aborted, "incomplete")
		}}, "incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := sync(t, tc.connector); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
			if tc.connector.cleaned.Load() > 0 {
				t.Error("a sync that failed is cleaned up after")
			}
		})
	}
}

// Enqueued pages are read, a list that is not found is left out, and a call is repeated when
// the connector says so.
func TestSync(t *testing.T) {
	t.Parallel()
	var refused atomic.Bool
	c := &connector{version: "v0.25.0", groups: 12, grants: func(req *v2.GrantsServiceListGrantsRequest, page *v2.GrantsServiceListGrantsResponse) error {
		switch {
		case req.GetResource().GetId().GetResource() == "g3":
			return status.Error(codes.NotFound, "gone")
		case req.GetPageToken() != "":
			page.List = []*v2.Grant{grant(req, req.GetPageToken())}
		case refused.CompareAndSwap(false, true):
			st, err := status.New(codes.Unavailable, "wait").WithDetails(&v2.RateLimitDescription{ResetAt: timestamppb.New(time.Now().Add(50 * time.Millisecond))})
			if err != nil {
				return err
			}
			return st.Err()
		default:
			page.List = []*v2.Grant{grant(req, "nobody")}
			page.Annotations = []*anypb.Any{packed(&v2.EnqueuePageTokens{PageTokens: []string{"u1", "u2"}})}
		}
		return nil
	}}
	s, err := sync(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if s.Grants != 33 || s.Entitlements != 12 || s.Dangling != 11 || s.Enqueued != 22 || s.Retried != 1 || len(s.Warnings) != 1 || s.Resources["group"] != 12 {
		t.Errorf("%+v", s)
	}
	if c.cleaned.Load() != 1 || c.named.Load() != 2 {
		t.Errorf("cleaned up %d times, %d calls name the sync", c.cleaned.Load(), c.named.Load())
	}
	// A kit that tells no version, or an old one, is not told the sync.
	for _, version := range []string{"", "0.25.0", "v0.4.2", "v0.4", "vx.y.z"} {
		old := &connector{version: version, groups: 1}
		if _, err := sync(t, old); err != nil || old.named.Load() != 0 {
			t.Errorf("version %q: %v, %d calls name the sync", version, err, old.named.Load())
		}
	}
}
