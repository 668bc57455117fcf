package diff

import (
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// ResourceChange is a resource that was added, removed or changed.
type ResourceChange struct {
	Change Change
	// Resource is that of the newer sync, or of the older one where it was removed.
	Resource review.Brief
	// Old and New are its places in either sync, or [NoRef].
	Old, New review.Ref
	// Fields are those that differ, of a changed resource only.
	Fields []FieldChange
}

// EntitlementChange is an entitlement that was added, removed or changed.
type EntitlementChange struct {
	Change Change
	// Entitlement is that of the newer sync, or of the older one where it was removed.
	Entitlement review.Entitlement
	Old, New    review.EntRef
	Fields      []FieldChange
}

// GrantChange is a grant that was added, removed or changed.
type GrantChange struct {
	Change Change
	// Grant is that of the newer sync, or of the older one where it was removed.
	Grant review.Grant
	// Was is the older grant of a changed one, and nil else.
	Was *review.Grant
}

// ResourceChanges lists them by name. The sort keys are change, kind, name and type,
// the filter keys change (added, removed, changed), kind and type.
func (d *Diff) ResourceChanges(q search.Query) (search.Page[ResourceChange], error) {
	l := changeList[ResourceChange]{
		d: d, name: "resources", changes: d.resources,
		resource: func(s *review.Sync, i int32) review.Ref { return review.Ref(i) },
		search:   (*review.Sync).SearchResources,
		make: func(p Place) ResourceChange {
			c := ResourceChange{Change: p.Change, Old: review.Ref(p.Old), New: review.Ref(p.New)}
			switch p.Change {
			case Removed:
				c.Resource, c.New = d.Older.Brief(review.Ref(p.Old)), review.NoRef
			case Changed:
				c.Fields = d.ResourceFields(c.Old, c.New)
				fallthrough
			default:
				c.Resource = d.Newer.Brief(review.Ref(p.New))
			}
			return c
		},
	}
	return l.page(q)
}

// EntitlementChanges lists them by the name of their resource. The sort and filter
// keys are those of [Diff.ResourceChanges], and mean the resource.
func (d *Diff) EntitlementChanges(q search.Query) (search.Page[EntitlementChange], error) {
	l := changeList[EntitlementChange]{
		d: d, name: "entitlements", changes: d.entitlements,
		resource: func(s *review.Sync, i int32) review.Ref { return s.ResourceOf(review.EntRef(i)) },
		search:   (*review.Sync).SearchEntitlements,
		make: func(p Place) EntitlementChange {
			c := EntitlementChange{Change: p.Change, Old: review.EntRef(p.Old), New: review.EntRef(p.New)}
			switch p.Change {
			case Removed:
				c.Entitlement, c.New = d.Older.EntitlementAt(c.Old), review.NoEnt
			case Changed:
				c.Fields = d.EntitlementFields(c.Old, c.New)
				fallthrough
			default:
				c.Entitlement = d.Newer.EntitlementAt(c.New)
			}
			return c
		},
	}
	return l.page(q)
}

// GrantChanges lists them by what is granted and to whom. The sort keys are change,
// direct, kind, principal, resource (the order without a key) and type; the filter
// keys change, direct (yes, no: through something else only), kind and type of what is
// granted, principal and resource ("type:id").
func (d *Diff) GrantChanges(q search.Query) (search.Page[GrantChange], error) {
	l := changeList[GrantChange]{
		d: d, name: "grants", changes: d.grants,
		resource: func(s *review.Sync, i int32) review.Ref { return s.ResourceOf(s.EntitlementOf(i)) },
		grants:   true,
		make: func(p Place) GrantChange {
			c := GrantChange{Change: p.Change}
			switch p.Change {
			case Removed:
				c.Grant = d.Older.GrantAt(p.Old)
			case Changed:
				was := d.Older.GrantAt(p.Old)
				c.Was = &was
				fallthrough
			default:
				c.Grant = d.Newer.GrantAt(p.New)
			}
			return c
		},
	}
	return l.page(q)
}

// changeList is one of the three lists of a Diff.
type changeList[T any] struct {
	d       *Diff
	name    string
	changes []Place
	// resource is what a place is about.
	resource func(s *review.Sync, i int32) review.Ref
	// search finds what holds words, except for grants.
	search func(*review.Sync, []string) []bool
	grants bool
	make   func(Place) T
}

func (l *changeList[T]) page(q search.Query) (search.Page[T], error) {
	page := search.Page[T]{All: len(l.changes)}
	order, err := l.order(q)
	if err != nil {
		return page, err
	}
	match, err := search.Filters(q.Filter, l.filters())
	if err != nil {
		return page, err
	}
	found := l.find(search.Words(q.Search))
	w := q.Window()
	for _, i := range order {
		p := l.changes[i]
		if found(p) && match.All(p) && w.Take() {
			page.Rows = append(page.Rows, l.make(p))
		}
	}
	page.Total = w.Seen()
	return page, nil
}

// of is the resource that a change is about.
func (l *changeList[T]) of(p Place) review.Brief {
	s, i := l.d.Side(p)
	return s.Brief(l.resource(s, i))
}

func (l *changeList[T]) typeOf(p Place) string { return l.of(p).Type }

func (l *changeList[T]) principalOf(p Place) string {
	s, i := l.d.Side(p)
	return s.NameOf(s.PrincipalOf(i))
}

func (l *changeList[T]) isDirect(p Place) bool {
	s, i := l.d.Side(p)
	return s.IsDirect(i)
}

func (l *changeList[T]) order(q search.Query) ([]int32, error) {
	n := len(l.changes)
	byNumber := func(name string, key func(Place) int) func() []int32 {
		return func() []int32 {
			return search.ArrangedRanks(&l.d.cache, l.name+name, n, q.Desc, func(i int32) int64 { return int64(key(l.changes[i])) })
		}
	}
	byText := func(name string, key func(Place) string) func() []int32 {
		return func() []int32 {
			return search.Arranged(&l.d.cache, l.name+name, n, q.Desc, func(i int32) string { return key(l.changes[i]) })
		}
	}
	byPlace := func() []int32 {
		return search.ArrangedRanks(&l.d.cache, l.name, n, q.Desc, func(i int32) int64 { return int64(i) })
	}
	known := map[string]func() []int32{
		"":       byPlace,
		"change": byNumber("change", func(p Place) int { return int(p.Change) }),
		"kind":   byNumber("kind", func(p Place) int { return int(l.of(p).Kind) }),
		"type":   byText("type", l.typeOf),
	}
	if l.grants {
		known["resource"] = byPlace
		known["principal"] = byText("principal", func(p Place) string { return search.Fold(l.principalOf(p)) })
		known["direct"] = byNumber("direct", func(p Place) int {
			if l.isDirect(p) {
				return 0
			}
			return 1
		})
	} else {
		known["name"] = byPlace
	}
	sort, err := search.Pick("sort", q.Sort, known)
	if err != nil {
		return nil, err
	}
	return sort(), nil
}

func (l *changeList[T]) filters() map[string]func(string) (func(Place) bool, error) {
	known := map[string]func(string) (func(Place) bool, error){
		"change": search.OneOf("change", changeWords(), func(p Place, v string) bool { return p.Change.String() == v }),
		"kind":   search.OneOf("kind", review.KindWords(), func(p Place, v string) bool { return l.of(p).Kind.String() == v }),
		"type":   search.AnyText(l.typeOf),
	}
	if !l.grants {
		return known
	}
	known["direct"] = search.OneOf("direct", search.YesNo(), func(p Place, v string) bool { return l.isDirect(p) == (v == "yes") })
	among := func(get func(s *review.Sync, i int32) review.Ref) func(string) (func(Place) bool, error) {
		return func(value string) (func(Place) bool, error) {
			old, inOld := l.d.Older.ByTypedID(value)
			now, inNow := l.d.Newer.ByTypedID(value)
			return func(p Place) bool {
				s, i := l.d.Side(p)
				if s == l.d.Older {
					return inOld && get(s, i) == old
				}
				return inNow && get(s, i) == now
			}, nil
		}
	}
	known["resource"] = among(l.resource)
	known["principal"] = among(func(s *review.Sync, i int32) review.Ref { return s.PrincipalOf(i) })
	return known
}

// find returns a test for changes that hold all words.
func (l *changeList[T]) find(words []string) func(Place) bool {
	if len(words) == 0 {
		return func(Place) bool { return true }
	}
	if !l.grants {
		old, now := l.search(l.d.Older, words), l.search(l.d.Newer, words)
		return func(p Place) bool {
			if s, i := l.d.Side(p); s == l.d.Newer {
				return now[i]
			}
			return old[p.Old]
		}
	}
	old, now := l.d.Older.Hits(words), l.d.Newer.Hits(words)
	return func(p Place) bool {
		s, i := l.d.Side(p)
		hits := old
		if s == l.d.Newer {
			hits = now
		}
		return hits.All(hits.Entitlement(s.EntitlementOf(i)) | hits.Resource(s.PrincipalOf(i)))
	}
}
