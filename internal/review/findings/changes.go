package findings

import (
	"context"
	"fmt"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
)

// The parts of the report of changes, in item.ent.
const (
	partResource review.EntRef = iota
	partEntitlement
	partGrant
)

// changes lists the changes since another sync: of resources, then entitlements,
// then grants. item.extra is a change's place in its part.
func changes(ctx context.Context, s *review.Sync, info Info, previous *review.Sync) (*Report, error) {
	r := &Report{Info: info, sync: s}
	if previous == nil {
		r.Note = "No previous sync to compare with."
		previous = s
	}
	d, err := diff.Compare(ctx, previous, s)
	if err != nil {
		return nil, err
	}
	if previous != s {
		r.Note = fmt.Sprintf("Since the sync of %s.", previous.Run.StartedAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	c := changeRows{d: d}
	c.resources, c.entitlements, c.grants = d.Places()
	for part, list := range [][]diff.Place{c.resources, c.entitlements, c.grants} {
		for i := range list {
			r.items = append(r.items, item{resource: review.NoRef, other: review.NoRef, ent: review.EntRef(part), extra: int32(i)})
		}
	}
	r.row, r.find = c.row, c.find
	text := func(key, title string, link Link, cell func(changeRow) string) column {
		return column{Column: Column{key, title, TextColumn, link}, cell: func(it item) any { return cell(c.at(it)) }}
	}
	r.columns = []column{
		text("change", "Change", NoLink, func(w changeRow) string { return w.Change.String() }),
		text("what", "What", NoLink, func(w changeRow) string { return w.what }),
		text("name", "Name", LinkResource, func(w changeRow) string { return w.sync.NameOf(w.resource) }),
		text("entitlement", "Entitlement", LinkEntitlement, func(w changeRow) string {
			if w.ent == review.NoEnt {
				return ""
			}
			return w.sync.EntitlementName(w.ent)
		}),
		text("principal", "Whose", LinkOther, func(w changeRow) string {
			if w.principal == review.NoRef {
				return ""
			}
			return w.sync.NameOf(w.principal)
		}),
		text("details", "Details", NoLink, c.details),
	}
	return r.finish(), nil
}

// changeRows makes the rows of the report of changes.
type changeRows struct {
	d                               *diff.Diff
	resources, entitlements, grants []diff.Place
}

// changeRow is a change with what it is about.
type changeRow struct {
	diff.Place
	part      review.EntRef
	what      string
	sync      *review.Sync
	resource  review.Ref
	ent       review.EntRef
	principal review.Ref
}

func (c changeRows) at(it item) changeRow {
	w := changeRow{part: it.ent, sync: c.d.Newer, ent: review.NoEnt, principal: review.NoRef}
	switch it.ent {
	case partResource:
		w.Place = c.resources[it.extra]
	case partEntitlement:
		w.Place = c.entitlements[it.extra]
	default:
		w.Place = c.grants[it.extra]
	}
	var place int32
	w.sync, place = c.d.Side(w.Place)
	switch it.ent {
	case partResource:
		w.resource = review.Ref(place)
		w.what = w.sync.KindOf(w.resource).String()
		return w
	case partEntitlement:
		w.ent, w.what = review.EntRef(place), "entitlement"
	default:
		w.ent, w.principal = w.sync.EntitlementOf(place), w.sync.PrincipalOf(place)
	}
	w.resource = w.sync.ResourceOf(w.ent)
	if it.ent == partGrant {
		w.what = review.GrantWord(w.sync.KindOf(w.resource))
	}
	return w
}

func (c changeRows) row(it item) Row {
	w := c.at(it)
	return Row{Sync: w.sync, Resource: w.resource, Other: w.principal, Entitlement: w.ent}
}

// details say what changed, or via what something was granted.
func (c changeRows) details(w changeRow) string {
	switch {
	case w.part == partGrant:
		_, place := c.d.Side(w.Place)
		text := "via " + c.sources(w.sync, place)
		if w.sync.IsDirect(place) {
			text = "direct"
			if len(w.sync.SourcesOf(place)) > 0 {
				text += ", and via " + c.sources(w.sync, place)
			}
		}
		return text
	case w.Change != diff.Changed:
		return ""
	}
	var list []diff.FieldChange
	if w.part == partEntitlement {
		list = c.d.EntitlementFields(review.EntRef(w.Old), review.EntRef(w.New))
	} else {
		list = c.d.ResourceFields(review.Ref(w.Old), review.Ref(w.New))
	}
	var texts []string
	for _, f := range list {
		texts = append(texts, fmt.Sprintf("%s: %q to %q", f.Field, f.Old, f.New))
	}
	return strings.Join(texts, "; ")
}

func (c changeRows) sources(s *review.Sync, g int32) string {
	var names []string
	for _, e := range s.SourcesOf(g) {
		names = append(names, s.NameOf(s.ResourceOf(e)))
	}
	return strings.Join(names, ", ")
}

// find looks at the texts of what changed, in the sync where it is shown.
func (c changeRows) find(words []string) func(item) bool {
	old, now := c.d.Older.Hits(words), c.d.Newer.Hits(words)
	return func(it item) bool {
		w := c.at(it)
		hits := now
		if w.Change == diff.Removed {
			hits = old
		}
		bits := hits.Resource(w.resource)
		if w.ent != review.NoEnt {
			bits |= hits.Entitlement(w.ent)
		}
		if w.principal != review.NoRef {
			bits |= hits.Resource(w.principal)
		}
		return hits.All(bits)
	}
}
