package review

import (
	"cmp"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// walk visits the grants of a selection in an order until the visitor has enough, but
// for the first ones, which it counts down.
type walk func(s *Sync, desc bool, sel *selection, skip *int, visit func(int32) bool)

// walkByEntitlement visits them in their own order.
func walkByEntitlement(s *Sync, desc bool, sel *selection, skip *int, visit func(int32) bool) {
	if sel.few {
		walkFew(sel.list, desc, s.EntitlementOf, skip, visit)
		return
	}
	n := len(s.entitlements)
	for i := range n {
		e := i
		if desc {
			e = n - 1 - i
		}
		from, to := s.entStart[e], s.entStart[e+1]
		if *skip > 0 {
			if n := sel.count(from, to); n <= *skip {
				*skip -= n
				continue
			}
		}
		for g := from; g < to; g++ {
			if sel.has(g) && !pass(g, skip, visit) {
				return
			}
		}
	}
}

// pass visits a grant unless it is to be skipped.
func pass(g int32, skip *int, visit func(int32) bool) bool {
	if *skip > 0 {
		*skip--
		return true
	}
	return visit(g)
}

// walkByPrincipal visits them principal by principal.
func walkByPrincipal(s *Sync, desc bool, sel *selection, skip *int, visit func(int32) bool) {
	if sel.few {
		walkFew(sel.list, desc, func(g int32) Ref { return s.principal[g] }, skip, visit)
		return
	}
	n := s.Len()
	for i := range n {
		p := Ref(i)
		if desc {
			p = Ref(n - 1 - i)
		}
		list := s.grantsOf(p)
		if sel.all && len(list) <= *skip {
			*skip -= len(list)
			continue
		}
		for _, g := range list {
			if sel.has(g) && !pass(g, skip, visit) {
				return
			}
		}
	}
}

// walkByDirect visits the direct ones first, or last.
func walkByDirect(s *Sync, desc bool, sel *selection, skip *int, visit func(int32) bool) {
	more := true
	for _, direct := range []bool{!desc, desc} {
		walkByEntitlement(s, false, s.half(sel, direct), skip, func(g int32) bool {
			more = visit(g)
			return more
		})
		if !more {
			return
		}
	}
}

// half is the part of a selection that is direct, or that is not.
func (s *Sync) half(sel *selection, direct bool) *selection {
	if sel.few {
		h := &selection{few: true}
		for _, g := range sel.list {
			if s.IsDirect(g) == direct {
				h.list = append(h.list, g)
			}
		}
		return h
	}
	h := &selection{bits: make([]uint64, (len(s.principal)+63)/64)}
	for i := range h.bits {
		var word uint64
		for bit, f := range s.flags[i*64 : min(i*64+64, len(s.flags))] {
			if (f&flagDirect != 0) == direct {
				word |= 1 << bit
			}
		}
		if !sel.all {
			word &= sel.bits[i]
		}
		h.bits[i] = word
	}
	return h
}

// walkFew visits a list by a key.
func walkFew[K cmp.Ordered](list []int32, desc bool, key func(g int32) K, skip *int, visit func(int32) bool) {
	for _, i := range search.Arrange(len(list), desc, func(i int32) K { return key(list[i]) }) {
		if !pass(list[i], skip, visit) {
			return
		}
	}
}
