package explorer

import (
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// The parts of a resource's page.
const (
	tabHoldings     = "holdings"
	tabMembers      = "members"
	tabEntitlements = "entitlements"
	tabGraph        = "graph"
)

// resourcePage is the page of an account, a group, an application, a role or anything
// else.
type resourcePage struct {
	Up        navItem
	Title     string
	Kind      string
	Badges    []cell
	Numbers   []figure
	Facts     []fact
	Profile   []fact
	Tabs      []navItem
	ListTitle string
	List      *listPage
	Graph     *graphPage
}

// figure is a number with its name, and where it leads.
type figure struct {
	Title, URL string
	Value      int
}

// fact is something about a thing, under a name.
type fact struct {
	Name   string
	Values []cell
}

// lookUp finds the resource that the address names.
func (v *view) lookUp() (review.ResourceRow, error) {
	ref, ok := v.sync.ByID(v.params.Get(paramType), v.params.Get(paramID))
	if !ok {
		return review.ResourceRow{}, errAbsent
	}
	row := v.sync.Row(ref)
	row.Resource = v.sync.Resource(ref)
	return row, nil
}

func resource(v *view) error {
	r, err := v.lookUp()
	if err != nil {
		return err
	}
	path, title := kindSection(r.Kind)
	v.section = path
	v.title = short(r.Name)
	p := &resourcePage{
		Up: navItem{Title: title, URL: v.url(path)}, Title: short(r.Name), Kind: kindTitle(r.Kind),
		Badges: v.badges(r), Facts: v.facts(r), Profile: profile(r),
	}
	v.fillNumbers(p, r)
	tab := v.params.Get(paramTab)
	if tab == "" {
		if tab = tabMembers; r.Kind.IsAccount() || r.Members.All == 0 && r.Holdings.All > 0 {
			tab = tabHoldings
		}
	}
	p.Tabs = v.tabs(r, tab)
	for _, t := range p.Tabs {
		if t.Current {
			p.ListTitle = t.Title
		}
	}
	if tab != tabGraph {
		l := v.tabList(r, tab)
		l.subject = r.Name
		if format, ok := exportFormat(v); ok {
			return l.export(v, format)
		}
		if p.List, err = l.page(v); err != nil {
			return err
		}
	}
	if tab == tabGraph || r.Kind.IsAccount() && tab == tabHoldings {
		if p.Graph, err = v.graphOf(r); err != nil {
			return err
		}
	}
	return v.render("resource", p)
}

// badges are what is to be seen at once.
func (v *view) badges(r review.ResourceRow) []cell {
	list := []cell{{Text: short(v.typeName(r.Type)), Badge: "plain"}}
	if r.Missing {
		list = append(list, cell{Text: "not in the archive", Badge: "warn"})
	}
	for _, f := range r.Facts {
		list = append(list, cell{Text: short(f), Badge: "plain"})
	}
	a := r.Account
	if a == nil {
		return list
	}
	list = append(list, statusCell(a))
	mfa := triCell(a.MFA)
	mfa.Text = map[review.Tri]string{review.Yes: "MFA", review.No: "no MFA", review.Unknown: "MFA unknown"}[a.MFA]
	list = append(list, mfa)
	if a.Admin {
		list = append(list, cell{Text: "admin", Badge: "warn"})
	}
	if a.Type != "" && a.Type != "human" {
		list = append(list, cell{Text: a.Type + " account", Badge: "plain"})
	}
	return list
}

// facts are what is known of a resource under names of ours.
func (v *view) facts(r review.ResourceRow) []fact {
	var list []fact
	add := func(name string, values ...cell) {
		if len(values) > 0 && values[0].Text != "" {
			list = append(list, fact{name, values})
		}
	}
	if a := r.Account; a != nil {
		add("Email", texts(a.Emails...)...)
		add("Login", texts(a.Login)...)
		add("Department", linked(a.Department, v.url("/accounts", "department", a.Department)))
		add("Job title", texts(a.Title)...)
		add("Manager", linked(a.Manager, v.url("/accounts", paramSearch, a.Manager)))
		if a.Email != "" {
			add("Manages", linked("Direct reports", v.url("/accounts", "manager", a.Email)))
		}
		add("Employee ID", texts(a.EmployeeIDs...)...)
		add("Single sign-on", texts(map[review.Tri]string{review.Yes: "yes", review.No: "no"}[a.SSO])...)
		add("Created", texts(moment(a.Created))...)
		add("Last login", texts(moment(a.LastLogin))...)
	}
	add("Description", texts(r.Description)...)
	add("Help", texts(r.HelpURL)...)
	if r.ParentID != "" {
		parent := cell{Text: short(r.ParentType + ":" + r.ParentID)}
		if ref, ok := v.sync.ByID(r.ParentType, r.ParentID); ok {
			parent = v.briefCell(v.sync.Brief(ref))
		}
		add("Within", parent)
	}
	add("ID", cell{Text: printable.Visible(r.ID)})
	// A heading and tables cut long names; here is the whole.
	if short(r.Name) != r.Name {
		add("Name", cell{Text: printable.Visible(r.Name)})
	}
	return list
}

func texts(list ...string) []cell {
	cells := make([]cell, 0, len(list))
	for _, t := range list {
		if t != "" {
			cells = append(cells, cell{Text: printable.Visible(t)})
		}
	}
	return cells
}

func linked(text, url string) cell { return cell{Text: short(text), URL: url} }

// profile is what the product knows of a resource, under its own names.
func profile(r review.ResourceRow) []fact {
	var list []fact
	for _, f := range r.Profile {
		if f.Value != "" {
			list = append(list, fact{short(f.Key), []cell{{Text: printable.Visible(f.Value)}}})
		}
	}
	return list
}

// fillNumbers counts who holds a resource and what it holds.
func (v *view) fillNumbers(p *resourcePage, r review.ResourceRow) {
	tab := func(tab string, pairs ...string) string {
		return v.url("/resource", append([]string{paramType, r.Type, paramID, r.ID, paramTab, tab}, pairs...)...)
	}
	add := func(title, tabName string, c review.Count) {
		p.Numbers = append(p.Numbers,
			figure{title, tab(tabName), c.All},
			figure{"directly", tab(tabName, "direct", "yes"), c.Direct},
			figure{"inherited", tab(tabName, "direct", "no"), c.Inherited()},
		)
	}
	if r.Kind.IsAccount() {
		add("entitlements", tabHoldings, r.Holdings)
		return
	}
	if r.Kind.IsHeld() {
		add(strings.ToLower(membersTitle(r.Kind)), tabMembers, r.Members)
	}
}

// membersTitle is what those who hold a resource are called.
func membersTitle(k review.Kind) string { return k.Type().Holders }

// tabs are the parts that the page of a resource has.
func (v *view) tabs(r review.ResourceRow, current string) []navItem {
	var list []navItem
	add := func(tab, title string, count int) {
		list = append(list, navItem{title, v.url("/resource", paramType, r.Type, paramID, r.ID, paramTab, tab), count, tab == current})
	}
	if !r.Kind.IsAccount() && r.Kind.IsHeld() || r.Members.All > 0 {
		add(tabMembers, membersTitle(r.Kind), r.Members.All)
	}
	if r.Kind.IsAccount() || r.Holdings.All > 0 {
		title := "Has access to"
		if r.Kind == review.Group {
			title = "Gives access to"
		}
		add(tabHoldings, title, r.Holdings.All)
	}
	if r.Entitlements > 0 {
		add(tabEntitlements, "Entitlements", r.Entitlements)
	}
	if !r.Kind.IsAccount() && r.Members.All+r.Holdings.All > 0 {
		add(tabGraph, "Graph", -1)
	}
	if len(list) == 1 {
		list[0].Current = true
	}
	return list
}

// tabList is the list of a part of a resource's page. Where it has one entitlement, who
// holds that says more than its grants.
func (v *view) tabList(r review.ResourceRow, tab string) listing {
	switch ents := v.sync.EntitlementsOf(r.Ref); {
	case tab == tabHoldings:
		return v.list(tables.Access(v.words, r.Ref), v.kindFilter("kind", "Access to"), directFilter())
	case tab == tabEntitlements:
		return v.entitlementsOf(r)
	case len(ents) != 1:
		return v.grantsOn(r)
	case r.Kind == review.Group:
		return v.holderList(ents[0], "Members", "member", "members")
	default:
		return v.holderList(ents[0], membersTitle(r.Kind), "holder", "holders")
	}
}

// holderList lists those who have an entitlement.
func (v *view) holderList(e review.EntRef, title, one, many string) listing {
	l := v.list(tables.Holders(v.words, e), append([]filter{directFilter(), v.kindFilter("kind", "Who")}, v.accountFilters()...)...)
	l.Title, l.One, l.Many = title, one, many
	l.looks["name"] = func(v *view, r *tables.Row) cell {
		if r.On.Kind.IsAccount() {
			return v.briefCell(*r.On)
		}
		return v.typedCell(*r.On)
	}
	for i := range l.filters {
		if key := l.filters[i].Key; key == "details" || key == "account_type" {
			l.filters[i].hidden = true
		}
	}
	return l
}

// grantsOn lists the grants on a resource.
func (v *view) grantsOn(r review.ResourceRow) listing {
	l := v.grantList().of(r)
	l.Title, l.None = membersTitle(r.Kind), "No grants."
	return l
}

// entitlementsOf lists the entitlements of a resource.
func (v *view) entitlementsOf(r review.ResourceRow) listing { return v.entitlementList().of(r) }

// of restricts a list to a resource, without the filters that are no question on its page.
// Its address has its own type as a parameter.
func (l listing) of(r review.ResourceRow) listing {
	l.filters = slices.DeleteFunc(l.filters, func(f filter) bool { return f.Key == paramType || f.Key == "resource" || f.Key == "kind" })
	all := l.Read
	l.Read = func(q search.Query) (search.Page[tables.Row], error) {
		q.Filter["resource"] = r.Type + ":" + r.ID
		return all(q)
	}
	return l
}

// entitlementPage is the page of an entitlement.
type entitlementPage struct {
	Up      navItem
	Title   string
	Of      cell
	Badges  []cell
	Numbers []figure
	Facts   []fact
	List    *listPage
	Also    *Link // what else there is to do; nil for nothing
}

func entitlement(v *view) error {
	v.section = "/entitlements"
	ref, ok := v.sync.EntitlementByID(v.params.Get(paramID))
	if !ok {
		return errAbsent
	}
	e := v.sync.EntitlementAt(ref)
	v.title = short(e.Name)
	l := v.holderList(ref, "Holders", "holder", "holders")
	l.subject = e.Name
	if format, ok := exportFormat(v); ok {
		return l.export(v, format)
	}
	list, err := l.page(v)
	if err != nil {
		return err
	}
	p := &entitlementPage{
		Up: navItem{Title: "Entitlements", URL: v.url("/entitlements")}, Title: short(e.Name),
		Of: v.briefCell(e.Resource), List: list,
		Numbers: []figure{
			{"holders", v.entitlementURL(e), e.Holders.All},
			{"directly", v.url("/entitlement", paramID, e.ID, "direct", "yes"), e.Holders.Direct},
			{"inherited", v.url("/entitlement", paramID, e.ID, "direct", "no"), e.Holders.Inherited()},
		},
	}
	if within := v.e.cfg.Within; within != nil && within.Entitlement != nil {
		also := within.Entitlement(e.ID)
		p.Also = &also
	}
	for _, b := range []struct {
		text, tone string
		shown      bool
	}{{e.Purpose, "plain", e.Purpose != ""}, {"immutable", "plain", e.Immutable}, {"not in the archive", "warn", e.Missing}} {
		if b.shown {
			p.Badges = append(p.Badges, cell{Text: b.text, Badge: b.tone})
		}
	}
	p.Facts = append(p.Facts, fact{"Of", []cell{p.Of}}, fact{"ID", texts(e.ID)})
	for _, f := range []fact{{"Slug", texts(e.Slug)}, {"Description", texts(e.Description)}, {"Grantable to", texts(e.GrantableTo...)}} {
		if len(f.Values) > 0 {
			p.Facts = append(p.Facts, f)
		}
	}
	return v.render("entitlement", p)
}
