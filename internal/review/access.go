package review

import (
	"slices"
	"sort"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Access lists everything that a principal holds.
//
// Sort keys: direct, entitlement, id, last_used, purpose, resource (the order without a key) and
// type. Filter keys: direct (yes, no), immutable (yes, no), and those of
// [Sync.Entitlements].
func (s *Sync) Access(p Ref, q search.Query) (search.Page[Holding], error) {
	list := s.oncePer(s.grantsOf(p), s.EntitlementOf)
	page := search.Page[Holding]{All: len(list)}
	ent := func(g int32) EntRef { return s.EntitlementOf(g) }
	sorted, err := s.sortHoldings(list, q)
	if err != nil {
		return page, err
	}
	match, err := s.holdingFilters(q.Filter, ent)
	if err != nil {
		return page, err
	}
	want := search.Words(q.Search)
	w := q.Window()
	for _, g := range sorted {
		e := ent(g)
		if match.All(g) && s.hasWords(s.entitlementTexts, int(e), want) && w.Take() {
			page.Rows = append(page.Rows, Holding{s.EntitlementAt(e), s.howHeld(g, p, e)})
		}
	}
	page.Total = w.Seen()
	return page, nil
}

// oncePer takes of neighbors with the same key the first one, the direct one where
// there is one: archives may hold several grants of one thing.
func (s *Sync) oncePer(list []int32, key func(int32) EntRef) []int32 {
	once := make([]int32, 0, len(list))
	last := NoEnt
	for _, g := range list {
		switch k := key(g); {
		case k != last:
			once, last = append(once, g), k
		case s.IsDirect(g) && !s.IsDirect(once[len(once)-1]):
			once[len(once)-1] = g
		}
	}
	return once
}

// howHeld tells how a principal holds an entitlement by a grant.
func (s *Sync) howHeld(g int32, p Ref, e EntRef) Held {
	h := Held{Direct: s.IsDirect(g), Immutable: s.flags[g]&flagImmutable != 0, Use: s.UseOf(g), GrantID: s.grantID(g, e)}
	h.Paths, h.MorePaths = s.Paths(p, e, MaxPaths)
	return h
}

func (s *Sync) hasWords(t *search.Texts, i int, want []string) bool {
	for _, w := range want {
		if !t.Has(i, w) {
			return false
		}
	}
	return true
}

func (s *Sync) sortHoldings(list []int32, q search.Query) ([]int32, error) {
	text := func(get func(*entitlement) string) func() []int32 {
		return func() []int32 {
			return search.Arrange(len(list), q.Desc, func(i int32) string { return search.EmptyLast(get(&s.entitlements[s.EntitlementOf(list[i])])) })
		}
	}
	byPlace := func() []int32 {
		return search.Arrange(len(list), q.Desc, func(i int32) Ref { return s.entitlements[s.EntitlementOf(list[i])].resource })
	}
	sort, err := search.Pick("sort", q.Sort, map[string]func() []int32{
		"": byPlace, "resource": byPlace,
		"entitlement": text(func(e *entitlement) string { return e.name }),
		"id":          text(func(e *entitlement) string { return e.id }),
		"purpose":     text(func(e *entitlement) string { return e.purpose }),
		"type":        text(func(e *entitlement) string { return s.types[s.resources[e.resource].typ].Name }),
		"direct": func() []int32 {
			return search.Arrange(len(list), q.Desc, func(i int32) int { return s.inheritedLast(list[i]) })
		},
		sortLastUsed: func() []int32 {
			return search.Arrange(len(list), q.Desc, func(i int32) int64 { return s.useRank(list[i]) })
		},
	})
	if err != nil {
		return nil, err
	}
	sorted := sort()
	for at, i := range sorted {
		sorted[at] = list[i]
	}
	return sorted, nil
}

// inheritedLast is 0 for a direct grant and 1 for another.
func (s *Sync) inheritedLast(g int32) int {
	if s.IsDirect(g) {
		return 0
	}
	return 1
}

// holdingFilters are those of entitlements and two of grants.
func (s *Sync) holdingFilters(filter map[string]string, ent func(int32) EntRef) (search.Tests[int32], error) {
	known := map[string]func(string) (func(int32) bool, error){
		"direct": search.OneOf("direct", search.YesNo(), func(g int32, v string) bool { return s.IsDirect(g) == (v == "yes") }),
	}
	for key, use := range s.entitlementFilters() {
		known[key] = func(value string) (func(int32) bool, error) {
			test, err := use(value)
			return func(g int32) bool { return test(ent(g)) }, err
		}
	}
	known["immutable"] = search.OneOf("immutable", search.YesNo(), func(g int32, v string) bool { return (s.flags[g]&flagImmutable != 0) == (v == "yes") })
	return search.Filters(filter, known)
}

// Who lists the holders of an entitlement.
//
// Sort keys: direct, last_used, and those of [Sync.Resources], where direct means that
// of the grant. Filter keys: direct (yes, no), immutable (yes, no), and those of
// [Sync.Resources].
func (s *Sync) Who(e EntRef, q search.Query) (search.Page[Holder], error) {
	var page search.Page[Holder]
	grants := make(map[Ref]int32, s.entitlements[e].holders.All)
	for g := s.entStart[e]; g < s.entStart[e+1]; g++ {
		if old, ok := grants[s.principal[g]]; !ok || s.IsDirect(g) && !s.IsDirect(old) {
			grants[s.principal[g]] = g
		}
	}
	page.All = len(grants)
	order, err := s.holderOrder(grants, q)
	if err != nil {
		return page, err
	}
	match, err := s.holderFilters(grants, q.Filter)
	if err != nil {
		return page, err
	}
	found := s.resourceTexts.Search(search.Words(q.Search))
	w := q.Window()
	for _, p := range order {
		g, holds := grants[p]
		if !holds || found != nil && !found[p] || !match.All(p) || !w.Take() {
			continue
		}
		page.Rows = append(page.Rows, Holder{s.withoutProfile(p), s.howHeld(g, p, e)})
	}
	page.Total = w.Seen()
	return page, nil
}

// holderOrder is the order of a query; it may hold others than the holders.
func (s *Sync) holderOrder(grants map[Ref]int32, q search.Query) ([]Ref, error) {
	var order []Ref
	if q.Sort != "direct" && q.Sort != sortLastUsed {
		all, err := s.resourceOrder(q)
		for _, i := range all {
			order = append(order, Ref(i))
		}
		return order, err
	}
	for p := range grants {
		order = append(order, p)
	}
	slices.Sort(order)
	sorted := make([]Ref, len(order))
	rank := func(i int32) int64 { return int64(s.inheritedLast(grants[order[i]])) }
	if q.Sort == sortLastUsed {
		rank = func(i int32) int64 { return s.useRank(grants[order[i]]) }
	}
	for at, i := range search.Arrange(len(order), q.Desc, rank) {
		sorted[at] = order[i]
	}
	return sorted, nil
}

func (s *Sync) holderFilters(grants map[Ref]int32, filter map[string]string) (search.Tests[Ref], error) {
	var own search.Tests[Ref]
	rest := map[string]string{}
	for key, value := range filter {
		var of func(g int32) bool
		switch key {
		case "direct":
			of = s.IsDirect
		case "immutable":
			of = func(g int32) bool { return s.flags[g]&flagImmutable != 0 }
		default:
			rest[key] = value
			continue
		}
		if value == "" {
			continue
		}
		test, err := search.OneOf(key, search.YesNo(), func(p Ref, v string) bool { return of(grants[p]) == (v == "yes") })(value)
		if err != nil {
			return nil, err
		}
		own = append(own, test)
	}
	tests, err := s.resourceFilter(rest)
	return append(own, tests...), err
}

// grantOn finds a grant of an entitlement to a principal, a direct one where there
// are several.
func (s *Sync) grantOn(p Ref, e EntRef) (int32, bool) {
	list := s.grantsOf(p)
	from := s.entStart[e]
	i := sort.Search(len(list), func(i int) bool { return list[i] >= from })
	once := list[i:]
	for n := range once {
		if once[n] >= s.entStart[e+1] {
			once = once[:n]
			break
		}
	}
	if len(once) == 0 {
		return 0, false
	}
	for _, g := range once {
		if s.IsDirect(g) {
			return g, true
		}
	}
	return once[0], true
}

// Paths finds the ways by which a principal comes to an entitlement, the direct one
// first, then shorter ones before longer ones. It stops at a number of them and
// reports whether there are more.
func (s *Sync) Paths(p Ref, e EntRef, most int) (found []Path, more bool) {
	finder := pathFinder{s: s, p: p, to: e, most: most + 1}
	finder.follow(e, nil)
	found = finder.found
	if g, holds := s.grantOn(p, e); holds && len(found) == 0 {
		// All sources lead in a circle: they are all that can be told.
		for _, source := range s.SourcesOf(g) {
			found = append(found, Path{source})
		}
	}
	slices.SortStableFunc(found, func(a, b Path) int { return len(a) - len(b) })
	if len(found) > most {
		return found[:most], true
	}
	return found, false
}

// pathFinder walks from an entitlement to those that it comes from, and so on until
// one that the principal has directly. Sources that lead in a circle are not followed
// twice on one way.
type pathFinder struct {
	s     *Sync
	p     Ref
	to    EntRef
	most  int
	steps int
	found []Path
}

// maxSteps bounds the looking, since ways that lead nowhere count as well.
const maxSteps = 100_000

// follow adds the ways to e, each followed by the way on from it.
func (f *pathFinder) follow(e EntRef, on Path) {
	if f.steps++; f.steps > maxSteps || len(f.found) >= f.most {
		return
	}
	g, holds := f.s.grantOn(f.p, e)
	// What the archive only names as a source, or leaves open, is where the way
	// begins as far as is known.
	if !holds || f.s.IsDirect(g) {
		f.found = append(f.found, slices.Clone(on))
		if !holds {
			return
		}
	}
	if len(on) >= MaxDepth {
		return
	}
	for _, source := range f.s.SourcesOf(g) {
		if !slices.Contains(on, source) && source != f.to {
			f.follow(source, append(Path{source}, on...))
		}
	}
}
