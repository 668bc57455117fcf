package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Service says how the connector runs while it stays connected to ConductorOne.
type Service struct {
	// ClientID is what ConductorOne gave; empty for a single run.
	ClientID     string
	ClientSecret secret.String
	// Provisioning lets ConductorOne change access.
	Provisioning bool
	// SkipFullSync answers full syncs with empty ones.
	SkipFullSync bool
	// Concurrency is how many tasks run side by side, 1 to 100.
	Concurrency int
	// Batch fetches several tasks at once.
	Batch bool
	// StateDir survives a restart; empty for a folder of the connector's choice.
	StateDir string
	// ShutdownGrace is how long running tasks may take to end.
	ShutdownGrace time.Duration
	// KeepPrevious keeps the archive that was uploaded last.
	KeepPrevious bool
	// HostID is the name of this process; empty for the host's.
	HostID string
	// APIHost takes the place of the host in the client id; empty for none.
	APIHost string
}

// Enabled reports whether the connector runs in service mode.
func (s Service) Enabled() bool { return s.ClientID != "" }

// Health says where the health check listens.
type Health struct {
	Enabled     bool
	BindAddress string
	Port        int
}

// Telemetry says where traces and logs are sent.
type Telemetry struct {
	// Endpoint is host:port of a collector; empty for none.
	Endpoint string
	// CertPath is a file with the collector's CA; Cert is the CA itself. Both empty
	// means the public ones.
	CertPath string
	Cert     []byte // PEM
	// Insecure talks without TLS.
	Insecure             bool
	NoTracing, NoLogging bool
}

// Enabled reports whether anything is to be sent.
func (t Telemetry) Enabled() bool { return t.Endpoint != "" && !(t.NoTracing && t.NoLogging) }

// fillService sets the fields that matter to a service.
func (c *Config) fillService() Problems {
	v := c.values
	var problems Problems
	c.Service = Service{
		ClientID: strings.TrimSpace(v.str(nameClientID)), ClientSecret: v.hidden(nameClientSecret),
		Provisioning: v.flag("provisioning"), SkipFullSync: v.flag("skip-full-sync"),
		Concurrency: v.num("task-concurrency"), Batch: v.flag("get-tasks"),
		StateDir: v.str(nameStateDir), KeepPrevious: v.flag("keep-previous-sync-c1z"),
		HostID: v.str("host-id"), APIHost: strings.TrimSpace(v.str("c1-api-host")),
	}
	if host := c.Service.APIHost; host != "" {
		if err := checkHost(host); err != nil {
			problems = append(problems, fieldProblem("c1-api-host", err))
		}
	}
	if !utf8.ValidString(c.Service.HostID) || strings.ContainsFunc(c.Service.HostID, unicode.IsControl) {
		problems = append(problems, fieldProblem("host-id", errors.New("value must be printable")))
	}
	if err := checkToken(c.Service.ClientID); err != nil {
		problems = append(problems, fieldProblem(nameClientID, err))
	}
	grace, err := time.ParseDuration(v.str(nameShutdownGrace))
	if err != nil || grace < 0 || grace > time.Hour {
		problems = append(problems, fieldProblem(nameShutdownGrace, fmt.Errorf("value must be a duration from 0s to 1h, such as 25s, but got '%s'", redact.Value(v.str(nameShutdownGrace)))))
	}
	c.Service.ShutdownGrace = grace
	c.Health = Health{Enabled: v.flag("health-check"), BindAddress: v.str("health-check-bind-address"), Port: v.num("health-check-port")}
	if err := checkBindAddress(c.Health.BindAddress); err != nil {
		problems = append(problems, fieldProblem("health-check-bind-address", err))
	}
	c.Telemetry = Telemetry{
		CertPath:  v.str(nameOtelCertPath),
		Insecure:  v.flag("otel-collector-endpoint-tls-insecure"),
		NoTracing: v.flag("otel-tracing-disabled"), NoLogging: v.flag("otel-logging-disabled"),
	}
	if text := strings.TrimSpace(v.str("otel-collector-endpoint")); text != "" {
		target, plain, err := parseCollector(text)
		if err != nil {
			problems = append(problems, fieldProblem("otel-collector-endpoint", err))
		}
		c.Telemetry.Endpoint, c.Telemetry.Insecure = target, c.Telemetry.Insecure || plain
	}
	if text := v.str(nameOtelCert); text != "" {
		c.Telemetry.Cert, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
		if err != nil {
			problems = append(problems, fieldProblem(nameOtelCert, errors.New("value must be base64url")))
		}
	}
	return problems
}

// checkService holds a service to the rules of its own. Grants are left out of a
// sync where ConductorOne's task says so, never for all of them.
func (c *Config) checkService() Problems {
	if !c.Service.Enabled() {
		return nil
	}
	var problems Problems
	if c.Service.ClientSecret.Empty() {
		problems = append(problems, Problem{
			Text: "client-secret is required in service mode",
			Hint: `set BATON_CLIENT_SECRET (or BATON_CLIENT_SECRET_FILE) to the secret that ConductorOne showed with the client ID
for new credentials, open the connector in ConductorOne, click Edit in its Settings area, then Rotate`,
		})
	}
	if c.Sync.SkipGrants {
		problems = append(problems, Problem{
			Text: "skip-grants can only be set within a targeted sync",
			Hint: "remove the option: in service mode, ConductorOne's tasks select what to sync",
		})
	}
	return problems
}
