package review

import (
	"context"
	"fmt"
	"strings"
)

// reportEverybody finds what is given to everybody. Administrators do not count: in
// JumpCloud they are accounts of their own, which have nothing but their roles.
func (s *Sync) reportEverybody(r *Report) {
	in := make([]bool, s.Len())
	everybody := 0
	for _, it := range s.accounts(func(_ Ref, a *AccountInfo) bool {
		return a.Status == Enabled && a.Type == "human" && !a.Admin
	}) {
		in[it.resource] = true
		everybody++
	}
	if everybody == 0 {
		r.Note = "There are no enabled accounts of people that are no administrators."
	} else {
		r.Note = fmt.Sprintf("Everybody is %s.", plural(everybody, "enabled account of a person that is no administrator", "enabled accounts of people that are no administrators"))
	}
	type count struct{ direct, all int32 }
	var counts []count
	stamp, direct := make([]Ref, s.Len()), make([]Ref, s.Len())
	for i := range s.resources {
		m := &s.resources[i]
		if m.kind != Application || m.missing || everybody == 0 || s.members[i].All < everybody {
			continue
		}
		var n count
		for _, e := range s.EntitlementsOf(Ref(i)) {
			for g := s.entStart[e]; g < s.entStart[e+1]; g++ {
				p := s.principal[g]
				if !in[p] {
					continue
				}
				if stamp[p] != Ref(i)+1 {
					stamp[p] = Ref(i) + 1
					n.all++
				}
				if s.isDirect(g) && direct[p] != Ref(i)+1 {
					direct[p] = Ref(i) + 1
					n.direct++
				}
			}
		}
		if int(n.all) == everybody {
			r.items = append(r.items, item{resource: Ref(i), other: NoRef, ent: NoEnt, extra: int32(len(counts))})
			counts = append(counts, n)
		}
	}
	number := func(key, title string, value func(it item) int) column {
		return column{Column: Column{key, title, IntColumn, NoLink}, cell: func(it item) any { return value(it) }}
	}
	r.columns = []column{
		s.resourceColumn("application", "Application", LinkResource, func(it item) Ref { return it.resource }),
		number("accounts", "Accounts", func(it item) int { return int(counts[it.extra].all) }),
		number("direct", "Directly", func(it item) int { return int(counts[it.extra].direct) }),
		number("inherited", "Through groups", func(it item) int { return int(counts[it.extra].all - counts[it.extra].direct) }),
		number("members", "All who have it", func(it item) int { return s.members[it.resource].All }),
	}
}

// entitlementColumns are a resource and its entitlement. The entitlement is named by
// its slug where it has one, as its name repeats that of the resource.
func (s *Sync) entitlementColumns(key, title string) []column {
	return []column{
		s.resourceColumn(key, title, LinkOther, func(it item) Ref { return it.other }),
		{
			Column: Column{"entitlement", "Entitlement", TextColumn, LinkEntitlement},
			cell: func(it item) any {
				if e := &s.entitlements[it.ent]; e.slug != "" {
					return e.slug
				}
				return s.entitlements[it.ent].name
			},
		},
	}
}

// grantItems lists the grants of accounts, each entitlement once, that match.
func (s *Sync) grantItems(ents func(EntRef) bool, match func(p Ref, e EntRef, g int32) bool) []item {
	var list []item
	for e := range s.entitlements {
		if !ents(EntRef(e)) {
			continue
		}
		s.eachHolder(EntRef(e), func(p Ref, g int32) {
			if s.resources[p].kind == Account && match(p, EntRef(e), g) {
				list = append(list, item{resource: p, other: s.entitlements[e].resource, ent: EntRef(e), extra: g})
			}
		})
	}
	return list
}

