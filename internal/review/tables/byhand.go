package tables

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// ByHand is a list whose rows are all at hand, searched, sorted and cut as those of long
// lists are. Any column can be sorted by.
func ByHand(id, title, none string, columns []Column, rows [][]any) List {
	l := List{ID: id, Title: title, NoMatch: none}
	for i, c := range columns {
		c.Key, c.PageTitle = cmp.Or(c.Key, c.ID), cmp.Or(c.PageTitle, c.Title)
		c.Cell = func(r *Row) any { return r.Cells[i] }
		l.Command = append(l.Command, Shown{Column: c, SortKey: c.Key})
	}
	return l.with(rows)
}

func count(id, title string) Column { return Column{ID: id, Title: title, Kind: sheet.Int} }

// with is the list with other rows.
func (l List) with(rows [][]any) List {
	columns := l.Command
	l.Read = func(q search.Query) (search.Page[Row], error) {
		page := search.Page[Row]{All: len(rows)}
		found, err := sortRows(columns, searchRows(rows, q.Search), q)
		if err != nil {
			return page, err
		}
		page.Total = len(found)
		from, to := min(q.Offset, len(found)), len(found)
		if q.Limit > 0 {
			to = min(from+q.Limit, to)
		}
		for _, cells := range found[from:to] {
			page.Rows = append(page.Rows, Row{Cells: cells})
		}
		return page, nil
	}
	return l
}

func sortRows(columns []Shown, rows [][]any, q search.Query) ([][]any, error) {
	if q.Sort == "" {
		return rows, nil
	}
	i := slices.IndexFunc(columns, func(c Shown) bool { return c.Key == q.Sort })
	if i < 0 {
		var known []string
		for _, c := range columns {
			known = append(known, c.Key)
		}
		return nil, &search.KeyError{Use: "sort", Key: q.Sort, Known: known}
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b []any) int {
		if q.Desc {
			a, b = b, a
		}
		return compareCells(a[i], b[i])
	})
	return rows, nil
}

// Syncs lists the syncs of an archive. Each has its counts in its Stats.
func Syncs(runs []c1z.SyncRun) List {
	var rows [][]any
	for _, run := range runs {
		var took any
		if run.Finished() {
			took = run.EndedAt.Sub(run.StartedAt).Round(time.Millisecond).String()
		}
		rows = append(rows, []any{
			run.ID, string(run.Type), run.StartedAt, run.EndedAt, took, run.Finished(), run.Organization.Name, run.Organization.ID,
			run.Organization.Host, run.ParentID, run.Basis.Incremental(), previousOf(run), lastFull(run), run.Stats.Resources, run.Stats.Entitlements, run.Stats.Grants,
		})
	}
	return ByHand("syncs", "Syncs", "The archive contains no sync.", []Column{
		{ID: "id", Title: "Id"},
		{ID: "type", Title: "Type"},
		{ID: "started", Title: "Started", Kind: sheet.Time},
		{ID: "ended", Title: "Ended", Kind: sheet.Time},
		{ID: "took", Title: "Took"},
		{ID: "finished", Title: "Finished", Kind: sheet.Bool},
		{ID: "organization", Title: "Organization"},
		{ID: "organization_id", Title: "Organization id"},
		{ID: "host", Title: "Host"},
		{ID: "parent", Title: "Parent sync"},
		{ID: "incremental", Title: "Incremental", Kind: sheet.Bool},
		{ID: "previous_sync", Title: "Carried over from"},
		{ID: "last_full", Title: "Last full", Kind: sheet.Time},
		count("resources", "Resources"), count("entitlements", "Entitlements"), count("grants", "Grants"),
	}, rows).Hiding("ended", "organization_id", "host", "parent", "previous_sync", "last_full")
}

// previousOf is the sync from which one carried over what did not change; empty for none.
func previousOf(run c1z.SyncRun) string {
	if run.Basis == nil {
		return ""
	}
	return run.Basis.PreviousSync
}

// lastFull is when the last sync began that read everything; nil where that is not known.
func lastFull(run c1z.SyncRun) any {
	if run.Basis == nil {
		return nil
	}
	return run.Basis.FullStartedAt
}

// Types lists the resource types of a sync.
func Types(s *Sync) List {
	var rows [][]any
	for _, typ := range s.Types() {
		rows = append(rows, []any{typ.Name, typ.ID, typ.Kind.String(), typ.Resources, typ.Entitlements, typ.Grants})
	}
	return ByHand("resource_types", "Resource types", "", []Column{
		{ID: "name", Title: "Type"},
		{ID: "id", Title: "Id"},
		{ID: "kind", Title: "Kind"},
		count("resources", "Resources"), count("entitlements", "Entitlements"), count("grants", "Grants"),
	}, rows)
}

// Hiding leaves columns to where there is room.
func (l List) Hiding(ids ...string) List {
	for i := range l.Command {
		l.Command[i].IsDetail = slices.Contains(ids, l.Command[i].ID)
	}
	return l
}

// searchRows keeps the rows that hold all words.
func searchRows(rows [][]any, search string) [][]any {
	words := strings.Fields(strings.ToLower(search))
	if len(words) == 0 {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(row []any) bool {
		text := strings.ToLower(fmt.Sprint(row...))
		return slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
}

// compareCells compares two cells of one column; nothing comes first.
func compareCells(a, b any) int {
	switch a := a.(type) {
	case int:
		if b, ok := b.(int); ok {
			return cmp.Compare(a, b)
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	}
	return strings.Compare(strings.ToLower(cellText(a)), strings.ToLower(cellText(b)))
}

func cellText(cell any) string {
	if cell == nil {
		return ""
	}
	return fmt.Sprint(cell)
}
