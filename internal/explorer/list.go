package explorer

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// rowsPerPage is how many rows of a list a page shows.
const rowsPerPage = 50

// listing is a list of things: how it is read, and what is shown of each thing.
type listing[T any] struct {
	// name is the list in addresses and file names, title its heading.
	name, title string
	// about and note go with exports, which people read without the page.
	about, note string
	// formats are those of the exports, the usual ones where it is nil.
	formats []sheet.Format
	// one and many are the noun for what is counted.
	one, many string
	columns   []column[T]
	filters   []filter
	read      func(search.Query) (search.Page[T], error)
	// none says what it means that the list is empty.
	none string
}

// column is one thing that is shown of every row.
type column[T any] struct {
	sheet.Column
	// sort is the key by which the list sorts by this column; empty where it cannot.
	sort string
	// value is what exports hold, of the column's kind.
	value func(T) any
	// cell is what pages show; nil shows the value.
	cell func(T) cell
	// export leaves the column to exports.
	export bool
}

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
	Pages                  pager
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
}

// query is what the address asks of a list.
func (l listing[T]) query(v *view) (search.Query, error) {
	page, err := v.page()
	if err != nil {
		return search.Query{}, err
	}
	q := search.Query{
		Search: v.params.Get(paramSearch), Offset: (page - 1) * rowsPerPage, Limit: rowsPerPage,
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

// asked reports whether an export is asked for, and of which format.
func asked(v *view) (sheet.Format, bool) {
	f := v.params.Get(paramFormat)
	return sheet.Format(f), f != ""
}

// serve answers with a page that is nothing but the list, or with an export.
func (l listing[T]) serve(v *view) error {
	if format, ok := asked(v); ok {
		return l.export(v, format)
	}
	list, err := l.page(v)
	if err != nil {
		return err
	}
	v.title = l.title
	return v.render("list", list)
}

// page reads what is asked for.
func (l listing[T]) page(v *view) (*listPage, error) {
	q, err := l.query(v)
	if err != nil {
		return nil, err
	}
	rows, err := l.read(q)
	if err != nil {
		return nil, err
	}
	p := &listPage{
		ID: l.name, Title: l.title, Count: l.count(rows.Total, rows.All), None: l.none,
		Search: q.Search, Action: v.r.URL.Path, Pages: pages(v, q, rows.Total, len(rows.Rows)),
	}
	if p.None == "" || rows.All > 0 {
		p.None = "Nothing matches."
	}
	if rows.Total > 0 && len(rows.Rows) == 0 {
		p.None = "The list ends before this page."
	}
	p.Heads = l.heads(v, q)
	for _, row := range rows.Rows {
		p.Rows = append(p.Rows, l.cells(row))
	}
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

func (l listing[T]) count(total, all int) string {
	noun := func(n int) string {
		if n == 1 {
			return "1 " + l.one
		}
		return number(n) + " " + l.many
	}
	if total == all {
		return noun(all)
	}
	return number(total) + " of " + noun(all)
}

func (l listing[T]) heads(v *view, q search.Query) []head {
	var heads []head
	for _, c := range l.columns {
		if c.export {
			continue
		}
		h := head{Title: c.Title}
		if c.Kind == sheet.Int {
			h.Class = "num"
		}
		if c.sort != "" {
			// Numbers and times are of interest from their larger end.
			next := c.sort
			if c.Kind == sheet.Int || c.Kind == sheet.Time {
				next = "-" + c.sort
			}
			h.Order = "none"
			switch {
			case q.Sort == c.sort && q.Desc:
				h.Order, next = "descending", c.sort
			case q.Sort == c.sort:
				h.Order, next = "ascending", "-"+c.sort
			}
			h.URL = v.with(paramSort, next, paramPage, "")
		}
		heads = append(heads, h)
	}
	return heads
}

func (l listing[T]) cells(row T) []cell {
	cells := make([]cell, 0, len(l.columns))
	for _, c := range l.columns {
		switch {
		case c.export:
		case c.cell != nil:
			cells = append(cells, c.cell(row))
		default:
			cells = append(cells, plainCell(c.value(row)))
		}
	}
	return cells
}

// fillFilters says what restricts the list and how it can be restricted.
func (l listing[T]) fillFilters(v *view, p *listPage) {
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
	for key, values := range v.params {
		if !inForm[key] && values[0] != "" {
			p.Keep = append(p.Keep, field{key, values[0]})
		}
	}
	sortFields(p.Keep)
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
	last := (total-1)/rowsPerPage + 1
	here := q.Offset/rowsPerPage + 1
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
	return p
}

// exportChunk is how many rows of an export are read at a time.
const exportChunk = 20_000

// export answers with all rows that match, in the order of the page.
func (l listing[T]) export(v *view, format sheet.Format) error {
	q, err := l.query(v)
	if err != nil {
		return err
	}
	q.Offset, q.Limit = 0, exportChunk
	first, err := l.read(q)
	if err != nil {
		return err
	}
	t := sheet.Table{Key: l.name, Title: l.title, About: l.about, Note: l.note, None: l.none}
	for _, c := range l.columns {
		t.Columns = append(t.Columns, c.Column)
	}
	t.Rows = func(yield func([]any, error) bool) {
		for page := first; ; {
			for _, row := range page.Rows {
				values := make([]any, len(l.columns))
				for i, c := range l.columns {
					values[i] = c.value(row)
				}
				if !yield(values, nil) {
					return
				}
			}
			if len(page.Rows) < exportChunk {
				return
			}
			if err := v.r.Context().Err(); err != nil {
				yield(nil, err)
				return
			}
			q.Offset += exportChunk
			var err error
			if page, err = l.read(q); err != nil {
				yield(nil, err)
				return
			}
		}
	}
	return v.download(l.name, format, t)
}

// errFormat is an export that is not to be had.
var errFormat = errors.New("lists are exported as csv, xlsx, json and html")

func badFormat() error { return &problem{http.StatusBadRequest, errFormat} }

func number(n int) string { return humanize.Comma(int64(n)) }
