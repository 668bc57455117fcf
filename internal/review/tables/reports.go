package tables

import (
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// Report lists the rows of a report, whose columns it says itself. What a cell names is
// told to programs by its id as well, in a column of its own.
func Report(r *findings.Report) List {
	l := List{ID: r.Name, Title: r.Title, About: r.Question, Note: r.Note, One: "row", Many: "rows", None: "No findings.", NoMatch: "None."}
	kinds := map[findings.ColumnKind]sheet.Kind{findings.TextColumn: sheet.Text, findings.IntColumn: sheet.Int, findings.BoolColumn: sheet.Bool}
	for i, c := range r.Columns {
		shown := Shown{SortKey: c.Key, Column: Column{
			ID: c.Key, Key: c.Key, Title: c.Title, PageTitle: c.Title, Kind: kinds[c.Kind], Width: 60,
			Cell: func(row *Row) any { return row.Finding.Cells[i] },
		}}
		l.Command, l.Page = append(l.Command, shown), append(l.Page, shown)
		if c.Link == findings.NoLink {
			continue
		}
		l.Command = append(l.Command, Shown{IsDetail: true, Column: Column{
			ID: c.Key + "_id", Key: c.Key + "_id", Title: c.Title + " id", PageTitle: c.Title + " id",
			Cell: func(row *Row) any { return linkedID(row.Finding, c.Link) },
		}})
	}
	l.Read = read(r.Page, func(row *findings.Row) Row { return Row{Finding: row} })
	return l
}

// linkedID is the id of what a cell names, nil where it names nothing.
func linkedID(row *findings.Row, link findings.Link) any {
	resource := func(r review.Ref) any {
		if r == review.NoRef {
			return nil
		}
		b := row.Sync.Brief(r)
		return b.Type + ":" + b.ID
	}
	switch {
	case link == findings.LinkResource:
		return resource(row.Resource)
	case link == findings.LinkOther:
		return resource(row.Other)
	case link == findings.LinkEntitlement && row.Entitlement != review.NoEnt:
		return row.Sync.EntitlementAt(row.Entitlement).ID
	}
	return nil
}

// ReportSummary lists what reports found.
func ReportSummary(reports []*findings.Report) List {
	var rows [][]any
	for _, r := range reports {
		rows = append(rows, []any{r.Name, r.Title, r.Total, r.Findings})
	}
	return ByHand("summary", "Summary", "", []Column{
		{ID: "report", Title: "Report"}, {ID: "title", Title: "Title"}, count("rows", "Rows"), count("findings", "Findings"),
	}, rows)
}
