// Package expand works out who holds an entitlement through another one. A grant
// that is expandable makes every holder of its source entitlements a holder of
// its own entitlement: members of a group that is assigned to an application have
// access to the application.
//
// Expansion is worked out per destination entitlement, in topological order, from
// sorted sets of principals, and never stored row by row. What a destination
// yields is final when it is yielded.
package expand

// Options are the settings of an expansion.
type Options struct {
	// FailOnCycle makes a cycle of expandable grants an error; otherwise the
	// entitlements of a cycle act as one: grants do not flow among them, and what
	// flows into or out of one flows into or out of each.
	FailOnCycle bool
	// MaxDepth is how many steps a grant may flow; 0 means [DefaultMaxDepth].
	MaxDepth int
	// CacheBytes bounds what is remembered of source entitlements; 0 means
	// [DefaultCacheBytes]. It changes speed, never results.
	CacheBytes int
}

// Defaults of Options.
const (
	DefaultMaxDepth   = 20
	DefaultCacheBytes = 24 << 20
)
