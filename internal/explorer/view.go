package explorer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/theme"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// The parameters that pages share.
const (
	paramSync   = "sync"
	paramSearch = "q"
	paramSort   = "sort" // a leading minus is the other way round
	paramPage   = "page" // from 1
	paramFormat = "format"
	paramType   = "type"
	paramID     = "id"
	paramTab    = "tab"
)

// view is one request: what is asked for, of which sync.
type view struct {
	e      *Explorer
	w      http.ResponseWriter
	r      *http.Request
	params url.Values
	entry  library.Entry
	// sync is nil where the request failed before there was one.
	sync *review.Sync
	// words are those for what is in it.
	words   *tables.Sync
	title   string
	section string
	status  int
	scripts []string
}

// view finds out which sync a request is about, and has it in memory.
func (e *Explorer) view(w http.ResponseWriter, r *http.Request) (*view, error) {
	v := &view{e: e, w: w, r: r, params: r.URL.Query(), status: http.StatusOK}
	if len(v.params[paramColumns]) > 1 { // As a form without scripts sends them.
		v.params.Set(paramColumns, strings.Join(v.params[paramColumns], ","))
	}
	key := e.cfg.Library.First()
	if text := v.params.Get(paramSync); text != "" {
		var ok bool
		if key, ok = library.ParseKey(text); !ok {
			return v, library.ErrUnknown
		}
	}
	for _, entry := range e.cfg.Library.Entries() {
		if entry.Key == key {
			v.entry = entry
		}
	}
	var err error
	if v.sync, err = v.load(key); err == nil {
		v.words = tables.Of(v.sync)
	}
	return v, err
}

// load has a sync in memory, waiting for it a little.
func (v *view) load(key library.Key) (*review.Sync, error) {
	ctx, cancel := context.WithTimeout(v.r.Context(), loadTimeout)
	defer cancel()
	return v.e.cfg.Library.Sync(ctx, key)
}

// url makes the address of a page of the same sync, with parameters in pairs. Empty
// ones are left out.
func (v *view) url(path string, pairs ...string) string {
	params := make(url.Values, len(pairs)/2+1)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			params.Set(pairs[i], pairs[i+1])
		}
	}
	return v.address(path, params)
}

