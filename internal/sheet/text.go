package sheet

import (
	"bufio"
	"cmp"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// textRows is how many rows are laid out together. Later ones can only make
// columns wider.
const textRows = 1000

func writeText(w io.Writer, d Document) error {
	out := bufio.NewWriter(w)
	for _, line := range d.Lead {
		out.WriteString(printable.Visible(line) + "\n")
	}
	for i, t := range d.Tables {
		t = t.brief()
		if i > 0 || len(d.Lead) > 0 {
			out.WriteByte('\n')
		}
		if err := writeTextTable(out, t); err != nil {
			return err
		}
	}
	return out.Flush()
}

func writeTextTable(out *bufio.Writer, t Table) error {
	if t.Title != "" {
		out.WriteString(printable.Visible(t.Title) + "\n")
		if t.About != "" {
			out.WriteString(printable.Visible(t.About) + "\n")
		}
		out.WriteByte('\n')
	}
	for _, line := range t.Lead {
		out.WriteString(printable.Visible(line) + "\n")
	}
	if len(t.Lead) > 0 {
		out.WriteByte('\n')
	}
	l := newLayout(out, t.Columns)
	for row, err := range t.Rows {
		if err != nil {
			return err
		}
		if err := l.add(row); err != nil {
			return err
		}
	}
	if err := l.flush(); err != nil {
		return err
	}
	if l.written == 0 {
		out.WriteString(printable.Visible(t.none()) + "\n")
	}
	if t.Part != nil && l.written > 0 {
		out.WriteString("\n" + t.Part.text(l.written) + "\n")
	}
	if t.Note != "" {
		out.WriteString("\n" + printable.Visible(t.Note) + "\n")
	}
	return nil
}

// text says in words which part of a list is shown.
func (p Part) text(rows int) string {
	count := func(n int) string { return humanize.Comma(int64(n)) }
	if p.Offset == 0 && rows == p.Total {
		if rows == p.All {
			return count(rows) + " in all."
		}
		return count(rows) + " of " + count(p.All) + " match."
	}
	s := "Rows " + count(p.Offset+1) + " to " + count(p.Offset+rows) + " of " + count(p.Total)
	if p.Total != p.All {
		s += " that match, " + count(p.All) + " in all"
	}
	return s + "."
}

// layout aligns columns, a number of rows at a time.
type layout struct {
	out     *bufio.Writer
	columns []Column
	widths  []int
	waiting []table.Row
	written int
	headed  bool
}

func newLayout(out *bufio.Writer, columns []Column) *layout {
	return &layout{out: out, columns: columns, widths: make([]int, len(columns))}
}

func (l *layout) add(cells []any) error {
	row := make(table.Row, len(cells))
	for i, cell := range cells {
		c := l.columns[i]
		s := c.text(cell)
		switch v := cell.(type) {
		case int:
			s = humanize.Comma(int64(v))
		case int64:
			s = humanize.Comma(v)
		default:
			s = Cut(printable.Visible(s), cmp.Or(c.Width, DefaultWidth))
		}
		l.widths[i] = max(l.widths[i], text.StringWidth(s))
		row[i] = s
	}
	l.waiting = append(l.waiting, row)
	l.written++
	if len(l.waiting) < textRows {
		return nil
	}
	return l.flush()
}

// flush writes the rows that wait, under the header before the first of all.
func (l *layout) flush() error {
	if len(l.waiting) == 0 {
		return nil
	}
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "   "
	t.SetStyle(style)
	header := make(table.Row, len(l.columns))
	configs := make([]table.ColumnConfig, len(l.columns))
	for i, c := range l.columns {
		header[i] = c.Title
		l.widths[i] = max(l.widths[i], text.StringWidth(c.Title))
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMin: l.widths[i]}
		if c.Kind == Int {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.SetColumnConfigs(configs)
	if !l.headed {
		t.AppendHeader(header)
		l.headed = true
	}
	t.AppendRows(l.waiting)
	l.waiting = l.waiting[:0]
	for line := range strings.Lines(t.Render()) {
		if _, err := l.out.WriteString(strings.TrimRight(line, " \n") + "\n"); err != nil {
			return err
		}
	}
	return nil
}
