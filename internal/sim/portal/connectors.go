package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// product is an entry of the catalog.
type product struct {
	Kind, Name, About string
	// words are what it is found by.
	words string
}

// kindSelfHosted is a connector that the customer runs.
const kindSelfHosted = "baton"

// catalog are the connectors that can be added.
func (p *Portal) catalog() []product {
	return slices.DeleteFunc(products(), func(e product) bool { return e.Kind == kindCloudHosted && p.form == nil })
}

func products() []product {
	return []product{
		{kindCloudHosted, "JumpCloud", "A built-in, no-code connector, hosted for you.", "jumpcloud cloud-hosted directory"},
		{kindSelfHosted, "Baton", "A connector that you run in your own environment, as baton-jumpcloud in service mode.", "baton self-hosted custom jumpcloud"},
	}
}

func productOf(kind string) product {
	for _, p := range products() {
		if p.Kind == kind {
			return p
		}
	}
	return product{Kind: kind, Name: kind}
}

// people are the users of the organization that can own connectors; the first is who
// looks at the pages.
func people() []string {
	return []string{"You (admin@example.com)", "Ana Ruiz (ana.ruiz@example.com)", "Ben Okafor (ben.okafor@example.com)", "Chen Wei (chen.wei@example.com)"}
}

// The labels of a connector.
const (
	labelNotConnected = "Not connected"
	labelConnected    = "Connected"
	labelSyncing      = "Syncing"
	labelError        = "Error"
	labelDisabled     = "Disabled"
)

// toneOf is the color of a label.
func toneOf(label string) string {
	switch label {
	case labelConnected:
		return "good"
	case labelSyncing:
		return "warn"
	case labelError:
		return "bad"
	default:
		return "plain"
	}
}

// connectorRow is a connector on a page.
type connectorRow struct {
	ID                              int
	Product, App, Hosting, URL      string
	Label, Tone, Owners, Failure    string
	Synced                          string
	AppURL, ClientID                string
	Every                           string
	Disabled, HasCredentials, Cloud bool
	Lines                           []line
}

func (p *Portal) row(c *connector) connectorRow {
	label := p.label(c)
	r := connectorRow{
		ID: c.ID, Product: productOf(c.Kind).Name, Hosting: hostingOf(c), URL: "/connectors/" + strconv.Itoa(c.ID),
		Label: label, Tone: toneOf(label), Owners: strings.Join(c.Owners, ", "), Failure: c.Failure, Synced: when(c.SyncedAt),
		ClientID: c.ClientID, Every: printable.Duration(c.Every), Disabled: c.Disabled, HasCredentials: c.ClientID != "" || c.Settings != nil, Cloud: c.Kind == kindCloudHosted,
	}
	if a := p.state.app(c.App); a != nil {
		r.App, r.AppURL = a.Name, "/applications/"+strconv.Itoa(a.ID)
	}
	r.Lines = slices.Clone(c.Log)
	slices.Reverse(r.Lines)
	return r
}

func hostingOf(c *connector) string {
	if c.Kind == kindCloudHosted {
		return "Cloud-hosted"
	}
	return "Self-hosted"
}

func (p *Portal) showConnectors(req *request) error {
	p.mu.Lock()
	rows := make([]connectorRow, 0, len(p.state.Connectors))
	for _, c := range p.state.Connectors {
		rows = append(rows, p.row(c))
		req.live = req.live || changes(rows[len(rows)-1])
	}
	p.mu.Unlock()
	req.title, req.section = "Connectors", "connectors"
	return p.render(req, "connectors", rows)
}

// changes reports whether the page of a connector will be another one soon.
func changes(r connectorRow) bool {
	return r.Label == labelSyncing || r.Label == labelNotConnected && r.HasCredentials
}

func (p *Portal) showCatalog(req *request) error {
	query := strings.TrimSpace(req.r.URL.Query().Get("q"))
	found := slices.DeleteFunc(p.catalog(), func(e product) bool {
		return !strings.Contains(strings.ToLower(e.Name+" "+e.words), strings.ToLower(query))
	})
	req.title, req.section = "Add connector", "connectors"
	return p.render(req, "add", struct {
		Query string
		Found []product
	}{query, found})
}

// newPage is the page on which a connector is added.
type newPage struct {
	Product   product
	Managed   []*app
	Unmanaged []string
	People    []string
}

func (p *Portal) showNew(req *request) error {
	kind := req.r.URL.Query().Get("connector")
	if !slices.ContainsFunc(p.catalog(), func(e product) bool { return e.Kind == kind }) {
		return errNoPage
	}
	p.mu.Lock()
	page := newPage{Product: productOf(kind), Managed: slices.Clone(p.state.Apps), Unmanaged: p.state.unmanaged(), People: people()}
	p.mu.Unlock()
	req.title, req.section = "Add "+page.Product.Name, "connectors"
	return p.render(req, "new", page)
}

