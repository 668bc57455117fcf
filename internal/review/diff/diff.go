// Package diff tells what changed from one sync to another.
package diff

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
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
	Added, Removed review.Count
	Changed        int
}

// Diff is what changed from an older sync to a newer one. What both have is the same
// by its id: a resource by type and id, an entitlement by its id, a grant by
// entitlement and principal. It is safe for concurrent use.
type Diff struct {
	Older, Newer *review.Sync
	// Resources counts by kind, and has all kinds.
	Resources    map[review.Kind]Changes
	Entitlements Changes
	// Grants counts by the kind of what is granted: memberships of groups,
	// assignments of applications, roles, and the rest. It has all kinds that
	// something can be granted on.
	Grants map[review.Kind]GrantChanges

	resources    []Place
	entitlements []Place
	grants       []Place
	cache        search.Cache
}

// Place is a change by the places of its subject in both syncs, -1 where it is not there:
// of a resource, an entitlement or a grant.
type Place struct {
	Change   Change
	Old, New int32
}

const nowhere = -1

// Count counts changes of everything.
func (d *Diff) Count() int { return len(d.resources) + len(d.entitlements) + len(d.grants) }

// Places lists the changes of resources, of entitlements and of grants, each in the order
// of the names of what they are about. The lists must not be changed.
func (d *Diff) Places() (resources, entitlements, grants []Place) {
	return d.resources, d.entitlements, d.grants
}

// Side is the sync in which a change is shown, and the place there: the newer one, or the
// older one where something was removed.
func (d *Diff) Side(p Place) (*review.Sync, int32) {
	if p.Change == Removed {
		return d.Older, p.Old
	}
	return d.Newer, p.New
}

// Compare works out what changed. It holds on to both syncs. Its only error is that of
// the context.
func Compare(ctx context.Context, older, newer *review.Sync) (*Diff, error) {
	c := comparison{d: &Diff{Older: older, Newer: newer, Resources: map[review.Kind]Changes{}, Grants: map[review.Kind]GrantChanges{}}}
	for _, k := range review.Kinds() {
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
	oldRef []review.Ref
	oldEnt []review.EntRef
	// The ranks order what is in either sync, by name; what is in both has the same
	// rank in both.
	rankOld, rankNow       []int32
	entRankOld, entRankNow []int32
}

func (c *comparison) compareResources() {
	older, newer := c.d.Older, c.d.Newer
	c.oldRef = make([]review.Ref, newer.Len())
	inNewer := make([]bool, older.Len())
	note := func(change Change, kind review.Kind, old, now int32) {
		counts := c.d.Resources[kind]
		counts.count(change)
		c.d.Resources[kind] = counts
		c.d.resources = append(c.d.resources, Place{change, old, now})
	}
	for i := range newer.Len() {
		m := newer.Brief(review.Ref(i))
		old, ok := older.ByID(m.Type, m.ID)
		c.oldRef[i] = old
		if ok {
			inNewer[old] = true
		}
		switch wasThere := ok && !older.IsMissing(old); {
		case m.Missing && wasThere:
			note(Removed, older.KindOf(old), int32(old), int32(i))
		case m.Missing:
		case !wasThere:
			note(Added, m.Kind, nowhere, int32(i))
		case resourceDiffers(older, newer, old, review.Ref(i)):
			note(Changed, m.Kind, int32(old), int32(i))
		}
	}
	for i := range older.Len() {
		if r := review.Ref(i); !inNewer[i] && !older.IsMissing(r) {
			note(Removed, older.KindOf(r), int32(i), nowhere)
		}
	}
	c.rankResources(inNewer)
	slices.SortFunc(c.d.resources, func(a, b Place) int {
		return cmp.Compare(rankOf(a, c.rankOld, c.rankNow), rankOf(b, c.rankOld, c.rankNow))
	})
}

func rankOf(p Place, old, now []int32) int32 {
	if p.New != nowhere {
		return now[p.New]
	}
	return old[p.Old]
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
			if !all && search.Fold(older.NameOf(review.Ref(at))) > before {
				return
			}
			c.rankOld[at] = rank
			rank++
		}
	}
	for i := range newer.Len() {
		pass(search.Fold(newer.NameOf(review.Ref(i))), false)
		c.rankNow[i] = rank
		if old := c.oldRef[i]; old != review.NoRef {
			c.rankOld[old] = rank
		}
		rank++
	}
	pass("", true)
}

func (c *comparison) compareEntitlements() {
	older, newer := c.d.Older, c.d.Newer
	was, is := entitlementsOf(older), entitlementsOf(newer)
	c.oldEnt = make([]review.EntRef, len(is))
	inNewer := make([]bool, len(was))
	note := func(change Change, old, now int32) {
		c.d.Entitlements.count(change)
		c.d.entitlements = append(c.d.entitlements, Place{change, old, now})
	}
	type ranked struct {
		place, resource int32
		old             bool
	}
	var all []ranked
	for i := range is {
		e := &is[i]
		old, ok := older.EntitlementByID(e.ID)
		c.oldEnt[i] = old
		if ok {
			inNewer[old] = true
		}
		all = append(all, ranked{int32(i), c.rankNow[e.Resource.Ref], false})
		switch wasThere := ok && !was[old].Missing; {
		case e.Missing && wasThere:
			note(Removed, int32(old), int32(i))
		case e.Missing:
		case !wasThere:
			note(Added, nowhere, int32(i))
		case len(entitlementFields(&was[old], e)) > 0:
			note(Changed, int32(old), int32(i))
		}
	}
	for i := range was {
		if inNewer[i] {
			continue
		}
		e := &was[i]
		all = append(all, ranked{int32(i), c.rankOld[e.Resource.Ref], true})
		if !e.Missing {
			note(Removed, int32(i), nowhere)
		}
	}
	of := func(r ranked) *review.Entitlement {
		if r.old {
			return &was[r.place]
		}
		return &is[r.place]
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.resource, b.resource), strings.Compare(of(a).Slug, of(b).Slug), strings.Compare(of(a).ID, of(b).ID))
	})
	c.entRankOld, c.entRankNow = make([]int32, len(was)), make([]int32, len(is))
	for rank, r := range all {
		switch {
		case r.old:
			c.entRankOld[r.place] = int32(rank)
		default:
			c.entRankNow[r.place] = int32(rank)
			if old := c.oldEnt[r.place]; old != review.NoEnt {
				c.entRankOld[old] = int32(rank)
			}
		}
	}
	slices.SortFunc(c.d.entitlements, func(a, b Place) int {
		return cmp.Compare(rankOf(a, c.entRankOld, c.entRankNow), rankOf(b, c.entRankOld, c.entRankNow))
	})
}

