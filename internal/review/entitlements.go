package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Entitlements lists entitlements, those too that only grants name.
//
// Sort keys: direct, holders, id, inherited, name, purpose, resource, slug, type.
// Without one, they are in the order of their resources.
//
// Filter keys: empty (yes: without holders), immutable (yes, no), kind, missing (yes:
// without a row in the archive), purpose, resource ("type:id"), slug, type.
func (s *Sync) Entitlements(q search.Query) (search.Page[Entitlement], error) {
	page := search.Page[Entitlement]{All: len(s.entitlements)}
	sort, err := search.Pick("sort", q.Sort, entitlementSorts())
	if err != nil {
		return page, err
	}
	match, err := search.Filters(q.Filter, s.entitlementFilters())
	if err != nil {
		return page, err
	}
	found := s.entitlementTexts.Search(search.Words(q.Search))
	w := q.Window()
	for _, i := range sort(s, q.Desc) {
		if (found == nil || found[i]) && match.All(EntRef(i)) && w.Take() {
			page.Rows = append(page.Rows, s.EntitlementAt(EntRef(i)))
		}
	}
	page.Total = w.Seen()
	return page, nil
}

func entitlementSorts() map[string]func(*Sync, bool) []int32 {
	byText := func(name string, text func(*Sync, *entitlement) string) func(*Sync, bool) []int32 {
		return func(s *Sync, desc bool) []int32 {
			return search.Arranged(&s.cache, "entitlements "+name, len(s.entitlements), desc, func(i int32) string {
				return search.EmptyLast(text(s, &s.entitlements[i]))
			})
		}
	}
	byNumber := func(name string, number func(*entitlement) int) func(*Sync, bool) []int32 {
		return func(s *Sync, desc bool) []int32 {
			return search.ArrangedRanks(&s.cache, "entitlements "+name, len(s.entitlements), desc, func(i int32) int64 { return int64(number(&s.entitlements[i])) })
		}
	}
	byResource := byNumber("resource", func(e *entitlement) int { return int(e.resource) })
	return map[string]func(*Sync, bool) []int32{
		"":          byResource,
		"resource":  byResource,
		"name":      byText("name", func(_ *Sync, e *entitlement) string { return e.name }),
		"id":        byText("id", func(_ *Sync, e *entitlement) string { return e.id }),
		"slug":      byText("slug", func(_ *Sync, e *entitlement) string { return e.slug }),
		"purpose":   byText("purpose", func(_ *Sync, e *entitlement) string { return e.purpose }),
		"type":      byText("type", func(s *Sync, e *entitlement) string { return s.types[s.resources[e.resource].typ].Name }),
		"holders":   byNumber("holders", func(e *entitlement) int { return e.holders.All }),
		"direct":    byNumber("direct", func(e *entitlement) int { return e.holders.Direct }),
		"inherited": byNumber("inherited", func(e *entitlement) int { return e.holders.Inherited() }),
	}
}

func (s *Sync) entitlementFilters() map[string]func(string) (func(EntRef) bool, error) {
	of := func(e EntRef) *record { return &s.resources[s.entitlements[e].resource] }
	return map[string]func(string) (func(EntRef) bool, error){
		"empty": search.OneOf("empty", search.YesNo(), func(e EntRef, v string) bool {
			return (s.entitlements[e].holders.All == 0) == (v == "yes")
		}),
		"immutable": search.OneOf("immutable", search.YesNo(), func(e EntRef, v string) bool { return s.entitlements[e].immutable == (v == "yes") }),
		"missing":   search.OneOf("missing", search.YesNo(), func(e EntRef, v string) bool { return s.entitlements[e].missing == (v == "yes") }),
		"kind":      search.OneOf("kind", KindWords(), func(e EntRef, v string) bool { return of(e).kind.String() == v }),
		"purpose": search.OneOf("purpose", Purposes(),
			func(e EntRef, v string) bool { return s.entitlements[e].purpose == v }),
		"slug":     search.AnyText(func(e EntRef) string { return s.entitlements[e].slug }),
		"type":     typeFilter(s, "type", func(e EntRef) int32 { return of(e).typ }),
		"resource": resourceFilterOf(s, func(e EntRef) Ref { return s.entitlements[e].resource }),
	}
}

// Purposes are what entitlements can be for, as filters take them.
func Purposes() []string { return []string{"assignment", "permission", "ownership"} }

// resourceFilterOf restricts to one resource, written "type:id". One that is not
// there matches nothing.
func resourceFilterOf[T any](s *Sync, of func(T) Ref) func(string) (func(T) bool, error) {
	return func(value string) (func(T) bool, error) {
		r, ok := s.ByTypedID(value)
		return func(v T) bool { return ok && of(v) == r }, nil
	}
}

// ByTypedID finds a resource by "type:id". Types may hold colons.
func (s *Sync) ByTypedID(text string) (Ref, bool) {
	for i := range len(text) {
		if text[i] == ':' {
			if r, ok := s.ByID(text[:i], text[i+1:]); ok {
				return r, true
			}
		}
	}
	return NoRef, false
}

// facets counts values among accounts.
func (s *Sync) facets(get func(*AccountInfo) string) []Facet {
	counts := map[string]int{}
	for i := range s.resources {
		if m := &s.resources[i]; m.account != nil && !m.missing {
			counts[get(m.account)]++
		}
	}
	list := make([]Facet, 0, len(counts))
	for v, n := range counts {
		list = append(list, Facet{v, n})
	}
	slices.SortFunc(list, func(a, b Facet) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return list
}
