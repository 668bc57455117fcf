package services

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// changes serves what changes access, and what this connector does not have. Whether a
// type may be changed is decided by what makes the changes.
type changes struct {
	v2.UnimplementedGrantManagerServiceServer
	v2.UnimplementedAccountManagerServiceServer
	v2.UnimplementedCredentialManagerServiceServer
	v2.UnimplementedResourceManagerServiceServer
	v2.UnimplementedResourceDeleterServiceServer
	v2.UnimplementedActionServiceServer
	v2.UnimplementedEventServiceServer
	v2.UnimplementedTicketsServiceServer
	v2.UnimplementedAssetServiceServer

	s    *Services
	made tasks.Connector
}

// register registers the services.
func (c changes) register(r grpc.ServiceRegistrar) {
	v2.RegisterGrantManagerServiceServer(r, c)
	v2.RegisterAccountManagerServiceServer(r, c)
	v2.RegisterCredentialManagerServiceServer(r, c)
	v2.RegisterResourceManagerServiceServer(r, c)
	v2.RegisterResourceDeleterServiceServer(r, c)
	v2.RegisterActionServiceServer(r, c)
	v2.RegisterEventServiceServer(r, c)
	v2.RegisterTicketsServiceServer(r, c)
	v2.RegisterAssetServiceServer(r, c)
}

// answer makes a call whose request is complete.
func answer[Q, A any](ctx context.Context, s *Services, wrong error, call func(context.Context, Q) (A, error), req Q) (A, error) {
	var none A
	if wrong != nil {
		return none, s.refused(wrong)
	}
	a, err := call(ctx, req)
	if err != nil {
		return none, s.refused(err)
	}
	return a, nil
}

// needs checks the ids of a request.
func needs(what string, ids ...*v2.ResourceId) error {
	for _, id := range ids {
		switch n := max(len(id.GetResourceType()), len(id.GetResource())); {
		case id.GetResourceType() == "" || id.GetResource() == "":
			return fault.Invalid("missing %s", what)
		case n > connector.MaxID:
			return fault.Invalid("invalid ID of %s: %d bytes, more than %d", what, n, connector.MaxID)
		}
	}
	return nil
}

// asks is what is wrong with a call that sends requests to JumpCloud.
func (c changes) asks(wrong error) error {
	if wrong != nil {
		return wrong
	}
	return c.s.rested()
}

// Grant gives a principal an entitlement.
func (c changes) Grant(ctx context.Context, req *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
	wrong := needs("entitlement or principal", req.GetEntitlement().GetResource().GetId(), req.GetPrincipal().GetId())
	return answer(ctx, c.s, c.asks(wrong), c.made.Grant, req)
}

// Revoke takes an entitlement from a principal.
func (c changes) Revoke(ctx context.Context, req *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error) {
	wrong := needs("entitlement or principal of the grant", req.GetGrant().GetEntitlement().GetResource().GetId(), req.GetGrant().GetPrincipal().GetId())
	return answer(ctx, c.s, c.asks(wrong), c.made.Revoke, req)
}

// CreateAccount creates an account.
func (c changes) CreateAccount(ctx context.Context, req *v2.CreateAccountRequest) (*v2.CreateAccountResponse, error) {
	var wrong error
	if req.GetAccountInfo() == nil {
		wrong = fault.Invalid("missing account info")
	}
	return answer(ctx, c.s, c.asks(wrong), c.made.CreateAccount, req)
}

// RotateCredential gives an account a new password.
func (c changes) RotateCredential(ctx context.Context, req *v2.RotateCredentialRequest) (*v2.RotateCredentialResponse, error) {
	return answer(ctx, c.s, c.asks(needs("resource", req.GetResourceId())), c.made.RotateCredential, req)
}

// IssueCredential is unsupported.
func (c changes) IssueCredential(ctx context.Context, req *v2.IssueCredentialRequest) (*v2.IssueCredentialResponse, error) {
	return answer(ctx, c.s, nil, c.made.IssueCredential, req)
}

// CreateResource is unsupported.
func (c changes) CreateResource(ctx context.Context, req *v2.CreateResourceRequest) (*v2.CreateResourceResponse, error) {
	return answer(ctx, c.s, nil, c.made.CreateResource, req)
}

// DeleteResource deletes an account or a group.
func (c changes) DeleteResource(ctx context.Context, req *v2.DeleteResourceRequest) (*v2.DeleteResourceResponse, error) {
	return answer(ctx, c.s, c.asks(needs("resource", req.GetResourceId())), c.made.DeleteResource, req)
}

