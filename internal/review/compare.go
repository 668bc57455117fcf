package review

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
)

// Change is what became of something between two syncs.
type Change uint8

// The changes.
const (
	Added Change = iota + 1
	Removed
	Changed
)

// String is the change in one lower-case word, as filters take it.
func (c Change) String() string {
	switch c {
	case Added:
		return "added"
	case Removed:
		return "removed"
	case Changed:
		return "changed"
	default:
		return ""
	}
}

func changeWords() []string { return []string{Added.String(), Removed.String(), Changed.String()} }

// Changes counts them.
type Changes struct{ Added, Removed, Changed int }

// Any reports whether there is one.
func (c Changes) Any() bool { return c != Changes{} }

func (c *Changes) count(change Change) {
	switch change {
	case Added:
		c.Added++
	case Removed:
		c.Removed++
	case Changed:
		c.Changed++
	}
}

// GrantChanges counts changes of grants. Changed ones have become direct or ceased to
// be, come from other entitlements, or can or cannot be revoked any more.
type GrantChanges struct {
	Added, Removed Count
	Changed        int
}

// Diff is what changed from an older sync to a newer one. What both have is the same
// by its id: a resource by type and id, an entitlement by its id, a grant by
// entitlement and principal. It is safe for concurrent use.
type Diff struct {
	Older, Newer *Sync
	// Resources counts by kind, and has all kinds.
	Resources    map[Kind]Changes
	Entitlements Changes
	// Grants counts by the kind of what is granted: memberships of groups,
	// assignments of applications, roles, and the rest. It has all kinds that
	// something can be granted on.
	Grants map[Kind]GrantChanges

	resources    []placeChange
	entitlements []placeChange
	grants       []placeChange
	cache        cache
}

// placeChange is a change by the places of its subject in both syncs, -1 where it is
// not there.
type placeChange struct {
	change   Change
	old, now int32
}

const nowhere = -1

// Compare works out what changed. It holds on to both syncs. Its only error is that of
// the context.
func Compare(ctx context.Context, older, newer *Sync) (*Diff, error) {
	c := comparison{d: &Diff{Older: older, Newer: newer, Resources: map[Kind]Changes{}, Grants: map[Kind]GrantChanges{}}}
	for _, k := range Kinds() {
		c.d.Resources[k], c.d.Grants[k] = Changes{}, GrantChanges{}
	}
	c.compareResources()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.compareEntitlements()
	if err := c.compareGrants(ctx); err != nil {
		return nil, err
	}
	return c.d, nil
}

// comparison is a Diff that is being made.
type comparison struct {
	d *Diff
	// oldRef and oldEnt have the older places of what the newer sync has.
	oldRef []Ref
	oldEnt []EntRef
	// The ranks order what is in either sync, by name; what is in both has the same
	// rank in both.
	rankOld, rankNow       []int32
	entRankOld, entRankNow []int32
}

func (c *comparison) compareResources() {
	older, newer := c.d.Older, c.d.Newer
	c.oldRef = make([]Ref, newer.Len())
	inNewer := make([]bool, older.Len())
	note := func(change Change, kind Kind, old, now int32) {
		counts := c.d.Resources[kind]
		counts.count(change)
		c.d.Resources[kind] = counts
		c.d.resources = append(c.d.resources, placeChange{change, old, now})
	}
	for i := range newer.resources {
		m := &newer.resources[i]
		old, ok := older.ByID(newer.types[m.typ].ID, m.id)
		c.oldRef[i] = old
		if ok {
			inNewer[old] = true
		}
		switch wasThere := ok && !older.resources[old].missing; {
		case m.missing && wasThere:
			note(Removed, older.resources[old].kind, int32(old), int32(i))
		case m.missing:
		case !wasThere:
			note(Added, m.kind, nowhere, int32(i))
		case resourceDiffers(older, newer, old, Ref(i)):
			note(Changed, m.kind, int32(old), int32(i))
		}
	}
	for i := range older.resources {
		if m := &older.resources[i]; !inNewer[i] && !m.missing {
			note(Removed, m.kind, int32(i), nowhere)
		}
	}
	c.rankResources(inNewer)
	slices.SortFunc(c.d.resources, func(a, b placeChange) int {
		return cmp.Compare(rankOf(a, c.rankOld, c.rankNow), rankOf(b, c.rankOld, c.rankNow))
	})
}

