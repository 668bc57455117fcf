package explorer

import (
	"context"
	"errors"

	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// reportsPage lists the reports.
type reportsPage struct {
	Reports []reportEntry
	// Evidence is the address of everything for an auditor.
	Evidence string
}

// reportEntry is a report with its outcome.
type reportEntry struct {
	Title, Question, URL string
	Outcome              cell
	Note                 string
}

// reportPage is one report.
type reportPage struct {
	Up              navItem
	Title, Question string
	Outcome         cell
	Note            string
	List            *listPage
}

func reports(v *view) error {
	v.section, v.title = "/reports", "Reports"
	p := &reportsPage{Evidence: v.url("/evidence.zip")}
	for _, info := range findings.Reports() {
		r, _, err := v.report(info.Name)
		if err != nil {
			return err
		}
		p.Reports = append(p.Reports, reportEntry{r.Title, r.Question, v.url("/reports/" + r.Name), outcome(r), r.Note})
	}
	return v.render("reports", p)
}

// outcome is what came out, in a word.
func outcome(r *findings.Report) cell {
	switch {
	case r.Finding && r.Findings > 0:
		return cell{Text: number(r.Findings) + " to look into", Badge: "warn"}
	case r.Finding:
		return cell{Text: "no findings", Badge: "good"}
	case r.Total == 1:
		return cell{Text: "1 row", Badge: "plain"}
	default:
		return cell{Text: number(r.Total) + " rows", Badge: "plain"}
	}
}

// report makes a report, and returns the view of the sync before where it needs one.
func (v *view) report(name string) (*findings.Report, *view, error) {
	entry, ok := v.previous(v.entry)
	if !ok || name != findings.Changes {
		r, err := findings.Make(v.r.Context(), v.sync, name, nil)
		return r, nil, err
	}
	before, err := v.load(entry.Key)
	if err != nil {
		return nil, nil, err
	}
	r, err := v.e.changes.of(before, v.sync, func() (*findings.Report, error) {
		return findings.Make(context.WithoutCancel(v.r.Context()), v.sync, name, before)
	})
	return r, v.at(entry, before), err
}

func report(v *view) error {
	v.section = "/reports"
	r, previous, err := v.report(v.r.PathValue("name"))
	var unknown *findings.UnknownError
	switch {
	case errors.As(err, &unknown):
		return errNoPage
	case err != nil:
		return err
	}
	v.title = r.Title
	l := v.reportList(r, previous)
	if format, ok := exportFormat(v); ok {
		return l.export(v, format)
	}
	list, err := l.page(v)
	if err != nil {
		return err
	}
	return v.render("report", &reportPage{
		Up:    navItem{Title: "Reports", URL: v.url("/reports")},
		Title: r.Title, Question: r.Question, Outcome: outcome(r), Note: r.Note, List: list,
	})
}

// reportList shows the rows of a report.
func (v *view) reportList(r *findings.Report, previous *view) listing {
	l := listing{
		List: tables.Report(r), looks: map[string]look{},
		formats: []sheet.Format{sheet.FormatHTML, sheet.FormatCSV, sheet.FormatXLSX, sheet.FormatJSON},
		in: func(row *tables.Row) *view {
			if previous != nil && row.Finding.Sync == previous.sync {
				return previous
			}
			return v
		},
	}
	for i, c := range r.Columns {
		l.looks[c.Key] = func(in *view, row *tables.Row) cell { return in.reportCell(row.Finding, c, row.Finding.Cells[i]) }
	}
	return l
}

// reportCell links a cell to what it names.
func (v *view) reportCell(row *findings.Row, c findings.Column, value any) cell {
	shown := plainCell(value)
	switch {
	case shown.Text == "":
	case c.Link == findings.LinkResource && row.Resource != review.NoRef:
		shown.URL = v.resourceURL(row.Sync.Brief(row.Resource))
	case c.Link == findings.LinkOther && row.Other != review.NoRef:
		shown.URL = v.resourceURL(row.Sync.Brief(row.Other))
	case c.Link == findings.LinkEntitlement && row.Entitlement != review.NoEnt:
		shown.URL = v.entitlementURL(row.Sync.EntitlementAt(row.Entitlement))
	}
	return shown
}
