package explorer

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// The parameters of a comparison: the two syncs, and in tab which list is shown.
const (
	paramOlder = "a"
	paramNewer = "b"

	tabResources = "resources"
	tabGrants    = "grants"
)

// maxCompared is how many comparisons of a sort are kept. Each holds on to two syncs.
const maxCompared = 2

// comparisons keeps the last things that were made of two syncs.
type comparisons[T any] struct {
	mu   sync.Mutex
	list []*comparison[T]
}

type comparison[T any] struct {
	older, newer *review.Sync
	once         sync.Once
	made         T
	err          error
}

// of makes something of two syncs, once however many ask.
func (c *comparisons[T]) of(older, newer *review.Sync, made func() (T, error)) (T, error) {
	c.mu.Lock()
	i := slices.IndexFunc(c.list, func(k *comparison[T]) bool { return k.older == older && k.newer == newer })
	var found *comparison[T]
	if i >= 0 {
		found = c.list[i]
		c.list = slices.Delete(c.list, i, i+1)
	} else {
		found = &comparison[T]{older: older, newer: newer}
		if len(c.list) == maxCompared {
			c.list = slices.Delete(c.list, 0, 1)
		}
	}
	c.list = append(c.list, found)
	c.mu.Unlock()
	found.once.Do(func() { found.made, found.err = made() })
	if found.err != nil {
		// It may succeed when somebody asks again.
		c.mu.Lock()
		c.list = slices.DeleteFunc(c.list, func(k *comparison[T]) bool { return k == found })
		c.mu.Unlock()
	}
	return found.made, found.err
}

// comparePage shows what changed from one sync to another.
type comparePage struct {
	Action       string
	Choices      []choice // of the older
	NewerChoices []choice
	Keep         []field
	Problem      string
	Same         bool
	Kinds        []changeRow
	Held         []heldRow
	Tabs         []navItem
	ListTitle    string
	List         *listPage
}

// changeRow counts changes of one kind of thing.
type changeRow struct {
	Title                   string
	Added, Removed, Changed cell
}

// heldRow counts changes of what is held of one kind of thing.
type heldRow struct {
	Title                          string
	Added, AddedDirect             cell
	Removed, RemovedDirect, Change cell
}

// previous finds the sync that came before another: the newest finished full one of
// the same archive that ended earlier, or else of another archive of the organization.
func (v *view) previous(than library.Entry) (library.Entry, bool) {
	var found library.Entry
	better := func(e library.Entry) bool {
		same, was := e.Key.Archive == than.Key.Archive, found.Key.Archive == than.Key.Archive
		if same != was {
			return same
		}
		return e.Run.EndedAt.After(found.Run.EndedAt)
	}
	for _, e := range v.e.cfg.Library.Entries() {
		before := e.Run.Finished() && (!than.Run.Finished() || e.Run.EndedAt.Before(than.Run.EndedAt))
		ours := e.Key.Archive == than.Key.Archive || e.Run.Organization.ID == than.Run.Organization.ID
		if e.Key != than.Key && before && ours && e.Run.Type == "full" && (found.Key.Sync == "" || better(e)) {
			found = e
		}
	}
	return found, found.Key.Sync != ""
}

// at is the view of another sync, for addresses and names.
func (v *view) at(entry library.Entry, s *review.Sync) *view {
	other := *v
	other.entry, other.sync, other.words = entry, s, tables.Of(s)
	return &other
}

// entryOf finds the sync that a parameter names.
func (v *view) entryOf(param string) (library.Entry, error) {
	if key, ok := library.ParseKey(v.params.Get(param)); ok {
		for _, e := range v.e.cfg.Library.Entries() {
			if e.Key == key {
				return e, nil
			}
		}
	}
	return library.Entry{}, library.ErrUnknown
}

func compare(v *view) error {
	v.section, v.title = "/compare", "Compare"
	newer := v.entry
	var err error
	if v.params.Has(paramNewer) {
		if newer, err = v.entryOf(paramNewer); err != nil {
			return err
		}
	}
	older, ok := v.previous(newer)
	if v.params.Has(paramOlder) {
		if older, err = v.entryOf(paramOlder); err != nil {
			return err
		}
		ok = true
	}
	p := &comparePage{Action: v.e.prefix() + "/compare"}
	for _, e := range v.e.cfg.Library.Entries() {
		p.Choices = append(p.Choices, choice{e.Key.String(), v.entryTitle(e), e.Key == older.Key})
		p.NewerChoices = append(p.NewerChoices, choice{e.Key.String(), v.entryTitle(e), e.Key == newer.Key})
	}
	if v.entry.Key != v.e.cfg.Library.First() {
		p.Keep = []field{{paramSync, v.entry.Key.String()}}
	}
	if !ok {
		p.Problem = "No previous sync to compare with. Open another archive too, or choose two syncs."
		return v.render("compare", p)
	}
	oldSync, err := v.load(older.Key)
	if err != nil {
		return err
	}
	newSync, err := v.load(newer.Key)
	if err != nil {
		return err
	}
	made, err := v.e.diffs.of(oldSync, newSync, func() (*diff.Diff, error) {
		// Whoever asked first may leave, and others wait for the same.
		return diff.Compare(context.WithoutCancel(v.r.Context()), oldSync, newSync)
	})
	if err != nil {
		return err
	}
	c := &comparedSyncs{v: v, older: v.at(older, oldSync), newer: v.at(newer, newSync)}
	c.diff = &tables.Diff{Diff: made, Older: c.older.words, Newer: c.newer.words}
	return c.serve(p)
}

// comparedSyncs is a request for a comparison.
type comparedSyncs struct {
	v            *view
	older, newer *view
	diff         *tables.Diff
}

