package sheet

import (
	"bufio"
	_ "embed" // for the template of a page
	"html/template"
	"io"
	"iter"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

//go:embed page.html
var pageHTML string

// page is what the template is filled with.
type page struct {
	Title  string
	Lead   []string
	Tables []*htmlTable
	d      Document
}

// Facts are what is known of the document, once the tables are written.
func (p page) Facts() []Fact {
	if p.d.About == nil {
		return nil
	}
	return p.d.About.lines(p.d)
}

// htmlTable is a table as the template reads it.
type htmlTable struct {
	Table
	Number int
	failed *error
	rows   int // that were read
}

// Close ends the table, which began with the first row.
func (t *htmlTable) Close() template.HTML {
	if t.rows == 0 {
		return ""
	}
	return "</tbody>\n</table>\n</div>"
}

func writeHTML(w io.Writer, d Document) error {
	t, err := template.New("page").Funcs(template.FuncMap{"visible": printable.Visible}).Parse(pageHTML)
	if err != nil {
		return err
	}
	var failed error
	p := page{Title: d.Title, Lead: d.Lead, d: d}
	for i, t := range d.Tables {
		p.Tables = append(p.Tables, &htmlTable{Table: t.brief(), Number: i + 1, failed: &failed})
	}
	if p.Title == "" && len(d.Tables) > 0 {
		p.Title = d.Tables[0].Title
	}
	out := bufio.NewWriter(w)
	if err := t.Execute(&failing{out, &failed}, p); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return out.Flush()
}

// failing is a writer that ends when the rows did.
type failing struct {
	io.Writer
	failed *error
}

func (f *failing) Write(p []byte) (int, error) {
	if *f.failed != nil {
		return 0, *f.failed
	}
	return f.Writer.Write(p)
}

// Cells gives the rows as text with their places.
func (t *htmlTable) Cells() iter.Seq2[int, []htmlCell] {
	return func(yield func(int, []htmlCell) bool) {
		for row, err := range t.Rows {
			if err != nil {
				*t.failed = err
				return
			}
			cells := make([]htmlCell, len(row))
			for i, cell := range row {
				cells[i] = htmlCellOf(t.Columns[i], cell)
			}
			t.rows++
			if !yield(t.rows-1, cells) {
				return
			}
		}
	}
}

// Empty is what stands in place of no rows.
func (t *htmlTable) Empty() string { return t.none() }

type htmlCell struct {
	Text   string
	Number bool
}

func htmlCellOf(c Column, cell any) htmlCell {
	switch v := cell.(type) {
	case int:
		return htmlCell{humanize.Comma(int64(v)), true}
	case int64:
		return htmlCell{humanize.Comma(v), true}
	}
	return htmlCell{Text: printable.Visible(c.text(cell))}
}

// Numeric reports whether the cells are numbers, which stand on the right.
func (c Column) Numeric() bool { return c.Kind == Int }