// with is the address of this page with some parameters changed.
func (v *view) with(pairs ...string) string {
	params := make(url.Values, len(v.params)+1)
	for key, values := range v.params {
		if values[0] != "" && key != paramSync {
			params.Set(key, values[0])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if params.Del(pairs[i]); pairs[i+1] != "" {
			params.Set(pairs[i], pairs[i+1])
		}
	}
	return v.address(v.r.URL.EscapedPath(), params)
}

func (v *view) address(path string, params url.Values) string {
	if v.entry.Key != v.e.cfg.Library.First() && v.entry.Key.Sync != "" {
		params.Set(paramSync, v.entry.Key.String())
	}
	path = v.e.prefix() + path
	if len(params) == 0 {
		return path
	}
	return path + "?" + params.Encode()
}

// page is the number of the page that is asked for, from 1.
func (v *view) page() (int, error) {
	text := v.params.Get(paramPage)
	if text == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1<<30 {
		return 0, &problem{http.StatusBadRequest, errors.New("page must be at least 1")}
	}
	return n, nil
}

// resourceURL is the address of a resource's page.
func (v *view) resourceURL(b review.Brief) string {
	return v.url("/resource", paramType, b.Type, paramID, b.ID)
}

// entitlementURL is the address of an entitlement's page.
func (v *view) entitlementURL(e review.Entitlement) string {
	return v.url("/entitlement", paramID, e.ID)
}

// frame is what a template gets: the page within everything around it.
type frame struct {
	Title, Org, Theme, Here string
	// Find is where everything is searched, and FindIn the sync; empty for the first one.
	Find, FindIn string
	// Newer is where the page asks for a newer sync than it shows.
	Newer   string
	Nav     []navItem
	Scripts []string
	Choices []choice
	Keep    []field // what choosing another sync does not change
	Foot    []string
	Within  *Within
	Tabs    []navItem
	Body    any
}

// navItem is an entry of the navigation.
type navItem struct {
	Title, URL string
	Count      int // -1 for none
	Current    bool
}

// choice is an option of a select.
type choice struct {
	Value, Title string
	Selected     bool
}

// field is a parameter that a form carries along.
type field struct{ Name, Value string }

// render answers with a page. It is whole before any of it is sent.
func (v *view) render(name string, body any) error {
	f := frame{
		Title: v.title, Org: v.organization(), Theme: theme.Of(v.r), Here: v.with(), Nav: v.navigation(), Scripts: v.scripts,
		Newer: v.newerAddress(), Find: v.e.prefix() + "/search",
		Choices: v.choices(), Keep: v.keep(), Foot: v.foot(), Within: v.e.cfg.Within, Tabs: v.tabsAround(), Body: body,
	}
	if v.entry.Key != v.e.cfg.Library.First() && v.entry.Key.Sync != "" {
		f.FindIn = v.entry.Key.String()
	}
	var text bytes.Buffer
	if err := v.e.pages.execute(&text, name, f); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	v.w.WriteHeader(v.status)
	// Whoever does not read to the end has left.
	_, _ = text.WriteTo(v.w)
	return nil
}

// organization is what the archive is of, as far as it tells.
func (v *view) organization() string {
	org := v.entry.Run.Organization
	return cmp.Or(org.Name, org.ID, strings.TrimSuffix(v.entry.Name, filepath.Ext(v.entry.Name)), "Archive")
}

// navigation lists the pages, with how much is on each.
func (v *view) navigation() []navItem {
	if v.sync == nil {
		return []navItem{{Title: "Overview", URL: v.e.prefix() + "/", Count: -1}}
	}
	o := v.sync.Overview()
	counts := o.Counts
	items := []navItem{
		{"Overview", "/", -1, false},
	}
	for _, kind := range v.sync.Shown() {
		if path, title := kindSection(kind); counts[kind] > 0 || kind != review.Other {
			items = append(items, navItem{title, path, counts[kind], false})
		}
	}
	items = append(items,
		navItem{"Entitlements", "/entitlements", o.Entitlements, false},
		navItem{"Grants", "/grants", v.sync.GrantCount(), false},
		navItem{"Reports", "/reports", -1, false},
		navItem{"Compare", "/compare", -1, false},
	)
	if v.e.cfg.Review != nil {
		items = append(items, navItem{"Review", reviewPath, -1, false})
	}
	for i := range items {
		items[i].Current = items[i].URL == v.section
		items[i].URL = v.url(items[i].URL)
	}
	return items
}

// tabsAround are those of the page that the explorer is a part of.
func (v *view) tabsAround() []navItem {
	if v.e.cfg.Within == nil {
		return nil
	}
	var list []navItem
	for _, t := range v.e.cfg.Within.Tabs {
		list = append(list, navItem{t.Title, t.URL, -1, t.URL == v.e.prefix()+v.section})
	}
	return list
}

// choices are the syncs that can be shown.
func (v *view) choices() []choice {
	entries := v.e.cfg.Library.Entries()
	list := make([]choice, len(entries))
	for i, entry := range entries {
		list[i] = choice{entry.Key.String(), v.entryTitle(entry), entry.Key == v.entry.Key}
	}
	return list
}

// entryTitle names a sync: by its time, and by its file where there are several.
func (v *view) entryTitle(entry library.Entry) string {
	entries := v.e.cfg.Library.Entries()
	title := day(entry.Run.StartedAt)
	if slices.ContainsFunc(entries, func(e library.Entry) bool { return e.Key != entry.Key && day(e.Run.StartedAt) == title }) {
		title += entry.Run.StartedAt.UTC().Format(":05")
	}
	if !entry.Run.Finished() {
		title += ", unfinished"
	}
	if t := entry.Run.Type; t != "" && t != "full" {
		title += ", " + string(t)
	}
	if entries[0].Key.Archive != entries[len(entries)-1].Key.Archive {
		title = short(entry.Name) + ", " + title
	}
	return title
}

// keep are the parameters that stay when another sync is chosen. A page of a list is
// another one then.
func (v *view) keep() []field {
	var list []field
	for _, name := range []string{paramType, paramID, paramTab, paramSearch, paramSort} {
		if value := v.params.Get(name); value != "" {
			list = append(list, field{name, value})
		}
	}
	return list
}

// foot says where everything on the page comes from.
func (v *view) foot() []string {
	if v.entry.Key.Sync == "" {
		return nil
	}
	lines := []string{"Archive " + v.entry.Name, "sync " + v.entry.Key.Sync}
	if host := v.entry.Run.Organization.Host; host != "" {
		lines = append(lines, "from "+host)
	}
	return append(lines, "times in UTC")
}