func entitlementsOf(s *review.Sync) []review.Entitlement {
	list := make([]review.Entitlement, s.EntitlementCount())
	for i := range list {
		list[i] = s.EntitlementAt(review.EntRef(i))
	}
	return list
}

func (c *comparison) compareGrants(ctx context.Context) error {
	older, newer := c.d.Older, c.d.Newer
	// seen has for each older principal the grant of the entitlement at hand, from 1,
	// until it is met in the newer sync.
	seen := make([]int32, older.Len())
	inNewer := make([]bool, older.EntitlementCount())
	for e := range newer.EntitlementCount() {
		if err := ctx.Err(); err != nil {
			return err
		}
		old := c.oldEnt[e]
		if old != review.NoEnt {
			inNewer[old] = true
			older.EachHolder(old, func(p review.Ref, g int32) { seen[p] = g + 1 })
		}
		newer.EachHolder(review.EntRef(e), func(p review.Ref, g int32) {
			was := c.oldRef[p]
			if was == review.NoRef || seen[was] == 0 {
				c.noteGrant(Added, nowhere, g)
				return
			}
			before := seen[was] - 1
			seen[was] = 0
			if c.grantDiffers(before, g) {
				c.noteGrant(Changed, before, g)
			}
		})
		if old != review.NoEnt {
			older.EachHolder(old, func(p review.Ref, g int32) {
				if seen[p] != 0 {
					seen[p] = 0
					c.noteGrant(Removed, g, nowhere)
				}
			})
		}
	}
	for e := range older.EntitlementCount() {
		if !inNewer[e] {
			older.EachHolder(review.EntRef(e), func(_ review.Ref, g int32) { c.noteGrant(Removed, g, nowhere) })
		}
	}
	c.sortGrants()
	return ctx.Err()
}

func (c *comparison) noteGrant(change Change, old, now int32) {
	s, g := c.d.Newer, now
	if now == nowhere {
		s, g = c.d.Older, old
	}
	kind := s.KindOf(s.ResourceOf(s.EntitlementOf(g)))
	counts := c.d.Grants[kind]
	direct := 0
	if s.IsDirect(g) {
		direct = 1
	}
	switch change {
	case Added:
		counts.Added = review.Count{All: counts.Added.All + 1, Direct: counts.Added.Direct + direct}
	case Removed:
		counts.Removed = review.Count{All: counts.Removed.All + 1, Direct: counts.Removed.Direct + direct}
	case Changed:
		counts.Changed++
	}
	c.d.Grants[kind] = counts
	c.d.grants = append(c.d.grants, Place{change, old, now})
}

// grantDiffers compares what two grants of one thing are: flags, and where they come
// from.
func (c *comparison) grantDiffers(old, now int32) bool {
	older, newer := c.d.Older, c.d.Newer
	if older.IsDirect(old) != newer.IsDirect(now) || older.IsImmutable(old) != newer.IsImmutable(now) {
		return true
	}
	before, after := older.SourcesOf(old), newer.SourcesOf(now)
	if len(before) != len(after) {
		return true
	}
	for _, e := range after {
		if was := c.oldEnt[e]; was == review.NoEnt || !slices.Contains(before, was) {
			return true
		}
	}
	return false
}

// sortGrants puts the changes in the order of what is granted and to whom.
func (c *comparison) sortGrants() {
	type ranked struct {
		key uint64
		p   Place
	}
	list := make([]ranked, len(c.d.grants))
	for i, p := range c.d.grants {
		var e, r int32
		if p.New != nowhere {
			s := c.d.Newer
			e, r = c.entRankNow[s.EntitlementOf(p.New)], c.rankNow[s.PrincipalOf(p.New)]
		} else {
			s := c.d.Older
			e, r = c.entRankOld[s.EntitlementOf(p.Old)], c.rankOld[s.PrincipalOf(p.Old)]
		}
		list[i] = ranked{uint64(e)<<32 | uint64(r), p}
	}
	slices.SortFunc(list, func(a, b ranked) int { return cmp.Compare(a.key, b.key) })
	for i := range list {
		c.d.grants[i] = list[i].p
	}
}

// resourceDiffers compares without naming the fields.
func resourceDiffers(older, newer *review.Sync, old, now review.Ref) bool {
	return !bytes.Equal(older.StoredProfile(old), newer.StoredProfile(now)) ||
		len(resourceFields(older.Shared(old), newer.Shared(now))) > 0
}
