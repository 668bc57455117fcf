package config

// The names of the service's options that code refers to.
const (
	nameStateDir      = "state-dir"
	nameShutdownGrace = "shutdown-grace"
	nameOtelCertPath  = "otel-collector-endpoint-tls-cert-path"
	nameOtelCert      = "otel-collector-endpoint-tls-cert"
)

// serviceOptions are those of a connector that stays connected to ConductorOne.
func serviceOptions() []Option {
	return []Option{
		{
			Name: nameClientID, Reach: ReachMode, Section: SectionService, ServiceOnly: true,
			Help: "Client ID from ConductorOne (switches to service mode)",
		},
		{
			Name: nameClientSecret, Reach: ReachCredential, Section: SectionService, ServiceOnly: true, Secret: true,
			Help: "Client secret from ConductorOne",
		},
		{
			Name: "provisioning", Reach: ReachAccess, Shorthand: "p", Kind: Bool, Section: SectionService, ServiceOnly: true,
			Help: "Allow ConductorOne to grant and revoke access",
		},
		{
			Name: "skip-full-sync", Reach: ReachMode, Kind: Bool, Section: SectionService, ServiceOnly: true,
			Help: "Skip full syncs (report an empty one)",
		},
		{
			Name: "task-concurrency", Reach: ReachHarmless, Kind: Int, Section: SectionService, ServiceOnly: true, Default: 3, Min: 1, Max: 100,
			Help: "Maximum number of concurrent tasks",
		},
		{
			Name: nameStateDir, Reach: ReachFile, Section: SectionService, ServiceOnly: true,
			Help: "Persistent directory for interrupted syncs and pending task results (default: a directory in --c1z-temp-dir, $BATON_TMPDIR or the system's temporary directory)",
		},
		{
			Name: nameShutdownGrace, Reach: ReachHarmless, Section: SectionService, ServiceOnly: true, Default: "25s",
			Help: "How long to wait for running tasks on shutdown",
		},
		{
			Name: "keep-previous-sync-c1z", Reach: ReachHarmless, Kind: Bool, Section: SectionService, ServiceOnly: true,
			Help: "Keep the last uploaded archive in the state directory",
		},
		{
			Name: "host-id", Section: SectionService, EnvOnly: true, ServiceOnly: true,
			Help: "Host ID reported to ConductorOne (default: the hostname)",
		},
		{
			Name: "c1-api-host", Section: SectionService, EnvOnly: true, ServiceOnly: true,
			Help: "ConductorOne API host (HOST or HOST:PORT), instead of the one in the client ID",
		},
		{
			Name: "get-tasks", Kind: Bool, Section: SectionService, EnvOnly: true, ServiceOnly: true,
			Help: "Fetch several tasks at once",
		},
		{
			Name: "ticketing", Reach: ReachMode, Kind: Bool, Section: SectionService, Status: Never, Reason: "JumpCloud has no tickets",
			Help: "Enable external ticket provisioning",
		},
	}
}

// healthOptions are those of what watches the process.
func healthOptions() []Option {
	return []Option{
		{
			Name: "health-check", Reach: ReachPort, Title: "Health check", Kind: Bool, Section: SectionHealth, Export: ExportOps, ServiceOnly: true,
			Help: "Serve /health, /ready, /live and /metrics over HTTP",
		},
		{
			Name: "health-check-port", Reach: ReachPort, Title: "Health check port", Kind: Int, Section: SectionHealth, Export: ExportOps, Default: 8081, Min: 1, Max: 65535,
			Help: "Port of the health check server",
		},
		{
			Name: "health-check-bind-address", Reach: ReachPort, Title: "Health check bind address", Section: SectionHealth, Export: ExportOps, Hidden: true, Default: "127.0.0.1",
			Help: "Bind address of the health check server",
		},
		{
			Name: "otel-collector-endpoint", Reach: ReachData, Title: "OpenTelemetry collector endpoint", Section: SectionHealth, Export: ExportOps,
			Help: "OpenTelemetry collector for traces and logs (OTLP over gRPC)",
		},
		{
			Name: nameOtelCertPath, Reach: ReachData, Title: "OpenTelemetry collector CA file", Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "CA certificate file (PEM) of the collector",
		},
		{
			Name: nameOtelCert, Reach: ReachData, Title: "OpenTelemetry collector CA", Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "CA certificate (PEM, unpadded base64url) of the collector",
		},
		{
			Name: "otel-collector-endpoint-tls-insecure", Reach: ReachData, Title: "OpenTelemetry collector without TLS", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "Connect to the collector without TLS",
		},
		{
			Name: "otel-tracing-disabled", Reach: ReachHarmless, Title: "Disable OpenTelemetry traces", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "Disable traces",
		},
		{
			Name: "otel-logging-disabled", Reach: ReachHarmless, Title: "Disable OpenTelemetry logs", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "Disable logs",
		},
	}
}
