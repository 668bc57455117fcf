package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

func runner(f tasks.Connector) *tasks.Runner {
	return &tasks.Runner{Connector: f, Provisioning: true, Ticketing: true, Logger: slog.New(slog.DiscardHandler)}
}

// run carries out a copy of a task under taskID.
func run(t *testing.T, r *tasks.Runner, task *pb.Task, again bool) *pb.BatonServiceFinishTaskRequest {
	t.Helper()
	task = proto.CloneOf(task)
	task.Id = taskID
	return r.Run(t.Context(), task, again).Request("h", taskID)
}

func equal(t *testing.T, what string, want, got proto.Message) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func success(response proto.Message, notes []*anypb.Any) *pb.BatonServiceFinishTaskRequest {
	final := &pb.BatonServiceFinishTaskRequest_Success{Annotations: notes}
	if response != nil {
		final.Response = anyOf(response)[0]
	}
	return &pb.BatonServiceFinishTaskRequest{HostId: "h", TaskId: taskID, FinalState: &pb.BatonServiceFinishTaskRequest_Success_{Success: final}}
}

func failure(code codes.Code, message string, final bool, notes []*anypb.Any, details ...proto.Message) *pb.BatonServiceFinishTaskRequest {
	return &pb.BatonServiceFinishTaskRequest{
		HostId: "h", TaskId: taskID,
		Status: &spb.Status{Code: int32(code), Message: message, Details: anyOf(details...)},
		FinalState: &pb.BatonServiceFinishTaskRequest_Error_{
			Error: &pb.BatonServiceFinishTaskRequest_Error{NonRetryable: final, Annotations: notes},
		},
	}
}

func TestServedTasks(t *testing.T) {
	t.Parallel()
	for _, tt := range servedTasks {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tasks.KindOf(tt.task).Name; got != tt.name {
				t.Errorf("kind is %q", got)
			}
			response := tt.response
			if response == nil {
				response = tt.answer
			}
			f := &fake{answers: []proto.Message{tt.answer}}
			equal(t, "success", success(response, tt.notes), run(t, runner(f), tt.task, false))
			if len(f.asked) != 1 {
				t.Fatalf("the connector was asked %d times", len(f.asked))
			}
			equal(t, "request", tt.asks, f.asked[0])

			f = &fake{err: status.Error(codes.Unavailable, "down")}
			equal(t, "error", failure(codes.Unavailable, "down", tt.final, tt.errNotes), run(t, runner(f), tt.task, false))

			f = &fake{panics: "boom"}
			got := run(t, runner(f), tt.task, false)
			if got.GetStatus().GetCode() != int32(codes.Internal) || got.GetStatus().GetMessage() != "panic: boom" {
				t.Errorf("panic became %v", got)
			}
		})
	}
}

// What is switched off never reaches the connector.
func TestSwitches(t *testing.T) {
	t.Parallel()
	for _, tt := range servedTasks {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{answers: []proto.Message{tt.answer}}
			r := &tasks.Runner{Connector: f, Logger: slog.New(slog.DiscardHandler)}
			got := run(t, r, tt.task, false)
			switch tt.group {
			case "provisioning":
				equal(t, "result", failure(codes.FailedPrecondition, "provisioning is not enabled", true, nil), got)
			case "ticketing":
				equal(t, "result", failure(codes.Unknown, "ticketing is not enabled", false, tt.errNotes), got)
			default:
				if got.GetSuccess() == nil {
					t.Errorf("result is %v", got)
				}
			}
			if (len(f.asked) == 0) != (tt.group != "") {
				t.Errorf("the connector was asked %d times", len(f.asked))
			}
		})
	}
}

// A task that was begun before a crash is not carried out twice, or without news.
func TestRepetition(t *testing.T) {
	t.Parallel()
	for _, tt := range servedTasks {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{answers: []proto.Message{tt.answer}}
			got := run(t, runner(f), tt.task, true)
			switch tasks.KindOf(tt.task).Effect {
			case tasks.Once:
				if got.GetStatus().GetCode() != int32(codes.Aborted) || !got.GetError().GetNonRetryable() || len(f.asked) != 0 {
					t.Errorf("asked %d times, result %v", len(f.asked), got)
				}
			case tasks.Repeatable, tasks.Harmless:
				if got.GetSuccess() == nil || len(f.asked) != 1 {
					t.Errorf("asked %d times, result %v", len(f.asked), got)
				}
			}
		})
	}
	already := anyOf(&v2.GrantAlreadyExists{}, &v2.GrantAlreadyRevoked{}, &v2.GrantMetadata{})
	f := &fake{answers: []proto.Message{&v2.GrantManagerServiceGrantResponse{Annotations: already}}}
	rest := []*anypb.Any{already[1], already[2]}
	equal(t, "grant", success(&v2.GrantManagerServiceGrantResponse{Annotations: rest}, rest), run(t, runner(f), servedTasks[0].task, true))
	f = &fake{answers: []proto.Message{&v2.GrantManagerServiceRevokeResponse{Annotations: already}}}
	rest = []*anypb.Any{already[0], already[2]}
	equal(t, "revoke", success(&v2.GrantManagerServiceRevokeResponse{Annotations: rest}, rest), run(t, runner(f), servedTasks[1].task, true))
}

