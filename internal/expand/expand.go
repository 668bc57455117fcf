// Package expand works out who holds an entitlement through another one. A grant
// that is expandable makes every holder of its source entitlements a holder of
// its own entitlement: members of a group that is assigned to an application have
// access to the application.
//
// A [Graph] gathers which entitlement flows into which. Its [Plan] puts the
// entitlements into an order in which everything that flows into one comes
// before it, and an [Expansion] yields the grants on one entitlement after the
// other in that order. What it yields is final, so that it can be written at
// once. Principals are numbers in the order in which the archive wants them, so
// that the holders of an entitlement are a sorted list of numbers, and what flows
// into an entitlement is a merge of such lists. Nothing grows with the number of
// grants but what one entitlement needs, and a cache with a limit.
package expand

import (
	"errors"

	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Options are the settings of an expansion.
type Options struct {
	// FailOnCycle makes a cycle of expandable grants an error; otherwise the
	// entitlements of a cycle act as one: grants do not flow among them, and what
	// flows into or out of one flows into or out of each.
	FailOnCycle bool
	// MaxDepth is through how many entitlements in a row a grant may flow; 0 means
	// [DefaultMaxDepth].
	MaxDepth int
	// CacheBytes bounds what is remembered of source entitlements; 0 means
	// [DefaultCacheBytes]. It changes speed, never results.
	CacheBytes int
}

// Defaults of [Options].
const (
	DefaultMaxDepth   = 20
	DefaultCacheBytes = 16 << 20
)

// Errors of [Graph.Plan].
var (
	// ErrMaxDepth says that grants would flow through more entitlements in a row
	// than Options.MaxDepth.
	ErrMaxDepth = errors.New("max depth exceeded")
	// ErrCycle says that entitlements flow into each other, and Options.FailOnCycle
	// is set.
	ErrCycle = errors.New("expandable grants form a cycle")
)

// GrantID is the id of a grant that exists by expansion alone.
func GrantID(entitlement, principalType, principal string) string {
	return entitlement + ":" + principalType + ":" + principal
}

// Annotations are those of a grant that exists by expansion alone: it cannot be
// revoked, since it ends with the grants that it comes of.
func Annotations() ([]*anypb.Any, error) {
	immutable, err := anypb.New(&v2.GrantImmutable{})
	if err != nil {
		return nil, err
	}
	return []*anypb.Any{immutable}, nil
}
