package tasks

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Connector is what tasks ask of a connector. All methods are safe for concurrent
// use and return soon after their context ends. An error carries a gRPC status;
// code, message and details reach ConductorOne, and an error without one is
// Unknown. A connector that lacks a feature embeds [Unserved].
type Connector interface {
	// Grant gives the entitlement to the principal, both with everything that
	// ConductorOne knows of them. A RequestId annotation names the task. That the
	// grant was there already is a GrantAlreadyExists annotation, not an error.
	Grant(context.Context, *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error)
	// Revoke takes a grant away. Entitlement and principal say which; the grant's id
	// may be a placeholder. A RequestId annotation names the task. That it was gone
	// already is a GrantAlreadyRevoked annotation, not an error.
	Revoke(context.Context, *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error)

	CreateAccount(context.Context, *v2.CreateAccountRequest) (*v2.CreateAccountResponse, error)
	CreateResource(context.Context, *v2.CreateResourceRequest) (*v2.CreateResourceResponse, error)
	DeleteResource(context.Context, *v2.DeleteResourceRequest) (*v2.DeleteResourceResponse, error)
	RotateCredential(context.Context, *v2.RotateCredentialRequest) (*v2.RotateCredentialResponse, error)
	IssueCredential(context.Context, *v2.IssueCredentialRequest) (*v2.IssueCredentialResponse, error)

	CreateTicket(context.Context, *v2.TicketsServiceCreateTicketRequest) (*v2.TicketsServiceCreateTicketResponse, error)
	GetTicket(context.Context, *v2.TicketsServiceGetTicketRequest) (*v2.TicketsServiceGetTicketResponse, error)
	BulkCreateTickets(context.Context, *v2.TicketsServiceBulkCreateTicketsRequest) (*v2.TicketsServiceBulkCreateTicketsResponse, error)
	BulkGetTickets(context.Context, *v2.TicketsServiceBulkGetTicketsRequest) (*v2.TicketsServiceBulkGetTicketsResponse, error)
	ListTicketSchemas(context.Context, *v2.TicketsServiceListTicketSchemasRequest) (*v2.TicketsServiceListTicketSchemasResponse, error)

	ListActionSchemas(context.Context, *v2.ListActionSchemasRequest) (*v2.ListActionSchemasResponse, error)
	GetActionSchema(context.Context, *v2.GetActionSchemaRequest) (*v2.GetActionSchemaResponse, error)
	InvokeAction(context.Context, *v2.InvokeActionRequest) (*v2.InvokeActionResponse, error)
	GetActionStatus(context.Context, *v2.GetActionStatusRequest) (*v2.GetActionStatusResponse, error)

	ListEventFeeds(context.Context, *v2.ListEventFeedsRequest) (*v2.ListEventFeedsResponse, error)
	ListEvents(context.Context, *v2.ListEventsRequest) (*v2.ListEventsResponse, error)
}

// Unserved answers every call as a connector without the feature does: lists are
// empty, what is asked for by name is NotFound, and the rest is Unimplemented.
type Unserved struct{}

var _ Connector = Unserved{}

// Grant is Unimplemented.
func (Unserved) Grant(_ context.Context, req *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
	return nil, noProvisioner(req.GetEntitlement())
}

// Revoke is Unimplemented.
func (Unserved) Revoke(_ context.Context, req *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error) {
	return nil, noProvisioner(req.GetGrant().GetEntitlement())
}

func noProvisioner(e *v2.Entitlement) error {
	return status.Errorf(codes.Unimplemented, "resource type %s does not have provisioner configured", e.GetResource().GetId().GetResourceType())
}

// CreateAccount is Unimplemented.
func (Unserved) CreateAccount(context.Context, *v2.CreateAccountRequest) (*v2.CreateAccountResponse, error) {
	return nil, unserved("create accounts")
}

