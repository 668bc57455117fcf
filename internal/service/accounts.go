package service

import (
	"context"

	"go.opentelemetry.io/otel/attribute"

	"github.com/conductorone/baton-jumpcloud/internal/accounts"
	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// CreateAccount implements [agent.Connector].
func (c *taskChanges) CreateAccount(ctx context.Context, req *v2.CreateAccountRequest) (answer *v2.CreateAccountResponse, err error) {
	err = c.changeAccount(ctx, "create_account", func(ctx context.Context, m accounts.Manager) (err error) {
		answer, err = m.Create(ctx, req)
		return err
	})
	return answer, err
}

// DeleteResource implements [agent.Connector].
func (c *taskChanges) DeleteResource(ctx context.Context, req *v2.DeleteResourceRequest) (answer *v2.DeleteResourceResponse, err error) {
	err = c.changeAccount(ctx, "delete_resource", func(ctx context.Context, m accounts.Manager) (err error) {
		answer, err = m.Delete(ctx, req)
		return err
	})
	return answer, err
}

// RotateCredential implements [agent.Connector].
func (c *taskChanges) RotateCredential(ctx context.Context, req *v2.RotateCredentialRequest) (answer *v2.RotateCredentialResponse, err error) {
	err = c.changeAccount(ctx, "rotate_credential", func(ctx context.Context, m accounts.Manager) (err error) {
		answer, err = m.Rotate(ctx, req)
		return err
	})
	return answer, err
}

// changeAccount makes one change of an account or group.
func (c *taskChanges) changeAccount(ctx context.Context, operation string, f func(context.Context, accounts.Manager) error) error {
	return network.Span(ctx, c.network.Tracer, operation, []attribute.KeyValue{}, func(ctx context.Context) error {
		return c.change(ctx, func(ctx context.Context, p *provision.Provisioner) error {
			source := connector.NewSource(c.client, connector.Options{OrgID: c.cfg.JumpCloud.OrgID, Logger: c.logger})
			return f(ctx, accounts.Manager{Provisioner: p, Source: source, Key: c.key, Task: agent.TaskID(ctx)})
		})
	})
}
