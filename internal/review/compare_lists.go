package review

// ResourceChange is a resource that was added, removed or changed.
type ResourceChange struct {
	Change Change
	// Resource is that of the newer sync, or of the older one where it was removed.
	Resource Brief
	// Old and New are its places in either sync, or [NoRef].
	Old, New Ref
	// Fields are those that differ, of a changed resource only.
	Fields []FieldChange
}

// EntitlementChange is an entitlement that was added, removed or changed.
type EntitlementChange struct {
	Change Change
	// Entitlement is that of the newer sync, or of the older one where it was removed.
	Entitlement Entitlement
	Old, New    EntRef
	Fields      []FieldChange
}

// GrantChange is a grant that was added, removed or changed.
type GrantChange struct {
	Change Change
	// Grant is that of the newer sync, or of the older one where it was removed.
	Grant Grant
	// Was is the older grant of a changed one, and nil else.
	Was *Grant
}

// ResourceChanges lists them by name. The sort keys are change, kind, name and type,
// the filter keys change (added, removed, changed), kind and type.
func (d *Diff) ResourceChanges(q Query) (Page[ResourceChange], error) {
	l := changeList[ResourceChange]{
		d: d, name: "resources", changes: d.resources,
		resource: func(s *Sync, i int32) Ref { return Ref(i) },
		texts:    func(s *Sync) *texts { return s.resourceTexts },
		make: func(p placeChange) ResourceChange {
			c := ResourceChange{Change: p.change, Old: Ref(p.old), New: Ref(p.now)}
			switch p.change {
			case Removed:
				c.Resource, c.New = d.Older.Brief(Ref(p.old)), NoRef
			case Changed:
				c.Fields = append(resourceFields(d.Older, d.Newer, c.Old, c.New), profileFields(
					fields(d.Older.resources[c.Old].profile), fields(d.Newer.resources[c.New].profile))...)
				fallthrough
			default:
				c.Resource = d.Newer.Brief(Ref(p.now))
			}
			return c
		},
	}
	return l.page(q)
}

