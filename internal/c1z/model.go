package c1z

import (
	"encoding/json"
	"fmt"
	"time"
)

// SyncType says what a sync set out to read. Its values are those of the column
// v1_sync_runs.sync_type.
type SyncType string

// The types of sync that this package writes. Files from elsewhere may hold
// others, such as the two halves of a diff.
const (
	SyncFull          SyncType = "full"
	SyncPartial       SyncType = "partial"
	SyncResourcesOnly SyncType = "resources_only"
)

// SyncRun is one sync of an archive: a row of v1_sync_runs.
type SyncRun struct {
	// ID is a KSUID of 27 characters, which sort by the time of their making.
	ID string
	// Type is [SyncFull] where it is left empty.
	Type SyncType
	// ParentID is the sync that a partial one adds to; empty for none.
	ParentID string
	// LinkedID is the other half of a diff; empty for none.
	LinkedID string
	// StartedAt and EndedAt are kept in UTC. EndedAt is zero while a sync is
	// unfinished.
	StartedAt, EndedAt time.Time
	// Token is the column sync_token as it stands in the file, empty where it has
	// more than 64 KiB. [Writer.Finish] makes it from Organization and Basis
	// and takes no other.
	Token string
	// Organization is what the sync was read from, kept inside Token where other
	// readers ignore it. It is zero in files that other programs wrote.
	Organization Organization
	// Basis is what the sync stands on, kept beside Organization; nil for a sync that
	// does not say so.
	Basis *Basis
	// SupportsDiff says that grant expansion was done or would have had nothing to
	// do, so that the expansion columns can be trusted. It stays false for partial
	// and resources-only syncs.
	SupportsDiff bool
	// Backfilled says that no grant keeps its GrantExpandable annotation in its
	// blob. It is always true in files of this package.
	Backfilled bool
	// Stats are the counts that the file has stored; nil when it has none.
	Stats *Stats
}

// Finished reports whether the sync came to its end.
func (s SyncRun) Finished() bool { return !s.EndedAt.IsZero() }

// Organization names what a sync was read from.
type Organization struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Host is the host name of the API that was asked.
	Host string `json:"host,omitempty"`
	// Settings is a fingerprint of the options that decide what a sync holds: type
	// filter, merged and skipped administrators.
	Settings string `json:"settings,omitempty"`
}

// Basis says how much of a sync was read, for the next one that wants to carry over what
// did not change.
type Basis struct {
	// Mapping is the version of what is made of the API's answers.
	Mapping int `json:"mapping"`
	// FullSync is the id of the last sync that read everything, and FullStartedAt when it
	// began. It is the sync itself if that carried nothing over.
	FullSync      string    `json:"full_sync"`
	FullStartedAt time.Time `json:"full_started_at"`
	// PreviousSync is the id of the sync from which lists were carried over; empty where
	// everything was read. Number is how many syncs in a row have done so.
	PreviousSync string `json:"previous_sync,omitempty"`
	Number       int    `json:"number,omitempty"`
}

// Incremental reports whether something was carried over.
func (b *Basis) Incremental() bool { return b != nil && b.PreviousSync != "" }

// Stats counts the rows of one sync. It is the JSON of v1_sync_runs.stats, with
// the keys and the omissions that other readers expect.
type Stats struct {
	ResourceTypes int64 `json:"resource_types,omitempty"`
	Resources     int64 `json:"resources,omitempty"`
	Entitlements  int64 `json:"entitlements,omitempty"`
	Grants        int64 `json:"grants,omitempty"`
	// The maps are keyed by resource type id: a resource's own, and for
	// entitlements and grants that of the entitlement's resource.
	ResourcesByType    map[string]int64 `json:"resources_by_resource_type,omitempty"`
	GrantsByType       map[string]int64 `json:"grants_by_resource_type,omitempty"`
	EntitlementsByType map[string]int64 `json:"entitlements_by_resource_type,omitempty"`
	Assets             int64            `json:"assets,omitempty"`
}

type syncToken struct {
	// Baton is only there for files of this program.
	Baton *tokenBaton `json:"baton_jumpcloud,omitempty"`
	// Version 1 is the version of the token of a finished sync that every reader
	// takes.
	Version int `json:"version"`
}

type tokenBaton struct {
	Organization Organization `json:"organization"`
	Basis        *Basis       `json:"basis,omitempty"`
}

// formatToken returns the sync token of a finished sync of an organization.
func formatToken(org Organization, basis *Basis) (string, error) {
	token := syncToken{Version: 1}
	if org != (Organization{}) {
		token.Baton = &tokenBaton{Organization: org, Basis: basis}
	}
	b, err := json.Marshal(token)
	if err != nil {
		return "", fmt.Errorf("encode sync token: %w", err)
	}
	return string(b), nil
}

// readToken fills in what the sync token says. A token that is not ours says nothing:
// other programs keep their checkpoints there.
func (s *SyncRun) readToken() {
	var t syncToken
	if json.Unmarshal([]byte(s.Token), &t) == nil && t.Baton != nil {
		s.Organization, s.Basis = t.Baton.Organization, t.Baton.Basis
	}
}
