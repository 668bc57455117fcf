package tasks

import (
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// Effect says what carrying a task out a second time would do.
type Effect int

const (
	// Harmless tasks change nothing.
	Harmless Effect = iota
	// Repeatable tasks leave the same state behind when they are carried out again.
	Repeatable
	// Once tasks would make a second account, ticket or credential.
	Once
)

// A Kind is a task type.
type Kind struct {
	// Name is what metrics and logs call it.
	Name string
	// Effect is what a repetition does.
	Effect Effect
}

// KindOf tells the type of a task.
func KindOf(t *pb.Task) Kind {
	switch t.GetTaskType().(type) {
	case *pb.Task_None:
		return Kind{"none", Harmless}
	case *pb.Task_Hello:
		return Kind{"hello", Harmless}
	case *pb.Task_SyncFull:
		return Kind{"sync_full", Harmless}
	case *pb.Task_Grant:
		return Kind{"grant", Repeatable}
	case *pb.Task_Revoke:
		return Kind{"revoke", Repeatable}
	case *pb.Task_CreateAccount:
		return Kind{"create_account", Repeatable}
	case *pb.Task_CreateResource:
		return Kind{"create_resource", Once}
	case *pb.Task_DeleteResource:
		return Kind{"delete_resource", Repeatable}
	case *pb.Task_RotateCredentials:
		return Kind{"rotate_credential", Once}
	case *pb.Task_IssueCredential:
		return Kind{"issue_credential", Once}
	case *pb.Task_CreateTicketTask_:
		return Kind{"create_ticket", Once}
	case *pb.Task_BulkCreateTickets:
		return Kind{"bulk_create_tickets", Once}
	case *pb.Task_GetTicket:
		return Kind{"get_ticket", Harmless}
	case *pb.Task_BulkGetTickets:
		return Kind{"bulk_get_tickets", Harmless}
	case *pb.Task_ListTicketSchemas:
		return Kind{"list_ticket_schemas", Harmless}
	case *pb.Task_ActionListSchemas:
		return Kind{"list_action_schemas", Harmless}
	case *pb.Task_ActionGetSchema:
		return Kind{"get_action_schema", Harmless}
	case *pb.Task_ActionInvoke:
		return Kind{"invoke_action", Once}
	case *pb.Task_ActionStatus:
		return Kind{"action_status", Harmless}
	case *pb.Task_ListEventFeeds:
		return Kind{"list_event_feeds", Harmless}
	case *pb.Task_ListEvents:
		return Kind{"list_events", Harmless}
	case *pb.Task_EventFeed:
		return Kind{"event_feed", Harmless}
	case *pb.Task_CreateSyncDiff:
		return Kind{"create_sync_diff", Harmless}
	case *pb.Task_CompactSyncs_:
		return Kind{"compact_syncs", Harmless}
	default: // Among them nil: the type is not one that this version knows.
		return Kind{"unknown", Harmless}
	}
}
