package explorer

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
)

// paramShown is the sync that an open page shows, and paramTo the page.
const (
	paramShown = "shown"
	paramTo    = "to"
)

// newer answers an open page whether there is a newer sync than the one that it shows: of its
// archive where the address names the sync, else of the one that is shown by itself.
func (e *Explorer) newer(w http.ResponseWriter, r *http.Request) {
	key, ok := library.ParseKey(r.URL.Query().Get(paramShown))
	answer := struct {
		Newer bool   `json:"newer"`
		URL   string `json:"url,omitempty"`
	}{}
	if first := e.cfg.Library.First(); ok && key.Archive == first.Archive {
		answer.Newer = key != first && e.isLater(first, key) || e.cfg.Library.IsReplaced(key.Archive)
	}
	if answer.Newer {
		answer.URL = "/newest?" + url.Values{paramTo: {r.URL.Query().Get(paramTo)}}.Encode()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// Whoever does not read to the end has left.
	_ = json.NewEncoder(w).Encode(answer)
}

// newerAddress is where a page asks for a newer sync than it shows; empty where there is
// nobody to ask.
func (v *view) newerAddress() string {
	if v.e.cfg.Within != nil || v.entry.Key.Sync == "" {
		return ""
	}
	return "/newer?" + url.Values{paramShown: {v.entry.Key.String()}, paramTo: {v.with()}}.Encode()
}

// isLater reports whether a sync began after another, which may be gone.
func (e *Explorer) isLater(a, b library.Key) bool {
	var first, other library.Entry
	for _, entry := range e.cfg.Library.Entries() {
		switch entry.Key {
		case a:
			first = entry
		case b:
			other = entry
		}
	}
	return first.Run.StartedAt.After(other.Run.StartedAt)
}

// newest shows a page of the newest sync: archives whose files were replaced are opened
// again. What cannot be read stays as it was.
func (e *Explorer) newest(w http.ResponseWriter, r *http.Request) {
	if _, err := e.cfg.Library.Refresh(r.Context()); err != nil && r.Context().Err() == nil {
		e.cfg.Logger.WarnContext(r.Context(), "the newer archive cannot be read", "error", err)
		v, _ := e.view(w, r) // What is shown so far goes around the page.
		e.answerError(v, &problem{http.StatusServiceUnavailable, err})
		return
	}
	to, err := url.Parse(pageAddress(r.URL.Query().Get(paramTo)))
	if err != nil {
		to = &url.URL{Path: "/"}
	}
	params := to.Query()
	params.Del(paramSync)
	to.RawQuery = params.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther) //nolint:gosec // It is the address of a page of ours: see pageAddress.
}
