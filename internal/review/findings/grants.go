package findings

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// everybodyHas finds what is given to everybody. Administrators do not count: in
// JumpCloud they are accounts of their own, which have nothing but their roles.
func everybodyHas(s *review.Sync, r *Report) {
	in := make([]bool, s.Len())
	everybody := 0
	for _, it := range accounts(s, func(_ review.Ref, a *review.AccountInfo) bool {
		return a.Status == review.Enabled && a.Type == "human" && !a.Admin
	}) {
		in[it.resource] = true
		everybody++
	}
	if everybody == 0 {
		r.Note = "No enabled non-admin users."
	} else {
		r.Note = fmt.Sprintf("Based on %s.", english.Plural(everybody, "enabled non-admin user", ""))
	}
	type count struct{ direct, all int32 }
	var counts []count
	stamp, direct := make([]review.Ref, s.Len()), make([]review.Ref, s.Len())
	for app := range review.Ref(s.Len()) {
		if s.KindOf(app) != review.Application || s.IsMissing(app) || everybody == 0 || s.Members(app).All < everybody {
			continue
		}
		var n count
		for _, e := range s.EntitlementsOf(app) {
			s.EachHolder(e, func(p review.Ref, g int32) {
				if !in[p] {
					return
				}
				if stamp[p] != app+1 {
					stamp[p] = app + 1
					n.all++
				}
				if s.IsDirect(g) && direct[p] != app+1 {
					direct[p] = app + 1
					n.direct++
				}
			})
		}
		if int(n.all) == everybody {
			r.items = append(r.items, item{resource: app, other: review.NoRef, ent: review.NoEnt, extra: int32(len(counts))})
			counts = append(counts, n)
		}
	}
	number := func(key, title string, value func(it item) int) column {
		return column{Column: Column{key, title, IntColumn, NoLink}, cell: func(it item) any { return value(it) }}
	}
	r.columns = []column{
		resourceColumn(s, "application", "Application", LinkResource, func(it item) review.Ref { return it.resource }),
		number("accounts", "Accounts", func(it item) int { return int(counts[it.extra].all) }),
		number("direct", "Directly", func(it item) int { return int(counts[it.extra].direct) }),
		number("inherited", "Via groups", func(it item) int { return int(counts[it.extra].all - counts[it.extra].direct) }),
		number("members", "Total users", func(it item) int { return s.Members(it.resource).All }),
	}
}

// grantItems lists the grants of accounts, each entitlement once, that match.
func grantItems(s *review.Sync, ents func(review.EntRef) bool, match func(p review.Ref, e review.EntRef, g int32) bool) []item {
	var list []item
	for e := range review.EntRef(s.EntitlementCount()) {
		if !ents(e) {
			continue
		}
		s.EachHolder(e, func(p review.Ref, g int32) {
			if s.KindOf(p).IsAccount() && match(p, e, g) {
				list = append(list, item{resource: p, other: s.ResourceOf(e), ent: e, extra: g})
			}
		})
	}
	return list
}

func multiplePaths(s *review.Sync, r *Report) {
	r.items = grantItems(s,
		func(e review.EntRef) bool { return s.IsLayered(e) },
		func(p review.Ref, e review.EntRef, g int32) bool { return pathCount(s, p, e, g, 2) > 1 },
	)
	r.also = func(it item) []review.EntRef { return s.SourcesOf(it.extra) }
	r.columns = append([]column{accountColumn(s), emailColumn(s)}, entitlementColumns(s, "resource", "Has")...)
	r.columns = append(r.columns,
		column{
			Column: Column{"paths", "Paths", IntColumn, NoLink},
			cell:   func(it item) any { return pathCount(s, it.resource, it.ent, it.extra, review.MaxPaths) },
		},
		column{
			Column: Column{"via", "Via", TextColumn, NoLink},
			cell:   func(it item) any { return pathsText(s, it.resource, it.ent) },
			// By the first of what it comes through: to write all of them down takes
			// long where there are millions.
			rank: func(it item) int64 {
				if s.IsDirect(it.extra) {
					return -1
				}
				return int64(s.SourcesOf(it.extra)[0])
			},
		},
	)
}

// pathCount counts the ways to what a grant gives, as far as most. Where the sources
// are held directly by all who hold them, nothing has to be followed.
func pathCount(s *review.Sync, p review.Ref, e review.EntRef, g int32, most int) int {
	n := 0
	if s.IsDirect(g) {
		n++
	}
	sources := s.SourcesOf(g)
	for _, source := range sources {
		if s.IsLayered(source) {
			paths, more := s.Paths(p, e, most)
			if more {
				return most
			}
			return len(paths)
		}
	}
	return min(n+len(sources), most)
}

// pathsText writes down the ways to an entitlement.
func pathsText(s *review.Sync, p review.Ref, e review.EntRef) string {
	paths, more := s.Paths(p, e, review.MaxPaths)
	var ways []string
	for _, path := range paths {
		if len(path) == 0 {
			ways = append(ways, "directly")
			continue
		}
		var steps []string
		for _, step := range path {
			steps = append(steps, s.NameOf(s.ResourceOf(step)))
		}
		ways = append(ways, strings.Join(steps, " > "))
	}
	if more {
		ways = append(ways, "and more")
	}
	return strings.Join(ways, "; ")
}

func roleHolders(s *review.Sync, r *Report) {
	r.items = grantItems(s,
		func(e review.EntRef) bool { return s.KindOf(s.ResourceOf(e)) == review.Role },
		func(review.Ref, review.EntRef, int32) bool { return true },
	)
	r.columns = append(entitlementColumns(s, "role", "Role"), accountColumn(s), emailColumn(s), statusColumn(s), mfaColumn(s),
		column{Column: Column{"direct", "Directly", BoolColumn, NoLink}, cell: func(it item) any { return s.IsDirect(it.extra) }})
}
