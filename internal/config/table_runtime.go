package config

// noService is why the options of service mode are not served.
const noService = "service mode comes with a later version"

func serviceOptions() []Option {
	return []Option{
		{
			Name: nameClientID, Section: SectionService, ServiceOnly: true, Status: Later, Reason: noService,
			Help: "Client id that ConductorOne gave; runs the connector as a service",
		},
		{
			Name: nameClientSecret, Section: SectionService, ServiceOnly: true, Secret: true, Status: Later, Reason: noService,
			Help: "Client secret that ConductorOne gave",
		},
		{
			Name: "provisioning", Shorthand: "p", Kind: Bool, Section: SectionService, ServiceOnly: true,
			Status: Accepted, Reason: "a sync changes nothing",
			Help: "Let ConductorOne change access through this connector",
		},
		{
			Name: "skip-full-sync", Kind: Bool, Section: SectionService, ServiceOnly: true, Status: Later, Reason: noService,
			Help: "Answer requests for a full sync with an empty one",
		},
		{
			Name: "task-concurrency", Kind: Int, Section: SectionService, ServiceOnly: true, Default: 3, Min: 1, Max: 100, Status: Later, Reason: noService,
			Help: "How many tasks of ConductorOne run side by side",
		},
		{
			Name: "keep-previous-sync-c1z", Kind: Bool, Section: SectionService, ServiceOnly: true, Status: Later, Reason: noService,
			Help: "Keep the archive that was uploaded last",
		},
		{
			Name: "ticketing", Kind: Bool, Section: SectionService, Status: Never, Reason: "JumpCloud has no tickets",
			Help: "Enable external ticket provisioning",
		},
	}
}

func healthOptions() []Option {
	const noTelemetry = "telemetry comes with a later version"
	return []Option{
		{
			Name: "health-check", Title: "Health check", Kind: Bool, Section: SectionHealth, Export: ExportOps, ServiceOnly: true, Status: Later, Reason: noService,
			Help: "Serve /health, /ready and /live over HTTP while running as a service",
		},
		{
			Name: "health-check-port", Title: "Health check port", Kind: Int, Section: SectionHealth, Export: ExportOps, Default: 8081, Min: 1, Max: 65535,
			Help: "Port of the health check",
		},
		{
			Name: "health-check-bind-address", Title: "Health check bind address", Section: SectionHealth, Export: ExportOps, Hidden: true, Default: "127.0.0.1",
			Help: "Address that the health check listens on",
		},
		{
			Name: "otel-collector-endpoint", Title: "OpenTelemetry collector endpoint", Section: SectionHealth, Export: ExportOps, Status: Later, Reason: noTelemetry,
			Help: "OpenTelemetry collector (OTLP over gRPC) to send traces and logs to",
		},
		{
			Name: "otel-collector-endpoint-tls-cert-path", Title: "OpenTelemetry collector CA file", Section: SectionHealth, Export: ExportOps, Hidden: true, Status: Later, Reason: noTelemetry,
			Help: "File with the CA certificate (PEM) of the collector",
		},
		{
			Name: "otel-collector-endpoint-tls-cert", Title: "OpenTelemetry collector CA", Section: SectionHealth, Export: ExportOps, Hidden: true, Status: Later, Reason: noTelemetry,
			Help: "CA certificate (PEM, base64 in its URL form without padding) of the collector",
		},
		{
			Name: "otel-collector-endpoint-tls-insecure", Title: "OpenTelemetry collector without TLS", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true, Status: Later, Reason: noTelemetry,
			Help: "Talk to the collector without TLS",
		},
		{
			Name: "otel-tracing-disabled", Title: "Disable OpenTelemetry traces", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Status: Accepted, Reason: "no traces are sent",
			Help: "Send no traces",
		},
		{
			Name: "otel-logging-disabled", Title: "Disable OpenTelemetry logs", Kind: Bool, Section: SectionHealth, Export: ExportOps, Hidden: true,
			Status: Accepted, Reason: "no logs are sent",
			Help: "Send no logs",
		},
	}
}

