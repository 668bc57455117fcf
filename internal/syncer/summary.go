package syncer

import "time"

// SyncType is the word that the archive has for what a sync covers.
type SyncType string

// The types of a sync.
const (
	SyncFull          SyncType = "full"
	SyncPartial       SyncType = "partial"        // some resources
	SyncResourcesOnly SyncType = "resources_only" // no entitlements and grants
)

// Summary is what the reader of a finished sync wants to know.
type Summary struct {
	Info
	Type  SyncType
	Scope Scope
	// ResourceTypes are the ids of the types that were synced, and LeftOutTypes of
	// those that the source has and the scope left out.
	ResourceTypes, LeftOutTypes []string
	// Expanded says that grants were expanded: a full sync with grants.
	Expanded bool

	// Resources counts by resource type; Entitlements and Grants by the type of the
	// entitlement's resource. Types without any are missing.
	Resources, Entitlements, Grants map[string]int64
	// DirectGrants and InheritedGrants add up to all grants: those that the source
	// told of, and those that come of expansion alone.
	DirectGrants, InheritedGrants int64
	// PrincipalGrants counts the grants by the principal's type.
	PrincipalGrants map[string]int64

	// Dropped counts the grants that are not in the archive, by reason.
	Dropped map[DropReason]int64
	// DroppedEdges counts expansions whose source entitlement does not exist.
	DroppedEdges int64
	// Vanished are the resources that were deleted while they were read.
	Vanished []Ref
	// LookedUp are how many principals were in no list and exist, NotFound those
	// that do not exist.
	LookedUp, NotFound int64
	// Remarks are the source's sentences for the reader.
	Remarks []string
	// Phases are the durations of the phases, over all processes that worked on
	// this sync, in order.
	Phases []PhaseDuration
}

// PhaseDuration is how long a phase took.
type PhaseDuration struct {
	Phase Phase
	Took  time.Duration
}

// DropReason says why a grant is not in the archive.
type DropReason string

// The reasons to drop a grant.
const (
	// DropLeftOut: the type of the principal or of the entitlement's resource is
	// not synced, because the scope says so.
	DropLeftOut DropReason = "left out"
	// DropNotFound: the principal is in no list and does not exist.
	DropNotFound DropReason = "principal not found"
	// DropVanished: the principal or the entitlement's resource was deleted while
	// it was read.
	DropVanished DropReason = "vanished"
)