// EntitlementChanges lists them by the name of their resource. The sort and filter
// keys are those of [Diff.ResourceChanges], and mean the resource.
func (d *Diff) EntitlementChanges(q Query) (Page[EntitlementChange], error) {
	l := changeList[EntitlementChange]{
		d: d, name: "entitlements", changes: d.entitlements,
		resource: func(s *Sync, i int32) Ref { return s.entitlements[i].resource },
		texts:    func(s *Sync) *texts { return s.entitlementTexts },
		make: func(p placeChange) EntitlementChange {
			c := EntitlementChange{Change: p.change, Old: EntRef(p.old), New: EntRef(p.now)}
			switch p.change {
			case Removed:
				c.Entitlement, c.New = d.Older.EntitlementAt(c.Old), NoEnt
			case Changed:
				c.Fields = entitlementFields(d.Older, d.Newer, c.Old, c.New)
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
func (d *Diff) GrantChanges(q Query) (Page[GrantChange], error) {
	l := changeList[GrantChange]{
		d: d, name: "grants", changes: d.grants,
		resource: func(s *Sync, i int32) Ref { return s.entitlements[s.entitlementOf(i)].resource },
		grants:   true,
		make: func(p placeChange) GrantChange {
			c := GrantChange{Change: p.change}
			switch p.change {
			case Removed:
				c.Grant = d.Older.GrantAt(p.old)
			case Changed:
				was := d.Older.GrantAt(p.old)
				c.Was = &was
				fallthrough
			default:
				c.Grant = d.Newer.GrantAt(p.now)
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
	changes []placeChange
	// resource is what a place is about.
	resource func(s *Sync, i int32) Ref
	// texts are searched, except for grants.
	texts  func(*Sync) *texts
	grants bool
	make   func(placeChange) T
}

// side is the sync in which a change is shown, and the place there.
func (l *changeList[T]) side(p placeChange) (*Sync, int32) {
	if p.change == Removed {
		return l.d.Older, p.old
	}
	return l.d.Newer, p.now
}

func (l *changeList[T]) page(q Query) (Page[T], error) {
	page := Page[T]{All: len(l.changes)}
	order, err := l.order(q)
	if err != nil {
		return page, err
	}
	match, err := filters(q.Filter, l.filters())
	if err != nil {
		return page, err
	}
	found := l.search(words(q.Search))
	w := q.window()
	for _, i := range order {
		p := l.changes[i]
		if found(p) && match.all(p) && w.take() {
			page.Rows = append(page.Rows, l.make(p))
		}
	}
	page.Total = w.seen
	return page, nil
}

// of is the resource that a change is about.
func (l *changeList[T]) of(p placeChange) *record {
	s, i := l.side(p)
	return &s.resources[l.resource(s, i)]
}

func (l *changeList[T]) typeOf(p placeChange) string {
	s, i := l.side(p)
	return s.types[s.resources[l.resource(s, i)].typ].ID
}

func (l *changeList[T]) principalOf(p placeChange) *record {
	s, i := l.side(p)
	return &s.resources[s.principal[i]]
}

func (l *changeList[T]) isDirect(p placeChange) bool {
	s, i := l.side(p)
	return s.isDirect(i)
}

func (l *changeList[T]) order(q Query) ([]int32, error) {
	n := len(l.changes)
	byNumber := func(name string, key func(placeChange) int) func() []int32 {
		return func() []int32 {
			return arrangedRanks(&l.d.cache, l.name+name, n, q.Desc, func(i int32) int64 { return int64(key(l.changes[i])) })
		}
	}
	byText := func(name string, key func(placeChange) string) func() []int32 {
		return func() []int32 {
			return arranged(&l.d.cache, l.name+name, n, q.Desc, func(i int32) string { return key(l.changes[i]) })
		}
	}
	byPlace := func() []int32 {
		return arrangedRanks(&l.d.cache, l.name, n, q.Desc, func(i int32) int64 { return int64(i) })
	}
	known := map[string]func() []int32{
		"":       byPlace,
		"change": byNumber("change", func(p placeChange) int { return int(p.change) }),
		"kind":   byNumber("kind", func(p placeChange) int { return int(l.of(p).kind) }),
		"type":   byText("type", l.typeOf),
	}
	if l.grants {
		known["resource"] = byPlace
		known["principal"] = byText("principal", func(p placeChange) string { return fold(l.principalOf(p).name) })
		known["direct"] = byNumber("direct", func(p placeChange) int {
			s, i := l.side(p)
			return s.inheritedLast(i)
		})
	} else {
		known["name"] = byPlace
	}
	sort, err := pick("sort", q.Sort, known)
	if err != nil {
		return nil, err
	}
	return sort(), nil
}

func (l *changeList[T]) filters() map[string]func(string) (func(placeChange) bool, error) {
	known := map[string]func(string) (func(placeChange) bool, error){
		"change": oneOf("change", changeWords(), func(p placeChange, v string) bool { return p.change.String() == v }),
		"kind":   oneOf("kind", kindWords(), func(p placeChange, v string) bool { return l.of(p).kind.String() == v }),
		"type":   anyText(l.typeOf),
	}
	if !l.grants {
		return known
	}
	known["direct"] = oneOf("direct", yesNo(), func(p placeChange, v string) bool { return l.isDirect(p) == (v == "yes") })
	among := func(get func(s *Sync, i int32) Ref) func(string) (func(placeChange) bool, error) {
		return func(value string) (func(placeChange) bool, error) {
			old, inOld := l.d.Older.byColon(value)
			now, inNow := l.d.Newer.byColon(value)
			return func(p placeChange) bool {
				s, i := l.side(p)
				if s == l.d.Older {
					return inOld && get(s, i) == old
				}
				return inNow && get(s, i) == now
			}, nil
		}
	}
	known["resource"] = among(l.resource)
	known["principal"] = among(func(s *Sync, i int32) Ref { return s.principal[i] })
	return known
}

// search returns a test for changes that hold all words.
func (l *changeList[T]) search(search []string) func(placeChange) bool {
	if len(search) == 0 {
		return func(placeChange) bool { return true }
	}
	if !l.grants {
		old, now := l.texts(l.d.Older).search(search), l.texts(l.d.Newer).search(search)
		return func(p placeChange) bool {
			if s, i := l.side(p); s == l.d.Newer {
				return now[i]
			}
			return old[p.old]
		}
	}
	none := &grantFilter{one: NoEnt, of: NoRef}
	old, now := l.d.Older.masks(none, search), l.d.Newer.masks(none, search)
	return func(p placeChange) bool {
		s, i := l.side(p)
		m := old
		if s == l.d.Newer {
			m = now
		}
		return m.ent[s.entitlementOf(i)]|m.principal[s.principal[i]] == m.want
	}
}