// DeleteResourceV2 deletes an account or a group.
func (c changes) DeleteResourceV2(ctx context.Context, req *v2.DeleteResourceV2Request) (*v2.DeleteResourceV2Response, error) {
	a, err := c.DeleteResource(ctx, &v2.DeleteResourceRequest{ResourceId: req.GetResourceId(), ParentResourceId: req.GetParentResourceId()})
	if err != nil {
		return nil, err
	}
	return &v2.DeleteResourceV2Response{Annotations: a.GetAnnotations()}, nil
}

// ListActionSchemas lists the actions.
func (c changes) ListActionSchemas(ctx context.Context, req *v2.ListActionSchemasRequest) (*v2.ListActionSchemasResponse, error) {
	return answer(ctx, c.s, nil, c.made.ListActionSchemas, req)
}

// GetActionSchema describes an action.
func (c changes) GetActionSchema(ctx context.Context, req *v2.GetActionSchemaRequest) (*v2.GetActionSchemaResponse, error) {
	return answer(ctx, c.s, nil, c.made.GetActionSchema, req)
}

// InvokeAction runs an action to its end. A process of which only one call at a time is
// awake could not finish it later.
func (c changes) InvokeAction(ctx context.Context, req *v2.InvokeActionRequest) (*v2.InvokeActionResponse, error) {
	return answer(ctx, c.s, c.asks(nil), c.made.InvokeAction, req)
}

// GetActionStatus tells how an action ended that this process ran.
func (c changes) GetActionStatus(ctx context.Context, req *v2.GetActionStatusRequest) (*v2.GetActionStatusResponse, error) {
	return answer(ctx, c.s, nil, c.made.GetActionStatus, req)
}

// ListEventFeeds lists the event feeds.
func (c changes) ListEventFeeds(ctx context.Context, req *v2.ListEventFeedsRequest) (*v2.ListEventFeedsResponse, error) {
	return answer(ctx, c.s, nil, c.made.ListEventFeeds, req)
}

// ListEvents reads a page of a feed.
func (c changes) ListEvents(ctx context.Context, req *v2.ListEventsRequest) (*v2.ListEventsResponse, error) {
	return answer(ctx, c.s, nil, c.made.ListEvents, req)
}

// CreateTicket is unsupported.
func (c changes) CreateTicket(ctx context.Context, req *v2.TicketsServiceCreateTicketRequest) (*v2.TicketsServiceCreateTicketResponse, error) {
	return answer(ctx, c.s, nil, c.made.CreateTicket, req)
}

// GetTicket is unsupported.
func (c changes) GetTicket(ctx context.Context, req *v2.TicketsServiceGetTicketRequest) (*v2.TicketsServiceGetTicketResponse, error) {
	return answer(ctx, c.s, nil, c.made.GetTicket, req)
}

// ListTicketSchemas is unsupported.
func (c changes) ListTicketSchemas(ctx context.Context, req *v2.TicketsServiceListTicketSchemasRequest) (*v2.TicketsServiceListTicketSchemasResponse, error) {
	return answer(ctx, c.s, nil, c.made.ListTicketSchemas, req)
}

// GetTicketSchema is unsupported.
func (c changes) GetTicketSchema(ctx context.Context, _ *v2.TicketsServiceGetTicketSchemaRequest) (*v2.TicketsServiceGetTicketSchemaResponse, error) {
	_, err := c.ListTicketSchemas(ctx, new(v2.TicketsServiceListTicketSchemasRequest))
	return nil, err
}

// BulkCreateTickets is unsupported.
func (c changes) BulkCreateTickets(ctx context.Context, req *v2.TicketsServiceBulkCreateTicketsRequest) (*v2.TicketsServiceBulkCreateTicketsResponse, error) {
	return answer(ctx, c.s, nil, c.made.BulkCreateTickets, req)
}

// BulkGetTickets is unsupported.
func (c changes) BulkGetTickets(ctx context.Context, req *v2.TicketsServiceBulkGetTicketsRequest) (*v2.TicketsServiceBulkGetTicketsResponse, error) {
	return answer(ctx, c.s, nil, c.made.BulkGetTickets, req)
}

// GetAsset is unsupported: logos are addresses, not files.
func (c changes) GetAsset(_ *v2.AssetServiceGetAssetRequest, _ grpc.ServerStreamingServer[v2.AssetServiceGetAssetResponse]) error {
	return c.s.refused(fault.WithCode(codes.Unimplemented, "unsupported: this connector has no assets"))
}