func (s *Sync) reportMultiplePaths(r *Report) {
	r.items = s.grantItems(
		func(e EntRef) bool { return s.layered[e] },
		func(p Ref, e EntRef, g int32) bool { return s.pathCount(p, e, g, 2) > 1 },
	)
	r.also = func(it item) []EntRef { return s.sourcesOf(it.extra) }
	r.columns = append([]column{s.accountColumn(), s.emailColumn()}, s.entitlementColumns("resource", "Has")...)
	r.columns = append(r.columns,
		column{
			Column: Column{"paths", "Paths", IntColumn, NoLink},
			cell:   func(it item) any { return s.pathCount(it.resource, it.ent, it.extra, MaxPaths) },
		},
		column{
			Column: Column{"through", "Through", TextColumn, NoLink},
			cell:   func(it item) any { return s.pathsText(it.resource, it.ent) },
			// By the first of what it comes through: to write all of them down takes
			// long where there are millions.
			rank: func(it item) int64 {
				if s.isDirect(it.extra) {
					return -1
				}
				return int64(s.sourcesOf(it.extra)[0])
			},
		},
	)
}

// pathCount counts the ways to what a grant gives, as far as most. Where the sources
// are held directly by all who hold them, nothing has to be followed.
func (s *Sync) pathCount(p Ref, e EntRef, g int32, most int) int {
	n := 0
	if s.isDirect(g) {
		n++
	}
	sources := s.sourcesOf(g)
	for _, source := range sources {
		if s.layered[source] {
			paths, more := s.paths(p, e, most)
			if more {
				return most
			}
			return len(paths)
		}
	}
	return min(n+len(sources), most)
}

// pathsText writes down the ways to an entitlement.
func (s *Sync) pathsText(p Ref, e EntRef) string {
	paths, more := s.paths(p, e, MaxPaths)
	var ways []string
	for _, path := range paths {
		if len(path) == 0 {
			ways = append(ways, "directly")
			continue
		}
		var steps []string
		for _, step := range path {
			steps = append(steps, s.resources[s.entitlements[step].resource].name)
		}
		ways = append(ways, strings.Join(steps, " > "))
	}
	if more {
		ways = append(ways, "and more")
	}
	return strings.Join(ways, "; ")
}

func (s *Sync) reportRoleHolders(r *Report) {
	r.items = s.grantItems(
		func(e EntRef) bool { return s.resources[s.entitlements[e].resource].kind == Role },
		func(Ref, EntRef, int32) bool { return true },
	)
	r.columns = append(s.entitlementColumns("role", "Role"), s.accountColumn(), s.emailColumn(), s.statusColumn(), s.mfaColumn(),
		column{Column: Column{"direct", "Directly", BoolColumn, NoLink}, cell: func(it item) any { return s.isDirect(it.extra) }})
}

// The parts of the report of changes, in item.ent.
const (
	partResource EntRef = iota
	partEntitlement
	partGrant
)

