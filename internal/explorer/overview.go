package explorer

import (
	"cmp"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// chartRows is how many bars a chart has; what is left is one more.
const chartRows = 10

// overviewPage is the first page.
type overviewPage struct {
	Numbers []figure
	Facts   []fact
	Charts  []chart
}

// chart is a table of figures that a script draws.
type chart struct {
	ID, Title, Kind string
	// What the rows are, and what of each is counted.
	What, Of string
	Rows     []chartRow
	// About says what the rows are, for those who do not see the drawing.
	About string
}

type chartRow struct {
	Label, URL string
	Value      int
}

func overview(v *view) error {
	v.section = "/"
	v.title = "Overview"
	v.scripts = []string{"vendor/chart.js/chart.umd.min.js", "charts.js"}
	o := v.sync.Overview()
	p := &overviewPage{Facts: v.syncFacts(o)}
	for _, kind := range v.sync.Shown() {
		if path, title := kindSection(kind); o.Counts[kind] > 0 || kind != review.Other {
			p.Numbers = append(p.Numbers, figure{title, v.url(path), o.Counts[kind]})
		}
	}
	p.Numbers = append(p.Numbers, figure{"Entitlements", v.url("/entitlements"), o.Entitlements}, figure{"Grants", v.url("/grants"), o.Grants.All})
	for _, c := range []chart{
		v.stateChart(o),
		{ID: "held", Title: "Direct and inherited access", Kind: "doughnut", What: "Grants are", Of: "Grants", Rows: []chartRow{
			{"direct", v.url("/grants", "direct", "yes"), o.Grants.Direct},
			{"inherited", v.url("/grants", "direct", "no"), o.Grants.Inherited()},
		}},
		{ID: "mfa", Title: "Accounts by MFA", Kind: "doughnut", What: "MFA", Rows: v.facetRows("mfa", o.MFA, "unknown")},
		{ID: "type", Title: "Accounts by type", Kind: "doughnut", What: "Type", Rows: v.facetRows("account_type", o.AccountTypes, "not told")},
		{ID: "department", Title: "Accounts by department", Kind: "bar", What: "Department", Rows: v.facetRows("department", o.Departments, "none")},
		v.largest("groups", "Largest groups", "Group", o.LargestGroups),
		v.largest("applications", "Applications by users", "Application", o.LargestApplications),
		v.largest("roles", "Roles by holders", "Role", o.LargestRoles),
	} {
		// A chart of one value that says nothing is none.
		if len(c.Rows) == 0 || len(c.Rows) == 1 && c.Rows[0].URL == "" {
			continue
		}
		c.Of = cmp.Or(c.Of, "Accounts")
		c.About = c.Title + ". The table below has the same numbers."
		p.Charts = append(p.Charts, c)
	}
	return v.render("overview", p)
}

// syncFacts say which sync this is.
func (v *view) syncFacts(o *review.Overview) []fact {
	run := v.entry.Run
	took := "unfinished"
	if run.Finished() {
		took = o.Duration.Round(durationStep(o.Duration)).String()
	}
	list := []fact{
		{"Began", texts(moment(run.StartedAt) + " UTC")},
		{"Took", texts(took)},
		{"Kind", texts(cmp.Or(string(run.Type), "full"))},
	}
	if org := run.Organization; org.ID != "" {
		list = append(list, fact{"Organization", texts(cmp.Or(org.Name, org.ID), org.ID)})
		if org.Host != "" {
			list = append(list, fact{"Read from", texts(org.Host)})
		}
	}
	return append(list, fact{"Archive", texts(v.entry.Archive)}, fact{"Sync", texts(run.ID)})
}

// durationStep is how exactly a duration is told.
func durationStep(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return 10 * time.Millisecond
	}
	return time.Second
}

// stateChart counts accounts by state, in the product's own words where it has them.
func (v *view) stateChart(o *review.Overview) chart {
	c := chart{ID: "status", Title: "Accounts by status", Kind: "doughnut", What: "State"}
	for _, s := range o.Statuses {
		label := s.Status.String()
		address := v.url("/accounts", "status", s.Status.String())
		if s.Details != "" {
			label += ", " + s.Details
			address = v.url("/accounts", "status", s.Status.String(), "details", s.Details)
		}
		c.Rows = append(c.Rows, chartRow{short(label), address, s.Count})
	}
	return c
}

// facetRows are the most frequent values and the rest. A filter cannot ask for those
// that have no value.
func (v *view) facetRows(key string, facets []review.Facet, none string) []chartRow {
	var rows []chartRow
	rest, without := 0, 0
	for _, f := range facets {
		switch {
		case f.Value == "":
			without = f.Count
		case len(rows) < chartRows:
			rows = append(rows, chartRow{short(f.Value), v.url("/accounts", key, f.Value), f.Count})
		default:
			rest += f.Count
		}
	}
	if rest > 0 {
		rows = append(rows, chartRow{"all others", "", rest})
	}
	if without > 0 {
		rows = append(rows, chartRow{none, "", without})
	}
	return rows
}

// largest are the resources that most have.
func (v *view) largest(id, title, what string, list []review.ResourceRow) chart {
	c := chart{ID: id, Title: title, Kind: "bar", What: what, Of: "Holders"}
	for _, r := range list {
		if r.Members.All > 0 {
			c.Rows = append(c.Rows, chartRow{short(r.Name), v.resourceURL(r.Brief), r.Members.All})
		}
	}
	return c
}
