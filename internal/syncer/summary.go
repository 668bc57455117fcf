package syncer

import (
	"context"
	"slices"
	"time"
)

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
	// TypeNames are the display names of the types that were synced, by id.
	TypeNames map[string]string
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
	// Empty are the kinds of lists of which most count rows and show none, and more
	// than is likely: whoever publishes the sync should refuse to.
	Empty []KindCounts
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

func newSummary(info Info, st State) Summary {
	s := Summary{
		Info: info, Type: SyncFull, Scope: st.Scope, LeftOutTypes: st.LeftOut,
		Expanded:  st.Scope.full() && st.Scope.grants(),
		Resources: map[string]int64{}, Entitlements: map[string]int64{}, Grants: map[string]int64{},
		PrincipalGrants: map[string]int64{}, Dropped: map[DropReason]int64{}, TypeNames: map[string]string{},
	}
	switch {
	case !st.Scope.full():
		s.Type = SyncPartial
	case st.Scope.SkipEntitlementsAndGrants:
		s.Type = SyncResourcesOnly
	}
	for _, t := range st.ResourceTypes {
		s.ResourceTypes = append(s.ResourceTypes, t.GetId())
		s.TypeNames[t.GetId()] = t.GetDisplayName()
	}
	return s
}

// summarize adds what the store knows.
func (b *builder) summarize(ctx context.Context) error {
	counters, err := b.Store.Counters(ctx)
	if err != nil {
		return err
	}
	b.sum.LookedUp = counters[CounterLookedUp]
	if n := counters[CounterLeftOut]; n > 0 {
		b.sum.Dropped[DropLeftOut] += n
	}
	if b.sum.Vanished, err = b.Store.Vanished(ctx); err != nil {
		return err
	}
	absent, err := b.Store.AbsentPrincipals(ctx)
	if err != nil {
		return err
	}
	b.sum.NotFound = int64(len(absent))
	kinds, err := b.Store.Counts(ctx)
	if err != nil {
		return err
	}
	b.sum.Empty = slices.DeleteFunc(kinds, func(k KindCounts) bool { return !k.isUntrue() })
	n, err := b.Store.VanishedGrants(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		b.sum.Dropped[DropVanished] += n
	}
	if b.sum.Remarks, err = b.Store.Remarks(ctx); err != nil {
		return err
	}
	took, err := b.Store.Durations(ctx)
	if err != nil {
		return err
	}
	for _, p := range []Phase{PhaseReading, PhaseLookup, PhaseJoining} {
		b.sum.Phases = append(b.sum.Phases, PhaseDuration{p, took[p]})
	}
	b.sum.Phases = append(b.sum.Phases, PhaseDuration{PhaseWriting, time.Since(b.start)})
	return nil
}