// reportChanges lists the changes since another sync: of resources, then entitlements,
// then grants. item.extra is a change's place in its part.
func (s *Sync) reportChanges(ctx context.Context, info ReportInfo, previous *Sync) (*Report, error) {
	r := &Report{ReportInfo: info, sync: s}
	if previous == nil {
		r.Note = "There is no sync before this one to compare with."
		previous = s
	}
	d, err := Compare(ctx, previous, s)
	if err != nil {
		return nil, err
	}
	if previous != s {
		r.Note = fmt.Sprintf("Since the sync of %s.", previous.Run.StartedAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	for part, changes := range [][]placeChange{d.resources, d.entitlements, d.grants} {
		for i := range changes {
			r.items = append(r.items, item{resource: NoRef, other: NoRef, ent: EntRef(part), extra: int32(i)})
		}
	}
	c := changeRows{d}
	r.row, r.search = c.row, c.search
	text := func(key, title string, link Link, cell func(changeRow) string) column {
		return column{Column: Column{key, title, TextColumn, link}, cell: func(it item) any { return cell(c.at(it)) }}
	}
	r.columns = []column{
		text("change", "Change", NoLink, func(w changeRow) string { return w.change.String() }),
		text("what", "What", NoLink, func(w changeRow) string { return w.what }),
		text("name", "Name", LinkResource, func(w changeRow) string { return w.sync.resources[w.resource].name }),
		text("entitlement", "Entitlement", LinkEntitlement, func(w changeRow) string {
			if w.ent == NoEnt {
				return ""
			}
			return w.sync.entitlements[w.ent].name
		}),
		text("principal", "Whose", LinkOther, func(w changeRow) string {
			if w.principal == NoRef {
				return ""
			}
			return w.sync.resources[w.principal].name
		}),
		text("how", "How", NoLink, c.how),
	}
	return r.finish(), nil
}

// changeRows makes the rows of the report of changes.
type changeRows struct{ d *Diff }

// changeRow is a change with what it is about.
type changeRow struct {
	placeChange
	part      EntRef
	what      string
	sync      *Sync
	resource  Ref
	ent       EntRef
	principal Ref
}

func (c changeRows) at(it item) changeRow {
	w := changeRow{part: it.ent, sync: c.d.Newer, ent: NoEnt, principal: NoRef}
	switch it.ent {
	case partResource:
		w.placeChange = c.d.resources[it.extra]
	case partEntitlement:
		w.placeChange = c.d.entitlements[it.extra]
	default:
		w.placeChange = c.d.grants[it.extra]
	}
	place := w.now
	if w.change == Removed {
		w.sync, place = c.d.Older, w.old
	}
	switch it.ent {
	case partResource:
		w.resource = Ref(place)
		w.what = w.sync.resources[w.resource].kind.String()
		return w
	case partEntitlement:
		w.ent, w.what = EntRef(place), "entitlement"
	default:
		w.ent, w.principal = w.sync.entitlementOf(place), w.sync.principal[place]
	}
	w.resource = w.sync.entitlements[w.ent].resource
	if it.ent == partGrant {
		w.what = GrantWord(w.sync.resources[w.resource].kind)
	}
	return w
}

// GrantWord is what a grant on a resource of a kind is called.
func GrantWord(k Kind) string {
	switch k {
	case Group:
		return "membership"
	case Application:
		return "assignment"
	case Role:
		return "role assignment"
	default:
		return "grant"
	}
}

func (c changeRows) row(it item) ReportRow {
	w := c.at(it)
	return ReportRow{Sync: w.sync, Resource: w.resource, Other: w.principal, Entitlement: w.ent}
}

// how says what changed, or how something was granted.
func (c changeRows) how(w changeRow) string {
	switch {
	case w.part == partGrant:
		place := w.now
		if w.change == Removed {
			place = w.old
		}
		text := "through " + c.sources(w.sync, place)
		if w.sync.isDirect(place) {
			text = "directly"
			if len(w.sync.sourcesOf(place)) > 0 {
				text += ", and through " + c.sources(w.sync, place)
			}
		}
		return text
	case w.change != Changed:
		return ""
	}
	var list []FieldChange
	if w.part == partEntitlement {
		list = entitlementFields(c.d.Older, c.d.Newer, EntRef(w.old), EntRef(w.now))
	} else {
		list = append(resourceFields(c.d.Older, c.d.Newer, Ref(w.old), Ref(w.now)), profileFields(
			fields(c.d.Older.resources[w.old].profile), fields(c.d.Newer.resources[w.now].profile))...)
	}
	var texts []string
	for _, f := range list {
		texts = append(texts, fmt.Sprintf("%s: %q to %q", f.Field, f.Old, f.New))
	}
	return strings.Join(texts, "; ")
}

func (c changeRows) sources(s *Sync, g int32) string {
	var names []string
	for _, e := range s.sourcesOf(g) {
		names = append(names, s.resources[s.entitlements[e].resource].name)
	}
	return strings.Join(names, ", ")
}

// search looks at the texts of what changed, in the sync where it is shown.
func (c changeRows) search(search []string) func(item) bool {
	none := &grantFilter{one: NoEnt, of: NoRef}
	old, now := c.d.Older.masks(none, search), c.d.Newer.masks(none, search)
	return func(it item) bool {
		w := c.at(it)
		m := now
		if w.change == Removed {
			m = old
		}
		has := m.principal[w.resource] | entitlementBit
		if w.ent != NoEnt {
			has |= m.ent[w.ent]
		}
		if w.principal != NoRef {
			has |= m.principal[w.principal]
		}
		return has == m.want
	}
}
