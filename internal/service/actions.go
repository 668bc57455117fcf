package service

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// ListActionSchemas implements [agent.Connector].
func (c *taskChanges) ListActionSchemas(_ context.Context, req *v2.ListActionSchemasRequest) (*v2.ListActionSchemasResponse, error) {
	return &v2.ListActionSchemasResponse{Schemas: actions.Schemas(c.cfg.Change.Types, req.GetResourceTypeId())}, nil
}

// GetActionSchema implements [agent.Connector].
func (c *taskChanges) GetActionSchema(_ context.Context, req *v2.GetActionSchemaRequest) (*v2.GetActionSchemaResponse, error) {
	schema, err := actions.Schema(c.cfg.Change.Types, req.GetName(), "")
	if err != nil {
		return nil, taskError(err)
	}
	return &v2.GetActionSchemaResponse{Schema: schema}, nil
}

// InvokeAction implements [agent.Connector]. The action has ended when it returns, unless
// the process ends before: [actions.Store] knows of it then.
func (c *taskChanges) InvokeAction(ctx context.Context, req *v2.InvokeActionRequest) (answer *v2.InvokeActionResponse, err error) {
	if !c.cfg.Service.Provisioning {
		return nil, taskError(fault.WithCode(codes.FailedPrecondition, "provisioning is not enabled"))
	}
	invoker := actions.Invoker{Types: c.cfg.Change.Types}
	if err := invoker.Check(req.GetName(), req.GetResourceTypeId(), req.GetArgs()); err != nil {
		return nil, taskError(err)
	}
	attributes := []attribute.KeyValue{attribute.String("action", req.GetName())}
	err = network.Span(ctx, c.network.Tracer, "invoke_action", attributes, func(ctx context.Context) error {
		return c.change(ctx, func(ctx context.Context, p *provision.Provisioner) error {
			id := actions.NewRun()
			if err := c.invocations.Begin(id, req.GetName()); err != nil {
				return err
			}
			invoker.Provisioner, invoker.Task = p, provision.TaskOf(req.GetAnnotations())
			result, failed := invoker.Invoke(ctx, req.GetName(), req.GetResourceTypeId(), id, req.GetArgs())
			answer, err = c.invocations.End(id, req.GetName(), result, failed)
			return err
		})
	})
	return answer, err
}

// GetActionStatus implements [agent.Connector].
func (c *taskChanges) GetActionStatus(_ context.Context, req *v2.GetActionStatusRequest) (*v2.GetActionStatusResponse, error) {
	answer, err := c.invocations.Status(req.GetId())
	if err != nil {
		return nil, taskError(err)
	}
	return answer, nil
}
