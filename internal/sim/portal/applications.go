package portal

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

func urlQuery(text string) string { return url.QueryEscape(text) }

// appRow is an application on a page.
type appRow struct {
	Name, URL  string
	Connectors []connectorRow
	Synced     string
}

func (p *Portal) appRow(a *app) appRow {
	r := appRow{Name: a.Name, URL: appURL(a.ID), Synced: "never"}
	for _, c := range p.state.Connectors {
		if c.App == a.ID {
			r.Connectors = append(r.Connectors, p.row(c))
		}
	}
	if c := p.state.connectorOf(a.ID); c != nil {
		r.Synced = when(c.SyncedAt)
	}
	return r
}

// applicationsPage lists applications.
type applicationsPage struct {
	Tabs      []tab
	Managed   []appRow
	Unmanaged []string
	IsManaged bool
}

func (p *Portal) applicationsPage(req *request, managed bool) error {
	p.mu.Lock()
	page := applicationsPage{IsManaged: managed, Unmanaged: p.state.unmanaged()}
	for _, a := range p.state.Apps {
		page.Managed = append(page.Managed, p.appRow(a))
	}
	p.mu.Unlock()
	page.Tabs = []tab{{"Managed apps", "/applications", managed}, {"Unmanaged apps", "/applications/unmanaged", !managed}}
	req.title, req.section = "Applications", "applications"
	return p.render(req, "applications", page)
}

func (p *Portal) showManaged(req *request) error { return p.applicationsPage(req, true) }

func (p *Portal) showUnmanaged(req *request) error { return p.applicationsPage(req, false) }

// applicationPage is the page of one application.
type applicationPage struct {
	appRow
	Tabs []tab
	// HasData says that something was synced.
	HasData bool
	Data    string
	// Both and Admin are examples, see [shown].
	Both, Admin string
}

func (p *Portal) showApplication(req *request) error {
	p.mu.Lock()
	a := p.state.app(req.number())
	if a == nil {
		p.mu.Unlock()
		return errNoPage
	}
	page := applicationPage{appRow: p.appRow(a), Data: dataURL(a.ID)}
	p.mu.Unlock()
	n, done := p.shelf.use(a.ID)
	defer done()
	if page.HasData = n != nil; n != nil {
		page.Both, page.Admin = n.both, n.admin
	}
	if page.Tabs = tabsOf(a, tabApplication); !page.HasData {
		page.Tabs = page.Tabs[:1]
	}
	req.title, req.section = a.Name, "applications"
	req.live = slices.ContainsFunc(page.Connectors, changes)
	return p.render(req, "application", page)
}

// discover makes the applications that an archive lists known. The state is locked.
func (p *Portal) discover(ctx context.Context, c *connector) {
	n, done := p.shelf.use(c.App)
	defer done()
	if n == nil {
		return
	}
	found := 0
	for r, err := range n.reader.Resources(ctx, n.sync, c1z.ResourceFilter{Type: restype.App}) {
		if err != nil {
			c.log("the applications of the archive cannot be read: %v", err)
			return
		}
		name := strings.TrimSpace(r.GetDisplayName())
		if r.GetId().GetResource() == restype.AdministrationAppID || name == "" || slices.Contains(p.state.Discovered, name) {
			continue
		}
		p.state.Discovered = append(p.state.Discovered, name)
		found++
	}
	slices.Sort(p.state.Discovered)
	if found > 0 {
		c.log("%d applications found by SSO: see Applications > Unmanaged apps", found)
	}
}
