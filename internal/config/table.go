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
	nameLastLogin    = "sync-last-login"
	nameInsightsURL  = "insights-url"
	nameClientID     = "client-id"
	nameClientSecret = "client-secret"
	nameMaxDrop      = "max-drop"
	nameAllowDrop    = "allow-drop"
	nameIncremental  = "incremental"
	nameFullEvery    = "full-every"
	nameSyncTypes    = "sync-resource-types"
	nameLogLevel     = "log-level"
	nameDebugUntil   = "log-level-debug-expires-at"
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
	return slices.Concat(jumpcloudOptions(), switchOptions(), syncOptions(), changeOptions(), outputOptions(), serviceOptions(), eventOptions(), hostedOptions(), healthOptions(), actionOptions(), otherOptions())
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
			Help: "Client ID of a JumpCloud service account (instead of an API key)",
		},
		{
			Name: nameJCSecret, Reach: ReachCredential, Title: "Service account client secret", Section: SectionJumpCloud, Secret: true, Export: ExportGUI, Group: GroupServiceAccount,
			Help: "Client secret of the JumpCloud service account",
		},
		{
			Name: nameAuthMethod, Reach: ReachCredential, Section: SectionJumpCloud, OneOf: []string{"", GroupAPIKey, GroupServiceAccount},
			Help: "Credential to use: api-key or service-account (default: the one that is set)",
		},
		{
			Name: nameOrgID, Reach: ReachHarmless, Title: "Organization ID", Section: SectionJumpCloud, Export: ExportGUI,
			Help:        "ID of the JumpCloud organization to sync (required when the API key has access to several)",
			Placeholder: "64b000000000000000000001",
		},
		{
			Name: nameRegion, Reach: ReachHarmless, Title: "Region", Section: SectionJumpCloud, Export: ExportGUI,
			Default: "us", OneOf: []string{"us", "eu", "in"},
			Help: "JumpCloud region of the organization: us, eu or in",
		},
		{
			Name: nameBaseURL, Reach: ReachHost, Title: "Base URL", Section: SectionJumpCloud, Export: ExportGUI,
			Help:        "Base URL of the JumpCloud API, instead of a region's",
			Placeholder: "https://console.jumpcloud.com",
		},
		{
			Name: nameMergeAdmins, Reach: ReachHarmless, Title: "Merge administrators into users", Kind: Bool, Section: SectionJumpCloud, Export: ExportGUI,
			Help: "Merge a user and an administrator with the same email address into one account",
		},
		{
			Name: nameSkipAdmins, Reach: ReachHarmless, Title: "Skip administrators", Kind: Bool, Section: SectionJumpCloud, Export: ExportGUI,
			Help: "Skip administrators and their roles",
		},
		{
			Name: nameLastLogin, Reach: ReachHarmless, Title: "Read last logins", Kind: Bool, Section: SectionJumpCloud, Export: ExportGUI,
			Help: "Read when accounts signed in last, and to which applications, from the events of 90 days in Directory Insights",
		},
		{
			Name: nameInsightsURL, Reach: ReachHost, Section: SectionJumpCloud,
			Help: "Address of Directory Insights before /insights/directory/v1, instead of the region's or the base URL",
		},
	}
}

// switchOptions have further types read, one for each switch of the table of types.
func switchOptions() []Option {
	var options []Option
	for _, s := range restype.Switches() {
		options = append(options, Option{
			Name: s.Name, Reach: ReachHarmless, Title: s.Title, Kind: Bool, Section: SectionJumpCloud, Export: ExportGUI,
			Help: "Sync " + s.What + " too",
		})
	}
	return options
}

