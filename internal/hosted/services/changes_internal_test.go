package services

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// open serves what settings describe, with types that may be changed.
func (n *tenant) open(t *testing.T, types ...string) grpc.ClientConnInterface {
	t.Helper()
	return openWith(t, &config.Config{
		JumpCloud: config.JumpCloud{AuthMethod: config.GroupAPIKey, APIKey: secret.New(jcsim.DefaultKey), BaseURL: n.url},
		Sync:      config.Sync{Workers: 4},
		Change:    config.Change{Types: types, OnDeleteReports: "refuse", OnLastRole: "refuse"},
	})
}

func openWith(t *testing.T, cfg *config.Config) grpc.ClientConnInterface {
	t.Helper()
	cfg.Output.TempDir = t.TempDir()
	s, err := Open(Settings{
		Config: cfg,
		Tracer: noop.NewTracerProvider().Tracer(""), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, s)
}

// outsider is a group that nobody's rule fills, and a user who is not in it.
func outsider(t *testing.T, tenant *jcsim.Tenant) (group, user string) {
	t.Helper()
	for _, g := range tenant.Groups() {
		members, err := tenant.Members(g.ID)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(g.MembershipMethod, "DYNAMIC") {
			continue
		}
		for _, u := range tenant.Users() {
			if !slices.Contains(members, u.ID) {
				return g.ID, u.ID
			}
		}
	}
	t.Fatal("everybody is in every group")
	return "", ""
}

// Where event feeds are served, the platform reads them, and learns of them before.
func TestEventFeeds(t *testing.T) {
	t.Parallel()
	n := small(t)
	n.Tenant().SignIns(1, time.Now())
	conn := openWith(t, &config.Config{
		JumpCloud: config.JumpCloud{AuthMethod: config.GroupAPIKey, APIKey: secret.New(jcsim.DefaultKey), BaseURL: n.url, EventFeeds: true},
		Sync:      config.Sync{Workers: 4},
	})
	meta, err := v2.NewConnectorServiceClient(conn).GetMetadata(t.Context(), new(v2.ConnectorServiceGetMetadataRequest))
	if err != nil || !slices.Contains(meta.GetMetadata().GetCapabilities().GetConnectorCapabilities(), v2.Capability_CAPABILITY_EVENT_FEED_V2) {
		t.Errorf("capabilities %v, %v", meta.GetMetadata().GetCapabilities().GetConnectorCapabilities(), err)
	}
	events := v2.NewEventServiceClient(conn)
	feeds, err := events.ListEventFeeds(t.Context(), new(v2.ListEventFeedsRequest))
	if err != nil || len(feeds.GetList()) != 2 {
		t.Fatalf("event feeds: %v, %v", feeds, err)
	}
	for _, f := range feeds.GetList() {
		page, err := events.ListEvents(t.Context(), &v2.ListEventsRequest{EventFeedId: f.GetId(), PageSize: 10})
		usage := slices.Contains(f.GetSupportedEventTypes(), v2.EventType_EVENT_TYPE_USAGE)
		if err != nil || page.GetHasMore() != usage || len(page.GetEvents()) > 0 != usage || page.GetCursor() == "" {
			t.Errorf("%v: %v, %v", f, page, err)
		}
	}
	if _, err := events.ListEvents(t.Context(), &v2.ListEventsRequest{EventFeedId: "logins"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown feed: %v", err)
	}
}

// What the platform grants and revokes shows in JumpCloud, and is safe to repeat.
func TestGrantAndRevoke(t *testing.T) {
	t.Parallel()
	n := small(t)
	client := v2.NewGrantManagerServiceClient(n.open(t, restype.Group))
	group, user := outsider(t, n.Tenant())
	grant := connector.DirectGrant(restype.Group, group, &v2.ResourceId{ResourceType: restype.User, Resource: user})
	has := func() bool {
		members, err := n.Tenant().Members(group)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(members, user)
	}
	for _, already := range []bool{false, true} {
		answer, err := client.Grant(t.Context(), &v2.GrantManagerServiceGrantRequest{Entitlement: grant.GetEntitlement(), Principal: grant.GetPrincipal()})
		if err != nil || !has() || (len(answer.GetAnnotations()) == 1) != already {
			t.Fatalf("granted %v: %v, %v", already, answer, err)
		}
	}
	for _, already := range []bool{false, true} {
		answer, err := client.Revoke(t.Context(), &v2.GrantManagerServiceRevokeRequest{Grant: grant})
		if err != nil || has() || (len(answer.GetAnnotations()) == 1) != already {
			t.Fatalf("revoked %v: %v, %v", already, answer, err)
		}
	}
	// Other types are not changed, whoever asks.
	role := connector.DirectGrant(restype.Role, "role_help_desk", &v2.ResourceId{ResourceType: restype.User, Resource: user})
	if _, err := client.Grant(t.Context(), &v2.GrantManagerServiceGrantRequest{Entitlement: role.GetEntitlement(), Principal: role.GetPrincipal()}); status.Code(err) != codes.Unimplemented {
		t.Errorf("a role was granted: %v", err)
	}
	if err := n.AddFault(jcsim.Fault{Route: "POST /api/v2/usergroups/{id}/members", Status: 429, RetryAfter: "30"}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := client.Grant(t.Context(), &v2.GrantManagerServiceGrantRequest{Entitlement: grant.GetEntitlement(), Principal: grant.GetPrincipal()})
	if status.Code(err) != codes.Unavailable || time.Since(began) > 20*time.Second || len(status.Convert(err).Details()) != 1 {
		t.Errorf("a limited grant: %v", err)
	}
}

// An action has ended when the call has.
func TestActions(t *testing.T) {
	t.Parallel()
	n := small(t)
	client := v2.NewActionServiceClient(n.open(t, restype.User))
	listed, err := client.ListActionSchemas(t.Context(), new(v2.ListActionSchemasRequest))
	if err != nil || len(listed.GetSchemas()) == 0 {
		t.Fatalf("%v, %v", listed, err)
	}
	if schema, err := client.GetActionSchema(t.Context(), &v2.GetActionSchemaRequest{Name: "disable_user"}); err != nil || schema.GetSchema().GetName() != "disable_user" {
		t.Errorf("%v, %v", schema, err)
	}
	user := n.Tenant().Users()[3]
	args, err := structpb.NewStruct(map[string]any{"user_id": user.ID})
	if err != nil {
		t.Fatal(err)
	}
	done, err := client.InvokeAction(t.Context(), &v2.InvokeActionRequest{Name: "disable_user", Args: args})
	if err != nil || done.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
		t.Fatalf("%v, %v", done, err)
	}
	if now, err := n.Tenant().User(user.ID); err != nil || !now.Suspended {
		t.Errorf("the user is not suspended: %v", err)
	}
	told, err := client.GetActionStatus(t.Context(), &v2.GetActionStatusRequest{Id: done.GetId()})
	if err != nil || told.GetStatus() != done.GetStatus() {
		t.Errorf("%v, %v", told, err)
	}
}

// Requests that lack something, and features that this connector lacks, are refused in
// words.
func TestRefusedChanges(t *testing.T) {
	t.Parallel()
	n := small(t)
	conn := n.open(t, restype.User, restype.Group)
	ctx := t.Context()
	grants, accounts, credentials := v2.NewGrantManagerServiceClient(conn), v2.NewAccountManagerServiceClient(conn), v2.NewCredentialManagerServiceClient(conn)
	resources, deleter, actions := v2.NewResourceManagerServiceClient(conn), v2.NewResourceDeleterServiceClient(conn), v2.NewActionServiceClient(conn)
	events, tickets, assets := v2.NewEventServiceClient(conn), v2.NewTicketsServiceClient(conn), v2.NewAssetServiceClient(conn)
	long := &v2.ResourceId{ResourceType: restype.User, Resource: strings.Repeat("x", 2000)}
	for name, tc := range map[string]struct {
		call func() error
		want codes.Code
	}{
		"grant of nothing":  {func() error { _, err := grants.Grant(ctx, new(v2.GrantManagerServiceGrantRequest)); return err }, codes.InvalidArgument},
		"revoke of nothing": {func() error { _, err := grants.Revoke(ctx, new(v2.GrantManagerServiceRevokeRequest)); return err }, codes.InvalidArgument},
		"revoke of an empty grant": {func() error {
			_, err := grants.Revoke(ctx, &v2.GrantManagerServiceRevokeRequest{Grant: &v2.Grant{Entitlement: new(v2.Entitlement), Principal: &v2.Resource{Id: long}}})
			return err
		}, codes.InvalidArgument},
		"account of nothing":    {func() error { _, err := accounts.CreateAccount(ctx, new(v2.CreateAccountRequest)); return err }, codes.InvalidArgument},
		"credential of nothing": {func() error { _, err := credentials.RotateCredential(ctx, new(v2.RotateCredentialRequest)); return err }, codes.InvalidArgument},
		"credential of a long ID": {func() error {
			_, err := credentials.RotateCredential(ctx, &v2.RotateCredentialRequest{ResourceId: long})
			return err
		}, codes.InvalidArgument},
		"issued credential": {func() error { _, err := credentials.IssueCredential(ctx, new(v2.IssueCredentialRequest)); return err }, codes.Unimplemented},
		"created resource":  {func() error { _, err := resources.CreateResource(ctx, new(v2.CreateResourceRequest)); return err }, codes.Unimplemented},
		"deleted nothing":   {func() error { _, err := resources.DeleteResource(ctx, new(v2.DeleteResourceRequest)); return err }, codes.InvalidArgument},
		"deleted role": {func() error {
			_, err := deleter.DeleteResourceV2(ctx, &v2.DeleteResourceV2Request{ResourceId: resourceOf(restype.Role, "role_help_desk").GetId()})
			return err
		}, codes.Unimplemented},
		"no action":     {func() error { _, err := actions.InvokeAction(ctx, new(v2.InvokeActionRequest)); return err }, codes.NotFound},
		"no schema":     {func() error { _, err := actions.GetActionSchema(ctx, new(v2.GetActionSchemaRequest)); return err }, codes.NotFound},
		"no invocation": {func() error { _, err := actions.GetActionStatus(ctx, new(v2.GetActionStatusRequest)); return err }, codes.NotFound},
		"no feed":       {func() error { _, err := events.ListEvents(ctx, new(v2.ListEventsRequest)); return err }, codes.NotFound},
		"ticket": {func() error {
			_, err := tickets.CreateTicket(ctx, new(v2.TicketsServiceCreateTicketRequest))
			return err
		}, codes.Unimplemented},
		"a ticket": {func() error { _, err := tickets.GetTicket(ctx, new(v2.TicketsServiceGetTicketRequest)); return err }, codes.Unimplemented},
		"ticket schemas": {func() error {
			_, err := tickets.ListTicketSchemas(ctx, new(v2.TicketsServiceListTicketSchemasRequest))
			return err
		}, codes.Unimplemented},
		"ticket schema": {func() error {
			_, err := tickets.GetTicketSchema(ctx, new(v2.TicketsServiceGetTicketSchemaRequest))
			return err
		}, codes.Unimplemented},
		"many tickets": {func() error {
			_, err := tickets.BulkCreateTickets(ctx, new(v2.TicketsServiceBulkCreateTicketsRequest))
			return err
		}, codes.Unimplemented},
		"their state": {func() error {
			_, err := tickets.BulkGetTickets(ctx, new(v2.TicketsServiceBulkGetTicketsRequest))
			return err
		}, codes.Unimplemented},
		"asset": {func() error {
			stream, err := assets.GetAsset(ctx, new(v2.AssetServiceGetAssetRequest))
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}, codes.Unimplemented},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.call(); status.Code(err) != tc.want || strings.Contains(err.Error(), "not implemented") {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
	if feeds, err := events.ListEventFeeds(ctx, new(v2.ListEventFeedsRequest)); err != nil || len(feeds.GetList()) > 0 {
		t.Errorf("event feeds: %v, %v", feeds, err)
	}
	// Without anything that makes changes, none is made.
	if _, err := v2.NewGrantManagerServiceClient(n.serve(t)).Grant(ctx, &v2.GrantManagerServiceGrantRequest{
		Entitlement: &v2.Entitlement{Resource: resourceOf(restype.Group, "g")}, Principal: resourceOf(restype.User, "u"),
	}); status.Code(err) != codes.Unimplemented {
		t.Errorf("a grant: %v", err)
	}
}
