package sheet

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// Kind is what the cells of a column are.
type Kind uint8

// The kinds of column. A cell may be nil in each of them: nothing is known.
const (
	Text  Kind = iota // string
	Int               // int or int64
	Bool              // bool
	Time              // time.Time, shown in UTC; the zero time is nothing
	List              // []string
	Lists             // [][]string
)

// Column describes the cells of a column.
type Column struct {
	// Key names the column to programs: lower snake case, stable.
	Key string
	// Title names it to people.
	Title string
	Kind  Kind
	// Width is at how many columns of a terminal text tables cut a cell; 0 means
	// [DefaultWidth].
	Width int
	// Detail leaves the column out of text tables and HTML, where there is less room,
	// unless it is picked.
	Detail bool
}

// DefaultWidth is where text tables cut cells.
const DefaultWidth = 48

// Table is one table.
type Table struct {
	// Key names the table to programs, where there are several.
	Key string
	// Title names it to people; empty for none.
	Title string
	// About is a sentence on what the table answers, shown under its title.
	About string
	// Lead are lines shown to people above the rows.
	Lead []string
	// Note is shown to people below the rows.
	Note string
	// None is shown to people in place of no rows; empty means "None."
	None    string
	Columns []Column
	// Rows gives the rows, each with a cell for every column. It is read once.
	Rows iter.Seq2[[]any, error]
	// Part says which part of a longer list the rows are; nil means all of it.
	Part *Part
}

// Part is a page of a list.
type Part struct {
	// Offset is how many rows come before the first.
	Offset int
	// Total is how many rows match what was asked for, All how many there are.
	Total, All int
}

// Document is what is written at once.
type Document struct {
	// Title names it to people; only HTML shows it.
	Title string
	// Lead are lines shown to people before the tables.
	Lead   []string
	Tables []Table
	// Many writes a list of tables as such, even when there is one.
	Many bool
	// TempDir is where XLSX puts what does not fit into memory; empty means the
	// folder of the operating system.
	TempDir string
	// About says what the document is of; nil leaves that out.
	About *About

	rows []int // of the tables, as they were written
}

// Format is a form to write tables in.
type Format string

// The formats.
const (
	FormatTable Format = "table" // aligned text
	FormatJSON  Format = "json"
	FormatCSV   Format = "csv"  // RFC 4180 with plain line ends, one table
	FormatXLSX  Format = "xlsx" // a sheet for each table
	FormatHTML  Format = "html" // one file without scripts
)

// ErrOneTable means that the format holds one table and there are several.
var ErrOneTable = errors.New("csv holds one table")

// MediaType is the format's media type, for HTTP.
func (f Format) MediaType() string {
	switch f {
	case FormatJSON:
		return "application/json"
	case FormatCSV:
		return "text/csv; charset=utf-8"
	case FormatXLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case FormatHTML:
		return "text/html; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}

// WriteCounted is [Write]; the document that it returns knows how many rows were written.
func WriteCounted(w io.Writer, f Format, d Document) (Document, error) {
	d, d.rows = counted(d)
	return d, write(w, f, d)
}

// Write writes a document. JSON of one table is an array of objects, or where the
// table is a part of a list an object with "total", "all", "offset" and "rows"; of
// several tables it is an object of those by key. Errors of the rows are returned
// as they are, and w then holds the beginning of the document.
func Write(w io.Writer, f Format, d Document) error {
	_, err := WriteCounted(w, f, d)
	return err
}

func write(w io.Writer, f Format, d Document) error {
	switch f {
	case FormatTable:
		return writeText(w, d)
	case FormatJSON:
		return writeJSON(w, d)
	case FormatCSV:
		if len(d.Tables) != 1 {
			return ErrOneTable
		}
		return writeCSV(w, d.Tables[0])
	case FormatXLSX:
		return writeXLSX(w, d)
	case FormatHTML:
		return writeHTML(w, d)
	}
	return fmt.Errorf("unknown format %q", f)
}

// Rows makes the rows of a table from a slice.
func Rows[T any](items []T, cells func(T) []any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, item := range items {
			if !yield(cells(item), nil) {
				return
			}
		}
	}
}

// Pick keeps the columns with the given keys, in their order. An unknown key is an
// error that lists the known ones.
func (t Table) Pick(keys []string) (Table, error) {
	places := make([]int, 0, len(keys))
	columns := make([]Column, 0, len(keys))
	for _, key := range keys {
		found := false
		for i, c := range t.Columns {
			if c.Key == key {
				c.Detail = false
				places, columns, found = append(places, i), append(columns, c), true
			}
		}
		if !found {
			return t, fmt.Errorf("unknown column %q; there are %s", key, strings.Join(t.keys(), ", "))
		}
	}
	rows := t.Rows
	t.Columns = columns
	t.Rows = func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			picked := make([]any, len(places))
			for i, place := range places {
				picked[i] = row[place]
			}
			if !yield(picked, nil) {
				return
			}
		}
	}
	return t, nil
}

func (t Table) keys() []string {
	keys := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		keys[i] = c.Key
	}
	return keys
}

// brief is the table without details.
func (t Table) brief() Table {
	var keys []string
	for _, c := range t.Columns {
		if !c.Detail {
			keys = append(keys, c.Key)
		}
	}
	if len(keys) == len(t.Columns) {
		return t
	}
	// All keys are the table's own.
	t, _ = t.Pick(keys)
	return t
}

// none is what is shown in place of no rows.
func (t Table) none() string {
	if t.None == "" {
		return "None."
	}
	return t.None
}

// text is a cell as people read it, apart from what must be escaped.
func (c Column) text(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case string:
		return v
	case []string:
		return strings.Join(v, "; ")
	case [][]string:
		parts := make([]string, len(v))
		for i, part := range v {
			parts[i] = strings.Join(part, " > ")
		}
		return strings.Join(parts, "; ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format("2006-01-02 15:04:05")
	}
	return fmt.Sprint(cell)
}