func rankOf(p placeChange, old, now []int32) int32 {
	if p.now != nowhere {
		return now[p.now]
	}
	return old[p.old]
}

// rankResources puts what is in either sync in one order: the newer sync's, and what
// only the older one has in between by name.
func (c *comparison) rankResources(inNewer []bool) {
	older, newer := c.d.Older, c.d.Newer
	c.rankOld, c.rankNow = make([]int32, older.Len()), make([]int32, newer.Len())
	rank, at := int32(0), 0
	pass := func(before string, all bool) {
		for ; at < older.Len(); at++ {
			if inNewer[at] {
				continue
			}
			if !all && fold(older.resources[at].name) > before {
				return
			}
			c.rankOld[at] = rank
			rank++
		}
	}
	for i := range newer.resources {
		pass(fold(newer.resources[i].name), false)
		c.rankNow[i] = rank
		if old := c.oldRef[i]; old != NoRef {
			c.rankOld[old] = rank
		}
		rank++
	}
	pass("", true)
}

func (c *comparison) compareEntitlements() {
	older, newer := c.d.Older, c.d.Newer
	c.oldEnt = make([]EntRef, len(newer.entitlements))
	inNewer := make([]bool, len(older.entitlements))
	note := func(change Change, old, now int32) {
		c.d.Entitlements.count(change)
		c.d.entitlements = append(c.d.entitlements, placeChange{change, old, now})
	}
	type ranked struct {
		place, resource int32
		old             bool
	}
	var all []ranked
	for i := range newer.entitlements {
		e := &newer.entitlements[i]
		old, ok := older.EntitlementByID(e.id)
		c.oldEnt[i] = old
		if ok {
			inNewer[old] = true
		}
		all = append(all, ranked{int32(i), c.rankNow[e.resource], false})
		switch wasThere := ok && !older.entitlements[old].missing; {
		case e.missing && wasThere:
			note(Removed, int32(old), int32(i))
		case e.missing:
		case !wasThere:
			note(Added, nowhere, int32(i))
		case len(entitlementFields(older, newer, old, EntRef(i))) > 0:
			note(Changed, int32(old), int32(i))
		}
	}
	for i := range older.entitlements {
		if inNewer[i] {
			continue
		}
		e := &older.entitlements[i]
		all = append(all, ranked{int32(i), c.rankOld[e.resource], true})
		if !e.missing {
			note(Removed, int32(i), nowhere)
		}
	}
	of := func(r ranked) *entitlement {
		if r.old {
			return &older.entitlements[r.place]
		}
		return &newer.entitlements[r.place]
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.resource, b.resource), strings.Compare(of(a).slug, of(b).slug), strings.Compare(of(a).id, of(b).id))
	})
	c.entRankOld, c.entRankNow = make([]int32, len(older.entitlements)), make([]int32, len(newer.entitlements))
	for rank, r := range all {
		switch {
		case r.old:
			c.entRankOld[r.place] = int32(rank)
		default:
			c.entRankNow[r.place] = int32(rank)
			if old := c.oldEnt[r.place]; old != NoEnt {
				c.entRankOld[old] = int32(rank)
			}
		}
	}
	slices.SortFunc(c.d.entitlements, func(a, b placeChange) int {
		return cmp.Compare(rankOf(a, c.entRankOld, c.entRankNow), rankOf(b, c.entRankOld, c.entRankNow))
	})
}

