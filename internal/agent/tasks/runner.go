package tasks

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// ErrUnsupported is the error of a task type that connectors do not serve.
var ErrUnsupported = errors.New("unsupported task type")

// A Runner carries tasks out. It is safe for concurrent use.
type Runner struct {
	// Connector does what is asked.
	Connector Connector
	// Provisioning allows tasks that change access, accounts and credentials.
	Provisioning bool
	// Ticketing allows ticket tasks.
	Ticketing bool
	// Logger gets the stack of a panic.
	Logger *slog.Logger
}

// Run carries a task out. again says that it was begun before and may have taken
// effect then: what must be done once is not repeated, and that something is in
// the desired state is no longer reported as news. A panic of the connector is
// an Internal error.
func (r *Runner) Run(ctx context.Context, t *pb.Task, again bool) (out Outcome) {
	kind := KindOf(t)
	ctx = context.WithValue(ctx, taskKey{}, t.GetId())
	defer func() {
		if p := recover(); p != nil {
			r.Logger.ErrorContext(ctx, "the connector panicked", "task_id", t.GetId(), "task_type", kind.Name, "panic", p, "stack", string(debug.Stack()))
			out = Outcome{Err: status.Errorf(codes.Internal, "panic: %v", p), Final: kind.Effect != Harmless}
		}
	}()
	if again && kind.Effect == Once {
		return refuse(status.Error(codes.Aborted, "the connector stopped during this task; it may have taken effect and was not repeated"))
	}
	switch task := t.GetTaskType().(type) {
	case *pb.Task_Grant:
		return r.grant(ctx, t.GetId(), task.Grant, again)
	case *pb.Task_Revoke:
		return r.revoke(ctx, t.GetId(), task.Revoke, again)
	case *pb.Task_CreateAccount:
		return r.createAccount(ctx, task.CreateAccount)
	case *pb.Task_CreateResource:
		return r.createResource(ctx, task.CreateResource)
	case *pb.Task_DeleteResource:
		return r.deleteResource(ctx, task.DeleteResource)
	case *pb.Task_RotateCredentials:
		return r.rotateCredentials(ctx, task.RotateCredentials)
	case *pb.Task_IssueCredential:
		return r.issueCredential(ctx, t.GetId(), task.IssueCredential)
	case *pb.Task_CreateTicketTask_:
		return r.createTicket(ctx, task.CreateTicketTask)
	case *pb.Task_GetTicket:
		return r.getTicket(ctx, task.GetTicket)
	case *pb.Task_BulkCreateTickets:
		return r.bulkCreateTickets(ctx, task.BulkCreateTickets)
	case *pb.Task_BulkGetTickets:
		return r.bulkGetTickets(ctx, task.BulkGetTickets)
	case *pb.Task_ListTicketSchemas:
		return r.listTicketSchemas(ctx, task.ListTicketSchemas)
	case *pb.Task_ActionListSchemas:
		return r.listActionSchemas(ctx, task.ActionListSchemas)
	case *pb.Task_ActionGetSchema:
		return r.getActionSchema(ctx, task.ActionGetSchema)
	case *pb.Task_ActionInvoke:
		return r.invokeAction(ctx, t.GetId(), task.ActionInvoke)
	case *pb.Task_ActionStatus:
		return r.actionStatus(ctx, task.ActionStatus)
	case *pb.Task_ListEventFeeds:
		return r.listEventFeeds(ctx, task.ListEventFeeds)
	case *pb.Task_ListEvents:
		return r.listEvents(ctx, task.ListEvents)
	default:
		return fail(ErrUnsupported)
	}
}

// taskKey is where a context keeps the id of the task that is carried out.
type taskKey struct{}

// TaskID is the id of the task that a call of a [Connector] is for; "" for none.
func TaskID(ctx context.Context) string {
	id, _ := ctx.Value(taskKey{}).(string)
	return id
}
