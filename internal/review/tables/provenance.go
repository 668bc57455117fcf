package tables

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// Provenance says what an export is of.
type Provenance struct {
	// Archive is the name of the archive, and SHA256 the hash of its content.
	Archive, SHA256 string
	Run             c1z.SyncRun
	// Query is what of a list is exported.
	Query search.Query
	// Tool is the program with its version and commit, and Now the time of the export.
	Tool string
	Now  time.Time
}

// About describes a document of a title.
func (p *Provenance) About(title string) *sheet.About {
	run := &p.Run
	return &sheet.About{Title: title, Tool: p.Tool, Created: p.Now, Facts: []sheet.Fact{
		{Key: "organization", Label: "Organization", Value: run.Organization.Name},
		{Key: "organization_id", Label: "Organization ID", Value: run.Organization.ID},
		{Key: "host", Label: "Host", Value: run.Organization.Host},
		{Key: "archive", Label: "Archive", Value: p.Archive},
		{Key: "archive_sha256", Label: "SHA-256 of the archive", Value: p.SHA256},
		{Key: "sync_id", Label: "Sync", Value: run.ID},
		{Key: "sync_type", Label: "Type of the sync", Value: string(run.Type)},
		{Key: "sync_started_at", Label: "Sync started", Value: timeText(run.StartedAt)},
		{Key: "sync_ended_at", Label: "Sync ended", Value: timeText(run.EndedAt)},
		{Key: "search", Label: "Search", Value: p.Query.Search},
		{Key: "filter", Label: "Filter", Value: filterText(p.Query.Filter)},
		{Key: "sort", Label: "Sorted by", Value: sortText(p.Query)},
	}}
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func filterText(filter map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(filter)) {
		if filter[key] != "" {
			parts = append(parts, key+"="+filter[key])
		}
	}
	return strings.Join(parts, ", ")
}

func sortText(q search.Query) string {
	if q.Sort != "" && q.Desc {
		return q.Sort + ", descending"
	}
	return q.Sort
}
