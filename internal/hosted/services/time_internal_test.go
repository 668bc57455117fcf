package services

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// A list that takes longer than a call goes on with the next call of the same process, and
// no page of it is read twice.
func TestReadingGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := jcsim.Generate(5, jcsim.Size{Users: 1500, Groups: 3, Apps: 2, Admins: 5, Dangling: -1})
		sim := jcsim.New(jcsim.Options{Tenant: tenant, Settings: jcsim.Settings{Latency: time.Second}})
		client, err := jumpcloud.New(jumpcloud.Config{
			BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New(jcsim.DefaultKey), UserAgent: "test",
			Transport: sim.RoundTripper(), MaxInFlight: 2, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		s := New(Options{
			Client: client, Source: connector.Options{Logger: slog.New(slog.DiscardHandler)},
			Workers: 2, TempDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		})
		within := func(call func(ctx context.Context) error) (calls int) {
			for calls = 1; calls < 50; calls++ {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				err := call(ctx)
				ended := ctx.Err()
				cancel()
				if err == nil {
					return calls
				}
				if code := status.Code(err); code != codes.Unavailable || ended != nil {
					t.Fatalf("call %d: %v (%v)", calls, err, ended)
				}
			}
			return calls
		}
		var groups []*v2.Resource
		directory := within(func(ctx context.Context) error {
			answer, err := s.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "group", ActiveSyncId: "s"})
			groups = answer.GetList()
			return err
		})
		before := sim.Requests().Requests
		var longest *v2.Resource
		for _, g := range groups {
			members, err := tenant.Members(g.GetId().GetResource())
			if err != nil {
				t.Fatal(err)
			}
			if len(members) == 1500 {
				longest = g
			}
		}
		var grants int
		members := within(func(ctx context.Context) error {
			answer, err := s.ListGrants(ctx, &v2.GrantsServiceListGrantsRequest{Resource: longest, ActiveSyncId: "s"})
			grants = len(answer.GetList())
			return err
		})
		// The pages that are under way when a call's time ends are read again.
		sent := sim.Requests().Requests - before
		if directory < 2 || members < 3 || grants != 1500 || sent > 16+2*members {
			t.Errorf("directory %d calls, members %d calls, %d grants, %d requests", directory, members, grants, sent)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
