package syncer

import (
	"cmp"
	"time"
)

// Progress is a moment of a sync.
type Progress struct {
	Phase Phase
	// Kinds tell of the lists by kind, in a stable order; while reading. The slice
	// is the receiver's.
	Kinds []KindProgress
	// Done and Total count principals while they are looked up, and entitlements
	// whose grants are written while writing.
	Done, Total int64
	// Grants counts the grants that are written.
	Grants int64
}

// KindProgress sums up the lists of one kind.
type KindProgress struct {
	Kind, Label string // as in [List]
	// Lists are known, Complete of them are read to their end.
	Lists, Complete int64
	// Rows were read, of Total as far as the server told. What several pages bring
	// counts once.
	Rows, Total int64
	// PagesDone are read, PagesOpen are known and not read yet.
	PagesDone, PagesOpen int64
}

// Name is what people call the kind.
func (k KindProgress) Name() string { return cmp.Or(k.Label, k.Kind) }

// meterInterval is how often progress is told at most.
const meterInterval = 100 * time.Millisecond

// meter tells progress now and then.
type meter struct {
	tell func(Progress) // may be nil
	last time.Time
}

// update tells progress unless that was done a moment ago; last makes sure that it
// is told.
func (m *meter) update(last bool, now func() Progress) {
	if m.tell == nil || !last && time.Since(m.last) < meterInterval {
		return
	}
	m.last = time.Now()
	m.tell(now())
}
