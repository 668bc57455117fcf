package review

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// The names of the reports.
const (
	ReportDisabledWithAccess = "disabled-with-access"
	ReportAdminsWithoutMFA   = "admins-without-mfa"
	ReportAdminsWithoutUser  = "admins-without-user"
	ReportLookalikes         = "look-alikes"
	ReportNoManager          = "no-manager"
	ReportEmptyGroups        = "empty-groups"
	ReportEverybody          = "everybody"
	ReportMultiplePaths      = "multiple-paths"
	ReportRoleHolders        = "role-holders"
	ReportChanges            = "changes"
)

// ReportInfo says what a report is.
type ReportInfo struct {
	// Name is what it is asked for by, Title what people see, and Question what it
	// answers, in a sentence.
	Name, Title, Question string
	// Finding says that its rows are things to look into. Those of other reports are
	// for information.
	Finding bool
}

// Reports lists the reports in the order in which they are shown.
func Reports() []ReportInfo {
	return []ReportInfo{
		{ReportDisabledWithAccess, "Disabled accounts with access", "Which suspended, staged, locked or otherwise disabled accounts still hold something?", true},
		{ReportAdminsWithoutMFA, "Administrators without MFA", "Which administrators have no second factor?", true},
		{ReportAdminsWithoutUser, "Administrators without a user", "Which administrators are nobody who has a user?", true},
		{ReportLookalikes, "Look-alikes", "Which accounts have an e-mail address or login that only looks like another account's, and which groups, applications or roles such a name?", true},
		{ReportNoManager, "Accounts without a manager", "Which enabled accounts of people have no manager?", true},
		{ReportEmptyGroups, "Groups without members", "Which groups have no members?", true},
		{ReportEverybody, "Applications everybody has", "Which applications does every enabled account of a person have that is no administrator?", false},
		{ReportMultiplePaths, "Access by more than one path", "Which accounts have something in more than one way, so that ending one does not end the access?", true},
		{ReportRoleHolders, "Role holders", "Which accounts hold a role?", false},
		{ReportChanges, "Changes since the sync before", "What was added, removed and changed since the sync before?", false},
	}
}

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

// What a cell leads to: a place of its [ReportRow], or nothing.
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

// ReportRow is a row of a report.
type ReportRow struct {
	// Sync is the one that the places are of: the one that was asked, except for what
	// was removed since the one before.
	Sync *Sync
	// Resource is what the row is about, Other a second resource, and Entitlement an
	// entitlement; [NoRef] and [NoEnt] where there is none.
	Resource, Other Ref
	Entitlement     EntRef
	// Cells are in the order of the columns.
	Cells []any
}

// Report is an answered question. It is safe for concurrent use.
type Report struct {
	ReportInfo
	Columns []Column
	// Total counts the rows, and Findings those that are findings.
	Total, Findings int
	// Note is what must be known to read the rows, in sentences; often empty.
	Note string

	sync    *Sync
	items   []item
	columns []column
	// information counts the rows, at the end, that are no findings.
	information int
	// also lists further places of a row that a search looks at.
	also func(item) []EntRef
	// search replaces the search in the texts of places.
	search func(words []string) func(item) bool
	// row replaces the making of rows of places.
	row   func(item) ReportRow
	cache cache
}

// item is a row of a report before it is shown. extra is the report's own.
type item struct {
	resource, other Ref
	ent             EntRef
	extra           int32
}

// column is how the cells of a column are made and sorted.
type column struct {
	Column
	cell func(item) any
	// rank replaces the cell as what is sorted by.
	rank func(item) int64
}

// UnknownReportError says that there is no report of a name.
type UnknownReportError struct {
	Name  string
	Known []string
}

func (e *UnknownReportError) Error() string {
	return fmt.Sprintf("unknown report %q; the known ones are %v", e.Name, e.Known)
}

