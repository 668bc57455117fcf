package explorer

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// listing is a list as a page shows it.
type listing struct {
	tables.List
	// formats are those of the downloads, the usual ones where it is nil.
	formats []sheet.Format
	filters []filter
	// looks say how a page shows columns that are more than text, by their ids.
	looks map[string]look
	// in is the view of the sync that a row is of; nil for that of the page.
	in func(*tables.Row) *view
	// subject names what the list is of, in the name of a download; empty for the whole sync.
	subject string
}

// look makes what a page shows of a row, in the view of the row's sync.
type look func(*view, *tables.Row) cell

// filter is a choice that restricts a list.
type filter struct {
	Key, Title string
	Options    []choice
	// hidden filters come from links and are shown as something to take away.
	hidden bool
	value  func(*view, string) string
}

// cell is one place of a table.
type cell struct {
	Text string
	URL  string
	// Sub is a second, smaller line.
	Sub string
	// Badge is the tone of a text that stands in a badge: good, warn, bad or plain.
	Badge string
	Class string
	Paths []pathView
	// Head names the column where there is no room for a head.
	Head string
}

// pathView is one way to something: links to what lies on it.
type pathView struct {
	Direct bool
	Steps  []cell
}

// head is the head of a column.
type head struct {
	Title, URL, Class string
	// Order is ascending, descending or none; empty where the column cannot be sorted.
	Order string
}

// listPage is a list as a template shows it.
type listPage struct {
	ID, Title, Count, None string
	Heads                  []head
	Rows                   [][]cell
	Filters                []filter
	Active                 []activeFilter
	Search                 string
	Action                 string
	Keep                   []field
	Clear                  string // address without search and filters; empty where there are none
	Exports                []export
	Chooser                chooser
	// Similar are names near to what was searched, where nothing was found.
	Similar []cell
	Pages   pager
}

// activeFilter is a filter that only links set, with the address without it.
type activeFilter struct{ Title, Value, Remove string }

// export is a format in which the list can be had.
type export struct{ Title, URL string }

// pager leads to the other pages of a list.
type pager struct {
	Text              string
	First, Prev, Next string
	Last              string
	// Here is the number of the page, and Count how many there are.
	Here, Count int
	// Sizes are how many rows a page can have; none where the shortest page has them all.
	Sizes []choice
	// Action takes another page or size, with the parameters of KeepPage and KeepSize.
	Action             string
	KeepPage, KeepSize []field
}

// query is what the address asks of a list.
func (l listing) query(v *view) (search.Query, error) {
	page, err := v.page()
	if err != nil {
		return search.Query{}, err
	}
	rows, err := v.rows()
	if err != nil {
		return search.Query{}, err
	}
	q := search.Query{
		Search: v.params.Get(paramSearch), Offset: (page - 1) * rows, Limit: rows,
		Filter: make(map[string]string),
	}
	q.Sort = v.params.Get(paramSort)
	if key, ok := strings.CutPrefix(q.Sort, "-"); ok {
		q.Sort, q.Desc = key, true
	}
	for _, f := range l.filters {
		if value := v.params.Get(f.Key); value != "" {
			q.Filter[f.Key] = value
		}
	}
	return q, nil
}

// exportFormat returns the requested export format; ok is false for a page.
func exportFormat(v *view) (format sheet.Format, ok bool) {
	f := v.params.Get(paramFormat)
	return sheet.Format(f), f != ""
}

// serve answers with a page that is nothing but the list, or with an export.
func (l listing) serve(v *view) error {
	if format, ok := exportFormat(v); ok {
		return l.export(v, format)
	}
	list, err := l.page(v)
	if err != nil {
		return err
	}
	v.title = l.Title
	return v.render("list", list)
}

// page reads what is asked for.
func (l listing) page(v *view) (*listPage, error) {
	q, err := l.query(v)
	if err != nil {
		return nil, err
	}
	rows, err := l.Read(q)
	if err != nil {
		return nil, err
	}
	p := &listPage{
		ID: l.ID, Title: l.Title, Count: l.count(rows.Total, rows.All), None: l.None,
		Search: q.Search, Action: v.e.prefix() + v.r.URL.Path, Pages: pages(v, q, rows.Total, len(rows.Rows)),
	}
	if p.None == "" || rows.All > 0 {
		p.None = "No matches."
	}
	if rows.Total == 0 && q.Search != "" {
		p.Similar = v.similar(q.Search)
	}
	if rows.Total > 0 && len(rows.Rows) == 0 {
		p.None = "This page is past the end of the list."
	}
	p.Heads = l.heads(v, q)
	for _, row := range rows.Rows {
		p.Rows = append(p.Rows, l.cells(v, &row))
	}
	p.Chooser = l.chooser(v, p.Action)
	l.fillFilters(v, p)
	formats := l.formats
	if formats == nil {
		formats = []sheet.Format{sheet.FormatCSV, sheet.FormatXLSX, sheet.FormatJSON}
	}
	for _, f := range formats {
		p.Exports = append(p.Exports, export{strings.ToUpper(string(f)), v.with(paramPage, "", paramFormat, string(f))})
	}
	return p, nil
}

