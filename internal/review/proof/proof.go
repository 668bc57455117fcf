// Package proof makes the evidence of a sync: all lists and reports, with a statement of
// how complete they are.
package proof

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/evidence"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// batchRows is how many rows of a list are taken at once, which bounds memory.
const batchRows = 100_000

// Pack says what the evidence of a sync is. The sources write its files; those of a
// previous sync, which may be nil, are compared with it. tempDir is for what does not fit
// into memory.
func Pack(ctx context.Context, s *tables.Sync, previous *review.Sync, p *tables.Provenance, tempDir string) (evidence.Manifest, []evidence.Source, error) {
	m := evidence.Manifest{Kind: evidence.KindSync, Tool: p.Tool, Created: p.Now.UTC(), Subject: subject(p), Completeness: completeness(s, p)}
	var sources []evidence.Source
	for _, l := range []tables.List{tables.Types(s), tables.Resources(s, false), tables.Entitlements(s), tables.Grants(s), tables.Principals(s, false)} {
		sources = append(sources, listSource(ctx, "lists/", l, p))
	}
	var reports []tables.List
	for _, info := range findings.Reports() {
		r, err := findings.Make(ctx, s.Sync, info.Name, previous)
		if err != nil {
			return m, nil, err
		}
		l := tables.Report(r)
		reports = append(reports, l)
		sources = append(sources, listSource(ctx, "reports/", l, p))
	}
	for _, format := range []sheet.Format{sheet.FormatHTML, sheet.FormatXLSX} {
		sources = append(sources, evidence.Source{
			Name: "reports." + string(format), About: "All reports in one document",
			Write: func(w io.Writer) error {
				d := sheet.Document{Title: "Access review", Many: true, TempDir: tempDir, About: p.About("Access review")}
				for _, l := range reports {
					t, err := l.Download(ctx, search.Query{}, batchRows)
					if err != nil {
						return err
					}
					d.Tables = append(d.Tables, t)
				}
				return sheet.Write(w, format, d)
			},
		})
	}
	return m, sources, nil
}

// listSource writes a list.
func listSource(ctx context.Context, folder string, l tables.List, p *tables.Provenance) evidence.Source {
	about := l.Title
	if l.About != "" {
		about += ": " + l.About
	}
	return evidence.Source{Name: folder + l.ID + ".csv", About: about, Write: func(w io.Writer) error {
		t, err := l.Download(ctx, search.Query{}, batchRows)
		if err != nil {
			return err
		}
		return sheet.Write(w, sheet.FormatCSV, sheet.Document{Tables: []sheet.Table{t}, About: p.About(l.Title)})
	}}
}

// subject is what the manifest says of the sync.
func subject(p *tables.Provenance) map[string]string {
	facts := map[string]string{}
	for _, f := range p.About("").Facts {
		if f.Value != "" {
			facts[f.Key] = f.Value
		}
	}
	return facts
}

// completeness says what was read and what was left out, as the sync itself recorded it.
func completeness(s *tables.Sync, p *tables.Provenance) []string {
	run := &p.Run
	text := []string{fmt.Sprintf("Sync %s is a %s sync; it holds %d resources, %d entitlements and %d grants.", run.ID, run.Type, s.Len(), s.EntitlementCount(), s.GrantCount())}
	switch {
	case !run.Finished():
		text = append(text, "It did not finish: what it lacks may exist all the same.")
	case run.Type != c1z.SyncFull:
		text = append(text, "It is not a full sync: what it lacks may exist all the same.")
	case run.Basis.Incremental():
		text = append(text, fmt.Sprintf("It is incremental: from %s to %s it read all lists of accounts, groups and applications to their ends, and members and assignments where "+
			"JumpCloud's events told of changes; the others are those of sync %s. The last sync that read every list began %s.",
			run.StartedAt.UTC().Format(time.RFC3339), run.EndedAt.UTC().Format(time.RFC3339), run.Basis.PreviousSync, run.Basis.FullStartedAt.UTC().Format(time.RFC3339)))
	default:
		text = append(text, fmt.Sprintf("It read every list to its end, from %s to %s: a sync that cannot is never published.", run.StartedAt.UTC().Format(time.RFC3339), run.EndedAt.UTC().Format(time.RFC3339)))
	}
	if run.Organization.Settings != "" {
		text = append(text, "Settings that decided what it read: "+run.Organization.Settings)
	} else {
		text = append(text, "The archive does not record with which settings it was read.")
	}
	missing := 0
	for r := range review.Ref(s.Len()) {
		if s.IsMissing(r) {
			missing++
		}
	}
	if missing > 0 {
		text = append(text, fmt.Sprintf("%d resources are named by grants and have no row of their own; they are shown by their IDs.", missing))
	}
	return append(text, "Each list and report has all of its rows; nothing was sampled.")
}