// url is the address of this comparison with another list.
func (c *comparedSyncs) url(pairs ...string) string {
	return c.v.url("/compare", append([]string{paramOlder, c.older.entry.Key.String(), paramNewer, c.newer.entry.Key.String()}, pairs...)...)
}

func (c *comparedSyncs) serve(p *comparePage) error {
	tab := c.v.params.Get(paramTab)
	if tab == "" {
		tab = tabGrants
	}
	var l listing
	switch tab {
	case tabResources:
		l = c.resources()
	case tabEntitlements:
		l = c.entitlements()
	default:
		l = c.access()
	}
	if format, ok := exportFormat(c.v); ok {
		return l.export(c.v, format)
	}
	var err error
	if p.List, err = l.page(c.v); err != nil {
		return err
	}
	c.summarize(p, tab)
	return c.v.render("compare", p)
}

// summarize counts, and leads to what is counted.
func (c *comparedSyncs) summarize(p *comparePage, tab string) {
	var resources, held int
	row := func(title string, n diff.Changes, pairs ...string) changeRow {
		link := func(change diff.Change, n int) cell {
			return countCell(n, c.url(append([]string{"change", change.String()}, pairs...)...))
		}
		return changeRow{title, link(diff.Added, n.Added), link(diff.Removed, n.Removed), link(diff.Changed, n.Changed)}
	}
	for _, kind := range review.Kinds() {
		n := c.diff.Resources[kind]
		resources += n.Added + n.Removed + n.Changed
		_, title := kindSection(kind)
		if n.Any() || c.older.has(kind) || c.newer.has(kind) {
			p.Kinds = append(p.Kinds, row(title, n, paramTab, tabResources, "kind", kind.String()))
		}
		g := c.diff.Grants[kind]
		held += g.Added.All + g.Removed.All + g.Changed
		if g != (diff.GrantChanges{}) || c.older.has(kind) && kind.IsHeld() {
			to := func(n int, change diff.Change, pairs ...string) cell {
				return countCell(n, c.url(append([]string{paramTab, tabGrants, "kind", kind.String(), "change", change.String()}, pairs...)...))
			}
			p.Held = append(p.Held, heldRow{
				heldTitle(kind), to(g.Added.All, diff.Added), to(g.Added.Direct, diff.Added, "direct", "yes"),
				to(g.Removed.All, diff.Removed), to(g.Removed.Direct, diff.Removed, "direct", "yes"), to(g.Changed, diff.Changed),
			})
		}
	}
	e := c.diff.Entitlements
	p.Kinds = append(p.Kinds, row("Entitlements", e, paramTab, tabEntitlements))
	entitlements := e.Added + e.Removed + e.Changed
	p.Same = resources+entitlements+held == 0
	p.Tabs = []navItem{
		{"Access", c.url(paramTab, tabGrants), held, tab == tabGrants},
		{"Resources", c.url(paramTab, tabResources), resources, tab == tabResources},
		{"Entitlements", c.url(paramTab, tabEntitlements), entitlements, tab == tabEntitlements},
	}
	p.ListTitle = p.List.Title
}

// heldTitle is what grants on a kind of resource are called.
func heldTitle(k review.Kind) string {
	t := k.Type()
	return cmp.Or(t.Grants, "On "+t.Plural)
}

// countCell is a number that leads to what it counts, where there is any.
func countCell(n int, url string) cell {
	if n == 0 {
		return cell{Text: "0"}
	}
	return cell{Text: number(n), URL: url}
}

// fieldsCell tells the fields that differ.
func fieldsCell(fields []diff.FieldChange) cell {
	var c cell
	for _, f := range fields {
		from, to := short(f.Old), short(f.New)
		if from == "" {
			from = "nothing"
		}
		if to == "" {
			to = "nothing"
		}
		c.Paths = append(c.Paths, pathView{Steps: []cell{{Text: short(strings.TrimPrefix(f.Field, "profile.")) + ": " + from}, {Text: to}}})
	}
	return c
}

func changeFilter() filter {
	return filter{Key: "change", Title: "Change", Options: words("added", "removed", "changed")}
}

// list is a list of changes, of which each is shown in the sync that it is of.
func (c *comparedSyncs) list(l tables.List, filters ...filter) listing {
	shown := c.v.list(l, filters...)
	shown.in = func(row *tables.Row) *view {
		if row.Change == diff.Removed {
			return c.older
		}
		return c.newer
	}
	shown.looks["resource"] = shown.looks["name"]
	return shown
}

func (c *comparedSyncs) resources() listing {
	return c.list(tables.ChangedResources(c.diff), changeFilter(), c.newer.kindFilter("kind", "Kind"), filter{Key: "type", Title: "Type", hidden: true})
}

func (c *comparedSyncs) entitlements() listing {
	return c.list(tables.ChangedEntitlements(c.diff), changeFilter(), c.newer.kindFilter("kind", "Kind"), filter{Key: "type", Title: "Type", hidden: true})
}

func (c *comparedSyncs) access() listing {
	l := c.list(tables.ChangedAccess(c.diff),
		changeFilter(),
		c.newer.kindFilter("kind", "Access to"),
		directFilter(),
		filter{Key: "type", Title: "Type", hidden: true},
		filter{Key: "principal", Title: "Who", hidden: true, value: (*view).resourceName},
		filter{Key: "resource", Title: "Access to", hidden: true, value: (*view).resourceName},
	)
	l.looks["principal"] = func(v *view, r *tables.Row) cell { return v.briefCell(*r.Principal) }
	l.looks["resource"] = func(v *view, r *tables.Row) cell {
		shown := v.briefCell(*r.On)
		shown.Sub = short(r.Entitlement.Slug)
		return shown
	}
	return l
}
