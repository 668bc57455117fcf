package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// arrange gives everything its final place and returns the sync. The loader is used
// up.
func (l *loader) arrange() *Sync {
	for i := range l.entitlements {
		if e := &l.entitlements[i]; e.resource == NoRef {
			e.slug, e.resource = "", l.addMissing("", e.id, "")
		}
	}
	newRef := l.sortResources()
	newEnt := l.sortEntitlements(newRef)
	s := &Sync{Run: l.run, types: l.types, resources: l.resources, entitlements: l.entitlements}
	s.nameAll()
	for e := range s.entitlements {
		rec := &s.resources[s.entitlements[e].resource]
		if rec.ents == 0 {
			rec.firstEnt = EntRef(e)
		}
		rec.ents++
	}
	s.arrangeGrants(&l.grants, newRef, newEnt)
	l.grants.workers = nil
	s.arrangeHeld()
	s.count()
	s.indexTexts()
	return s
}

// nameAll notes where everything is, by its ids.
func (s *Sync) nameAll() {
	s.byKey, s.byEntitlement = make(map[string]Ref, len(s.resources)), make(map[string]EntRef, len(s.entitlements))
	for r := range s.resources {
		rec := &s.resources[r]
		s.byKey[resourceKey(s.types[rec.typ].ID, rec.id)] = Ref(r)
	}
	for e := range s.entitlements {
		s.byEntitlement[s.entitlements[e].id] = EntRef(e)
	}
}

// sortResources puts resources in the order of their names and returns their new
// places by their old ones.
func (l *loader) sortResources() []Ref {
	folded := make([]string, len(l.resources))
	old := make([]Ref, len(l.resources))
	for i := range l.resources {
		folded[i], old[i] = search.Fold(l.resources[i].name), Ref(i)
	}
	slices.SortFunc(old, func(a, b Ref) int {
		ra, rb := &l.resources[a], &l.resources[b]
		return cmp.Or(strings.Compare(folded[a], folded[b]), strings.Compare(ra.name, rb.name),
			strings.Compare(l.types[ra.typ].ID, l.types[rb.typ].ID), strings.Compare(ra.id, rb.id))
	})
	places := make([]Ref, len(old))
	sorted := make([]record, len(old))
	for to, from := range old {
		places[from], sorted[to] = Ref(to), l.resources[from]
	}
	l.resources = sorted
	types := make([]int32, len(l.types))
	for i := range types {
		types[i] = int32(i)
	}
	slices.SortFunc(types, func(a, b int32) int { return strings.Compare(l.types[a].ID, l.types[b].ID) })
	typePlaces := make([]int32, len(types))
	sortedTypes := make([]Type, len(types))
	for to, from := range types {
		typePlaces[from], sortedTypes[to] = int32(to), l.types[from]
	}
	l.types = sortedTypes
	for i := range l.resources {
		l.resources[i].typ = typePlaces[l.resources[i].typ]
	}
	return places
}

// sortEntitlements puts entitlements in the order of their resources.
func (l *loader) sortEntitlements(newRef []Ref) []EntRef {
	old := make([]EntRef, len(l.entitlements))
	for i := range l.entitlements {
		old[i] = EntRef(i)
		l.entitlements[i].resource = newRef[l.entitlements[i].resource]
	}
	slices.SortFunc(old, func(a, b EntRef) int {
		ea, eb := &l.entitlements[a], &l.entitlements[b]
		return cmp.Or(cmp.Compare(ea.resource, eb.resource), strings.Compare(ea.slug, eb.slug), strings.Compare(ea.id, eb.id))
	})
	places := make([]EntRef, len(old))
	sorted := make([]entitlement, len(old))
	for to, from := range old {
		places[from], sorted[to] = EntRef(to), l.entitlements[from]
	}
	l.entitlements = sorted
	return places
}

