package tasks

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// errNoTicketing has no gRPC code: neither has the original.
var errNoTicketing = errors.New("ticketing is not enabled")

// ticketed is how one ticket went. An error of the connector may be tried again;
// the annotations of the task come back either way.
func ticketed(task, answered []*anypb.Any, answer Outcome, ticket *v2.Ticket, err error) Outcome {
	switch {
	case err != nil:
		return Outcome{Err: err, Annotations: task}
	case ticket == nil:
		return Outcome{Err: status.Error(codes.Internal, "the connector returned no ticket"), Annotations: task, Final: true}
	}
	answer.Annotations = slices.Concat(answered, task)
	return answer
}

func (r *Runner) createTicket(ctx context.Context, t *pb.Task_CreateTicketTask) Outcome {
	if t.GetTicketRequest() == nil {
		return refuse(malformed("create ticket"))
	}
	if !r.Ticketing {
		return Outcome{Err: errNoTicketing, Annotations: t.GetAnnotations()}
	}
	answer, err := r.Connector.CreateTicket(ctx, createTicketRequest(t))
	return ticketed(t.GetAnnotations(), answer.GetAnnotations(), Outcome{Response: answer}, answer.GetTicket(), err)
}

func createTicketRequest(t *pb.Task_CreateTicketTask) *v2.TicketsServiceCreateTicketRequest {
	return &v2.TicketsServiceCreateTicketRequest{Request: t.GetTicketRequest(), Schema: t.GetTicketSchema(), Annotations: t.GetAnnotations()}
}

func (r *Runner) getTicket(ctx context.Context, t *pb.Task_GetTicketTask) Outcome {
	if t.GetTicketId() == "" {
		return refuse(malformed("get ticket"))
	}
	if !r.Ticketing {
		return Outcome{Err: errNoTicketing, Annotations: t.GetAnnotations()}
	}
	answer, err := r.Connector.GetTicket(ctx, &v2.TicketsServiceGetTicketRequest{Id: t.GetTicketId(), Annotations: t.GetAnnotations()})
	return ticketed(t.GetAnnotations(), answer.GetAnnotations(), Outcome{Response: answer}, answer.GetTicket(), err)
}

func (r *Runner) bulkCreateTickets(ctx context.Context, t *pb.Task_BulkCreateTicketsTask) Outcome {
	asked := len(t.GetTicketRequests())
	if asked == 0 {
		return refuse(malformed("bulk create tickets"))
	}
	if !r.Ticketing {
		return fail(errNoTicketing)
	}
	req := &v2.TicketsServiceBulkCreateTicketsRequest{}
	for _, one := range t.GetTicketRequests() {
		req.TicketRequests = append(req.TicketRequests, createTicketRequest(one))
	}
	answer, err := r.Connector.BulkCreateTickets(ctx, req)
	if err != nil {
		return fail(err)
	}
	if got := len(answer.GetTickets()); got != asked {
		return refuse(countMismatch(asked, got))
	}
	return Outcome{Response: answer}
}

func (r *Runner) bulkGetTickets(ctx context.Context, t *pb.Task_BulkGetTicketsTask) Outcome {
	asked := len(t.GetTicketRequests())
	if asked == 0 {
		return refuse(malformed("bulk get tickets"))
	}
	if !r.Ticketing {
		return fail(errNoTicketing)
	}
	req := &v2.TicketsServiceBulkGetTicketsRequest{}
	for _, one := range t.GetTicketRequests() {
		req.TicketRequests = append(req.TicketRequests, &v2.TicketsServiceGetTicketRequest{Id: one.GetTicketId(), Annotations: one.GetAnnotations()})
	}
	answer, err := r.Connector.BulkGetTickets(ctx, req)
	if err != nil {
		return fail(err)
	}
	if got := len(answer.GetTickets()); got != asked {
		return refuse(countMismatch(asked, got))
	}
	return Outcome{Response: answer}
}

func countMismatch(asked, got int) error {
	return status.Errorf(codes.Internal, "the connector returned %d tickets instead of %d", got, asked)
}

func (r *Runner) listTicketSchemas(ctx context.Context, t *pb.Task_ListTicketSchemasTask) Outcome {
	if !r.Ticketing {
		return fail(errNoTicketing)
	}
	all := &v2.TicketsServiceListTicketSchemasResponse{}
	for token, more := "", true; more && len(all.GetList()) < maxTicketed; more = token != "" {
		page, err := r.Connector.ListTicketSchemas(ctx, &v2.TicketsServiceListTicketSchemasRequest{PageToken: token, Annotations: t.GetAnnotations()})
		if err != nil {
			return fail(err)
		}
		if page.GetNextPageToken() == token && token != "" {
			return fail(status.Error(codes.Internal, "the connector's ticket schemas never end: a page names itself as the next"))
		}
		all.List = append(all.List, page.GetList()...)
		all.Annotations = append(all.Annotations, page.GetAnnotations()...)
		token = page.GetNextPageToken()
	}
	if len(all.GetList()) == 0 {
		return fail(status.Error(codes.NotFound, "the connector has no ticket schemas"))
	}
	all.List = all.GetList()[:min(len(all.GetList()), maxTicketed)]
	return Outcome{Response: all, Annotations: all.GetAnnotations()}
}
