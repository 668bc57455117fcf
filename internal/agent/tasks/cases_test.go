package tasks_test

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const taskID = "2abcdefghijklmnopqrstuvwxyz"

func anyOf(messages ...proto.Message) []*anypb.Any {
	var list []*anypb.Any
	for _, m := range messages {
		a, err := anypb.New(m)
		if err != nil {
			panic(err)
		}
		list = append(list, a)
	}
	return list
}

func resource(kind, id string) *v2.Resource {
	return &v2.Resource{Id: &v2.ResourceId{ResourceType: kind, Resource: id}}
}

var (
	entitlement = &v2.Entitlement{Id: "group:g", Resource: resource("group", "g")}
	principal   = resource("user", "u")
	grant       = &v2.Grant{Id: "x", Entitlement: entitlement, Principal: principal}
	taskNote    = anyOf(&v2.ExternalLink{Url: "https://example.com/task"})
	answerNote  = anyOf(&v2.GrantMetadata{})
	nextYear    = timestamppb.New(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC))
	ticket      = &v2.Ticket{Id: "t"}
	options     = &v2.CredentialOptions{ForceChangeAtNextLogin: true}
	configs     = []*v2.EncryptionConfig{{Provider: "p"}}
	args        = &structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewStringValue("b")}}
)

// served is one task type that a connector can serve: what it is asked and what
// its answer becomes.
type served struct {
	name     string
	task     *pb.Task
	asks     proto.Message // the one request
	answer   proto.Message
	response proto.Message // if it is not the answer itself
	notes    []*anypb.Any  // annotations of a success
	errNotes []*anypb.Any  // annotations of an error
	final    bool          // errors may not be tried again
	group    string        // "provisioning", "ticketing" or neither
}

