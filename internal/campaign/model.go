package campaign

import (
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// Decision is what a reviewer decided about an item.
type Decision string

// The decisions. An exception is access that is kept until a date, against a rule.
const (
	Undecided Decision = ""
	Keep      Decision = "keep"
	Revoke    Decision = "revoke"
	Exception Decision = "exception"
)

// Decisions are those that can be made.
func Decisions() []string { return []string{string(Keep), string(Revoke), string(Exception)} }

// ParseDecision reads a decision.
func ParseDecision(text string) (Decision, error) {
	if !slices.Contains(Decisions(), text) {
		return Undecided, fault.Invalid("unknown decision %q: want keep, revoke or exception", text)
	}
	return Decision(text), nil
}

// String is the decision for people.
func (d Decision) String() string {
	if d == Undecided {
		return "undecided"
	}
	return string(d)
}

// Header says what a review is of. It never changes.
type Header struct {
	// ID is a KSUID.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Scope and Filter are what the items were selected by.
	Scope  []string          `json:"scope"`
	Filter map[string]string `json:"filter,omitempty"`
	Search string            `json:"search,omitempty"`
	// ReviewerBy is one of the By constants.
	ReviewerBy string    `json:"reviewer_by"`
	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by"`
	// Previous is the ID of the review that previous decisions are of.
	Previous string `json:"previous,omitempty"`
	// Delta says that what is the same as in that review was left out.
	Delta  bool   `json:"delta,omitempty"`
	Source Source `json:"source"`
	// Tool is the version and commit of the program.
	Tool string `json:"tool"`
}

// Source is the sync that a review was made from.
type Source struct {
	OrganizationID   string `json:"organization_id,omitempty"`
	OrganizationName string `json:"organization_name,omitempty"`
	Host             string `json:"host,omitempty"`
	// Archive is the name of the archive, and SHA256 that of its content.
	Archive string    `json:"archive"`
	SHA256  string    `json:"archive_sha256"`
	SyncID  string    `json:"sync_id"`
	Type    string    `json:"sync_type"`
	Started time.Time `json:"sync_started_at"`
	Ended   time.Time `json:"sync_ended_at,omitzero"`
	// Settings are those that decided what the sync holds, as it recorded them.
	Settings string `json:"sync_settings,omitempty"`
	// Accounts, Resources and Grants count what the sync holds.
	Accounts  int `json:"accounts"`
	Resources int `json:"resources"`
	Grants    int `json:"grants"`
}

// Named is a resource.
type Named struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind,omitempty"`
}

// Account is who holds what is reviewed, as the sync showed it.
type Account struct {
	Named
	Email      string `json:"email,omitempty"`
	Status     string `json:"status,omitempty"`
	Details    string `json:"details,omitempty"`
	Department string `json:"department,omitempty"`
	Title      string `json:"title,omitempty"`
	Manager    string `json:"manager,omitempty"`
	// LastLogin is zero where it is not known.
	LastLogin time.Time `json:"last_login,omitzero"`
}

// Step is what an account holds itself and inherits the reviewed access from.
type Step struct {
	Named
	EntitlementID string `json:"entitlement_id"`
	// Dynamic says that a rule decides who holds it.
	Dynamic bool `json:"dynamic,omitempty"`
}

// Peers are the enabled accounts of the same department and title, without the account
// itself.
type Peers struct {
	Have int `json:"have"`
	All  int `json:"all"`
}

// Previous is what an earlier review decided about the same access.
type Previous struct {
	Decision Decision  `json:"decision"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Comment  string    `json:"comment,omitempty"`
	Until    string    `json:"until,omitempty"`
}

// Item is one access to be decided. It never changes.
type Item struct {
	// ID counts the items of a review from 1.
	ID      int    `json:"id"`
	GrantID string `json:"grant_id"`
	// Reviewer is who is to decide.
	Reviewer      string  `json:"reviewer"`
	Account       Account `json:"account"`
	Resource      Named   `json:"resource"`
	EntitlementID string  `json:"entitlement_id"`
	Entitlement   string  `json:"entitlement"`
	// Direct says that the access stands by itself, Dynamic that a rule decides who holds
	// it, and Immutable that the connector cannot revoke it by itself.
	Direct    bool `json:"direct"`
	Dynamic   bool `json:"dynamic,omitempty"`
	Immutable bool `json:"immutable,omitempty"`
	// Via are the paths in words. Steps are where they begin.
	Via   []string `json:"via"`
	Steps []Step   `json:"steps,omitempty"`
	// Ends is what else ends for the account when it no longer holds any of the steps.
	Ends []Ending `json:"ends,omitempty"`
	// Peers is nil where there are none.
	Peers *Peers `json:"peers,omitempty"`
	// Findings are the names of the reports that name the account or the access.
	Findings []string  `json:"findings,omitempty"`
	Previous *Previous `json:"previous,omitempty"`
}

// Ending is access that ends with other access.
type Ending struct {
	EntitlementID string `json:"entitlement_id"`
	Name          string `json:"name"`
}

// State is what the log says about an item.
type State struct {
	Decision Decision
	Comment  string
	// Until is the last day of an exception, as 2006-01-02.
	Until string
	By    string
	At    time.Time
	// From says where the decision came from: a command, the browser or a worksheet.
	From string
	// Result is how far a revoke was carried out, and Check what the next sync showed.
	Result Result
	Detail string
	// Revoked are the entitlements that were revoked for it, which is done once.
	Revoked []string
	// ResultAt is when, zero for never.
	ResultAt    time.Time
	Check       Presence
	CheckedAt   time.Time
	CheckedSync string
	CheckDetail string
}

// Row is an item with its state.
type Row struct {
	Item
	State
}

// Result is how far a revoke was carried out.
type Result string

// The results. Those of [Result.Final] are never tried again.
const (
	ResultNone Result = ""
	// ResultStarted is a revoke whose outcome is not known: the program ended before.
	ResultStarted Result = "started"
	ResultRevoked Result = "revoked"
	ResultAlready Result = "already"
	// ResultOffered is inherited access: it ends with the membership of groups only.
	ResultOffered Result = "inherited"
	// ResultDynamic is access that a rule decides.
	ResultDynamic Result = "dynamic"
	// ResultRefused is what cannot be revoked as it is, and ResultFailed what may work
	// when it is tried again.
	ResultRefused Result = "refused"
	ResultFailed  Result = "failed"
)

// Final reports whether nothing is left to be done.
func (r Result) Final() bool { return r == ResultRevoked || r == ResultAlready }

// Presence is what a later sync shows of revoked access.
type Presence string

// What a later sync shows.
const (
	PresenceUnknown Presence = ""
	Gone            Presence = "gone"
	StillThere      Presence = "still there"
	BackAgain       Presence = "back again"
	// TooOld is a sync that began before the revoke was carried out.
	TooOld Presence = "sync is older than the revoke"
)