func TestUnsupportedTasks(t *testing.T) {
	t.Parallel()
	for _, task := range []*pb.Task{
		{},
		{TaskType: &pb.Task_None{None: &pb.Task_NoneTask{}}},
		{TaskType: &pb.Task_EventFeed{EventFeed: &pb.Task_EventFeedTask{}}},
		{TaskType: &pb.Task_CreateSyncDiff{CreateSyncDiff: &pb.Task_CreateSyncDiffTask{}}},
		{TaskType: &pb.Task_CompactSyncs_{CompactSyncs: &pb.Task_CompactSyncs{}}},
	} {
		equal(t, tasks.KindOf(task).Name, failure(codes.Unknown, "unsupported task type", false, nil), run(t, runner(&fake{}), task, false))
	}
}

func TestMalformedTasks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	ids := func(id string) *v2.Resource { return resource("user", id) }
	tests := []struct {
		name  string
		task  *pb.Task
		says  string
		final bool
	}{
		{"grant of nothing", &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Principal: principal}}}, "malformed grant task", true},
		{"grant to nobody", &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Entitlement: entitlement}}}, "malformed grant task", true},
		{"grant to a long id", &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Entitlement: entitlement, Principal: ids(long)}}}, "principal id has 1025 bytes, not 1 to 1024", true},
		{"grant to an empty id", &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Entitlement: entitlement, Principal: ids("")}}}, "principal id has 0 bytes, not 1 to 1024", true},
		{"grant without an id", &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Entitlement: &v2.Entitlement{}, Principal: principal}}}, "entitlement id has 0 bytes, not 1 to 1024", true},
		{"revoke of nothing", &pb.Task{TaskType: &pb.Task_Revoke{Revoke: &pb.Task_RevokeTask{}}}, "malformed revoke task", true},
		{"revoke from nobody", &pb.Task{TaskType: &pb.Task_Revoke{Revoke: &pb.Task_RevokeTask{Grant: &v2.Grant{Entitlement: entitlement}}}}, "malformed revoke task", true},
		{"account of nobody", &pb.Task{TaskType: &pb.Task_CreateAccount{CreateAccount: &pb.Task_CreateAccountTask{}}}, "malformed create account task", true},
		{"creation of nothing", &pb.Task{TaskType: &pb.Task_CreateResource{CreateResource: &pb.Task_CreateResourceTask{}}}, "malformed create resource task", true},
		{"deletion of nothing", &pb.Task{TaskType: &pb.Task_DeleteResource{DeleteResource: &pb.Task_DeleteResourceTask{}}}, "malformed delete resource task", true},
		{"deletion without an id", &pb.Task{TaskType: &pb.Task_DeleteResource{DeleteResource: &pb.Task_DeleteResourceTask{ResourceId: &v2.ResourceId{}}}}, "resource type has 0 bytes, not 1 to 1024", true},
		{"rotation of nothing", &pb.Task{TaskType: &pb.Task_RotateCredentials{RotateCredentials: &pb.Task_RotateCredentialsTask{}}}, "malformed rotate credentials task", true},
		{"credential of nobody", &pb.Task{TaskType: &pb.Task_IssueCredential{IssueCredential: &pb.Task_IssueCredentialTask{}}}, "malformed issue credential task", true},
		{"empty ticket", &pb.Task{TaskType: &pb.Task_CreateTicketTask_{CreateTicketTask: &pb.Task_CreateTicketTask{}}}, "malformed create ticket task", true},
		{"no ticket", &pb.Task{TaskType: &pb.Task_GetTicket{GetTicket: &pb.Task_GetTicketTask{}}}, "malformed get ticket task", true},
		{"no tickets to create", &pb.Task{TaskType: &pb.Task_BulkCreateTickets{BulkCreateTickets: &pb.Task_BulkCreateTicketsTask{}}}, "malformed bulk create tickets task", true},
		{"no tickets to read", &pb.Task{TaskType: &pb.Task_BulkGetTickets{BulkGetTickets: &pb.Task_BulkGetTicketsTask{}}}, "malformed bulk get tickets task", true},
		{"schema without a name", &pb.Task{TaskType: &pb.Task_ActionGetSchema{ActionGetSchema: &pb.Task_ActionGetSchemaTask{}}}, "action name has 0 bytes, not 1 to 1024", false},
		{"schemas of a long type", &pb.Task{TaskType: &pb.Task_ActionListSchemas{ActionListSchemas: &pb.Task_ActionListSchemasTask{ResourceTypeId: long}}}, "resource type has 1025 bytes, more than 1024", false},
		{"action without a name", &pb.Task{TaskType: &pb.Task_ActionInvoke{ActionInvoke: &pb.Task_ActionInvokeTask{}}}, "action name has 0 bytes, not 1 to 1024", false},
		{"status without an id", &pb.Task{TaskType: &pb.Task_ActionStatus{ActionStatus: &pb.Task_ActionStatusTask{}}}, "action id has 0 bytes, not 1 to 1024", false},
		{"long cursor", &pb.Task{TaskType: &pb.Task_ListEvents{ListEvents: &pb.Task_ListEventsTask{Cursor: strings.Repeat("x", 4097)}}}, "event cursor has 4097 bytes, more than 4096", false},
		{"large page", &pb.Task{TaskType: &pb.Task_ListEvents{ListEvents: &pb.Task_ListEventsTask{PageSize: 1001}}}, "event page size is 1001, more than 1000", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			equal(t, "result", failure(codes.InvalidArgument, tt.says, tt.final, nil), run(t, runner(f), tt.task, false))
			if len(f.asked) != 0 {
				t.Errorf("the connector was asked %v", f.asked)
			}
		})
	}
}

