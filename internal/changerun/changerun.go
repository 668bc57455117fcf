// Package changerun is one run of a change of access, on the command line and in
// service mode alike: the record of changes that is kept, and what makes them.
package changerun

import (
	"context"
	"log/slog"

	"github.com/conductorone/baton-jumpcloud/internal/audit"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// StartTrail begins the record of changes that every mode keeps.
func StartTrail(ctx context.Context, cfg *config.Config, org connector.Organization, logger *slog.Logger) (*audit.Trail, error) {
	base, _, err := network.Endpoints(cfg.JumpCloud)
	if err != nil {
		return nil, err
	}
	return audit.Start(ctx, audit.Options{
		Path:         cfg.Change.AuditFile,
		Organization: audit.Organization{ID: org.ID, Name: org.Name, Host: base.Host},
		Actor:        audit.LocalActor(),
		Credential:   AuditCredential(cfg.JumpCloud),
		Logger:       logger,
	})
}

// CheckAuditFile refuses a file that cannot become, or go on as, the record of
// changes, before anything else is opened. Of settings without one or without changes it
// refuses nothing.
func CheckAuditFile(cfg *config.Config) error {
	changes := cfg.Change.IsSet() && !cfg.Change.DryRun || cfg.Service.Enabled() && cfg.Service.Provisioning
	if cfg.Change.AuditFile == "" || !changes {
		return nil
	}
	return audit.Check(cfg.Change.AuditFile)
}

// AuditCredential is the credential in the form that may be written down.
func AuditCredential(settings config.JumpCloud) audit.Credential {
	if settings.AuthMethod == config.GroupServiceAccount {
		return audit.Credential{ServiceAccount: settings.ClientID}
	}
	return audit.Credential{KeyPrefix: audit.KeyPrefix(settings.APIKey)}
}

// NewProvisioner makes what changes access. It tells a trail of every change,
// unless the trail is nil, which is for previews only.
func NewProvisioner(client *jumpcloud.Client, cfg *config.Config, trail provision.Audit, logger *slog.Logger) *provision.Provisioner {
	return provision.New(client, provision.Options{
		Types: cfg.Change.Types, OnDeleteReports: cfg.Change.OnDeleteReports, DeleteAdmins: cfg.Change.DeleteAdmins,
		OnLastRole: cfg.Change.OnLastRole, MergeAdmins: cfg.JumpCloud.MergeAdmins, Audit: trail, Command: console.CommandFor(cfg.Output.File), Logger: logger,
	})
}
