package service

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// taskChanges serves the tasks that change access, and describes the connector.
type taskChanges struct{ *changerun.Changes }

var _ agent.Connector = taskChanges{}

// newTaskChanges makes a client of its own, which is not slowed down by syncs.
func newTaskChanges(cfg *config.Config, n *network.Network, m *metrics, syncs *taskSyncs, key ed25519.PrivateKey, logger *slog.Logger) (taskChanges, error) {
	client, err := network.NewClient(cfg.JumpCloud, cfg.Sync.Workers, logger, &network.Traffic{Transport: n.Transport, Tell: m.requested})
	if err != nil {
		return taskChanges{}, err
	}
	invocations, err := actions.OpenStore(syncs.home.invocations())
	if err != nil {
		return taskChanges{}, err
	}
	return taskChanges{changerun.NewChanges(changerun.ChangesOptions{
		Config: cfg, Client: client, Enabled: cfg.Service.Provisioning, Invocations: invocations, Key: key, Tracer: n.Tracer, Logger: logger,
		Admit: syncs.home.admit, Around: syncs.aroundChange(logger),
	})}, nil
}

// aroundChange counts changes: archives from before them are not uploaded any more.
func (s *taskSyncs) aroundChange(logger *slog.Logger) func(context.Context, func(context.Context) error) error {
	return func(ctx context.Context, change func(context.Context) error) error {
		if err := s.changes.add(); err != nil {
			return fmt.Errorf("no change was made: %w", err)
		}
		defer func() {
			if err := s.changes.add(); err != nil {
				logger.WarnContext(ctx, "recording the end of a change failed", "error", err)
			}
		}()
		return change(ctx)
	}
}

// GetMetadata implements [agent.Connector].
func (c taskChanges) GetMetadata(context.Context, *v2.ConnectorServiceGetMetadataRequest) (*v2.ConnectorServiceGetMetadataResponse, error) {
	options := connector.CapabilityOptions{ProvisionTypes: c.Config.Change.Types, Switches: c.Config.JumpCloud.Switches, EventFeeds: c.Config.JumpCloud.EventFeeds}
	return &v2.ConnectorServiceGetMetadataResponse{Metadata: connector.Metadata(options)}, nil
}