func TestAnswersThatAreNotWhatWasAsked(t *testing.T) {
	t.Parallel()
	find := func(name string) *pb.Task {
		for _, s := range servedTasks {
			if s.name == name {
				return s.task
			}
		}
		return nil
	}
	failed := func(fields map[string]*structpb.Value) *v2.InvokeActionResponse {
		return &v2.InvokeActionResponse{Status: v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED, Response: &structpb.Struct{Fields: fields}}
	}
	endless := &v2.TicketsServiceListTicketSchemasResponse{NextPageToken: "p"}
	tests := []struct {
		name   string
		task   string
		answer []proto.Message
		want   *pb.BatonServiceFinishTaskRequest
	}{
		{
			"failed action", "invoke_action",
			[]proto.Message{failed(map[string]*structpb.Value{"error": structpb.NewStringValue("no paper")})},
			failure(codes.Unknown, "no paper", false, nil),
		},
		{"failed action without a reason", "invoke_action", []proto.Message{failed(nil)}, failure(codes.Unknown, "action failed", false, nil)},
		{
			"no ticket created", "create_ticket",
			[]proto.Message{&v2.TicketsServiceCreateTicketResponse{}},
			failure(codes.Internal, "the connector returned no ticket", true, taskNote),
		},
		{
			"no ticket read", "get_ticket",
			[]proto.Message{&v2.TicketsServiceGetTicketResponse{}},
			failure(codes.Internal, "the connector returned no ticket", true, taskNote),
		},
		{
			"too few tickets created", "bulk_create_tickets",
			[]proto.Message{&v2.TicketsServiceBulkCreateTicketsResponse{}},
			failure(codes.Internal, "the connector returned 0 tickets instead of 1", true, nil),
		},
		{
			"too few tickets read", "bulk_get_tickets",
			[]proto.Message{&v2.TicketsServiceBulkGetTicketsResponse{}},
			failure(codes.Internal, "the connector returned 0 tickets instead of 1", true, nil),
		},
		{
			"no schemas", "list_ticket_schemas",
			[]proto.Message{&v2.TicketsServiceListTicketSchemasResponse{}},
			failure(codes.NotFound, "the connector has no ticket schemas", false, nil),
		},
		{
			"schemas on two pages", "list_ticket_schemas",
			[]proto.Message{
				&v2.TicketsServiceListTicketSchemasResponse{List: []*v2.TicketSchema{{Id: "a"}}, NextPageToken: "p"},
				&v2.TicketsServiceListTicketSchemasResponse{List: []*v2.TicketSchema{{Id: "b"}}},
			},
			success(&v2.TicketsServiceListTicketSchemasResponse{List: []*v2.TicketSchema{{Id: "a"}, {Id: "b"}}}, nil),
		},
		{
			"schemas without end", "list_ticket_schemas",
			[]proto.Message{endless},
			failure(codes.Internal, "the connector's ticket schemas never end: a page names itself as the next", false, nil),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			equal(t, "result", tt.want, run(t, runner(&fake{answers: tt.answer}), find(tt.task), false))
		})
	}
	many := &v2.TicketsServiceListTicketSchemasResponse{}
	for i := range 150 {
		many.List = append(many.List, &v2.TicketSchema{Id: strconv.Itoa(i)})
	}
	got := run(t, runner(&fake{answers: []proto.Message{many}}), find("list_ticket_schemas"), false)
	equal(t, "many schemas", success(&v2.TicketsServiceListTicketSchemasResponse{List: many.GetList()[:100]}, nil), got)
}

