package services

import (
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/conductorone/baton-jumpcloud/internal/actions"
	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/network"
)

// maxPauses is how long a request to JumpCloud that failed waits for further attempts. The
// platform waits for the rest.
const maxPauses = 2 * time.Second

// Settings are what the services are made of in production.
type Settings struct {
	Config *config.Config
	// Transport carries the requests to JumpCloud.
	Transport http.RoundTripper
	// Key opens passwords that are encrypted for this connector; nil where there is none.
	Key    ed25519.PrivateKey
	Tracer trace.Tracer
	Logger *slog.Logger
}

// Open makes the services that settings describe. Nothing is asked yet.
//
// Changes are always enabled: the platform that hosts the connector lets its administrators
// decide. Which types can be changed follows --provision-types, as everywhere.
func Open(settings Settings) (*Services, error) {
	cfg := settings.Config
	client, err := network.NewClient(cfg.JumpCloud, cfg.Sync.Workers, settings.Logger, &network.Traffic{Transport: settings.Transport})
	if err != nil {
		return nil, err
	}
	client.LimitPauses(maxPauses)
	invocations, err := actions.OpenStore("")
	if err != nil {
		return nil, err
	}
	return New(Options{
		Client: client,
		Source: connector.Options{
			OrgID: cfg.JumpCloud.OrgID, MergeAdmins: cfg.JumpCloud.MergeAdmins, SkipAdmins: cfg.JumpCloud.SkipAdmins,
			LastLogin: cfg.JumpCloud.LastLogin, Switches: cfg.JumpCloud.Switches, Logger: settings.Logger,
		},
		ResourceTypes: cfg.Sync.ResourceTypes, EventFeeds: cfg.JumpCloud.EventFeeds, ProvisionTypes: cfg.Change.Types, Workers: cfg.Sync.Workers, TempDir: cfg.Output.TempDir,
		Changes: changerun.NewChanges(changerun.ChangesOptions{
			Config: cfg, Client: client, Enabled: true, MaxPauses: maxPauses, Invocations: invocations, Key: settings.Key, Tracer: settings.Tracer, Logger: settings.Logger,
		}),
		Logger: settings.Logger,
	}), nil
}