var servedTasks = []served{
	{
		name:   "grant",
		task:   &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{Entitlement: entitlement, Principal: principal, Annotations: taskNote}}},
		asks:   &v2.GrantManagerServiceGrantRequest{Entitlement: entitlement, Principal: principal, Annotations: anyOf(&v2.RequestId{RequestId: taskID})},
		answer: &v2.GrantManagerServiceGrantResponse{Annotations: anyOf(&v2.GrantAlreadyExists{}), Grants: []*v2.Grant{grant}},
		notes:  anyOf(&v2.GrantAlreadyExists{}), final: true, group: "provisioning",
	},
	{
		name:   "revoke",
		task:   &pb.Task{TaskType: &pb.Task_Revoke{Revoke: &pb.Task_RevokeTask{Grant: grant, Annotations: taskNote}}},
		asks:   &v2.GrantManagerServiceRevokeRequest{Grant: grant, Annotations: anyOf(&v2.RequestId{RequestId: taskID})},
		answer: &v2.GrantManagerServiceRevokeResponse{Annotations: anyOf(&v2.GrantAlreadyRevoked{})},
		notes:  anyOf(&v2.GrantAlreadyRevoked{}), final: true, group: "provisioning",
	},
	{
		name: "create_account",
		task: &pb.Task{TaskType: &pb.Task_CreateAccount{CreateAccount: &pb.Task_CreateAccountTask{
			AccountInfo: &v2.AccountInfo{Login: "l"}, CredentialOptions: options, EncryptionConfigs: configs, ResourceTypeId: "user",
		}}},
		asks:   &v2.CreateAccountRequest{AccountInfo: &v2.AccountInfo{Login: "l"}, CredentialOptions: options, EncryptionConfigs: configs, ResourceTypeId: "user"},
		answer: &v2.CreateAccountResponse{Annotations: answerNote}, notes: answerNote, final: true, group: "provisioning",
	},
	{
		name:   "create_resource",
		task:   &pb.Task{TaskType: &pb.Task_CreateResource{CreateResource: &pb.Task_CreateResourceTask{Resource: principal}}},
		asks:   &v2.CreateResourceRequest{Resource: principal},
		answer: &v2.CreateResourceResponse{Created: principal, Annotations: answerNote}, notes: answerNote, final: true, group: "provisioning",
	},
	{
		name: "delete_resource",
		task: &pb.Task{TaskType: &pb.Task_DeleteResource{DeleteResource: &pb.Task_DeleteResourceTask{
			ResourceId: principal.GetId(), ParentResourceId: &v2.ResourceId{ResourceType: "org", Resource: "o"},
		}}},
		asks:   &v2.DeleteResourceRequest{ResourceId: principal.GetId(), ParentResourceId: &v2.ResourceId{ResourceType: "org", Resource: "o"}},
		answer: &v2.DeleteResourceResponse{Annotations: answerNote}, notes: answerNote, final: true, group: "provisioning",
	},
	{
		name: "rotate_credential",
		task: &pb.Task{TaskType: &pb.Task_RotateCredentials{RotateCredentials: &pb.Task_RotateCredentialsTask{
			ResourceId: principal.GetId(), CredentialOptions: options, EncryptionConfigs: configs,
		}}},
		asks:   &v2.RotateCredentialRequest{ResourceId: principal.GetId(), CredentialOptions: options, EncryptionConfigs: configs},
		answer: &v2.RotateCredentialResponse{ResourceId: principal.GetId(), Annotations: answerNote}, notes: answerNote, final: true, group: "provisioning",
	},
	{
		name: "issue_credential",
		task: &pb.Task{TaskType: &pb.Task_IssueCredential{IssueCredential: &pb.Task_IssueCredentialTask{
			IdentityId: principal.GetId(), CredentialOptions: &v2.CredentialIssueOptions{}, EncryptionConfigs: configs, ExpiresAt: nextYear,
		}}},
		asks: &v2.IssueCredentialRequest{
			IdentityId: principal.GetId(), CredentialOptions: &v2.CredentialIssueOptions{}, EncryptionConfigs: configs, RequestId: taskID, ExpiresAt: nextYear,
		},
		answer: &v2.IssueCredentialResponse{Annotations: answerNote}, notes: answerNote, final: true, group: "provisioning",
	},
	{
		name: "create_ticket",
		task: &pb.Task{TaskType: &pb.Task_CreateTicketTask_{CreateTicketTask: &pb.Task_CreateTicketTask{
			TicketRequest: &v2.TicketRequest{DisplayName: "d"}, TicketSchema: &v2.TicketSchema{Id: "s"}, Annotations: taskNote,
		}}},
		asks:   &v2.TicketsServiceCreateTicketRequest{Request: &v2.TicketRequest{DisplayName: "d"}, Schema: &v2.TicketSchema{Id: "s"}, Annotations: taskNote},
		answer: &v2.TicketsServiceCreateTicketResponse{Ticket: ticket, Annotations: answerNote},
		notes:  append(append([]*anypb.Any{}, answerNote...), taskNote...), errNotes: taskNote, group: "ticketing",
	},
	{
		name:   "get_ticket",
		task:   &pb.Task{TaskType: &pb.Task_GetTicket{GetTicket: &pb.Task_GetTicketTask{TicketId: "t", Annotations: taskNote}}},
		asks:   &v2.TicketsServiceGetTicketRequest{Id: "t", Annotations: taskNote},
		answer: &v2.TicketsServiceGetTicketResponse{Ticket: ticket, Annotations: answerNote},
		notes:  append(append([]*anypb.Any{}, answerNote...), taskNote...), errNotes: taskNote, group: "ticketing",
	},
	{
		name: "bulk_create_tickets",
		task: &pb.Task{TaskType: &pb.Task_BulkCreateTickets{BulkCreateTickets: &pb.Task_BulkCreateTicketsTask{
			TicketRequests: []*pb.Task_CreateTicketTask{{TicketRequest: &v2.TicketRequest{DisplayName: "d"}}},
		}}},
		asks: &v2.TicketsServiceBulkCreateTicketsRequest{
			TicketRequests: []*v2.TicketsServiceCreateTicketRequest{{Request: &v2.TicketRequest{DisplayName: "d"}}},
		},
		answer: &v2.TicketsServiceBulkCreateTicketsResponse{Tickets: []*v2.TicketsServiceCreateTicketResponse{{Ticket: ticket}}}, group: "ticketing",
	},
	{
		name: "bulk_get_tickets",
		task: &pb.Task{TaskType: &pb.Task_BulkGetTickets{BulkGetTickets: &pb.Task_BulkGetTicketsTask{
			TicketRequests: []*pb.Task_GetTicketTask{{TicketId: "t"}},
		}}},
		asks:   &v2.TicketsServiceBulkGetTicketsRequest{TicketRequests: []*v2.TicketsServiceGetTicketRequest{{Id: "t"}}},
		answer: &v2.TicketsServiceBulkGetTicketsResponse{Tickets: []*v2.TicketsServiceGetTicketResponse{{Ticket: ticket}}}, group: "ticketing",
	},
	{
		name:   "list_ticket_schemas",
		task:   &pb.Task{TaskType: &pb.Task_ListTicketSchemas{ListTicketSchemas: &pb.Task_ListTicketSchemasTask{Annotations: taskNote}}},
		asks:   &v2.TicketsServiceListTicketSchemasRequest{Annotations: taskNote},
		answer: &v2.TicketsServiceListTicketSchemasResponse{List: []*v2.TicketSchema{{Id: "s"}}}, group: "ticketing",
	},
	{
		name:   "list_action_schemas",
		task:   &pb.Task{TaskType: &pb.Task_ActionListSchemas{ActionListSchemas: &pb.Task_ActionListSchemasTask{Annotations: taskNote, ResourceTypeId: "user"}}},
		asks:   &v2.ListActionSchemasRequest{Annotations: taskNote, ResourceTypeId: "user"},
		answer: &v2.ListActionSchemasResponse{Schemas: []*v2.BatonActionSchema{{Name: "n"}}, Annotations: answerNote},
	},
	{
		name:   "get_action_schema",
		task:   &pb.Task{TaskType: &pb.Task_ActionGetSchema{ActionGetSchema: &pb.Task_ActionGetSchemaTask{Name: "n", Annotations: taskNote}}},
		asks:   &v2.GetActionSchemaRequest{Name: "n", Annotations: taskNote},
		answer: &v2.GetActionSchemaResponse{Schema: &v2.BatonActionSchema{Name: "n"}, Annotations: answerNote},
	},
	{
		name: "invoke_action",
		task: &pb.Task{TaskType: &pb.Task_ActionInvoke{ActionInvoke: &pb.Task_ActionInvokeTask{
			Name: "n", Args: args, Annotations: taskNote, ResourceTypeId: "user",
		}}},
		asks: &v2.InvokeActionRequest{
			Name: "n", Args: args, Annotations: slices.Concat(anyOf(&v2.RequestId{RequestId: taskID}), taskNote), ResourceTypeId: "user",
		},
		answer: &v2.InvokeActionResponse{Id: "i", Status: v2.BatonActionStatus_BATON_ACTION_STATUS_RUNNING, Annotations: answerNote},
	},
	{
		name:   "action_status",
		task:   &pb.Task{TaskType: &pb.Task_ActionStatus{ActionStatus: &pb.Task_ActionStatusTask{Name: "n", Id: "i", Annotations: taskNote}}},
		asks:   &v2.GetActionStatusRequest{Id: "i", Annotations: taskNote},
		answer: &v2.GetActionStatusResponse{Id: "i", Status: v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED},
	},
	{
		name:     "list_event_feeds",
		task:     &pb.Task{TaskType: &pb.Task_ListEventFeeds{ListEventFeeds: &pb.Task_ListEventFeedsTask{Annotations: taskNote}}},
		asks:     &v2.ListEventFeedsRequest{Annotations: taskNote},
		answer:   &v2.ListEventFeedsResponse{List: []*v2.EventFeedMetadata{{Id: "f"}}, Annotations: answerNote},
		response: &v2.ListEventFeedsResponse{List: []*v2.EventFeedMetadata{{Id: "f"}}},
	},
	{
		name: "list_events",
		task: &pb.Task{TaskType: &pb.Task_ListEvents{ListEvents: &pb.Task_ListEventsTask{
			Annotations: taskNote, Cursor: "c", StartAt: nextYear, EventFeedId: "f", PageSize: 1000,
		}}},
		asks:     &v2.ListEventsRequest{Annotations: taskNote, Cursor: "c", StartAt: nextYear, EventFeedId: "f", PageSize: 1000},
		answer:   &v2.ListEventsResponse{Events: []*v2.Event{{Id: "e"}}, Cursor: "d", HasMore: true, Annotations: answerNote},
		response: &v2.ListEventsResponse{Events: []*v2.Event{{Id: "e"}}, Cursor: "d", HasMore: true},
	},
}