func syncOptions() []Option {
	const noExternal = "JumpCloud resources are not matched with another connector's archive"
	return []Option{
		{
			Name: nameSyncTypes, Reach: ReachHarmless, Kind: Strings, Section: SectionSync,
			OneOf: ResourceTypes(),
			Help:  "Sync only these resource types: " + strings.Join(ResourceTypes(), ", "),
		},
		{
			Name: "sync-resources", Reach: ReachHarmless, Kind: Strings, Section: SectionSync,
			Help: "Sync only these resources, as bid:r:TYPE/ID (partial sync)",
		},
		{
			Name: "skip-entitlements-and-grants", Reach: ReachHarmless, Kind: Bool, Section: SectionSync,
			Help: "Sync resources only, without entitlements and grants",
		},
		{
			Name: "skip-grants", Reach: ReachHarmless, Kind: Bool, Section: SectionSync, Hidden: true,
			Help: "Skip grants (requires --sync-resources)",
		},
		{
			Name: "workers", Reach: ReachHarmless, Kind: Int, Section: SectionSync, Min: minWorkers, Max: maxWorkers,
			Help: "Concurrent API requests (0 or -1: 16; 1: sequential)",
		},
		{
			Name: nameMaxDrop, Reach: ReachSafeguard, Section: SectionSync, Default: "50%/20",
			Help: "Fail if the sync drops at least PERCENT% (and at least COUNT, or all of three or more) of any resource type or of grants compared with the previous sync, as PERCENT%/COUNT; warns from 20%; off disables the check",
		},
		{
			Name: nameAllowDrop, Reach: ReachSafeguard, Section: SectionSync,
			Help: "Publish the sync that --max-drop rejected with this code",
		},
		{
			Name: nameIncremental, Reach: ReachSafeguard, Kind: Bool, Section: SectionSync,
			Help: "Read members and assignments only where Directory Insights tells of changes since the previous archive",
		},
		{
			Name: nameFullEvery, Reach: ReachSafeguard, Section: SectionSync, Default: "24h",
			Help: "Read everything all the same when the last full sync is this old (with --incremental)",
		},
		{
			Name: "parallel-sync", Reach: ReachHarmless, Kind: Bool, Section: SectionSync,
			Help: "Deprecated: same as --workers=-1 (the default)",
		},
		{
			Name: "http-timeout-seconds", Reach: ReachHarmless, Title: "HTTP timeout (seconds)", Kind: Int, Section: SectionSync, Export: ExportOps,
			Default: 300, Min: 1, Max: 1800,
			Help: "Timeout of one API request, in seconds",
		},
		{
			Name: "external-resource-c1z", Reach: ReachFile, Section: SectionSync, Status: Never, Reason: noExternal,
			Help: "Archive of another connector with external identities",
		},
		{
			Name: "external-resource-entitlement-id-filter", Reach: ReachHarmless, Section: SectionSync, Status: Never, Reason: noExternal,
			Help: "Match only external principals with this entitlement",
		},
		{
			Name: "external-resource-traits", Reach: ReachHarmless, Kind: Strings, Section: SectionSync, Status: Never, Reason: noExternal,
			Help: "Traits of external resources to match",
		},
		{
			Name: "keep-sync-count", Kind: Int, Section: SectionSync, EnvOnly: true, Default: 2, Min: 1, Max: 100,
			Help: "Number of full syncs to keep in the archive, including the new one",
		},
		{
			Name: "skip-cleanup", Kind: Bool, Section: SectionSync, EnvOnly: true,
			Help: "Keep all earlier syncs in the archive",
		},
		{
			Name: "dont-fix-cycles", Kind: Bool, Section: SectionSync, EnvOnly: true,
			Help: "Fail on cyclic group membership instead of treating the groups as one",
		},
		{
			Name: "graph-expand-max-depth", Kind: Int, Section: SectionSync, EnvOnly: true, Default: 20, Min: 1, Max: 1000,
			Help: "Maximum depth of nested access to expand",
		},
	}
}

func outputOptions() []Option {
	return []Option{
		{
			Name: "file", Reach: ReachFile, Shorthand: "f", Section: SectionOutput, Default: "sync.c1z",
			Help: "Path of the archive (.c1z)",
		},
		{
			Name: nameLogLevel, Reach: ReachHarmless, Title: "Log level", Section: SectionOutput, Export: ExportOps,
			Default: "info", OneOf: []string{"debug", "info", "warn", "error"},
			Help: "Minimum log level: debug, info, warn or error",
		},
		{
			Name: "log-format", Reach: ReachHarmless, Section: SectionOutput, OneOf: []string{"", "json", "console"},
			Help: "Log format: json or console (default: console on a terminal, json elsewhere)",
		},
		{
			Name: "log-path", Reach: ReachFile, Kind: Strings, Section: SectionOutput,
			Help: "Log files, instead of stderr (stdout and stderr name the streams)",
		},
		{
			Name: nameDebugUntil, Reach: ReachHarmless, Title: "Debug log expires at", Section: SectionOutput, Export: ExportOps,
			Help: "Time (RFC 3339) after which log level debug falls back to info",
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
			Help: "Existing directory for work files (default: $BATON_TMPDIR, else next to the archive)",
		},
		{
			Name: "tmpdir", Section: SectionOutput, EnvOnly: true,
			Help: "Existing directory for work files if --c1z-temp-dir is not set",
		},
		{
			Name: "decoder-max-decoded-size-mb", Kind: Int, Section: SectionOutput, EnvOnly: true, Default: 10240, Min: 1, Max: 1 << 30,
			Help: "Maximum size of an unpacked archive, in MiB",
		},
		{
			Name: "decoder-max-memory-mb", Kind: Int, Section: SectionOutput, EnvOnly: true, Default: 128, Min: 1, Max: 1 << 30,
			Help: "Maximum memory for unpacking an archive, in MiB",
		},
		{
			Name: "webhook-secret", Section: SectionOutput, EnvOnly: true, Secret: true,
			Help: "Secret that messages of watch --webhook are signed with",
		},
		{
			Name: "config-path", Section: SectionOutput, EnvOnly: true,
			Help: "Configuration file (.yaml or .yml) to read instead of ./.baton.yaml",
		},
	}
}
