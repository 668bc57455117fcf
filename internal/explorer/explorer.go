package explorer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/assets"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/theme"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// loadTimeout is how long a page waits for a sync that is being read into memory before
// it says so and asks again by itself.
const loadTimeout = time.Second

// Library is where syncs come from.
type Library interface {
	// Entries are the syncs that can be shown.
	Entries() []library.Entry
	// First is the sync that is shown when none is named.
	First() library.Key
	// Sync returns a sync. Where it takes longer than the context allows, the error is
	// [library.LoadingError].
	Sync(context.Context, library.Key) (*review.Sync, error)
	// IsReplaced reports whether the file of an archive is another one than is shown, and
	// Refresh shows that one.
	IsReplaced(archive int) bool
	Refresh(context.Context) (bool, error)
}

// Config is what an explorer needs.
type Config struct {
	Library Library
	// TempDir is where large exports are put together; empty means the folder of the
	// operating system.
	TempDir string
	Logger  *slog.Logger
	// Within is the page that the explorer is a part of; nil where it stands alone.
	Within *Within
	// Review is a review to be decided; nil without one. Only what the package gate lets
	// forms be sent to may have one.
	Review *campaign.File
}

// Within is a page of somebody else that the explorer's are shown in.
type Within struct {
	// Prefix begins the path of every page, as "/applications/1"; requests come
	// without it.
	Prefix string
	// Nav leads to the other pages, and Notice is said on each.
	Nav    []Link
	Notice string
	// Tabs are the pages of the explorer that are its tabs, beside Up.
	Tabs []Link
	// Entitlement is what else there is to do with an entitlement.
	Entitlement func(id string) Link
}

// Link is a named address.
type Link struct{ Title, URL string }

// Explorer answers requests for pages. It is safe for concurrent use, and trusts
// everybody: see the package gate.
type Explorer struct {
	cfg    Config
	assets *assets.Set
	pages  templates
	mux    *http.ServeMux
	// Comparing takes longest, and so does the report that does.
	diffs   comparisons[*diff.Diff]
	changes comparisons[*findings.Report]
}

// New makes an explorer.
func New(cfg Config) (*Explorer, error) {
	files, err := assets.New()
	if err != nil {
		return nil, err
	}
	pages, err := parseTemplates(files)
	if err != nil {
		return nil, err
	}
	e := &Explorer{cfg: cfg, assets: files, pages: pages, mux: http.NewServeMux()}
	e.mux.Handle("GET "+files.Prefix(), files)
	if cfg.Within == nil {
		e.mux.HandleFunc("GET /newer", e.newer)
		e.mux.HandleFunc("GET /newest", e.newest)
	}
	e.mux.HandleFunc("GET /theme", theme.Handler(pageAddress))
	for path, serve := range pageTable() {
		e.mux.Handle("GET "+path, e.handler(serve))
	}
	if cfg.Review != nil {
		e.mux.Handle("GET "+reviewPath, e.handler(decideReview))
		e.mux.Handle("POST "+reviewPath, e.handler(takeDecision))
	}
	e.mux.Handle("GET /", e.handler(func(*view) error { return errNoPage }))
	return e, nil
}

// pageTable are the pages by the pattern of their address.
func pageTable() map[string]page {
	pages := map[string]page{
		"/{$}":            overview,
		"/entitlements":   entitlements,
		"/grants":         grants,
		"/resource":       resource,
		"/graph":          graph,
		"/search":         searchAll,
		"/entitlement":    entitlement,
		"/compare":        compare,
		"/reports":        reports,
		"/reports/{name}": report,
		"/evidence.zip":   evidencePack,
	}
	for _, kind := range review.Kinds() {
		path, _ := kindSection(kind)
		pages[path] = section(kind)
	}
	return pages
}

// prefix begins the address of every page.
func (e *Explorer) prefix() string {
	if e.cfg.Within == nil {
		return ""
	}
	return e.cfg.Within.Prefix
}

// ServeHTTP answers with a page.
func (e *Explorer) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// page answers a request, or says why not.
type page func(*view) error

// What a page may be asked for in vain.
var (
	errNoPage = errors.New("page not found")
	errAbsent = errors.New("no object with this ID in the sync")
)

// problem is an error with the status that it is answered with.
type problem struct {
	status int
	err    error
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

func (e *Explorer) handler(serve page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := e.view(w, r)
		if err == nil {
			err = serve(v)
		}
		if err != nil {
			e.answerError(v, err)
		}
	})
}

// answerError shows what went wrong on a page like the others.
func (e *Explorer) answerError(v *view, err error) {
	var (
		loading *library.LoadingError
		key     *search.KeyError
		value   *search.ValueError
		wrong   *problem
	)
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, &loading):
		v.loading(loading)
		return
	case errors.Is(err, errNoPage), errors.Is(err, errAbsent), errors.Is(err, library.ErrUnknown):
		status = http.StatusNotFound
	case errors.As(err, &key), errors.As(err, &value):
		status = http.StatusBadRequest
	case errors.As(err, &wrong):
		status = wrong.status
	case v.r.Context().Err() != nil:
		return // Nobody waits for the answer.
	}
	if status == http.StatusInternalServerError {
		e.cfg.Logger.ErrorContext(v.r.Context(), "page failed", "path", v.r.URL.Path, "error", err)
	}
	v.status = status
	v.title = http.StatusText(status)
	if err := v.render("problem", problemPage{Title: v.title, Text: sentence(err), Overview: v.e.prefix() + "/"}); err != nil {
		e.cfg.Logger.ErrorContext(v.r.Context(), "page failed", "path", v.r.URL.Path, "error", err)
		http.Error(v.w, v.title, status)
	}
}

// problemPage is the page of an error.
type problemPage struct{ Title, Text, Overview string }

// loading answers that a sync is being read, and has the browser ask again.
func (v *view) loading(l *library.LoadingError) {
	v.w.Header().Set("Refresh", "1")
	v.title = "Reading the sync"
	v.status = http.StatusServiceUnavailable
	if err := v.render("loading", l.Progress); err != nil {
		panic(fmt.Errorf("render: %w", err))
	}
}
