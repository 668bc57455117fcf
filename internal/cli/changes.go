package cli

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// changesTable lists changes: of resources, then of entitlements, then of grants.
func (o *diffOptions) changesTable(ctx context.Context, d *shownDiff, q search.Query, paged bool) (sheet.Table, error) {
	t := sheet.Table{
		Key: "changes", Title: "Changes", None: "Nothing changed that matches.",
		Columns: []sheet.Column{
			{Key: "change", Title: "Change"},
			{Key: "what", Title: "What"},
			{Key: "resource", Title: "Resource"},
			{Key: "type", Title: "Type", Detail: true},
			{Key: "resource_type", Title: "Resource type id", Detail: true},
			{Key: "resource_id", Title: "Resource id", Detail: true},
			{Key: "slug", Title: "Entitlement", Detail: true},
			{Key: "entitlement_id", Title: "Entitlement id", Detail: true},
			{Key: "principal", Title: "Holder"},
			{Key: "principal_type", Title: "Holder type id", Detail: true},
			{Key: "principal_id", Title: "Holder id", Detail: true},
			{Key: "details", Title: "Details", Kind: sheet.List, Width: 80},
			{Key: "direct", Title: "Direct", Kind: sheet.Bool, Detail: true},
			{Key: "grant_id", Title: "Grant id", Detail: true},
		},
	}
	if changeCount(d.Diff) == 0 {
		t.None = "Nothing changed."
	}
	only := whats()[o.what]
	var lists []rowList
	if only.list == 0 || only.list == changedResources {
		lists = append(lists, rowsOf(d.ResourceChanges, d.resourceCells))
	}
	if only.list == 0 || only.list == changedEntitlements {
		lists = append(lists, rowsOf(d.EntitlementChanges, d.entitlementCells))
	}
	if only.list == 0 || only.list == changedGrants {
		lists = append(lists, rowsOf(d.GrantChanges, d.grantCells))
	}
	if only.kind != 0 {
		if q.Filter == nil {
			q.Filter = make(map[string]string)
		}
		q.Filter["kind"] = only.kind.String()
	}
	return t, list(ctx, &o.viewOptions, &t, q, paged, joined(lists), func(row []any) []any { return row })
}

// rowList gives a page of rows.
type rowList func(search.Query) (search.Page[[]any], error)

// rowsOf makes rows of a list.
func rowsOf[T any](fetch func(search.Query) (search.Page[T], error), cells func(T) []any) rowList {
	return func(q search.Query) (search.Page[[]any], error) {
		from, err := fetch(q)
		page := search.Page[[]any]{Total: from.Total, All: from.All}
		for _, row := range from.Rows {
			page.Rows = append(page.Rows, cells(row))
		}
		return page, err
	}
}

// joined makes one list of several, which are searched, filtered and sorted each by
// itself.
func joined(lists []rowList) rowList {
	return func(q search.Query) (search.Page[[]any], error) {
		var page search.Page[[]any]
		for _, fetch := range lists {
			part := q
			part.Offset = max(0, q.Offset-page.Total)
			if q.Limit > 0 {
				// A list is asked in any case, for its total; one row is the least.
				part.Limit = max(1, q.Limit-len(page.Rows))
			}
			more, err := fetch(part)
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
}

func (d *shownDiff) resourceCells(c diff.ResourceChange) []any {
	s, r := d.of(c.Change), c.Resource
	return []any{
		c.Change.String(), s.kindWord(r), r.Name, s.typeName(r.Type), r.Type, r.ID, nil, nil, nil, nil, nil, fieldWords(c.Fields), nil, nil,
	}
}

func (d *shownDiff) entitlementCells(c diff.EntitlementChange) []any {
	s, e := d.of(c.Change), c.Entitlement
	details := append([]string{e.Name}, fieldWords(c.Fields)...)
	return []any{
		c.Change.String(), "entitlement", e.Resource.Name, s.typeName(e.Resource.Type), e.Resource.Type, e.Resource.ID, slugOf(e), e.ID,
		nil, nil, nil, details, nil, nil,
	}
}

func (d *shownDiff) grantCells(c diff.GrantChange) []any {
	s, g := d.of(c.Change), c.Grant
	details := s.waysOf(sourcesOf(g), false)
	if c.Was != nil {
		for i := range details {
			details[i] = "now " + details[i]
		}
		for _, way := range d.older.waysOf(sourcesOf(*c.Was), false) {
			details = append(details, "was "+way)
		}
	}
	e := g.Entitlement
	return []any{
		c.Change.String(), review.GrantWord(e.Resource.Kind), e.Resource.Name, s.typeName(e.Resource.Type), e.Resource.Type, e.Resource.ID,
		slugOf(e), e.ID, g.Principal.Name, g.Principal.Type, g.Principal.ID, details, g.Direct, g.ID,
	}
}

// fieldWords says which fields changed from what to what.
func fieldWords(fields []diff.FieldChange) []string {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = f.Field + ": " + orNothing(f.Old) + " → " + orNothing(f.New)
	}
	return words
}

func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}
