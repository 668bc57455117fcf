package tasks

import (
	"context"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// An error of an event task is finished like any other: the original leaves
// ConductorOne waiting for it.

func (r *Runner) listEventFeeds(ctx context.Context, t *pb.Task_ListEventFeedsTask) Outcome {
	answer, err := r.Connector.ListEventFeeds(ctx, &v2.ListEventFeedsRequest{Annotations: t.GetAnnotations()})
	if err != nil {
		return fail(err)
	}
	return Outcome{Response: &v2.ListEventFeedsResponse{List: answer.GetList()}}
}

func (r *Runner) listEvents(ctx context.Context, t *pb.Task_ListEventsTask) Outcome {
	var l limits
	l.optionalID("event feed id", t.GetEventFeedId())
	l.that(len(t.GetCursor()) <= maxCursor, "event cursor has %d bytes, more than %d", len(t.GetCursor()), maxCursor)
	l.that(t.GetPageSize() <= maxEvents, "event page size is %d, more than %d", t.GetPageSize(), maxEvents)
	if l.err != nil {
		return fail(l.err)
	}
	answer, err := r.Connector.ListEvents(ctx, &v2.ListEventsRequest{
		Cursor:      t.GetCursor(),
		StartAt:     t.GetStartAt(),
		PageSize:    t.GetPageSize(),
		Annotations: t.GetAnnotations(),
		EventFeedId: t.GetEventFeedId(),
	})
	if err != nil {
		return fail(err)
	}
	return Outcome{Response: &v2.ListEventsResponse{Events: answer.GetEvents(), Cursor: answer.GetCursor(), HasMore: answer.GetHasMore()}}
}
