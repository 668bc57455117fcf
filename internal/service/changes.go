package service

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// taskChanges serves the tasks that change access, and describes the connector.
// What it does not serve is answered by what it embeds.
type taskChanges struct {
	agent.Unserved

	cfg     *config.Config
	network *network.Network
	client  *jumpcloud.Client
	syncs   *taskSyncs
	logger  *slog.Logger

	// making is held by who makes the provisioner, when the organization is known.
	// Whoever waits for it waits no longer than its own context.
	making      chan struct{}
	provisioner *provision.Provisioner
	invocations *actions.Store
	// key opens passwords that ConductorOne encrypts for this connector.
	key ed25519.PrivateKey
}

var _ agent.Connector = (*taskChanges)(nil)

// newTaskChanges makes a client of its own, which is not slowed down by syncs.
func newTaskChanges(cfg *config.Config, n *network.Network, m *metrics, syncs *taskSyncs, logger *slog.Logger) (*taskChanges, error) {
	client, err := network.NewClient(cfg.JumpCloud, cfg.Sync.Workers, logger, &network.Traffic{Transport: n.Transport, Tell: m.requested})
	if err != nil {
		return nil, err
	}
	invocations, err := actions.OpenStore(syncs.home.invocations())
	if err != nil {
		return nil, err
	}
	return &taskChanges{
		cfg: cfg, network: n, client: client, syncs: syncs, logger: logger, making: make(chan struct{}, 1), invocations: invocations,
	}, nil
}

// Validate tries the credential and finds out which organization it leads to.
func (c *taskChanges) Validate(ctx context.Context) (connector.Organization, error) {
	org, err := connector.NewSource(c.client, connector.Options{OrgID: c.cfg.JumpCloud.OrgID, Logger: c.logger}).Validate(ctx)
	if err != nil {
		return org, err
	}
	return org, c.syncs.home.admit(org)
}

// GetMetadata implements [agent.Connector].
func (c *taskChanges) GetMetadata(context.Context, *v2.ConnectorServiceGetMetadataRequest) (*v2.ConnectorServiceGetMetadataResponse, error) {
	options := connector.CapabilityOptions{ProvisionTypes: c.cfg.Change.Types}
	return &v2.ConnectorServiceGetMetadataResponse{Metadata: connector.Metadata(options)}, nil
}

// Grant implements [agent.Connector].
func (c *taskChanges) Grant(ctx context.Context, req *v2.GrantManagerServiceGrantRequest) (answer *v2.GrantManagerServiceGrantResponse, err error) {
	err = c.changeAccess(ctx, "grant", req.GetEntitlement().GetId(), func(ctx context.Context, p *provision.Provisioner) (err error) {
		answer, err = p.Grant(ctx, req)
		return err
	})
	return answer, err
}

// Revoke implements [agent.Connector].
func (c *taskChanges) Revoke(ctx context.Context, req *v2.GrantManagerServiceRevokeRequest) (answer *v2.GrantManagerServiceRevokeResponse, err error) {
	err = c.changeAccess(ctx, "revoke", req.GetGrant().GetEntitlement().GetId(), func(ctx context.Context, p *provision.Provisioner) (err error) {
		answer, err = p.Revoke(ctx, req)
		return err
	})
	return answer, err
}

// changeAccess makes one grant or revoke.
func (c *taskChanges) changeAccess(ctx context.Context, operation, entitlement string, f func(context.Context, *provision.Provisioner) error) error {
	return network.Span(ctx, c.network.Tracer, operation, []attribute.KeyValue{attribute.String("entitlement", entitlement)},
		func(ctx context.Context) error { return c.change(ctx, f) })
}

// change makes changes. Archives from before them are not uploaded any more.
func (c *taskChanges) change(ctx context.Context, f func(context.Context, *provision.Provisioner) error) error {
	p, err := c.ready(ctx)
	if err != nil {
		return taskError(err)
	}
	if err := c.syncs.changes.add(); err != nil {
		return fmt.Errorf("no change was made: %w", err)
	}
	defer func() {
		if err := c.syncs.changes.add(); err != nil {
			c.logger.WarnContext(ctx, "recording the end of a change failed", "error", err)
		}
	}()
	return taskError(f(ctx, p))
}

// ready is what changes access, once the organization is known to be the right one
// and the trail of changes is open.
func (c *taskChanges) ready(ctx context.Context) (*provision.Provisioner, error) {
	select {
	case c.making <- struct{}{}:
		defer func() { <-c.making }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c.provisioner != nil {
		return c.provisioner, nil
	}
	org, err := c.Validate(ctx)
	if err != nil {
		return nil, err
	}
	trail, err := changerun.StartTrail(context.WithoutCancel(ctx), c.cfg, org, c.logger)
	if err != nil {
		return nil, err
	}
	c.provisioner = changerun.NewProvisioner(c.client, c.cfg, trail, c.logger)
	return c.provisioner, nil
}
