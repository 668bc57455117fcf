package review

import (
	"math/bits"
	"sort"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Grants lists grants.
//
// Sort keys: direct (direct ones first), entitlement or resource (the order without
// a key: by resource, then by principal) and principal.
//
// Filter keys: direct (yes, no: through something else only), entitlement (an id),
// expandable (yes, no), immutable (yes, no), kind and type (of the entitlement's
// resource), principal ("type:id"), principal_kind, principal_type, resource
// ("type:id"), via (the id of an entitlement that the grant comes from).
//
// A search that is the id of a grant finds that one.
func (s *Sync) Grants(q search.Query) (search.Page[Grant], error) {
	page := search.Page[Grant]{All: len(s.principal)}
	sel, err := s.selectGrants(q)
	if err != nil {
		return page, err
	}
	walk, err := search.Pick("sort", q.Sort, map[string]walk{
		"": walkByEntitlement, "entitlement": walkByEntitlement, "resource": walkByEntitlement,
		"principal": walkByPrincipal, "direct": walkByDirect,
	})
	if err != nil {
		return page, err
	}
	page.Total = sel.total
	skip := max(q.Offset, 0)
	walk(s, q.Desc, sel, &skip, func(g int32) bool {
		page.Rows = append(page.Rows, s.GrantAt(g))
		return q.Limit <= 0 || len(page.Rows) < q.Limit
	})
	return page, nil
}

// GrantAt returns a grant by its place among [Sync.GrantCount]. It panics on a place
// that is none.
func (s *Sync) GrantAt(g int32) Grant {
	e := s.EntitlementOf(g)
	return Grant{
		ID: s.grantID(g, e), Entitlement: s.EntitlementAt(e), Principal: s.Brief(s.principal[g]),
		Direct: s.flags[g]&flagDirect != 0, Via: append([]EntRef(nil), s.SourcesOf(g)...),
		Immutable: s.flags[g]&flagImmutable != 0, Expandable: s.flags[g]&flagExpandable != 0,
		Use: s.UseOf(g),
	}
}

// EntitlementOf finds the entitlement of a grant.
func (s *Sync) EntitlementOf(g int32) EntRef {
	return EntRef(sort.Search(len(s.entitlements), func(e int) bool { return s.entStart[e+1] > g }))
}

// SourcesOf are the entitlements that a grant comes from, without its own.
func (s *Sync) SourcesOf(g int32) []EntRef {
	at := s.sources[g]
	if at == 0 {
		return nil
	}
	n := uint32(s.via[at-1])
	return s.via[at : at+n]
}

// grantID makes a grant's id by the rule that it follows, or finds it.
func (s *Sync) grantID(g int32, e EntRef) string {
	p := &s.resources[s.principal[g]]
	typ := s.types[p.typ].ID
	switch f := s.flags[g]; {
	case f&flagPlainID != 0:
		return string(appendPlainID(nil, s.entitlements[e].id, typ, p.id))
	case f&flagTypedID != 0:
		of := &s.resources[s.entitlements[e].resource]
		return string(appendTypedID(nil, s.types[of.typ].ID, of.id, typ, p.id))
	}
	i := sort.Search(len(s.ids), func(i int) bool { return s.ids[i].grant >= g })
	if i < len(s.ids) && s.ids[i].grant == g {
		return s.ids[i].id
	}
	return ""
}

// findGrant finds a grant by its id.
func (s *Sync) findGrant(id string) (int32, bool) {
	for i := range s.ids {
		if s.ids[i].id == id {
			return s.ids[i].grant, true
		}
	}
	var ents []EntRef
	typ, rest, _ := strings.Cut(id, "-grant:")
	for i := range len(rest) {
		if rest[i] == ':' {
			if r, ok := s.ByID(typ, rest[:i]); ok {
				ents = append(ents, s.EntitlementsOf(r)...)
			}
		}
	}
	for i := range len(id) {
		if id[i] == ':' {
			if e, ok := s.EntitlementByID(id[:i]); ok {
				ents = append(ents, e)
			}
		}
	}
	for _, e := range ents {
		for g := s.entStart[e]; g < s.entStart[e+1]; g++ {
			if s.grantID(g, e) == id {
				return g, true
			}
		}
	}
	return 0, false
}

// grantsOf lists the grants of a principal.
func (s *Sync) grantsOf(p Ref) []int32 { return s.held[s.heldStart[p]:s.heldStart[p+1]] }

// selection is which grants match.
type selection struct {
	total int
	// all says that every grant does; bits are one for each grant otherwise, and list
	// replaces them where the grants in question are few. It is in order.
	all  bool
	bits []uint64
	list []int32
	few  bool
}

func (l *selection) has(g int32) bool { return l.all || l.bits[g/64]&(1<<(g%64)) != 0 }

// count counts the selected ones among the grants from one to another.
func (l *selection) count(from, to int32) int {
	if l.all || from >= to {
		return int(to - from)
	}
	first, last := from/64, (to-1)/64
	head, tail := ^uint64(0)<<(from%64), ^uint64(0)>>(63-(to-1)%64)
	if first == last {
		return bits.OnesCount64(l.bits[first] & head & tail)
	}
	n := bits.OnesCount64(l.bits[first]&head) + bits.OnesCount64(l.bits[last]&tail)
	for _, word := range l.bits[first+1 : last] {
		n += bits.OnesCount64(word)
	}
	return n
}

// selectGrants finds the grants that match. Every word of the search must be in the
// texts of the principal or of the entitlement.
func (s *Sync) selectGrants(q search.Query) (*selection, error) {
	f, err := s.grantFilter(q.Filter)
	if err != nil {
		return nil, err
	}
	if f.nothing {
		return &selection{few: true}, nil
	}
	want := search.Words(q.Search)
	if len(want) > 0 {
		if g, ok := s.findGrant(strings.TrimSpace(q.Search)); ok {
			sel := &selection{few: true}
			if f.match(s, g, s.EntitlementOf(g)) {
				sel.list, sel.total = []int32{g}, 1
			}
			return sel, nil
		}
	}
	m := s.masks(f, want)
	if f.of != NoRef || f.one != NoEnt {
		return s.selectFew(f, m), nil
	}
	if len(want) == 0 && len(f.ents)+len(f.principals) == 0 && f.mask == 0 && f.sources == nil {
		return &selection{all: true, total: len(s.principal)}, nil
	}
	return s.selectMany(f, m), nil
}

func (f *grantFilter) match(s *Sync, g int32, e EntRef) bool {
	return f.ents.All(e) && f.principals.All(s.principal[g]) && f.takes(s, g, e)
}

// masks says which words of a search, and a bit more for the filter, an entitlement
// and a principal have. A grant matches when the two together have all.
type masks struct {
	ent       []uint32
	principal []uint32
	// any has the bits that some principal has.
	any  uint32
	want uint32
}

// The bits of the filter.
const (
	entitlementBit = 1 << 30
	principalBit   = 1 << 31
)

// maxWords is how many different words a search of grants looks at; further ones are
// not asked for by people.
const maxWords = 30

func (s *Sync) masks(f *grantFilter, want []string) masks {
	if len(want) > maxWords {
		want = want[:maxWords]
	}
	m := masks{
		ent: make([]uint32, len(s.entitlements)), principal: make([]uint32, len(s.resources)),
		want: 1<<len(want) - 1 | entitlementBit | principalBit,
	}
	for i, w := range want {
		s.entitlementTexts.Find(w, func(e int) { m.ent[e] |= 1 << i })
		s.resourceTexts.Find(w, func(r int) { m.principal[r] |= 1 << i })
	}
	for e := range m.ent {
		if len(f.ents) == 0 || f.ents.All(EntRef(e)) {
			m.ent[e] |= entitlementBit
		}
	}
	for p := range m.principal {
		if len(f.principals) == 0 || f.principals.All(Ref(p)) {
			m.principal[p] |= principalBit
		}
		m.any |= m.principal[p]
	}
	return m
}

// selectFew looks at the grants of one principal or one entitlement.
func (s *Sync) selectFew(f *grantFilter, m masks) *selection {
	sel := &selection{few: true}
	take := func(g int32, e EntRef) {
		if m.ent[e]|m.principal[s.principal[g]] == m.want && f.takes(s, g, e) {
			sel.list = append(sel.list, g)
		}
	}
	if f.of != NoRef {
		for _, g := range s.grantsOf(f.of) {
			take(g, s.EntitlementOf(g))
		}
	} else {
		for g := s.entStart[f.one]; g < s.entStart[f.one+1]; g++ {
			take(g, f.one)
		}
	}
	sel.total = len(sel.list)
	return sel
}

// selectMany looks at all grants.
func (s *Sync) selectMany(f *grantFilter, m masks) *selection {
	sel := &selection{bits: make([]uint64, (len(s.principal)+63)/64)}
	for e := range s.entitlements {
		mask := m.ent[e]
		from, to := s.entStart[e], s.entStart[e+1]
		if mask&entitlementBit == 0 || mask|m.any != m.want || f.sources != nil && !s.layered[e] {
			continue
		}
		if f.mask == 0 && f.sources == nil {
			s.selectMasked(sel, m, mask, from, to)
			continue
		}
		for g := from; g < to; g++ {
			if s.flags[g]&f.mask == f.flags && mask|m.principal[s.principal[g]] == m.want &&
				(f.sources == nil || f.sources[s.sources[g]]) {
				sel.bits[g/64] |= 1 << (g % 64)
				sel.total++
			}
		}
	}
	return sel
}

// selectMasked takes the grants of an entitlement by the masks alone.
func (s *Sync) selectMasked(sel *selection, m masks, mask uint32, from, to int32) {
	for g := from; g < to; {
		// The bits of one word at a time.
		end := min(to, (g/64+1)*64)
		var word uint64
		for i, p := range s.principal[g:end] {
			if mask|m.principal[p] == m.want {
				word |= 1 << ((int(g) + i) % 64)
			}
		}
		sel.bits[g/64] |= word
		sel.total += bits.OnesCount64(word)
		g = end
	}
}