func (l listing) count(total, all int) string {
	things := english.Plural(all, l.One, l.Many)
	if total == all {
		return things
	}
	return number(total) + " of " + things
}

func (l listing) heads(v *view, q search.Query) []head {
	var heads []head
	for _, c := range l.shown(v) {
		h := head{Title: c.PageTitle}
		if c.Kind == sheet.Int {
			h.Class = "num"
		}
		if c.SortKey != "" {
			// Numbers and times are of interest from their larger end.
			next := c.SortKey
			if c.Kind == sheet.Int || c.Kind == sheet.Time {
				next = "-" + c.SortKey
			}
			h.Order = "none"
			switch {
			case q.Sort == c.SortKey && q.Desc:
				h.Order, next = "descending", c.SortKey
			case q.Sort == c.SortKey:
				h.Order, next = "ascending", "-"+c.SortKey
			}
			h.URL = v.with(paramSort, next, paramPage, "")
		}
		heads = append(heads, h)
	}
	return heads
}

func (l listing) cells(v *view, row *tables.Row) []cell {
	columns := l.shown(v)
	if l.in != nil {
		v = l.in(row)
	}
	cells := make([]cell, 0, len(columns))
	for _, c := range columns {
		made := plainCell(c.Cell(row))
		if look := l.looks[c.ID]; look != nil {
			made = look(v, row)
		}
		made.Head = c.PageTitle
		cells = append(cells, made)
	}
	return cells
}

// fillFilters says what restricts the list and how it can be restricted.
func (l listing) fillFilters(v *view, p *listPage) {
	clearing := []string{paramSearch, "", paramPage, ""}
	restricted := p.Search != ""
	inForm := map[string]bool{paramSearch: true, paramPage: true, paramFormat: true}
	for _, f := range l.filters {
		value := v.params.Get(f.Key)
		if f.hidden {
			if value != "" {
				shown := value
				if f.value != nil {
					shown = f.value(v, value)
				}
				p.Active = append(p.Active, activeFilter{f.Title, short(shown), v.with(f.Key, "", paramPage, "")})
			}
		} else {
			options := []choice{{"", "Any", value == ""}}
			for _, o := range f.Options {
				o.Selected = o.Value == value
				options = append(options, o)
			}
			if value != "" && !containsChoice(f.Options, value) {
				options = append(options, choice{value, value, true})
			}
			f.Options = options
			p.Filters = append(p.Filters, f)
			inForm[f.Key] = true
		}
		if value != "" {
			restricted = true
		}
		clearing = append(clearing, f.Key, "")
	}
	p.Keep = v.others(slices.Collect(maps.Keys(inForm))...)
	if restricted {
		p.Clear = v.with(clearing...)
	}
}

func containsChoice(options []choice, value string) bool {
	for _, o := range options {
		if o.Value == value {
			return true
		}
	}
	return false
}

// pages makes the links to the other pages.
func pages(v *view, q search.Query, total, rows int) pager {
	var p pager
	if total == 0 {
		return p
	}
	last := (total-1)/q.Limit + 1
	here := q.Offset/q.Limit + 1
	to := func(n int) string {
		if n == 1 {
			return v.with(paramPage, "")
		}
		return v.with(paramPage, strconv.Itoa(n))
	}
	if rows > 0 {
		p.Text = fmt.Sprintf("%s to %s of %s", number(q.Offset+1), number(q.Offset+rows), number(total))
	}
	if here > 1 {
		p.First, p.Prev = to(1), to(min(here-1, last))
	}
	if here < last {
		p.Next, p.Last = to(here+1), to(last)
	}
	p.Here, p.Count, p.Action = here, last, v.e.prefix()+v.r.URL.Path
	p.KeepPage, p.KeepSize = v.others(paramPage, paramFormat), v.others(paramPage, paramRows, paramFormat)
	if sizes := rowChoices(); total > sizes[0] {
		for _, n := range sizes {
			p.Sizes = append(p.Sizes, choice{strconv.Itoa(n), number(n), n == q.Limit})
		}
	}
	return p
}

// exportChunk is how many rows of an export are read at a time.
const exportChunk = 20_000

// export answers with all rows that match, in the order of the page.
func (l listing) export(v *view, format sheet.Format) error {
	q, err := l.query(v)
	if err != nil {
		return err
	}
	q.Offset, q.Limit = 0, 0
	t, err := l.Download(v.r.Context(), q, exportChunk)
	if err != nil {
		return err
	}
	return v.download(l.subject, l.ID, q, format, t)
}

// errFormat is an export that is not to be had.
var errFormat = errors.New("lists are exported as csv, xlsx, json and html")

func badFormat() error { return &problem{http.StatusBadRequest, errFormat} }

func number(n int) string { return humanize.Comma(int64(n)) }
