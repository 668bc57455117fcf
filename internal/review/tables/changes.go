package tables

import (
	"slices"

	"github.com/dustin/go-humanize/english"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// Diff is what changed between two syncs with the words for it.
type Diff struct {
	*diff.Diff
	Older, Newer *Sync
}

// side is the sync in which a change is shown.
func (d *Diff) side(change diff.Change) *Sync {
	if change == diff.Removed {
		return d.Older
	}
	return d.Newer
}

// ChangedResources lists resources that were added, removed or changed, for a page.
func ChangedResources(d *Diff) List {
	c := newCatalog()
	return List{
		ID: "changed-resources", Title: "Changed resources", One: "change", Many: "changes", None: "No resource was added, removed or changed.",
		Page: []Shown{c.show("name").Sort("name"), c.show("change").Sort("change"), c.show("type").Sort("type"), c.show("id").Detail(), c.show("fields")},
		Read: read(d.ResourceChanges, func(r *diff.ResourceChange) Row {
			return Row{Sync: d.side(r.Change), On: &r.Resource, Change: r.Change, Fields: r.Fields}
		}),
	}
}

// ChangedEntitlements lists entitlements that were added, removed or changed, for a page.
func ChangedEntitlements(d *Diff) List {
	c := newCatalog()
	return List{
		ID: "changed-entitlements", Title: "Changed entitlements", One: "change", Many: "changes", None: "No entitlement was added, removed or changed.",
		Page: []Shown{
			c.show("resource").Sort("name"), c.show("entitlement"), c.show("change").Sort("change"),
			c.show("entitlement_id").Keyed("id", "ID").Detail(), c.show("fields"),
		},
		Read: read(d.EntitlementChanges, func(e *diff.EntitlementChange) Row {
			return Row{Sync: d.side(e.Change), On: &e.Entitlement.Resource, Entitlement: &e.Entitlement, Change: e.Change, Fields: e.Fields}
		}),
	}
}

// ChangedAccess lists grants that were added, removed or changed, for a page.
func ChangedAccess(d *Diff) List {
	c := newCatalog()
	return List{
		ID: "changed-access", Title: "Changed access", One: "change", Many: "changes", None: "Nobody gained or lost access.",
		Page: []Shown{
			c.show("principal").Sort("principal"), c.show("principal_type").Detail(), c.show("principal_id").Detail(), c.show("change").Sort("change"),
			c.show("resource").Titled("Access to").Sort("resource"), c.show("resource_type").Sort("type"), c.show("entitlement_id").Detail(),
			c.show("direct").Sort("direct"), c.show("sources"), c.show("was_via").Detail(),
		},
		Read: read(d.GrantChanges, func(g *diff.GrantChange) Row {
			row := d.side(g.Change).grantRow(&g.Grant)
			row.Change, row.Was, row.Older = g.Change, g.Was, d.Older
			return row
		}),
	}
}

// Changes lists changes of resources, then of entitlements, then of grants, for a command.
// Which of the three are listed says what; they are searched, filtered and sorted each by
// itself.
func Changes(d *Diff, resources, entitlements, grants bool) List {
	c := newCatalog()
	l := List{
		ID: "changes", Title: "Changes", NoMatch: "No matching changes.",
		Command: []Shown{
			c.show("change"), c.show("changed"), c.show("resource"), c.show("type_name").Detail(), c.show("resource_type").Detail(), c.show("resource_id").Detail(),
			c.show("slug_or_name").Detail(), c.show("entitlement_id").Detail(), c.show("principal"), c.show("principal_type").Detail(),
			c.show("principal_id").Detail(), c.show("change_details"), c.show("direct").Detail(), c.show("grant_id").Detail(),
		},
	}
	if d.Count() == 0 {
		l.NoMatch = "No changes."
	}
	var parts []List
	for _, part := range []struct {
		listed bool
		list   func(*Diff) List
	}{{resources, ChangedResources}, {entitlements, ChangedEntitlements}, {grants, ChangedAccess}} {
		if part.listed {
			parts = append(parts, part.list(d))
		}
	}
	l.Read = func(q search.Query) (search.Page[Row], error) { return joined(parts, q) }
	return l
}

// joined reads several lists as one.
func joined(parts []List, q search.Query) (search.Page[Row], error) {
	var page search.Page[Row]
	for _, l := range parts {
		one := q
		one.Offset = max(0, q.Offset-page.Total)
		if q.Limit > 0 {
			// A list is asked in any case, for its total; one row is the least.
			one.Limit = max(1, q.Limit-len(page.Rows))
		}
		more, err := l.Read(one)
		if err != nil {
			return page, err
		}
		if q.Limit > 0 {
			more.Rows = more.Rows[:min(len(more.Rows), q.Limit-len(page.Rows))]
		}
		page.Rows = append(page.Rows, more.Rows...)
		page.Total += more.Total
		page.All += more.All
	}
	return page, nil
}

// ChangeCounts counts changes, for the summary of a command.
func ChangeCounts(d *Diff) List {
	l := ByHand("summary", "Summary", "", []Column{
		{ID: "what", Title: "What"}, count("added", "Added"), count("removed", "Removed"), count("changed", "Changed"),
	}, nil)
	var rows [][]any
	add := func(what string, added, removed, changed int) {
		rows = append(rows, []any{what, added, removed, changed})
	}
	shown := slices.DeleteFunc(review.Kinds(), func(k review.Kind) bool {
		return !slices.Contains(d.Older.Shown(), k) && !slices.Contains(d.Newer.Shown(), k)
	})
	for _, k := range shown {
		if c := d.Resources[k]; c.Any() || k != review.Other {
			add(k.Type().Plural, c.Added, c.Removed, c.Changed)
		}
	}
	add("entitlements", d.Entitlements.Added, d.Entitlements.Removed, d.Entitlements.Changed)
	var rest diff.GrantChanges
	for _, k := range shown {
		c := d.Grants[k]
		if word := k.Type().Grant; word != "" {
			add(english.PluralWord(2, word, ""), c.Added.All, c.Removed.All, c.Changed)
			continue
		}
		rest.Added.All += c.Added.All
		rest.Removed.All += c.Removed.All
		rest.Changed += c.Changed
	}
	if rest.Added.All+rest.Removed.All+rest.Changed > 0 {
		add("other grants", rest.Added.All, rest.Removed.All, rest.Changed)
	}
	return l.with(rows)
}
