package explorer

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

const (
	// downloadStall is how long a download may stand still.
	downloadStall = 2 * time.Minute
	// downloadBuffer is how much of a download is sent at once.
	downloadBuffer = 64 << 10
)

// download answers with a file. A file that cannot be made to its end is broken off,
// so that the browser says so, instead of passing for a short one.
func (v *view) download(name string, format sheet.Format, tables ...sheet.Table) error {
	switch format {
	case sheet.FormatCSV, sheet.FormatXLSX, sheet.FormatJSON, sheet.FormatHTML:
	default:
		return badFormat()
	}
	h := v.w.Header()
	h.Set("Content-Type", format.MediaType())
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.%s"`, name, v.entry.Run.StartedAt.UTC().Format("2006-01-02"), format))
	if v.r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(&deadlineWriter{v.w, http.NewResponseController(v.w)}, downloadBuffer)
	err := sheet.Write(out, format, sheet.Document{Title: tables[0].Title, Tables: tables, TempDir: v.e.cfg.TempDir})
	if err = errors.Join(err, out.Flush()); err != nil {
		if v.r.Context().Err() == nil {
			v.e.cfg.Logger.WarnContext(v.r.Context(), "download interrupted", "name", name, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
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
