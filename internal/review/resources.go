package review

import (
	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Resources lists resources, those of one kind or of all for 0. What the archive has
// no row for is left out.
//
// Sort keys: admin, created, department, details, direct, email, entitlements,
// holdings, id, inherited, last_login, login, manager, members, mfa, name, status,
// title, type. The keys direct and inherited count holdings of accounts and members
// of everything else.
//
// Filter keys: account_type, admin (yes, no), department, details, empty (yes: without
// members), holds (yes: with holdings), kind, manager, mfa (yes, no, unknown), parent
// ("type:id"), status (enabled, disabled, deleted, unknown), type.
func (s *Sync) Resources(kind Kind, q search.Query) (search.Page[ResourceRow], error) {
	return s.listResources(q, func(r Ref) bool {
		m := &s.resources[r]
		return !m.missing && (kind == 0 || m.kind == kind)
	})
}

// Principals lists whoever holds something, with the keys of [Sync.Resources]. A
// principal that the archive has no row for is among them.
func (s *Sync) Principals(q search.Query) (search.Page[ResourceRow], error) {
	return s.listResources(q, func(r Ref) bool { return s.holdings[r].All > 0 })
}

func (s *Sync) listResources(q search.Query, in func(Ref) bool) (search.Page[ResourceRow], error) {
	var page search.Page[ResourceRow]
	order, err := s.resourceOrder(q)
	if err != nil {
		return page, err
	}
	match, err := s.resourceFilter(q.Filter)
	if err != nil {
		return page, err
	}
	found := s.resourceTexts.Search(search.Words(q.Search))
	w := q.Window()
	for _, i := range order {
		if !in(Ref(i)) {
			continue
		}
		page.All++
		if (found == nil || found[i]) && match.All(Ref(i)) && w.Take() {
			page.Rows = append(page.Rows, s.Row(Ref(i)))
		}
	}
	page.Total = w.Seen()
	return page, nil
}

// resourceOrder is the order that a query asks for, of all resources.
func (s *Sync) resourceOrder(q search.Query) ([]int32, error) {
	sort, err := search.Pick("sort", q.Sort, resourceSorts())
	if err != nil {
		return nil, err
	}
	return sort(s, q.Desc), nil
}

// resourceSorts are the sort keys of resources.
func resourceSorts() map[string]func(*Sync, bool) []int32 {
	byText := func(name string, text func(*Sync, Ref) string) func(*Sync, bool) []int32 {
		return func(s *Sync, desc bool) []int32 {
			return search.Arranged(&s.cache, "resources "+name, s.Len(), desc, func(i int32) string { return search.EmptyLast(text(s, Ref(i))) })
		}
	}
	byNumber := func(name string, number func(*Sync, Ref) int64) func(*Sync, bool) []int32 {
		return func(s *Sync, desc bool) []int32 {
			return search.ArrangedRanks(&s.cache, "resources "+name, s.Len(), desc, func(i int32) int64 { return number(s, Ref(i)) })
		}
	}
	ofAccount := func(name string, text func(*AccountInfo) string) func(*Sync, bool) []int32 {
		return byText(name, func(s *Sync, r Ref) string {
			if a := s.resources[r].account; a != nil {
				return text(a)
			}
			return ""
		})
	}
	number := func(name string, number func(*AccountInfo) int64) func(*Sync, bool) []int32 {
		return byNumber(name, func(s *Sync, r Ref) int64 {
			if a := s.resources[r].account; a != nil {
				return number(a)
			}
			return noNumber
		})
	}
	byName := byNumber("name", func(_ *Sync, r Ref) int64 { return int64(r) })
	return map[string]func(*Sync, bool) []int32{
		"":             byName,
		"name":         byName,
		"id":           byText("id", func(s *Sync, r Ref) string { return s.resources[r].id }),
		"type":         byText("type", func(s *Sync, r Ref) string { return s.types[s.resources[r].typ].Name }),
		"members":      byNumber("members", func(s *Sync, r Ref) int64 { return int64(s.members[r].All) }),
		"holdings":     byNumber("holdings", func(s *Sync, r Ref) int64 { return int64(s.holdings[r].All) }),
		"direct":       byNumber("direct", func(s *Sync, r Ref) int64 { return int64(s.reach(r).Direct) }),
		"inherited":    byNumber("inherited", func(s *Sync, r Ref) int64 { return int64(s.reach(r).Inherited()) }),
		"entitlements": byNumber("entitlements", func(s *Sync, r Ref) int64 { return int64(s.resources[r].ents) }),
		"email":        ofAccount("email", func(a *AccountInfo) string { return a.Email }),
		"login":        ofAccount("login", func(a *AccountInfo) string { return a.Login }),
		"details":      ofAccount("details", func(a *AccountInfo) string { return a.Details }),
		"department":   ofAccount("department", func(a *AccountInfo) string { return a.Department }),
		"title":        ofAccount("title", func(a *AccountInfo) string { return a.Title }),
		"manager":      ofAccount("manager", func(a *AccountInfo) string { return a.Manager }),
		"status":       ofAccount("status", func(a *AccountInfo) string { return a.Status.String() }),
		"mfa":          number("mfa", func(a *AccountInfo) int64 { return int64(a.MFA) }),
		"admin":        number("admin", func(a *AccountInfo) int64 { return int64(boolTri(a.Admin)) }),
		"created":      number("created", func(a *AccountInfo) int64 { return a.Created.Unix() }),
		"last_login":   number("last_login", func(a *AccountInfo) int64 { return a.LastLogin.Unix() }),
	}
}

// noNumber is the rank of what has none: before everything.
const noNumber = -1 << 40

// reach is what counts of a resource: what an account holds, and who holds something
// else.
func (s *Sync) reach(r Ref) Count {
	if s.resources[r].kind.IsAccount() {
		return s.holdings[r]
	}
	return s.members[r]
}

func boolTri(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// typeFilter restricts to one of the sync's types.
func typeFilter[T any](s *Sync, key string, of func(T) int32) func(string) (func(T) bool, error) {
	return func(value string) (func(T) bool, error) {
		known := make([]string, len(s.types))
		for i, t := range s.types {
			known[i] = t.ID
			if t.ID == value {
				return func(v T) bool { return of(v) == int32(i) }, nil
			}
		}
		return nil, &search.ValueError{Key: key, Value: value, Known: known}
	}
}

// KindWords are the kinds as filters take them.
func KindWords() []string {
	var known []string
	for _, k := range Kinds() {
		known = append(known, k.String())
	}
	return known
}

func (s *Sync) resourceFilter(filter map[string]string) (search.Tests[Ref], error) {
	text := func(fold func(string) string, get func(*AccountInfo) string) func(string) (func(Ref) bool, error) {
		return search.FoldedText(fold, func(r Ref) string {
			if a := s.resources[r].account; a != nil {
				return get(a)
			}
			return ""
		})
	}
	word := func(key string, known []string, get func(*AccountInfo) string) func(string) (func(Ref) bool, error) {
		return search.OneOf(key, known, func(r Ref, value string) bool {
			a := s.resources[r].account
			return a != nil && get(a) == value
		})
	}
	return search.Filters(filter, map[string]func(string) (func(Ref) bool, error){
		"account_type": word("account_type", []string{"human", "service", "system"}, func(a *AccountInfo) string { return a.Type }),
		"admin":        word("admin", search.YesNo(), func(a *AccountInfo) string { return boolTri(a.Admin).String() }),
		"department":   text(search.Fold, func(a *AccountInfo) string { return a.Department }),
		"details":      text(search.Fold, func(a *AccountInfo) string { return a.Details }),
		"manager":      text(identity.FoldEmail, func(a *AccountInfo) string { return a.Manager }),
		"mfa": word("mfa", []string{Yes.String(), No.String(), Unknown.String()},
			func(a *AccountInfo) string { return a.MFA.String() }),
		"status": word("status", []string{Enabled.String(), Disabled.String(), Deleted.String(), StatusUnknown.String()},
			func(a *AccountInfo) string { return a.Status.String() }),
		"empty": search.OneOf("empty", search.YesNo(), func(r Ref, v string) bool { return (s.members[r].All == 0) == (v == "yes") }),
		"holds": search.OneOf("holds", search.YesNo(), func(r Ref, v string) bool { return (s.holdings[r].All > 0) == (v == "yes") }),
		"kind":  search.OneOf("kind", KindWords(), func(r Ref, v string) bool { return s.resources[r].kind.String() == v }),
		"type":  typeFilter(s, "type", func(r Ref) int32 { return s.resources[r].typ }),
		"parent": search.AnyText(func(r Ref) string {
			if m := s.resources[r].more; m != nil && m.parentID != "" {
				return m.parentType + ":" + m.parentID
			}
			return ""
		}),
	})
}

// Facet is a value that a filter of resources would find.
type Facet struct {
	Value string
	Count int
}

// Facets lists the values of one of the filter keys department, details,
// account_type, status and mfa among the accounts, the most frequent ones first. The
// value of those without one is empty.
func (s *Sync) Facets(key string) ([]Facet, error) {
	get, err := search.Pick("filter", key, map[string]func(*AccountInfo) string{
		"department":   func(a *AccountInfo) string { return a.Department },
		"details":      func(a *AccountInfo) string { return a.Details },
		"account_type": func(a *AccountInfo) string { return a.Type },
		"status":       func(a *AccountInfo) string { return a.Status.String() },
		"mfa":          func(a *AccountInfo) string { return a.MFA.String() },
	})
	if err != nil {
		return nil, err
	}
	return search.Cached(&s.cache, "facets "+key, func() []Facet { return s.facets(get) }), nil
}
