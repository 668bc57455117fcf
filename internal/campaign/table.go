package campaign

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// RowFilter says which rows are wanted. Its zero value is all.
type RowFilter struct {
	Reviewer string
	// Decision is one of [Decisions], "undecided" or empty, and Result a [Result].
	Decision string
	Result   string
	// Via is the name, the ID or the entitlement of what access is inherited from.
	Via string
	// Search are words that a row holds, ignoring case and accents.
	Search string
}

// Find returns the rows that a filter wants.
func Find(rows []Row, f RowFilter) []Row {
	words := search.Words(f.Search)
	var found []Row
	for i := range rows {
		r := &rows[i]
		if f.Reviewer != "" && search.Fold(r.Reviewer) != search.Fold(f.Reviewer) ||
			f.Decision != "" && r.Decision.String() != f.Decision ||
			f.Result != "" && string(r.Result) != f.Result ||
			f.Via != "" && !r.comesVia(f.Via) || !r.hasWords(words) {
			continue
		}
		found = append(found, *r)
	}
	return found
}

// comesVia reports whether access is inherited from what a text names.
func (r *Row) comesVia(text string) bool {
	for i := range r.Steps {
		s := &r.Steps[i]
		if text == s.EntitlementID || text == s.ID || text == s.Type+":"+s.ID || search.Fold(text) == search.Fold(s.Name) {
			return true
		}
	}
	return false
}

func (r *Row) hasWords(words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := search.Fold(strings.Join(append([]string{
		r.Account.Name, r.Account.Email, r.Account.ID, r.Account.Department, r.Account.Title, r.Resource.Name, r.Entitlement, r.GrantID, r.Reviewer, r.Comment,
	}, r.Via...), "\n"))
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// Reviewers lists who decides, in the order of the items.
func Reviewers(rows []Row) []string {
	var list []string
	seen := map[string]bool{}
	for i := range rows {
		if name := rows[i].Reviewer; !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}

// column is a column of the list of items. A detail is shown where there is room.
type column struct {
	tables.Column
	detail bool
	cell   func(*Row) any
}

// maxIDWidth is where text tables cut IDs.
const maxIDWidth = 1000

// columns are those of every list of items: on the command line, in worksheets and in
// evidence.
func columns() []column {
	text := func(id, title string, cell func(*Row) string) column {
		return column{tables.Column{ID: id, Title: title}, false, func(r *Row) any { return cell(r) }}
	}
	// What is typed again is never cut.
	id := func(id, title string, cell func(*Row) string) column {
		c := text(id, title, cell)
		c.detail, c.Width = true, maxIDWidth
		return c
	}
	detail := func(c column) column {
		c.detail = true
		return c
	}
	moment := func(id, title string, cell func(*Row) time.Time) column {
		return column{tables.Column{ID: id, Title: title, Kind: sheet.Time}, true, func(r *Row) any { return cell(r) }}
	}
	list := func(id, title string, cell func(*Row) []string) column {
		return column{tables.Column{ID: id, Title: title, Kind: sheet.List, Width: 60}, false, func(r *Row) any { return cell(r) }}
	}
	return []column{
		{tables.Column{ID: "item", Title: "Item", Kind: sheet.Int}, false, func(r *Row) any { return r.Item.ID }},
		text("account", "Account", func(r *Row) string { return r.Account.Name }),
		text("email", "Email", func(r *Row) string { return r.Account.Email }),
		detail(text("account_type", "Account type", func(r *Row) string { return r.Account.Type })),
		id("account_id", "Account ID", func(r *Row) string { return r.Account.ID }),
		detail(text("status", "Status", func(r *Row) string { return r.Account.Status })),
		detail(text("details", "Details", func(r *Row) string { return r.Account.Details })),
		detail(text("department", "Department", func(r *Row) string { return r.Account.Department })),
		detail(text("title", "Job title", func(r *Row) string { return r.Account.Title })),
		detail(text("manager", "Manager", func(r *Row) string { return r.Account.Manager })),
		moment("last_login", "Last login", func(r *Row) time.Time { return r.Account.LastLogin }),
		text("resource", "Resource", func(r *Row) string { return r.Resource.Name }),
		detail(text("resource_type", "Resource type", func(r *Row) string { return r.Resource.Type })),
		id("resource_id", "Resource ID", func(r *Row) string { return r.Resource.ID }),
		text("entitlement", "Entitlement", func(r *Row) string { return r.Entitlement }),
		id("entitlement_id", "Entitlement ID", func(r *Row) string { return r.EntitlementID }),
		id("grant_id", "Grant ID", func(r *Row) string { return r.GrantID }),
		list("via", "Via", func(r *Row) []string { return r.Via }),
		detail(text("peers", "Peers who have it", func(r *Row) string {
			if r.Peers == nil {
				return ""
			}
			return fmt.Sprintf("%d of %d", r.Peers.Have, r.Peers.All)
		})),
		detail(list("findings", "Findings", func(r *Row) []string { return r.Findings })),
		detail(text("previous", "Previous decision", func(r *Row) string { return r.previousText() })),
		text("reviewer", "Reviewer", func(r *Row) string { return r.Reviewer }),
		text("decision", "Decision", func(r *Row) string { return r.Decision.String() }),
		text("comment", "Comment", func(r *Row) string { return r.Comment }),
		detail(text("until", "Exception until", func(r *Row) string { return r.Until })),
		detail(text("decided_by", "Decided by", func(r *Row) string { return r.By })),
		moment("decided_at", "Decided", func(r *Row) time.Time { return r.At }),
		detail(text("decided_from", "Decided in", func(r *Row) string { return r.From })),
		detail(text("result", "Result", func(r *Row) string { return string(r.Result) })),
		detail(text("result_details", "Result details", func(r *Row) string { return r.Detail })),
		moment("result_at", "Carried out", func(r *Row) time.Time { return r.ResultAt }),
		detail(text("presence", "Next sync", func(r *Row) string { return string(r.Check) })),
		detail(text("presence_details", "Next sync details", func(r *Row) string { return r.CheckDetail })),
	}
}

func (r *Row) previousText() string {
	p := r.Previous
	if p == nil {
		return ""
	}
	text := fmt.Sprintf("%s by %s on %s", p.Decision, p.By, p.At.UTC().Format(dateForm))
	if p.Until != "" {
		text += ", until " + p.Until
	}
	return text
}

// List lists rows. The columns that are shown have room everywhere.
func List(rows []Row, shown ...string) tables.List {
	all := columns()
	var cols []tables.Column
	var details []string
	for _, c := range all {
		cols = append(cols, c.Column)
		if c.detail && !slices.Contains(shown, c.ID) {
			details = append(details, c.ID)
		}
	}
	cells := make([][]any, len(rows))
	for i := range rows {
		cells[i] = make([]any, len(all))
		for at, c := range all {
			cells[i][at] = c.cell(&rows[i])
		}
	}
	l := tables.ByHand("items", "Items", "No items.", cols, cells)
	l.One, l.Many = "item", "items"
	return l.Hiding(details...)
}
