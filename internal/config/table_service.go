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
			Help: "Client id that ConductorOne gave; runs the connector as a service",
		},
		{
			Name: nameClientSecret, Reach: ReachCredential, Section: SectionService, ServiceOnly: true, Secret: true,
			Help: "Client secret that ConductorOne gave",
		},
		{
			Name: "provisioning", Reach: ReachAccess, Shorthand: "p", Kind: Bool, Section: SectionService, ServiceOnly: true,
			Help: "Let ConductorOne change access through this connector",
		},
		{
			Name: "skip-full-sync", Reach: ReachMode, Kind: Bool, Section: SectionService, ServiceOnly: true,
			Help: "Answer requests for a full sync with an empty one",
		},
		{
			Name: "task-concurrency", Reach: ReachHarmless, Kind: Int, Section: SectionService, ServiceOnly: true, Default: 3, Min: 1, Max: 100,
			Help: "How many tasks of ConductorOne run side by side",
		},
		{
			Name: nameStateDir, Reach: ReachFile, Section: SectionService, ServiceOnly: true,
			Help: "Folder that survives a restart, for the work of syncs under way and results still owed; by default a folder of its own in --c1z-temp-dir, $BATON_TMPDIR or the folder for temporary files",
		},
		{
			Name: nameShutdownGrace, Reach: ReachHarmless, Section: SectionService, ServiceOnly: true, Default: "25s",
			Help: "How long running tasks may take to come to an end when the service is told to stop",
		},
		{
			Name: "keep-previous-sync-c1z", Reach: ReachHarmless, Kind: Bool, Section: SectionService, ServiceOnly: true,
			Help: "Keep the archive that was uploaded last, in the state folder",
		},
		{
			Name: "host-id", Section: SectionService, EnvOnly: true, ServiceOnly: true,
			Help: "Name under which ConductorOne knows this process; by default the host's name",
		},
		{
			Name: "c1-api-host", Section: SectionService, EnvOnly: true, ServiceOnly: true,
			Help: "Host of ConductorOne, with a port if it is not 443, instead of the one in the client id",
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
			Help: "Serve /health, /ready, /live and /metrics over HTTP while running as a service",
		},
		{
			Name: "health-check-port", Reach: ReachPort, Title: "Health check port", Kind: Int, Section: SectionHealth, Export: ExportOps, Default: 8081, Min: 1, Max: 65535,
			Help: "Port of the health check",
		},
		{
			Name: "health-check-bind-address", Reach: ReachPort, Title: "Health check bind address", Section: SectionHealth, Export: ExportOps, Hidden: true, Default: "127.0.0.1",
			Help: "Address that the health check listens on",
		},
		{
			Name: "otel-collector-endpoint", Reach: ReachData, Title: "OpenTelemetry collector endpoint", Section: SectionHealth, Export: ExportOps,
			Help: "OpenTelemetry collector (OTLP over gRPC) to send traces and logs to",
		},
		{
			Name: nameOtelCertPath, Reach: ReachData, Title: "OpenTelemetry collector CA file", Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "File with the CA certificate (PEM) of the collector",
		},
		{
			Name: nameOtelCert, Reach: ReachData, Title: "OpenTelemetry collector CA", Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "CA certificate (PEM, base64 in its URL form without padding) of the collector",
		},
		{
			Name: "otel-collector-endpoint-tls-insecure", Reach: ReachData, Title: "OpenTelemetry collector without TLS", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "Talk to the collector without TLS",
		},
		{
			Name: "otel-tracing-disabled", Reach: ReachHarmless, Title: "Disable OpenTelemetry traces", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "Send no traces",
		},
		{
			Name: "otel-logging-disabled", Reach: ReachHarmless, Title: "Disable OpenTelemetry logs", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Help: "Send no logs",
		},
	}
}
