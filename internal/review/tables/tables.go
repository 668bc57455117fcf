// Package tables defines the lists that people see, each once: which columns it has, what
// they are called and made of, and by which of them it can be sorted.
//
// A [List] is shown by two renderers. The package sheet writes it as text, JSON, CSV, XLSX
// or HTML, for commands and for downloads; the package explorer shows a page of it in a
// browser. Neither knows what a list is of.
//
// # Adding
//
// A column is a row of the table in columns.go, and its id stands in the lists that show
// it. A list is a function that returns a [List]. docs/ADDING.md has the steps.
package tables

import (
	"cmp"
	"context"
	"iter"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// List is a list of things: how it is read, and what is shown of each.
type List struct {
	// ID is the list in addresses and file names, and to programs. Title names it to
	// people, and About is a sentence on what it answers.
	ID, Title, About string
	// Lead and Note are shown above and below the rows.
	Lead []string
	Note string
	// None is what a page says of a list without rows, and NoMatch what a command says
	// when it shows none; an empty NoMatch is "No matches."
	None, NoMatch string
	// One and Many are the noun for what is counted.
	One, Many string
	// Command are the columns that a command shows, and Page those of a page in a browser
	// and of its downloads. A detail is only shown where there is room: a command shows
	// it in JSON, CSV and XLSX, a page in downloads.
	Command, Page []Shown
	// Read gives a page of rows. Which keys of sorting and filtering it knows is up to the
	// package that answers.
	Read func(search.Query) (search.Page[Row], error)
}

// Row is what a row is about, as far as its list tells. What it points to is nil where
// there is none, and must not be changed.
type Row struct {
	// Sync is the one that all the rest is of.
	Sync *Sync
	// On is the resource that the row is about, or that its entitlement is on.
	On *review.Brief
	// Resource and Counts are all that is known of a resource in a list of resources.
	Resource *review.Resource
	Counts   *review.ResourceRow
	// Account is what an account has beyond other resources.
	Account     *review.AccountInfo
	Entitlement *review.Entitlement
	// Principal is who holds the entitlement, and Held or Grant how.
	Principal *review.Brief
	Held      *review.Held
	Grant     *review.Grant
	// Change is set in a list of changes. Fields are those that differ, and Was is the
	// older grant, of the sync Older.
	Change diff.Change
	Fields []diff.FieldChange
	Was    *review.Grant
	Older  *Sync
	// Finding is a row of a report, and Cells are those of a row that was made by hand.
	Finding *findings.Row
	Cells   []any
}

// Column is a column that lists can have.
type Column struct {
	// ID names the column here, and Key to programs; an empty Key is the ID.
	ID, Key string
	// Title is how a command calls it, and PageTitle how a page does, where that differs.
	Title, PageTitle string
	Kind             sheet.Kind
	// Width is where text tables cut a cell; 0 means [sheet.DefaultWidth].
	Width int
	// Cell is of the column's kind, or nil for what is not known.
	Cell func(*Row) any
}

// Shown is a column as a list shows it.
type Shown struct {
	Column
	// SortKey is the key by which the list sorts by this column; empty where a page does
	// not offer it.
	SortKey string
	// IsDetail leaves the column to where there is room.
	IsDetail bool
}

// Sort says by which key the list sorts by this column.
func (s Shown) Sort(key string) Shown {
	s.SortKey = key
	return s
}

// Titled calls the column something else in this list.
func (s Shown) Titled(title string) Shown {
	s.Title, s.PageTitle = title, title
	return s
}

// Keyed calls the column something else in this list, to programs and to people.
func (s Shown) Keyed(key, title string) Shown {
	s.Key = key
	return s.Titled(title)
}

// Detail leaves the column to where there is room.
func (s Shown) Detail() Shown { return s.DetailIf(true) }

// DetailIf leaves the column to where there is room, or does not.
func (s Shown) DetailIf(detail bool) Shown {
	s.IsDetail = detail
	return s
}

// Wide says where text tables cut a cell of the column in this list.
func (s Shown) Wide(width int) Shown {
	s.Width = width
	return s
}

// sheetColumns are columns as the package sheet has them.
func sheetColumns(list []Shown) []sheet.Column {
	columns := make([]sheet.Column, len(list))
	for i, s := range list {
		columns[i] = sheet.Column{Key: s.Key, Title: s.Title, Kind: s.Kind, Width: s.Width, Detail: s.IsDetail}
	}
	return columns
}

// CommandTable is the list as a command writes it: the rows that a query asks for, which
// are read a batch at a time while they are written. First is the first batch.
func (l List) CommandTable(ctx context.Context, q search.Query, batch int) (t sheet.Table, first search.Page[Row], err error) {
	return l.table(ctx, l.Command, cmp.Or(l.NoMatch, "No matches."), q, batch, func(*Row) {})
}

// Download is the list as a page gives it for download: the same as a command writes, with
// every column. A list that only pages have has theirs, and what is no account counts as
// one of which nothing is told.
func (l List) Download(ctx context.Context, q search.Query, batch int) (sheet.Table, error) {
	if len(l.Command) > 0 {
		columns := make([]Shown, len(l.Command))
		for i, s := range l.Command {
			s.IsDetail = false
			columns[i] = s
		}
		t, _, err := l.table(ctx, columns, cmp.Or(l.None, l.NoMatch), q, batch, func(*Row) {})
		return t, err
	}
	columns := make([]Shown, len(l.Page))
	for i, s := range l.Page {
		s.Title, s.IsDetail = s.PageTitle, false
		columns[i] = s
	}
	t, _, err := l.table(ctx, columns, l.None, q, batch, func(r *Row) {
		if r.Account == nil {
			r.Account = &review.AccountInfo{}
		}
	})
	return t, err
}

func (l List) table(ctx context.Context, columns []Shown, none string, q search.Query, batch int, prepare func(*Row)) (sheet.Table, search.Page[Row], error) {
	t := sheet.Table{Key: l.ID, Title: l.Title, About: l.About, Lead: l.Lead, Note: l.Note, None: none, Columns: sheetColumns(columns)}
	// What is wrong with the query shows before anything is written.
	first, err := l.Read(part(q, 0, batch))
	if err != nil {
		return t, first, err
	}
	t.Rows = func(yield func([]any, error) bool) {
		for row, err := range l.rows(ctx, q, batch, first) {
			if err != nil {
				yield(nil, err)
				return
			}
			prepare(row)
			cells := make([]any, len(columns))
			for i := range columns {
				cells[i] = columns[i].Cell(row)
			}
			if !yield(cells, nil) {
				return
			}
		}
	}
	return t, first, nil
}

// part is a batch of what a query asks for, after so many rows.
func part(q search.Query, taken, batch int) search.Query {
	limit := batch
	if q.Limit > 0 {
		limit = min(batch, q.Limit-taken)
	}
	q.Offset, q.Limit = q.Offset+taken, limit
	return q
}

// rows gives the rows that a query asks for, of which the first are read.
func (l List) rows(ctx context.Context, q search.Query, batch int, page search.Page[Row]) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for taken := 0; len(page.Rows) > 0; {
			for i := range page.Rows {
				if ctx.Err() != nil {
					yield(nil, context.Cause(ctx))
					return
				}
				if !yield(&page.Rows[i], nil) {
					return
				}
			}
			taken += len(page.Rows)
			if q.Offset+taken >= page.Total || taken == q.Limit {
				return
			}
			var err error
			if page, err = l.Read(part(q, taken, batch)); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// read makes rows of what a package answers.
func read[T any](ask func(search.Query) (search.Page[T], error), row func(*T) Row) func(search.Query) (search.Page[Row], error) {
	return func(q search.Query) (search.Page[Row], error) {
		answer, err := ask(q)
		page := search.Page[Row]{Total: answer.Total, All: answer.All, Rows: make([]Row, len(answer.Rows))}
		for i := range answer.Rows {
			page.Rows[i] = row(&answer.Rows[i])
		}
		return page, err
	}
}
