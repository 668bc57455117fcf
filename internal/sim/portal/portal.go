package portal

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/assets"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/theme"
	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// notice is said on every page.
const notice = "This is a stand-in for ConductorOne on this machine, to try the connector with. It is not ConductorOne."

// lookEvery is how often the portal looks what has become of tasks.
const lookEvery = 200 * time.Millisecond

// Options are what the pages need.
type Options struct {
	// Server is the ConductorOne that connectors call.
	Server *c1sim.Server
	// Dir keeps the state and what is uploaded.
	Dir string
	// SyncEvery is how often a new connector is asked to sync.
	SyncEvery time.Duration
	// Environment are the variables that a connector on this machine needs beside its
	// credentials, as NAME=VALUE, in the order in which they are shown.
	Environment []string
	// Program is the path of the connector's program, which runs as a function for
	// cloud-hosted connectors; there are none where it is empty.
	Program string
	// Defaults fill in settings of cloud-hosted connectors, by name, and Note is said above
	// their form.
	Defaults map[string]string
	Note     string
	Logger   *slog.Logger
}

// Portal answers requests for pages. It is safe for concurrent use.
type Portal struct {
	opts   Options
	assets *assets.Set
	pages  map[string]*template.Template
	mux    *http.ServeMux

	mu      sync.Mutex
	state   *state
	clients map[int]*c1sim.Client // by connector
	ended   map[string]bool       // tasks whose end was seen
	shelf   shelf
	form    *configv1.Configuration // of a cloud-hosted connector
	jobs    sync.WaitGroup
	syncing map[int]bool       // cloud-hosted connectors whose sync is running
	waiting []hostedChange     // changes that were not begun
	changes map[int][]*taskRow // that cloud-hosted connectors were asked for
}

//go:embed pages
var pageFiles embed.FS

// New makes the pages, in the state in which an earlier run left them.
func New(ctx context.Context, opts Options) (*Portal, error) {
	p := &Portal{opts: opts, clients: make(map[int]*c1sim.Client), ended: make(map[string]bool), syncing: make(map[int]bool), changes: make(map[int][]*taskRow), mux: http.NewServeMux()}
	var err error
	if p.assets, err = assets.New(); err != nil {
		return nil, err
	}
	if p.pages, err = parsePages(p.assets); err != nil {
		return nil, err
	}
	if opts.Program != "" {
		if p.form, err = readForm(ctx, opts.Program); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the pages: %w", err)
	}
	if p.state, err = loadState(opts.Dir); err != nil {
		return nil, err
	}
	p.shelf = shelf{assets: p.assets, logger: opts.Logger, open: make(map[int]*shown)}
	for _, c := range p.state.Connectors {
		if c.ClientID != "" {
			if err := p.connect(c); err != nil {
				return nil, err
			}
		}
		if c.Archive == "" {
			continue
		}
		if err := p.shelf.put(ctx, p.state.app(c.App), c.Archive); err != nil {
			c.log("the last archive cannot be shown: %v", err)
		}
	}
	p.routes()
	return p, nil
}

