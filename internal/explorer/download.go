package explorer

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/evidence"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/proof"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

const (
	// downloadStall is how long a download may stand still.
	downloadStall = 2 * time.Minute
	// downloadBuffer is how much of a download is sent at once.
	downloadBuffer = 64 << 10
)

// fileName says of what an export is: salesforce-holders-borealis-2026-11-30.
func (v *view) fileName(of, list string) string {
	run := &v.entry.Run
	return sheet.FileName(of, list, run.Organization.Name, run.StartedAt.UTC().Format(time.DateOnly))
}

// download answers with a file of a list, of the named object if it is of one. A file that cannot be made to its end is broken off,
// so that the browser says so, instead of passing for a short one.
func (v *view) download(of, list string, q search.Query, format sheet.Format, t sheet.Table) error {
	switch format {
	case sheet.FormatCSV, sheet.FormatXLSX, sheet.FormatJSON, sheet.FormatHTML:
	default:
		return badFormat()
	}
	h := v.w.Header()
	h.Set("Content-Type", format.MediaType())
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, v.fileName(of, list), format))
	if v.r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(&deadlineWriter{v.w, http.NewResponseController(v.w)}, downloadBuffer)
	title := t.Title
	if of != "" {
		title = of + ": " + title
	}
	err := sheet.Write(out, format, sheet.Document{Title: title, Tables: []sheet.Table{t}, TempDir: v.e.cfg.TempDir, About: v.provenance(q).About(title)})
	v.finish(list, errors.Join(err, out.Flush()))
	return nil
}

// evidencePack answers with the evidence of the sync as a ZIP file.
func evidencePack(v *view) error {
	var before *review.Sync
	if entry, ok := v.previous(v.entry); ok {
		var err error
		if before, err = v.load(entry.Key); err != nil {
			return err
		}
	}
	m, sources, err := proof.Pack(v.r.Context(), v.words, before, v.provenance(search.Query{}), v.e.cfg.TempDir)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.zip"`, v.fileName("", "evidence")))
	if v.r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(&deadlineWriter{v.w, http.NewResponseController(v.w)}, downloadBuffer)
	_, err = evidence.WriteZIP(out, m, sources)
	v.finish("evidence", errors.Join(err, out.Flush()))
	return nil
}

// finish breaks a download off that failed, so that the browser says so.
func (v *view) finish(name string, err error) {
	if err == nil {
		return
	}
	if v.r.Context().Err() == nil {
		v.e.cfg.Logger.WarnContext(v.r.Context(), "download interrupted", "name", name, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// provenance says what an export is of.
func (v *view) provenance(q search.Query) *tables.Provenance {
	return &tables.Provenance{
		Archive: filepath.Base(v.entry.Archive), SHA256: v.entry.SHA256, Run: v.entry.Run, Query: q,
		Now: time.Now().Truncate(time.Second), Tool: version.Program + " " + version.Read().String(),
	}
}

// deadlineWriter gives every write of a long response its own deadline.
type deadlineWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write sends a part.
func (p *deadlineWriter) Write(b []byte) (int, error) {
	// A writer without deadlines is one of a test.
	if err := p.control.SetWriteDeadline(time.Now().Add(downloadStall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}
