package config

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/bid"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// Config is every setting, checked and typed. It is made by [Load] and not
// changed afterwards.
type Config struct {
	JumpCloud JumpCloud
	Sync      Sync
	Change    Change
	Events    Events
	Output    Output
	Log       Log
	Service   Service
	Hosted    Hosted
	Health    Health
	Telemetry Telemetry
	// Warnings are sentences for whoever runs the connector: nothing is wrong,
	// but something is unwise.
	Warnings []string
	// FromWorkingDir are the settings that ./.baton.yaml gave, by the names of their
	// options, where that was read unasked.
	FromWorkingDir []string

	values values
}

// JumpCloud says which organization is read, where, and with what credential.
type JumpCloud struct {
	// AuthMethod is GroupAPIKey or GroupServiceAccount; empty without a credential.
	AuthMethod   string
	APIKey       secret.String
	ClientID     string // of a service account
	ClientSecret secret.String
	OrgID        string // empty to let the key decide
	Region       string // us, eu or in; of no effect where BaseURL is set
	BaseURL      *url.URL
	MergeAdmins  bool
	SkipAdmins   bool
	LastLogin    bool
	// EventFeeds serves event feeds.
	EventFeeds  bool
	InsightsURL *url.URL
	// Switches are the options that are set of those that have further types read.
	Switches []string
	Timeout  time.Duration // of one request
}

// Sync says what is read and how.
type Sync struct {
	ResourceTypes             []string
	Resources                 []bid.Resource
	SkipEntitlementsAndGrants bool
	SkipGrants                bool
	Workers                   int  // how many pages are read side by side, at least 1
	KeepOlder                 int  // older full syncs that the archive keeps
	KeepAll                   bool // keep every older sync
	FailOnCycles              bool // groups that contain one another are an error
	MaxDepth                  int  // levels of nested access that are followed
	MaxDrop                   MaxDrop
	AllowDrop                 string // code of a loss that may be published, in lower case; empty for none
	// Incremental carries over from the previous archive what did not change, unless the last
	// full sync is FullEvery ago.
	Incremental bool
	FullEvery   time.Duration
}

// MaxDrop is how much a sync may have lost since the one before. Its zero value
// permits any loss, and nothing is compared.
type MaxDrop struct {
	Percent int   // share of a kind from which on its loss is too large, 1 to 100
	AtLeast int64 // how many objects such a loss has at least
}

// Change says what access a single run is asked to change, and how changes are
// made.
type Change struct {
	// Command says that a command makes the change, which knows what it is.
	Command bool
	// Entitlement is the id of the entitlement to grant to the principal; empty
	// unless a grant is asked for.
	Entitlement              string
	Principal, PrincipalType string
	// Grant is the id of the grant to revoke; empty unless a revoke is asked for.
	Grant string
	// AccountLogin, AccountEmail and AccountProfile, a JSON object, name the account to
	// create, AccountType its resource type; empty unless one is asked for.
	AccountLogin, AccountEmail, AccountProfile, AccountType string
	// Delete and DeleteType name the resource to delete, Rotate and RotateType the account
	// whose password is rotated; empty unless that is asked for.
	Delete, DeleteType, Rotate, RotateType string
	// OnDeleteReports is refuse, clear or manager; DeleteAdmins deletes an account that is
	// an administrator too.
	OnDeleteReports string
	DeleteAdmins    bool
	// Action is the name of the action to invoke, with its arguments, a JSON object, and
	// its resource type; empty unless one is asked for.
	Action, ActionArgs, ActionType string
	// ListActions lists the actions, of one resource type where there is a ListType.
	ListActions bool
	ListType    string
	// DryRun shows the change instead of making it.
	DryRun bool
	// Types are the resource types that may be changed, in the order of the table.
	Types []string
	// OnLastRole is what revoking the only role of an administrator does: "refuse" or
	// "delete".
	OnLastRole string
	// AuditFile is the path of the file that changes are recorded in; empty for none.
	AuditFile string
}

// IsSet reports whether the settings ask for a change.
func (c Change) IsSet() bool { return c.Command || c.IsAccess() || c.Action != "" || c.IsLifecycle() }

// IsLifecycle reports whether the settings ask to create an account, to delete a resource
// or to rotate a password.
func (c Change) IsLifecycle() bool { return c.CreatesAccount() || c.Delete != "" || c.Rotate != "" }

// CreatesAccount reports whether the settings name an account to create.
func (c Change) CreatesAccount() bool { return c.AccountLogin != "" || c.AccountProfile != "" }

// IsAccess reports whether the settings name a grant or a revoke.
func (c Change) IsAccess() bool { return c.Entitlement != "" || c.Grant != "" }

// Output says where files go.
type Output struct {
	File string // path of the archive
	// TempDir is an existing folder for work files; empty means beside the archive.
	TempDir string
	// Engine is "sqlite" for an archive of format 1, "pebble" for one of format 3, and
	// empty where nobody said.
	Engine string
	// WebhookSecret is what messages to a webhook are signed with.
	WebhookSecret secret.String
}

// Log says what is logged, how and where.
type Log struct {
	Level slog.Level
	// DebugUntil is when a Level of debug turns into info; zero means never.
	DebugUntil time.Time
	Format     string // "json", "console", or empty to decide by the terminal
	// Paths are files, "stdout" or "stderr"; empty means stderr.
	Paths []string
}

// Origin tells where an option's value came from.
func (c *Config) Origin(name string) Origin {
	return c.values.origin(name)
}

// CredentialOrigin tells where the JumpCloud credential came from, in words: the
// flag, the environment variable or the file.
func (c *Config) CredentialOrigin() string {
	if c.JumpCloud.AuthMethod == GroupServiceAccount {
		return c.Origin(nameJCSecret).Name
	}
	return c.Origin(nameAPIKey).Name
}
