package config

// actionOptions are the one-shot actions of other Baton connectors that have no
// meaning here. All are hidden, as they are there.
func actionOptions() []Option {
	const (
		noTickets  = "JumpCloud has no tickets"
		noArchives = "this connector does not compare or merge archives"
	)
	options := []Option{
		{Name: "create-ticket", Kind: Bool, Help: "Create a ticket", Reason: noTickets},
		{Name: "bulk-create-ticket", Kind: Bool, Help: "Create tickets in bulk", Reason: noTickets},
		{Name: "get-ticket", Kind: Bool, Help: "Read a ticket", Reason: noTickets},
		{Name: "list-ticket-schemas", Kind: Bool, Help: "List the schemas of tickets", Reason: noTickets},
		{Name: "ticket-template-path", Help: "Template of the ticket to create", Reason: noTickets},
		{Name: "bulk-ticket-template-path", Help: "Template of the tickets to create", Reason: noTickets},
		{Name: "ticket-id", Help: "Ticket to read", Reason: noTickets},
		{Name: "diff-syncs", Kind: Bool, Help: "Write the difference between two syncs", Reason: noArchives},
		{Name: "base-sync-id", Help: "Base sync of the difference", Reason: noArchives},
		{Name: "applied-sync-id", Help: "Applied sync of the difference", Reason: noArchives},
		{Name: "compact-syncs", Kind: Bool, Help: "Compact several syncs into one", Reason: noArchives},
		{Name: "compact-output-path", Help: "Directory of the compacted archive", Reason: noArchives},
		{Name: "compact-file-paths", Kind: Strings, Help: "Archives to compact", Reason: noArchives},
		{Name: "compact-sync-ids", Kind: Strings, Help: "Syncs to compact, one per archive", Reason: noArchives},
		{Name: "list-resource-actions", Help: "Resource type whose actions to list", Reason: "use --invoke-action and --list-action-schemas"},
		{Name: "invoke-resource-action", Help: "Resource action to invoke", Reason: "use --invoke-action and --list-action-schemas"},
		{Name: "invoke-resource-action-resource-type", Help: "Resource type of the resource action", Reason: "use --invoke-action and --list-action-schemas"},
		{Name: "invoke-resource-action-args", Default: "{}", Help: "Arguments (JSON object) of the resource action", Reason: "use --invoke-action and --list-action-schemas"},
	}
	for i := range options {
		options[i].Section, options[i].Hidden, options[i].Status, options[i].Reach = SectionActions, true, Never, ReachMode
	}
	return options
}

func otherOptions() []Option {
	return []Option{
		{
			Name: "session-store-maximum-size", Reach: ReachHarmless, Title: "Session store size", Kind: Int, Section: SectionOther, Export: ExportOps, Hidden: true, Default: 15728640,
			Status: Accepted, Reason: "this connector keeps no session store",
			Help: "Maximum size of the in-memory session store, in bytes",
		},
	}
}
