package config

import (
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// The names of the options that code refers to. Every option is in the table
// that [Options] returns.
const (
	nameAPIKey       = "api-key"
	nameAuthMethod   = "auth-method"
	nameJCClientID   = "jumpcloud-client-id"
	nameJCSecret     = "jumpcloud-client-secret"
	nameOrgID        = "org-id"
	nameRegion       = "region"
	nameBaseURL      = "base-url"
	nameMergeAdmins  = "merge-admins"
	nameSkipAdmins   = "skip-admins"
	nameClientID     = "client-id"
	nameClientSecret = "client-secret"
	nameMaxDrop      = "max-drop"
	nameAllowDrop    = "allow-drop"
)

// The field groups, which are also the values of --auth-method.
const (
	GroupAPIKey         = "api-key"
	GroupServiceAccount = "service-account"
)

// The bounds of --workers. More requests at once than the maximum would only
// wait in the client's own limiter.
const (
	minWorkers = -1
	maxWorkers = 64
)

// ResourceTypes are the types that a sync can be restricted to.
func ResourceTypes() []string { return restype.IDs() }

// Options returns the table: every setting there is, the connector's own first.
// The slice is the caller's to keep.
func Options() []Option {
	return slices.Concat(jumpcloudOptions(), syncOptions(), changeOptions(), outputOptions(), serviceOptions(), healthOptions(), actionOptions(), otherOptions())
}

// jumpcloudOptions are the connector's own, in the order in which a form shows
// them.
func jumpcloudOptions() []Option {
	return []Option{
		{
			Name: nameAPIKey, Reach: ReachCredential, Title: "API key", Section: SectionJumpCloud, Secret: true, Export: ExportGUI, Group: GroupAPIKey,
			Help:        "API key of a JumpCloud administrator",
			Placeholder: "jca_...",
		},
		{
			Name: nameJCClientID, Reach: ReachCredential, Title: "Service account client ID", Section: SectionJumpCloud, Export: ExportGUI, Group: GroupServiceAccount,
			Help: "Client id of a JumpCloud service account, instead of an API key",
		},
		{
			Name: nameJCSecret, Reach: ReachCredential, Title: "Service account client secret", Section: SectionJumpCloud, Secret: true, Export: ExportGUI, Group: GroupServiceAccount,
			Help: "Client secret of the JumpCloud service account",
		},
		{
			Name: nameAuthMethod, Reach: ReachCredential, Section: SectionJumpCloud, OneOf: []string{"", GroupAPIKey, GroupServiceAccount},
			Help: "Which credential to use, api-key or service-account; by default the one that is set",
		},
		{
			Name: nameOrgID, Reach: ReachHarmless, Title: "Organization ID", Section: SectionJumpCloud, Export: ExportGUI,
			Help:        "JumpCloud organisation to read, needed when the key has access to several",
			Placeholder: "64b000000000000000000001",
		},
		{
			Name: nameRegion, Reach: ReachHarmless, Title: "Region", Section: SectionJumpCloud, Export: ExportGUI,
			Default: "us", OneOf: []string{"us", "eu", "in"},
			Help: "JumpCloud region that the organisation lives in: us, eu or in",
		},
		{
			Name: nameBaseURL, Reach: ReachHost, Title: "Base URL", Section: SectionJumpCloud, Export: ExportGUI,
			Help:        "Address of the JumpCloud console, for anything that is not one of the regions",
			Placeholder: "https://console.jumpcloud.com",
		},
		{
			Name: nameMergeAdmins, Reach: ReachHarmless, Title: "Merge administrators into users", Kind: Bool, Section: SectionJumpCloud, Export: ExportGUI,
			Help: "Make a person who is both user and administrator one account instead of two",
		},
		{
			Name: nameSkipAdmins, Reach: ReachHarmless, Title: "Skip administrators", Kind: Bool, Section: SectionJumpCloud, Export: ExportGUI,
			Help: "Leave out administrators and the roles that they hold",
		},
	}
}

func syncOptions() []Option {
	const noExternal = "JumpCloud resources are not matched with another connector's archive"
	return []Option{
		{
			Name: "sync-resource-types", Reach: ReachHarmless, Kind: Strings, Section: SectionSync,
			OneOf: ResourceTypes(),
			Help:  "Sync only these resource types: " + strings.Join(ResourceTypes(), ", "),
		},
		{
			Name: "sync-resources", Reach: ReachHarmless, Kind: Strings, Section: SectionSync,
			Help: "Sync only these resources, given as bid:r:TYPE/ID; makes a partial sync",
		},
		{
			Name: "skip-entitlements-and-grants", Reach: ReachHarmless, Kind: Bool, Section: SectionSync,
			Help: "Sync resources only",
		},
		{
			Name: "skip-grants", Reach: ReachHarmless, Kind: Bool, Section: SectionSync, Hidden: true,
			Help: "Leave out grants; only together with --sync-resources",
		},
		{
			Name: "workers", Reach: ReachHarmless, Kind: Int, Section: SectionSync, Min: minWorkers, Max: maxWorkers,
			Help: "How many pages are read side by side: 0 or -1 chooses 16, 1 reads one after the other",
		},
		{
			Name: nameMaxDrop, Reach: ReachSafeguard, Section: SectionSync, Default: "50%/20",
			Help: "Refuse to publish a sync that lost this share of a type's objects or of the grants since the one before, and at least so many objects, or all of three or more; warns from 20%; off compares nothing",
		},
		{
			Name: nameAllowDrop, Reach: ReachSafeguard, Section: SectionSync,
			Help: "Publish the loss that --max-drop stopped under this code",
		},
		{
			Name: "parallel-sync", Reach: ReachHarmless, Kind: Bool, Section: SectionSync,
			Help: "Deprecated: the same as --workers=-1, which is the default",
		},
		{
			Name: "http-timeout-seconds", Reach: ReachHarmless, Title: "HTTP timeout (seconds)", Kind: Int, Section: SectionSync, Export: ExportOps,
			Default: 300, Min: 1, Max: 1800,
			Help: "How long one request may take",
		},
		{
			Name: "external-resource-c1z", Reach: ReachFile, Section: SectionSync, Status: Never, Reason: noExternal,
			Help: "Archive of another connector with external identities",
		},
		{
			Name: "external-resource-entitlement-id-filter", Reach: ReachHarmless, Section: SectionSync, Status: Never, Reason: noExternal,
			Help: "Only external principals that hold this entitlement",
		},
		{
			Name: "external-resource-traits", Reach: ReachHarmless, Kind: Strings, Section: SectionSync, Status: Never, Reason: noExternal,
			Help: "Traits of external resources to match",
		},
		{
			Name: "keep-sync-count", Kind: Int, Section: SectionSync, EnvOnly: true, Default: 2, Min: 1, Max: 100,
			Help: "How many full syncs an archive keeps, the new one included",
		},
		{
			Name: "skip-cleanup", Kind: Bool, Section: SectionSync, EnvOnly: true,
			Help: "Keep every older sync of the archive",
		},
		{
			Name: "dont-fix-cycles", Kind: Bool, Section: SectionSync, EnvOnly: true,
			Help: "Fail when groups contain one another instead of treating them as one",
		},
		{
			Name: "graph-expand-max-depth", Kind: Int, Section: SectionSync, EnvOnly: true, Default: 20, Min: 1, Max: 1000,
			Help: "How many levels of nested access are followed",
		},
	}
}

func outputOptions() []Option {
	return []Option{
		{
			Name: "file", Reach: ReachFile, Shorthand: "f", Section: SectionOutput, Default: "sync.c1z",
			Help: "Path of the archive",
		},
		{
			Name: "log-level", Reach: ReachHarmless, Title: "Log level", Section: SectionOutput, Export: ExportOps,
			Default: "info", OneOf: []string{"debug", "info", "warn", "error"},
			Help: "Log from this level on: debug, info, warn or error",
		},
		{
			Name: "log-format", Reach: ReachHarmless, Section: SectionOutput, OneOf: []string{"", "json", "console"},
			Help: "Form of the log, json or console; by default console on a terminal, else json",
		},
		{
			Name: "log-path", Reach: ReachFile, Kind: Strings, Section: SectionOutput,
			Help: "Files to write the log to instead of stderr; stdout and stderr are names for the streams",
		},
		{
			Name: "log-level-debug-expires-at", Reach: ReachHarmless, Title: "Debug log expires at", Section: SectionOutput, Export: ExportOps,
			Help: "Time (RFC 3339) from which on a log level of debug counts as info",
		},
		{
			Name: "log-event-log", Reach: ReachHarmless, Kind: Bool, Section: SectionOutput, Hidden: true,
			Status: Never, Reason: "this build has no Windows event log",
			Help: "Log to the Windows event log",
		},
		{
			Name: "storage-engine", Reach: ReachHarmless, Section: SectionOutput, OneOf: []string{"", "sqlite", "pebble"},
			Help: "Storage engine of the archive: sqlite (format 1, for every reader; the default) or pebble (format 3, for readers since SDK v0.25)",
		},
		{
			Name: "c1z-temp-dir", Reach: ReachFile, Section: SectionOutput, Hidden: true,
			Help: "Existing folder for work files, else $BATON_TMPDIR, else beside the archive",
		},
		{
			Name: "tmpdir", Section: SectionOutput, EnvOnly: true,
			Help: "Existing folder for work files when --c1z-temp-dir is not set",
		},
		{
			Name: "decoder-max-decoded-size-mb", Kind: Int, Section: SectionOutput, EnvOnly: true, Default: 10240, Min: 1, Max: 1 << 30,
			Help: "Largest database, in MiB, that is unpacked from an archive",
		},
		{
			Name: "decoder-max-memory-mb", Kind: Int, Section: SectionOutput, EnvOnly: true, Default: 128, Min: 1, Max: 1 << 30,
			Help: "Most memory, in MiB, that unpacking an archive may ask for",
		},
		{
			Name: "config-path", Section: SectionOutput, EnvOnly: true,
			Help: "Configuration file (.yaml or .yml) to read instead of ./.baton.yaml",
		},
	}
}
