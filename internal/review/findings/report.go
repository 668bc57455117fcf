package findings

import (
	"iter"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// ColumnKind is what the cells of a column of a report hold.
type ColumnKind uint8

// The kinds of columns, with the Go types of their cells. A cell may be nil where there
// is nothing to tell.
const (
	TextColumn ColumnKind = iota // string
	IntColumn                    // int
	BoolColumn                   // bool
)

// Link says what a column names, for those who make links of it.
type Link uint8

// What a cell leads to: a place of its [Row], or nothing.
const (
	NoLink Link = iota
	LinkResource
	LinkOther
	LinkEntitlement
)

// Column is a column of a report.
type Column struct {
	// Key is what it is sorted by, and its name in JSON.
	Key, Title string
	Kind       ColumnKind
	Link       Link
}

// Row is a row of a report.
type Row struct {
	// Sync is the one that the places are of: the one that was asked, except for what
	// was removed since the one before.
	Sync *review.Sync
	// Resource is what the row is about, Other a second resource, and Entitlement an
	// entitlement; [review.NoRef] and [review.NoEnt] where there is none.
	Resource, Other review.Ref
	Entitlement     review.EntRef
	// Cells are in the order of the columns.
	Cells []any
}

// Report is an answered question. It is safe for concurrent use.
type Report struct {
	Info
	Columns []Column
	// Total counts the rows, and Findings those that are findings.
	Total, Findings int
	// Note is what must be known to read the rows, in sentences; often empty.
	Note string

	sync    *review.Sync
	items   []item
	columns []column
	// information counts the rows, at the end, that are no findings.
	information int
	// also lists further places of a row that a search looks at.
	also func(item) []review.EntRef
	// find replaces the search in the texts of places.
	find func(words []string) func(item) bool
	// row replaces the making of rows of places.
	row   func(item) Row
	cache search.Cache
}

// item is a row of a report before it is shown. extra is the report's own.
type item struct {
	resource, other review.Ref
	ent             review.EntRef
	extra           int32
}

// column is how the cells of a column are made and sorted.
type column struct {
	Column
	cell func(item) any
	// rank replaces the cell as what is sorted by.
	rank func(item) int64
}

// finish counts, and shows the columns.
func (r *Report) finish() *Report {
	r.Total = len(r.items)
	if r.Finding {
		r.Findings = r.Total - r.information
	}
	for _, c := range r.columns {
		r.Columns = append(r.Columns, c.Column)
	}
	return r
}

// Page returns rows. Every column is a sort key, and without one the order is the
// report's own. A search looks at the texts of what the row names. Any filter is an
// error.
func (r *Report) Page(q search.Query) (search.Page[Row], error) {
	page := search.Page[Row]{All: len(r.items)}
	order, err := r.order(q)
	if err != nil {
		return page, err
	}
	if _, err := search.Filters(q.Filter, map[string]func(string) (func(item) bool, error){}); err != nil {
		return page, err
	}
	found := r.match(search.Words(q.Search))
	w := q.Window()
	for i := range r.items {
		it := r.items[i]
		if order != nil {
			it = r.items[order[i]]
		}
		if found(it) && w.Take() {
			page.Rows = append(page.Rows, r.show(it))
		}
	}
	page.Total = w.Seen()
	return page, nil
}

// All yields all rows in the report's own order.
func (r *Report) All() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, it := range r.items {
			if !yield(r.show(it)) {
				return
			}
		}
	}
}

func (r *Report) show(it item) Row {
	row := Row{Sync: r.sync, Resource: it.resource, Other: it.other, Entitlement: it.ent}
	if r.row != nil {
		row = r.row(it)
	}
	for _, c := range r.columns {
		row.Cells = append(row.Cells, c.cell(it))
	}
	return row
}

// order is the order that a query asks for, nil for the report's own.
func (r *Report) order(q search.Query) ([]int32, error) {
	if q.Sort == "" {
		return nil, nil
	}
	known := map[string]column{}
	for _, c := range r.columns {
		known[c.Key] = c
	}
	c, err := search.Pick("sort", q.Sort, known)
	if err != nil {
		return nil, err
	}
	n := len(r.items)
	if c.rank != nil {
		return search.ArrangedRanks(&r.cache, c.Key, n, q.Desc, func(i int32) int64 { return c.rank(r.items[i]) }), nil
	}
	if c.Kind == TextColumn {
		return search.Arranged(&r.cache, c.Key, n, q.Desc, func(i int32) string {
			text, _ := c.cell(r.items[i]).(string)
			return search.EmptyLast(text)
		}), nil
	}
	return search.ArrangedRanks(&r.cache, c.Key, n, q.Desc, func(i int32) int64 {
		switch v := c.cell(r.items[i]).(type) {
		case int:
			return int64(v)
		case bool:
			if v {
				return int64(review.Yes)
			}
			return int64(review.No)
		}
		return -1
	}), nil
}

// match returns a test for rows that hold all words.
func (r *Report) match(words []string) func(item) bool {
	if len(words) == 0 {
		return func(item) bool { return true }
	}
	if r.find != nil {
		return r.find(words)
	}
	hits := r.sync.Hits(words)
	return func(it item) bool {
		var bits uint32
		for _, p := range []review.Ref{it.resource, it.other} {
			if p != review.NoRef {
				bits |= hits.Resource(p)
			}
		}
		if it.ent != review.NoEnt {
			bits |= hits.Entitlement(it.ent)
		}
		if r.also != nil {
			for _, e := range r.also(it) {
				bits |= hits.Entitlement(e)
			}
		}
		return hits.All(bits)
	}
}