// A connector without any feature still answers each task.
func TestUnserved(t *testing.T) {
	t.Parallel()
	want := map[string]*pb.BatonServiceFinishTaskRequest{
		"list_action_schemas": success(&v2.ListActionSchemasResponse{}, nil),
		"list_event_feeds":    success(&v2.ListEventFeedsResponse{}, nil),
		"get_action_schema":   failure(codes.NotFound, `this connector has no action "n"`, false, nil),
		"invoke_action":       failure(codes.NotFound, `this connector has no action "n"`, false, nil),
		"action_status":       failure(codes.NotFound, `unknown action invocation "i"`, false, nil),
		"list_events":         failure(codes.NotFound, `this connector has no event feed "f"`, false, nil),
		"grant":               failure(codes.Unimplemented, "resource type group does not have provisioner configured", true, nil),
		"revoke":              failure(codes.Unimplemented, "resource type group does not have provisioner configured", true, nil),
	}
	for _, tt := range servedTasks {
		got := run(t, runner(tasks.Unserved{}), tt.task, false)
		if w := want[tt.name]; w != nil {
			equal(t, tt.name, w, got)
		} else if got.GetStatus().GetCode() != int32(codes.Unimplemented) || got.GetError().GetNonRetryable() != tt.final {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// Code, message and details survive any wrapping.
func TestStatusOfErrors(t *testing.T) {
	t.Parallel()
	declined := &errdetails.ErrorInfo{Reason: "grant_cancelled", Domain: "github.com/conductorone/baton-sdk", Metadata: map[string]string{"reason": "why"}}
	detailed, err := status.New(codes.FailedPrecondition, "declined").WithDetails(declined)
	if err != nil {
		t.Fatal(err)
	}
	const shown = "rpc error: code = FailedPrecondition desc = declined"
	tests := []struct {
		name string
		err  error
		want *pb.BatonServiceFinishTaskRequest
	}{
		{"bare", detailed.Err(), failure(codes.FailedPrecondition, "declined", true, nil, declined)},
		{"wrapped", fmt.Errorf("grant failed: %w", detailed.Err()), failure(codes.FailedPrecondition, "grant failed: "+shown, true, nil, declined)},
		{"joined", errors.Join(errors.New("first"), detailed.Err()), failure(codes.FailedPrecondition, "first\n"+shown, true, nil, declined)},
		{"plain", errors.New("plain"), failure(codes.Unknown, "plain", true, nil)},
		{"cancelled", fmt.Errorf("stopped: %w", context.Canceled), failure(codes.Canceled, "stopped: context canceled", true, nil)},
		{"late", context.DeadlineExceeded, failure(codes.DeadlineExceeded, "context deadline exceeded", true, nil)},
		{"not text", errors.New("bad \xff byte"), failure(codes.Unknown, "bad \uFFFD byte", true, nil)},
		{"fine", okError{}, failure(codes.Internal, "not fine", true, nil)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := tasks.Outcome{Err: tt.err, Final: true}
			equal(t, "result", tt.want, out.Request("h", taskID))
			if got := uint32(out.Code()); int32(got) != tt.want.GetStatus().GetCode() {
				t.Errorf("code is %d", got)
			}
		})
	}
}

// okError is an error that claims to be none.
type okError struct{}

func (okError) Error() string              { return "not fine" }
func (okError) GRPCStatus() *status.Status { return status.New(codes.OK, "") }

func TestResultsThatDoNotFit(t *testing.T) {
	t.Parallel()
	large := tasks.Outcome{Response: &v2.ListEventsResponse{Cursor: strings.Repeat("x", 5<<20)}}
	got := large.Request("h", taskID)
	if got.GetStatus().GetCode() != int32(codes.ResourceExhausted) || !got.GetError().GetNonRetryable() {
		t.Errorf("large result became %v", got)
	}
	many := tasks.Outcome{Annotations: make([]*anypb.Any, 20)}
	for i := range many.Annotations {
		many.Annotations[i] = answerNote[0]
	}
	if n := len(many.Request("h", taskID).GetSuccess().GetAnnotations()); n != 16 {
		t.Errorf("20 annotations became %d", n)
	}
	if code := (tasks.Outcome{}).Code(); code != codes.OK {
		t.Errorf("code of a success is %v", code)
	}
	equal(t, "sync", success(nil, nil), tasks.Outcome{}.Request("h", taskID))
}