// Report answers the question of a name of [Reports]. Only [ReportChanges] needs the
// previous sync; without one it has no rows, and its note says so. Reports of one sync
// are made once. The errors are [*UnknownReportError] and those of the context.
func (s *Sync) Report(ctx context.Context, name string, previous *Sync) (*Report, error) {
	var info ReportInfo
	makers := s.reportMakers()
	for _, i := range Reports() {
		if i.Name == name {
			info = i
		}
	}
	if name == ReportChanges {
		return s.reportChanges(ctx, info, previous)
	}
	build, ok := makers[name]
	if !ok {
		known := append(slices.Collect(maps.Keys(makers)), ReportChanges)
		slices.Sort(known)
		return nil, &UnknownReportError{name, known}
	}
	return cachedValue(&s.cache, "report "+name, func() *Report {
		r := &Report{ReportInfo: info, sync: s}
		build(r)
		return r.finish()
	}), nil
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
func (r *Report) Page(q Query) (Page[ReportRow], error) {
	page := Page[ReportRow]{All: len(r.items)}
	order, err := r.order(q)
	if err != nil {
		return page, err
	}
	if _, err := filters(q.Filter, map[string]func(string) (func(item) bool, error){}); err != nil {
		return page, err
	}
	found := r.find(words(q.Search))
	w := q.window()
	for i := range r.items {
		it := r.items[i]
		if order != nil {
			it = r.items[order[i]]
		}
		if found(it) && w.take() {
			page.Rows = append(page.Rows, r.show(it))
		}
	}
	page.Total = w.seen
	return page, nil
}

// All yields all rows in the report's own order.
func (r *Report) All() iter.Seq[ReportRow] {
	return func(yield func(ReportRow) bool) {
		for _, it := range r.items {
			if !yield(r.show(it)) {
				return
			}
		}
	}
}

func (r *Report) show(it item) ReportRow {
	row := ReportRow{Sync: r.sync, Resource: it.resource, Other: it.other, Entitlement: it.ent}
	if r.row != nil {
		row = r.row(it)
	}
	for _, c := range r.columns {
		row.Cells = append(row.Cells, c.cell(it))
	}
	return row
}

// order is the order that a query asks for, nil for the report's own.
func (r *Report) order(q Query) ([]int32, error) {
	if q.Sort == "" {
		return nil, nil
	}
	known := map[string]column{}
	for _, c := range r.columns {
		known[c.Key] = c
	}
	c, err := pick("sort", q.Sort, known)
	if err != nil {
		return nil, err
	}
	n := len(r.items)
	if c.rank != nil {
		return arrangedRanks(&r.cache, c.Key, n, q.Desc, func(i int32) int64 { return c.rank(r.items[i]) }), nil
	}
	if c.Kind == TextColumn {
		return arranged(&r.cache, c.Key, n, q.Desc, func(i int32) string {
			text, _ := c.cell(r.items[i]).(string)
			return emptyLast(text)
		}), nil
	}
	return arrangedRanks(&r.cache, c.Key, n, q.Desc, func(i int32) int64 {
		switch v := c.cell(r.items[i]).(type) {
		case int:
			return int64(v)
		case bool:
			return int64(boolTri(v))
		}
		return -1
	}), nil
}

// find returns a test for rows that hold all words.
func (r *Report) find(search []string) func(item) bool {
	if len(search) == 0 {
		return func(item) bool { return true }
	}
	if r.search != nil {
		return r.search(search)
	}
	m := r.sync.masks(&grantFilter{one: NoEnt, of: NoRef}, search)
	return func(it item) bool {
		var has uint32 = entitlementBit | principalBit
		for _, p := range []Ref{it.resource, it.other} {
			if p != NoRef {
				has |= m.principal[p]
			}
		}
		if it.ent != NoEnt {
			has |= m.ent[it.ent]
		}
		if r.also != nil {
			for _, e := range r.also(it) {
				has |= m.ent[e]
			}
		}
		return has == m.want
	}
}