// CreateResource is Unimplemented.
func (Unserved) CreateResource(context.Context, *v2.CreateResourceRequest) (*v2.CreateResourceResponse, error) {
	return nil, unserved("create resources")
}

// DeleteResource is Unimplemented.
func (Unserved) DeleteResource(context.Context, *v2.DeleteResourceRequest) (*v2.DeleteResourceResponse, error) {
	return nil, unserved("delete resources")
}

// RotateCredential is Unimplemented.
func (Unserved) RotateCredential(context.Context, *v2.RotateCredentialRequest) (*v2.RotateCredentialResponse, error) {
	return nil, unserved("rotate credentials")
}

// IssueCredential is Unimplemented.
func (Unserved) IssueCredential(context.Context, *v2.IssueCredentialRequest) (*v2.IssueCredentialResponse, error) {
	return nil, unserved("issue credentials")
}

// CreateTicket is Unimplemented.
func (Unserved) CreateTicket(context.Context, *v2.TicketsServiceCreateTicketRequest) (*v2.TicketsServiceCreateTicketResponse, error) {
	return nil, unserved("create tickets")
}

// GetTicket is Unimplemented.
func (Unserved) GetTicket(context.Context, *v2.TicketsServiceGetTicketRequest) (*v2.TicketsServiceGetTicketResponse, error) {
	return nil, unserved("read tickets")
}

// BulkCreateTickets is Unimplemented.
func (Unserved) BulkCreateTickets(context.Context, *v2.TicketsServiceBulkCreateTicketsRequest) (*v2.TicketsServiceBulkCreateTicketsResponse, error) {
	return nil, unserved("create tickets")
}

// BulkGetTickets is Unimplemented.
func (Unserved) BulkGetTickets(context.Context, *v2.TicketsServiceBulkGetTicketsRequest) (*v2.TicketsServiceBulkGetTicketsResponse, error) {
	return nil, unserved("read tickets")
}

// ListTicketSchemas is Unimplemented.
func (Unserved) ListTicketSchemas(context.Context, *v2.TicketsServiceListTicketSchemasRequest) (*v2.TicketsServiceListTicketSchemasResponse, error) {
	return nil, unserved("list ticket schemas")
}

// ListActionSchemas lists nothing.
func (Unserved) ListActionSchemas(context.Context, *v2.ListActionSchemasRequest) (*v2.ListActionSchemasResponse, error) {
	return &v2.ListActionSchemasResponse{}, nil
}

// GetActionSchema finds nothing.
func (Unserved) GetActionSchema(_ context.Context, req *v2.GetActionSchemaRequest) (*v2.GetActionSchemaResponse, error) {
	return nil, noAction(req.GetName())
}

// InvokeAction finds nothing.
func (Unserved) InvokeAction(_ context.Context, req *v2.InvokeActionRequest) (*v2.InvokeActionResponse, error) {
	return nil, noAction(req.GetName())
}

// GetActionStatus finds nothing.
func (Unserved) GetActionStatus(_ context.Context, req *v2.GetActionStatusRequest) (*v2.GetActionStatusResponse, error) {
	return nil, status.Errorf(codes.NotFound, "unknown action invocation %q", req.GetId())
}

// ListEventFeeds lists nothing.
func (Unserved) ListEventFeeds(context.Context, *v2.ListEventFeedsRequest) (*v2.ListEventFeedsResponse, error) {
	return &v2.ListEventFeedsResponse{}, nil
}

// ListEvents finds nothing.
func (Unserved) ListEvents(_ context.Context, req *v2.ListEventsRequest) (*v2.ListEventsResponse, error) {
	return nil, status.Errorf(codes.NotFound, "this connector has no event feed %q", req.GetEventFeedId())
}

func unserved(what string) error {
	return status.Errorf(codes.Unimplemented, "unsupported: this connector does not %s", what)
}

func noAction(name string) error {
	return status.Errorf(codes.NotFound, "this connector has no action %q", name)
}
