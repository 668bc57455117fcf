package tasks_test

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// fake gives every call the same answer and keeps what it was asked.
type fake struct {
	answers []proto.Message // one a call; the last one again and again
	err     error
	panics  any
	asked   []proto.Message
}

var _ tasks.Connector = (*fake)(nil)

func reply[A proto.Message](f *fake, req proto.Message) (A, error) {
	var none A
	f.asked = append(f.asked, proto.Clone(req))
	if f.panics != nil {
		panic(f.panics)
	}
	if f.err != nil {
		return none, f.err
	}
	answer := f.answers[min(len(f.asked), len(f.answers))-1]
	return proto.Clone(answer).(A), nil
}

func (f *fake) Grant(_ context.Context, r *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
	return reply[*v2.GrantManagerServiceGrantResponse](f, r)
}

func (f *fake) Revoke(_ context.Context, r *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error) {
	return reply[*v2.GrantManagerServiceRevokeResponse](f, r)
}

func (f *fake) CreateAccount(_ context.Context, r *v2.CreateAccountRequest) (*v2.CreateAccountResponse, error) {
	return reply[*v2.CreateAccountResponse](f, r)
}

func (f *fake) CreateResource(_ context.Context, r *v2.CreateResourceRequest) (*v2.CreateResourceResponse, error) {
	return reply[*v2.CreateResourceResponse](f, r)
}

func (f *fake) DeleteResource(_ context.Context, r *v2.DeleteResourceRequest) (*v2.DeleteResourceResponse, error) {
	return reply[*v2.DeleteResourceResponse](f, r)
}

func (f *fake) RotateCredential(_ context.Context, r *v2.RotateCredentialRequest) (*v2.RotateCredentialResponse, error) {
	return reply[*v2.RotateCredentialResponse](f, r)
}

func (f *fake) IssueCredential(_ context.Context, r *v2.IssueCredentialRequest) (*v2.IssueCredentialResponse, error) {
	return reply[*v2.IssueCredentialResponse](f, r)
}

func (f *fake) CreateTicket(_ context.Context, r *v2.TicketsServiceCreateTicketRequest) (*v2.TicketsServiceCreateTicketResponse, error) {
	return reply[*v2.TicketsServiceCreateTicketResponse](f, r)
}

func (f *fake) GetTicket(_ context.Context, r *v2.TicketsServiceGetTicketRequest) (*v2.TicketsServiceGetTicketResponse, error) {
	return reply[*v2.TicketsServiceGetTicketResponse](f, r)
}

func (f *fake) BulkCreateTickets(_ context.Context, r *v2.TicketsServiceBulkCreateTicketsRequest) (*v2.TicketsServiceBulkCreateTicketsResponse, error) {
	return reply[*v2.TicketsServiceBulkCreateTicketsResponse](f, r)
}

func (f *fake) BulkGetTickets(_ context.Context, r *v2.TicketsServiceBulkGetTicketsRequest) (*v2.TicketsServiceBulkGetTicketsResponse, error) {
	return reply[*v2.TicketsServiceBulkGetTicketsResponse](f, r)
}

func (f *fake) ListTicketSchemas(_ context.Context, r *v2.TicketsServiceListTicketSchemasRequest) (*v2.TicketsServiceListTicketSchemasResponse, error) {
	return reply[*v2.TicketsServiceListTicketSchemasResponse](f, r)
}

func (f *fake) ListActionSchemas(_ context.Context, r *v2.ListActionSchemasRequest) (*v2.ListActionSchemasResponse, error) {
	return reply[*v2.ListActionSchemasResponse](f, r)
}

func (f *fake) GetActionSchema(_ context.Context, r *v2.GetActionSchemaRequest) (*v2.GetActionSchemaResponse, error) {
	return reply[*v2.GetActionSchemaResponse](f, r)
}

func (f *fake) InvokeAction(_ context.Context, r *v2.InvokeActionRequest) (*v2.InvokeActionResponse, error) {
	return reply[*v2.InvokeActionResponse](f, r)
}

func (f *fake) GetActionStatus(_ context.Context, r *v2.GetActionStatusRequest) (*v2.GetActionStatusResponse, error) {
	return reply[*v2.GetActionStatusResponse](f, r)
}

func (f *fake) ListEventFeeds(_ context.Context, r *v2.ListEventFeedsRequest) (*v2.ListEventFeedsResponse, error) {
	return reply[*v2.ListEventFeedsResponse](f, r)
}

func (f *fake) ListEvents(_ context.Context, r *v2.ListEventsRequest) (*v2.ListEventsResponse, error) {
	return reply[*v2.ListEventsResponse](f, r)
}
