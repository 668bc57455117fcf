package tasks

import (
	"context"
	"errors"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

func (r *Runner) listActionSchemas(ctx context.Context, t *pb.Task_ActionListSchemasTask) Outcome {
	var l limits
	l.optionalID("resource type", t.GetResourceTypeId())
	if l.err != nil {
		return fail(l.err)
	}
	answer, err := r.Connector.ListActionSchemas(ctx, &v2.ListActionSchemasRequest{Annotations: t.GetAnnotations(), ResourceTypeId: t.GetResourceTypeId()})
	if err != nil {
		return fail(err)
	}
	return Outcome{Response: answer}
}

func (r *Runner) getActionSchema(ctx context.Context, t *pb.Task_ActionGetSchemaTask) Outcome {
	var l limits
	l.id("action name", t.GetName())
	if l.err != nil {
		return fail(l.err)
	}
	answer, err := r.Connector.GetActionSchema(ctx, &v2.GetActionSchemaRequest{Name: t.GetName(), Annotations: t.GetAnnotations()})
	if err != nil {
		return fail(err)
	}
	return Outcome{Response: answer}
}

func (r *Runner) invokeAction(ctx context.Context, id string, t *pb.Task_ActionInvokeTask) Outcome {
	var l limits
	l.id("action name", t.GetName())
	l.optionalID("resource type", t.GetResourceTypeId())
	if l.err != nil {
		return fail(l.err)
	}
	answer, err := r.Connector.InvokeAction(ctx, &v2.InvokeActionRequest{
		Name:           t.GetName(),
		Args:           t.GetArgs(),
		Annotations:    append(requestID(id), t.GetAnnotations()...),
		ResourceTypeId: t.GetResourceTypeId(),
	})
	if err != nil {
		return fail(err)
	}
	if answer.GetStatus() == v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED {
		if text := answer.GetResponse().GetFields()["error"].GetStringValue(); text != "" {
			return fail(errors.New(text))
		}
		return fail(errors.New("action failed"))
	}
	return Outcome{Response: answer}
}

func (r *Runner) actionStatus(ctx context.Context, t *pb.Task_ActionStatusTask) Outcome {
	var l limits
	l.id("action id", t.GetId())
	if l.err != nil {
		return fail(l.err)
	}
	answer, err := r.Connector.GetActionStatus(ctx, &v2.GetActionStatusRequest{Id: t.GetId(), Annotations: t.GetAnnotations()})
	if err != nil {
		return fail(err)
	}
	return Outcome{Response: answer}
}