// actionOptions are those that ask for something else than a sync. All are
// hidden, as in other Baton connectors.
func actionOptions() []Option {
	const (
		noChange   = "this version reads access and does not change it"
		noAccounts = "this connector does not create, delete or reset JumpCloud accounts"
		noEvents   = "this connector has no event feed"
		noTickets  = "JumpCloud has no tickets"
		noArchives = "this connector does not compare or merge archives"
		noActions  = "this connector has no custom actions"
	)
	options := []Option{
		{Name: "grant-entitlement", Help: "Entitlement id to grant", Status: Later, Reason: noChange},
		{Name: "grant-principal", Help: "Resource id of the principal to grant to", Status: Later, Reason: noChange},
		{Name: "grant-principal-type", Help: "Resource type of the principal to grant to", Status: Later, Reason: noChange},
		{Name: "revoke-grant", Help: "Grant id to revoke", Status: Later, Reason: noChange},
		{Name: "create-account-login", Help: "Login of the account to create", Reason: noAccounts},
		{Name: "create-account-email", Help: "E-mail of the account to create", Reason: noAccounts},
		{Name: "create-account-profile", Help: "Profile (JSON object) of the account to create", Reason: noAccounts},
		{Name: "create-account-resource-type", Help: "Resource type of the account to create", Reason: noAccounts},
		{Name: "delete-resource", Help: "Resource id to delete", Reason: noAccounts},
		{Name: "delete-resource-type", Help: "Resource type of the resource to delete", Reason: noAccounts},
		{Name: "rotate-credentials", Help: "Resource id whose credentials to rotate", Reason: noAccounts},
		{Name: "rotate-credentials-type", Help: "Resource type of the resource whose credentials to rotate", Reason: noAccounts},
		{Name: "event-feed", BoolText: true, Help: "Read the event feed (true or false)", Reason: noEvents},
		{Name: "event-feed-id", Help: "Event feed to read", Reason: noEvents},
		{Name: "event-feed-start-at", Help: "Time (RFC 3339) to read events from", Reason: noEvents},
		{Name: "event-feed-cursor", Help: "Cursor to read events from", Reason: noEvents},
		{Name: "create-ticket", Kind: Bool, Help: "Create a ticket", Reason: noTickets},
		{Name: "bulk-create-ticket", Kind: Bool, Help: "Create several tickets", Reason: noTickets},
		{Name: "get-ticket", Kind: Bool, Help: "Read a ticket", Reason: noTickets},
		{Name: "list-ticket-schemas", Kind: Bool, Help: "List the schemas of tickets", Reason: noTickets},
		{Name: "ticket-template-path", Help: "Template of the ticket to create", Reason: noTickets},
		{Name: "bulk-ticket-template-path", Help: "Template of the tickets to create", Reason: noTickets},
		{Name: "ticket-id", Help: "Ticket to read", Reason: noTickets},
		{Name: "diff-syncs", Kind: Bool, Help: "Write the difference of two syncs", Reason: noArchives},
		{Name: "base-sync-id", Help: "Older sync of the difference", Reason: noArchives},
		{Name: "applied-sync-id", Help: "Newer sync of the difference", Reason: noArchives},
		{Name: "compact-syncs", Kind: Bool, Help: "Merge syncs into one", Reason: noArchives},
		{Name: "compact-output-path", Help: "Folder of the merged archive", Reason: noArchives},
		{Name: "compact-file-paths", Kind: Strings, Help: "Archives to merge", Reason: noArchives},
		{Name: "compact-sync-ids", Kind: Strings, Help: "Syncs to merge, one for each archive", Reason: noArchives},
		{Name: "invoke-action", Help: "Action to invoke", Reason: noActions},
		{Name: "invoke-action-args", Default: "{}", Help: "Arguments (JSON object) of the action", Reason: noActions},
		{Name: "invoke-action-resource-type", Help: "Resource type of the action", Reason: noActions},
		{Name: "list-action-schemas", Kind: Bool, Help: "List the schemas of actions", Reason: noActions},
		{Name: "list-action-schemas-resource-type", Help: "Resource type of the actions to list", Reason: noActions},
		{Name: "list-resource-actions", Help: "Resource type whose actions to list", Reason: noActions},
		{Name: "invoke-resource-action", Help: "Resource action to invoke", Reason: noActions},
		{Name: "invoke-resource-action-resource-type", Help: "Resource type of the resource action", Reason: noActions},
		{Name: "invoke-resource-action-args", Default: "{}", Help: "Arguments (JSON object) of the resource action", Reason: noActions},
	}
	for i := range options {
		options[i].Section, options[i].Hidden = SectionActions, true
		if options[i].Status != Later {
			options[i].Status = Never
		}
	}
	return options
}

func otherOptions() []Option {
	return []Option{
		{
			Name: "session-store-maximum-size", Title: "Session store size", Kind: Int, Section: SectionOther, Export: ExportOps, Hidden: true, Default: 15728640,
			Status: Accepted, Reason: "this connector keeps no session store",
			Help: "Bytes of the session store that is kept in memory",
		},
	}
}