func (p *Portal) addConnector(req *request) error {
	form, err := formOf(req)
	if err != nil {
		return err
	}
	kind := form.Get("connector")
	if !slices.ContainsFunc(p.catalog(), func(e product) bool { return e.Kind == kind }) {
		return &inputError{"connector: not in the catalog"}
	}
	owners := form["owner"]
	for _, owner := range owners {
		if !slices.Contains(people(), owner) {
			return &inputError{"owner: not a user of this organization"}
		}
	}
	if len(owners) == 0 {
		return &inputError{"owner: choose at least one"}
	}
	c := &connector{Kind: kind, Owners: owners, Every: p.opts.SyncEvery}
	err = p.locked(func() error {
		a, err := p.chosenApp(form)
		if err != nil {
			return err
		}
		c.ID, c.App = p.state.next(), a.ID
		c.log("connector %s added to %s", productOf(kind).Name, a.Name)
		for _, owner := range owners {
			if owner != people()[0] {
				c.log("would notify %s by email: your help is needed to complete the setup", owner)
			}
		}
		p.state.Connectors = append(p.state.Connectors, c)
		return nil
	})
	if err != nil {
		return err
	}
	return req.goTo("/connectors/" + strconv.Itoa(c.ID))
}

// chosenApp is the application that a form names; one that is not managed yet is from
// now on.
func (p *Portal) chosenApp(form url.Values) (*app, error) {
	name := ""
	switch form.Get("to") {
	case "managed":
		id, _ := strconv.Atoi(form.Get("managed"))
		if a := p.state.app(id); a != nil {
			return a, nil
		}
		return nil, &inputError{"application: choose a managed application"}
	case "unmanaged":
		name = form.Get("unmanaged")
		if !slices.Contains(p.state.unmanaged(), name) {
			return nil, &inputError{"application: choose an unmanaged application"}
		}
	case "new":
		name = strings.TrimSpace(form.Get("name"))
		switch {
		case name == "":
			return nil, &inputError{"application: fill in a name"}
		case len(name) > 200:
			return nil, &inputError{"application: the name is longer than 200 bytes"}
		case slices.ContainsFunc(p.state.Apps, func(a *app) bool { return strings.EqualFold(a.Name, name) }):
			return nil, &inputError{"application: " + strconv.Quote(name) + " is managed already; add the connector to it"}
		}
	default:
		return nil, &inputError{"application: choose where to add the connector"}
	}
	a := &app{ID: p.state.next(), Name: name}
	p.state.Apps = append(p.state.Apps, a)
	return a, nil
}

// maxForm bounds what a form may send, in bytes.
const maxForm = 1 << 20

func formOf(req *request) (url.Values, error) {
	req.r.Body = http.MaxBytesReader(req.w, req.r.Body, maxForm)
	if err := req.r.ParseForm(); err != nil {
		return nil, &inputError{"the form cannot be read"}
	}
	return req.r.PostForm, nil //nolint:forbidigo // the form of a request, and not the function that sends one
}

// connectorPage is the page of one connector.
type connectorPage struct {
	connectorRow
	Edit bool
	// Secret is shown once, on the page that answers to Rotate.
	Secret *credentials
	// Form is that of a cloud-hosted connector.
	Form *settingsForm
}

func (p *Portal) showConnector(req *request) error {
	p.mu.Lock()
	c := p.state.connector(req.number())
	if c == nil {
		p.mu.Unlock()
		return errNoPage
	}
	page := connectorPage{connectorRow: p.row(c), Edit: req.r.URL.Query().Has("edit")}
	if page.Edit && page.Cloud {
		page.Form = p.formOfSettings(c, req.r.URL.Query().Get("group"), nil)
	}
	p.mu.Unlock()
	req.title, req.section = page.Product+" for "+page.App, "connectors"
	req.live = !page.Edit && changes(page.connectorRow)
	return p.render(req, "connector", page)
}

// ofConnector changes the connector in the path, and leads back to its page.
func (p *Portal) ofConnector(req *request, change func(*connector) error) error {
	id := req.number()
	err := p.locked(func() error {
		c := p.state.connector(id)
		if c == nil {
			return errNoPage
		}
		return change(c)
	})
	if err != nil {
		return err
	}
	return req.goTo("/connectors/" + strconv.Itoa(id))
}

// Bounds of the schedule.
const (
	minEvery = time.Second
	maxEvery = 30 * 24 * time.Hour
)

func (p *Portal) schedule(req *request) error {
	form, err := formOf(req)
	if err != nil {
		return err
	}
	every, err := time.ParseDuration(cmp.Or(form.Get("every"), "0"))
	if err != nil || every < minEvery || every > maxEvery {
		return &inputError{"sync every: fill in a duration from 1s to 720h, such as 30m"}
	}
	return p.ofConnector(req, func(c *connector) error {
		c.Every = every
		c.due = time.Now().Add(every)
		c.log("schedule: sync every %s", every)
		p.applySchedule(c)
		return nil
	})
}

func (p *Portal) disable(req *request) error {
	return p.ofConnector(req, func(c *connector) error {
		c.Disabled = !c.Disabled
		c.log("%s", map[bool]string{true: "disabled: no task is handed out", false: "enabled"}[c.Disabled])
		p.applySchedule(c)
		return nil
	})
}