// arrangeGrants sorts the grants by entitlement and principal, by counting: first by
// principal, then, keeping that order, by entitlement.
func (s *Sync) arrangeGrants(g *grants, newRef []Ref, newEnt []EntRef) {
	total := 0
	base := make([]int, len(g.workers))
	viaBase := make([]uint32, len(g.workers))
	for i, w := range g.workers {
		base[i], viaBase[i] = total, uint32(len(s.via))
		total += w.rows
		for at := 0; at < len(w.via); {
			n := int(w.via[at])
			set := w.via[at+1 : at+1+n]
			for j := range set {
				set[j] = newEnt[set[j]]
			}
			slices.Sort(set)
			at += 1 + n
		}
		s.via = append(s.via, w.via...)
		w.via, w.sets = nil, nil
	}
	byPrincipal := make([]int32, len(s.resources)+1)
	s.entStart = make([]int32, len(s.entitlements)+1)
	for _, w := range g.workers {
		for _, c := range w.chunks {
			for i := range c {
				row := &c[i]
				row.principal, row.entitlement = newRef[row.principal], newEnt[row.entitlement]
				byPrincipal[row.principal+1]++
				s.entStart[row.entitlement+1]++
			}
		}
	}
	byPrincipal, s.entStart = search.Starts(byPrincipal), search.Starts(s.entStart)
	order := make([]int32, total)
	for wi, w := range g.workers {
		n := base[wi]
		for _, c := range w.chunks {
			for i := range c {
				at := &byPrincipal[c[i].principal]
				order[*at] = int32(n)
				*at++
				n++
			}
		}
	}
	s.principal, s.flags, s.sources = make([]Ref, total), make([]flags, total), make([]uint32, total)
	var places []int32 // new places by old ones, only where something is stored by them
	stored := 0
	for _, w := range g.workers {
		stored += len(w.ids) + len(w.uses)
	}
	if stored > 0 {
		places = make([]int32, total)
	}
	next := slices.Clone(s.entStart)
	for _, n := range order {
		wi := len(base) - 1
		for wi > 0 && base[wi] > int(n) {
			wi--
		}
		w, i := g.workers[wi], int(n)-base[wi]
		row := &w.chunks[i/chunkRows][i%chunkRows]
		at := next[row.entitlement]
		next[row.entitlement]++
		s.principal[at], s.flags[at] = row.principal, row.flags
		if row.source > 0 {
			s.sources[at] = row.source + viaBase[wi]
		}
		if places != nil {
			places[n] = at
		}
	}
	for wi, w := range g.workers {
		for _, id := range w.ids {
			s.ids = append(s.ids, storedID{places[base[wi]+int(id.grant)], id.id})
		}
		for _, use := range w.uses {
			use.grant = places[base[wi]+int(use.grant)]
			s.uses = append(s.uses, use)
		}
	}
	slices.SortFunc(s.ids, func(a, b storedID) int { return cmp.Compare(a.grant, b.grant) })
	slices.SortFunc(s.uses, func(a, b storedUse) int { return cmp.Compare(a.grant, b.grant) })
}

// arrangeHeld lists the grants of each principal.
func (s *Sync) arrangeHeld() {
	s.heldStart = make([]int32, len(s.resources)+1)
	for _, p := range s.principal {
		s.heldStart[p+1]++
	}
	s.heldStart = search.Starts(s.heldStart)
	next := slices.Clone(s.heldStart)
	s.held = make([]int32, len(s.principal))
	for g, p := range s.principal {
		s.held[next[p]] = int32(g)
		next[p]++
	}
}

// count fills in what follows from the grants.
func (s *Sync) count() {
	s.members, s.holdings = make([]Count, len(s.resources)), make([]Count, len(s.resources))
	s.layered = make([]bool, len(s.entitlements))
	// stamp and direct have for each principal the last resource whose member it
	// was found to be, and a direct one, counted from 1.
	stamp, direct := make([]int32, len(s.resources)), make([]int32, len(s.resources))
	for e := range s.entitlements {
		ent := &s.entitlements[e]
		members, mark := &s.members[ent.resource], int32(ent.resource)+1
		admin := s.givesAdmin(ent.resource)
		last := NoRef
		lastDirect := false
		for g := s.entStart[e]; g < s.entStart[e+1]; g++ {
			p, isDirect := s.principal[g], s.flags[g]&flagDirect != 0
			if p != last {
				ent.holders.All++
				s.holdings[p].All++
				last, lastDirect = p, false
			}
			if isDirect && !lastDirect {
				lastDirect = true
				ent.holders.Direct++
				s.holdings[p].Direct++
			}
			if stamp[p] != mark {
				stamp[p] = mark
				members.All++
			}
			if isDirect && direct[p] != mark {
				direct[p] = mark
				members.Direct++
			}
			s.layered[e] = s.layered[e] || s.sources[g] != 0
			if a := s.resources[p].account; admin && a != nil {
				a.Admin = true
			}
		}
		t := &s.types[s.resources[ent.resource].typ]
		t.Grants += int(s.entStart[e+1] - s.entStart[e])
		if !ent.missing {
			t.Entitlements++
		}
	}
	for i := range s.resources {
		if !s.resources[i].missing {
			s.types[s.resources[i].typ].Resources++
		}
	}
}

// givesAdmin reports whether whoever holds something of a resource is an administrator.
func (s *Sync) givesAdmin(r Ref) bool {
	m := &s.resources[r]
	return m.kind == Role || m.kind == Application && m.id == restype.AdministrationAppID
}

// indexTexts collects what is searched.
func (s *Sync) indexTexts() {
	s.resourceTexts, s.entitlementTexts = search.NewTexts(len(s.resources)), search.NewTexts(len(s.entitlements))
	for i := range s.resources {
		m := &s.resources[i]
		parts := []string{m.name, m.id, s.types[m.typ].ID + ":" + m.id}
		if a := m.account; a != nil {
			parts = append(parts, a.Emails...)
			parts = append(parts, a.Login, a.Details, a.Department, a.Title, a.Manager)
			parts = append(parts, a.EmployeeIDs...)
		}
		if m.more != nil {
			parts = append(append(parts, m.more.description), m.more.facts...)
		}
		s.resourceTexts.Add(parts...)
	}
	for i := range s.entitlements {
		e := &s.entitlements[i]
		of := &s.resources[e.resource]
		s.entitlementTexts.Add(e.id, e.name, e.slug, of.name, of.id, s.types[of.typ].ID+":"+of.id)
	}
}