func parsePages(files *assets.Set) (map[string]*template.Template, error) {
	shared, err := template.New("layout").Funcs(template.FuncMap{"asset": files.URL, "when": when, "short": printable.Visible}).ParseFS(pageFiles, "pages/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	entries, err := pageFiles.ReadDir("pages")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	pages := make(map[string]*template.Template)
	for _, e := range entries {
		page, err := shared.Clone()
		if err == nil {
			page, err = page.ParseFS(pageFiles, "pages/"+e.Name())
		}
		if err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
		pages[strings.TrimSuffix(e.Name(), ".html")] = page
	}
	return pages, nil
}

// when is a time as pages show it.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// Close closes what is shown.
func (p *Portal) Close() error { return p.shelf.close() }

// ServeHTTP answers with a page.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Portal) routes() {
	p.mux.Handle("GET "+p.assets.Prefix(), p.assets)
	p.mux.HandleFunc("GET /theme", theme.Handler(pageAddress))
	p.mux.Handle("GET /{$}", http.RedirectHandler("/connectors", http.StatusSeeOther))
	for pattern, serve := range map[string]func(*request) error{
		"GET /connectors":                p.showConnectors,
		"GET /connectors/add":            p.showCatalog,
		"GET /connectors/new":            p.showNew,
		"POST /connectors":               p.addConnector,
		"GET /connectors/{id}":           p.showConnector,
		"POST /connectors/{id}/rotate":   p.rotate,
		"POST /connectors/{id}/settings": p.saveSettings,
		"POST /connectors/{id}/sync":     p.syncNow,
		"POST /connectors/{id}/schedule": p.schedule,
		"POST /connectors/{id}/disable":  p.disable,
		"GET /applications":              p.showManaged,
		"GET /applications/unmanaged":    p.showUnmanaged,
		"GET /applications/{id}":         p.showApplication,
		"GET /applications/{id}/change":  p.showChange,
		"POST /applications/{id}/change": p.change,
		"GET /applications/{id}/data/":   p.showData,
		"GET /":                          func(*request) error { return errNoPage },
	} {
		p.mux.Handle(pattern, p.handler(serve))
	}
}

// pageAddress is the path of a page of ours, written anew.
func pageAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.Query().Encode()}).String()
}

// request is one request for a page.
type request struct {
	w http.ResponseWriter
	r *http.Request
	// title and section are of the page that answers; live says that it changes by
	// itself.
	title, section string
	live           bool
	status         int
}

var errNoPage = errors.New("page not found")

// inputError is something that was filled in wrongly.
type inputError struct{ text string }

func (e *inputError) Error() string { return e.text }

func (p *Portal) handler(serve func(*request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := &request{w: w, r: r, status: http.StatusOK}
		err := serve(req)
		if err == nil {
			return
		}
		var wrong *inputError
		switch {
		case errors.Is(err, errNoPage):
			req.status = http.StatusNotFound
		case errors.As(err, &wrong):
			req.status = http.StatusBadRequest
		default:
			req.status = http.StatusInternalServerError
			p.opts.Logger.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
		}
		req.title, req.live = http.StatusText(req.status), false
		if err := p.render(req, "problem", err.Error()); err != nil {
			p.opts.Logger.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
			http.Error(w, req.title, req.status)
		}
	})
}

// frame is what a template gets: the page within everything around it.
type frame struct {
	Title, Notice, Theme, Here string
	Nav                        []tab
	Live                       bool // the page changes by itself
	Body                       any
}

// tab is a page beside others.
type tab struct {
	Title, URL string
	Current    bool
}

// render answers with a page. It is whole before any of it is sent.
func (p *Portal) render(req *request, name string, body any) error {
	f := frame{
		Title: req.title, Notice: notice, Theme: theme.Of(req.r), Here: req.r.URL.RequestURI(), Live: req.live, Body: body,
		Nav: []tab{{"Connectors", "/connectors", req.section == "connectors"}, {"Applications", "/applications", req.section == "applications"}},
	}
	if req.r.Method != http.MethodGet {
		f.Here = "/"
	}
	var text bytes.Buffer
	if err := p.pages[name].ExecuteTemplate(&text, "layout", f); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	h := req.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	req.w.WriteHeader(req.status)
	// Whoever does not read to the end has left.
	_, _ = text.WriteTo(req.w)
	return nil
}

// goTo leads to a page after a form was sent.
func (req *request) goTo(address string) error {
	http.Redirect(req.w, req.r, address, http.StatusSeeOther)
	return nil
}

// number is the id in the path.
func (req *request) number() int {
	n, err := strconv.Atoi(req.r.PathValue("id"))
	if err != nil {
		return 0
	}
	return n
}

// locked does something with the state and keeps it if it changed.
func (p *Portal) locked(change func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := change(); err != nil {
		return err
	}
	return p.state.save(p.opts.Dir)
}

// Run follows what becomes of tasks until the context ends.
func (p *Portal) Run(ctx context.Context) error {
	defer p.jobs.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := p.look(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