func (c *comparison) compareGrants(ctx context.Context) error {
	older, newer := c.d.Older, c.d.Newer
	// seen has for each older principal the grant of the entitlement at hand, from 1,
	// until it is met in the newer sync.
	seen := make([]int32, older.Len())
	inNewer := make([]bool, len(older.entitlements))
	for e := range newer.entitlements {
		if err := ctx.Err(); err != nil {
			return err
		}
		old := c.oldEnt[e]
		if old != NoEnt {
			inNewer[old] = true
			older.eachHolder(old, func(p Ref, g int32) { seen[p] = g + 1 })
		}
		newer.eachHolder(EntRef(e), func(p Ref, g int32) {
			was := c.oldRef[p]
			if was == NoRef || seen[was] == 0 {
				c.noteGrant(Added, nowhere, g)
				return
			}
			before := seen[was] - 1
			seen[was] = 0
			if c.grantDiffers(before, g) {
				c.noteGrant(Changed, before, g)
			}
		})
		if old != NoEnt {
			older.eachHolder(old, func(p Ref, g int32) {
				if seen[p] != 0 {
					seen[p] = 0
					c.noteGrant(Removed, g, nowhere)
				}
			})
		}
	}
	for e := range older.entitlements {
		if !inNewer[e] {
			older.eachHolder(EntRef(e), func(_ Ref, g int32) { c.noteGrant(Removed, g, nowhere) })
		}
	}
	c.sortGrants()
	return ctx.Err()
}

// eachHolder visits the principals of an entitlement, each once, with the direct grant
// where there are several.
func (s *Sync) eachHolder(e EntRef, visit func(p Ref, g int32)) {
	for g := s.entStart[e]; g < s.entStart[e+1]; {
		p, best := s.principal[g], g
		for g++; g < s.entStart[e+1] && s.principal[g] == p; g++ {
			if s.isDirect(g) && !s.isDirect(best) {
				best = g
			}
		}
		visit(p, best)
	}
}

func (c *comparison) noteGrant(change Change, old, now int32) {
	s, g := c.d.Newer, now
	if now == nowhere {
		s, g = c.d.Older, old
	}
	kind := s.resources[s.entitlements[s.entitlementOf(g)].resource].kind
	counts := c.d.Grants[kind]
	direct := 0
	if s.isDirect(g) {
		direct = 1
	}
	switch change {
	case Added:
		counts.Added = Count{counts.Added.All + 1, counts.Added.Direct + direct}
	case Removed:
		counts.Removed = Count{counts.Removed.All + 1, counts.Removed.Direct + direct}
	case Changed:
		counts.Changed++
	}
	c.d.Grants[kind] = counts
	c.d.grants = append(c.d.grants, placeChange{change, old, now})
}

// grantDiffers compares what two grants of one thing are: flags, and where they come
// from.
func (c *comparison) grantDiffers(old, now int32) bool {
	const compared = flagDirect | flagImmutable
	older, newer := c.d.Older, c.d.Newer
	if older.flags[old]&compared != newer.flags[now]&compared {
		return true
	}
	before, after := older.sourcesOf(old), newer.sourcesOf(now)
	if len(before) != len(after) {
		return true
	}
	for _, e := range after {
		if was := c.oldEnt[e]; was == NoEnt || !slices.Contains(before, was) {
			return true
		}
	}
	return false
}

// sortGrants puts the changes in the order of what is granted and to whom.
func (c *comparison) sortGrants() {
	type ranked struct {
		key uint64
		p   placeChange
	}
	list := make([]ranked, len(c.d.grants))
	for i, p := range c.d.grants {
		var e, r int32
		if p.now != nowhere {
			s := c.d.Newer
			e, r = c.entRankNow[s.entitlementOf(p.now)], c.rankNow[s.principal[p.now]]
		} else {
			s := c.d.Older
			e, r = c.entRankOld[s.entitlementOf(p.old)], c.rankOld[s.principal[p.old]]
		}
		list[i] = ranked{uint64(e)<<32 | uint64(r), p}
	}
	slices.SortFunc(list, func(a, b ranked) int { return cmp.Compare(a.key, b.key) })
	for i := range list {
		c.d.grants[i] = list[i].p
	}
}

// resourceDiffers compares without naming the fields.
func resourceDiffers(older, newer *Sync, old, now Ref) bool {
	a, b := &older.resources[old], &newer.resources[now]
	return !bytes.Equal(a.profile, b.profile) || len(resourceFields(older, newer, old, now)) > 0
}
