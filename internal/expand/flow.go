package expand

// holder packs a principal and whether its grant is direct.
func holder(principal uint32, direct bool) uint32 {
	h := principal << 1
	if direct {
		h |= 1
	}
	return h
}

// principalRange selects the principals of a type; if shallow, only those that hold the
// source entitlement directly.
type principalRange struct {
	span    span
	shallow bool
}

// flow is what is left of a source entitlement's holders.
type flow struct {
	source int
	head   uint32           // the holder that comes next
	rest   []uint32         // those after it
	ranges []principalRange // nil selects all
}

func (f *flow) principal() uint32 { return f.head >> 1 }
func (f *flow) direct() bool      { return f.head&1 == 1 }

// next moves to the next holder in its ranges.
func (f *flow) next() bool {
	for len(f.rest) > 0 {
		f.head, f.rest = f.rest[0], f.rest[1:]
		if f.ranges == nil {
			return true
		}
		for _, r := range f.ranges {
			if p := f.principal(); r.span.first <= p && p < r.span.end && (f.direct() || !r.shallow) {
				return true
			}
		}
	}
	return false
}

// flows is a heap: the flow with the smallest principal is the first, and of
// equal ones the one with the smallest source.
type flows []flow

func (h flows) less(i, j int) bool {
	a, b := &h[i], &h[j]
	if a.principal() != b.principal() {
		return a.principal() < b.principal()
	}
	return a.source < b.source
}

// advance moves the first flow on, and drops it when it has ended.
func (h flows) advance() flows {
	if !h[0].next() {
		last := len(h) - 1
		h[0] = h[last]
		h = h[:last]
	}
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return h
		}
		if child+1 < len(h) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return h
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
