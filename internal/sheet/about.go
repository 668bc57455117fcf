package sheet

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// About says what a document is of, so that it can stand as evidence. XLSX has it as a
// sheet and in the properties of the file, HTML below the tables; [WriteAbout] writes it
// for a file beside CSV and JSON.
type About struct {
	// Title names the document, Tool the program that made it, and Created when.
	Title, Tool string
	Created     time.Time
	Facts       []Fact
}

// Fact is one thing that is known of a document.
type Fact struct {
	// Key names it to programs, Label to people. An empty value is left out.
	Key, Label, Value string
}

// counted counts the rows of the tables while they are written.
func counted(d Document) (Document, []int) {
	counts := make([]int, len(d.Tables))
	tables := make([]Table, len(d.Tables))
	for i, t := range d.Tables {
		t.Rows = countRows(t.Rows, &counts[i])
		tables[i] = t
	}
	d.Tables = tables
	return d, counts
}

func countRows(rows iter.Seq2[[]any, error], n *int) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			*n++
			if !yield(row, err) {
				return
			}
		}
	}
}

// lines are the facts with the number of rows that were written and the time.
func (a *About) lines(d Document) []Fact {
	list := []Fact{{"title", "Title", a.Title}}
	for _, f := range a.Facts {
		if f.Value != "" {
			list = append(list, f)
		}
	}
	for i, t := range d.Tables {
		label := "Rows"
		key := "rows"
		if len(d.Tables) > 1 {
			label, key = "Rows of "+t.Title, "rows_"+t.Key
		}
		text := strconv.Itoa(d.rows[i])
		if t.Part != nil {
			text += fmt.Sprintf(" from row %d on, of %d that match, %d in all", t.Part.Offset+1, t.Part.Total, t.Part.All)
		}
		list = append(list, Fact{key, label, text})
	}
	return append(list, Fact{"created_at", "Exported", a.Created.Format(time.RFC3339)}, Fact{"tool", "Made by", a.Tool})
}

// WriteAbout writes what a document is of as a JSON object. The document must have been
// written by [WriteCounted] before.
func (d Document) WriteAbout(w io.Writer) error {
	var b strings.Builder
	for i, f := range d.About.lines(d) {
		value, err := json.Marshal(printable.Clean(f.Value))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s\n  %q: %s", []string{"{", ","}[min(i, 1)], f.Key, value)
	}
	_, err := io.WriteString(w, b.String()+"\n}\n")
	return err
}

// addAbout adds the sheet and the properties of a workbook.
func (b *workbook) addAbout(d Document) error {
	a := d.About
	at := a.Created.UTC().Format(time.RFC3339)
	if err := b.file.SetDocProps(&excelize.DocProperties{
		Title: printable.Clean(a.Title), Creator: a.Tool, LastModifiedBy: a.Tool, Created: at, Modified: at, Language: "en-US",
	}); err != nil {
		return fmt.Errorf("describe workbook: %w", err)
	}
	facts := make([][]any, 0, len(a.Facts))
	for _, f := range a.lines(d) {
		facts = append(facts, []any{f.Label, f.Value})
	}
	return b.add(Table{
		Title: "About", Columns: []Column{{Key: "fact", Title: "About"}, {Key: "value", Title: "Value"}},
		Rows: Rows(facts, func(cells []any) []any { return cells }),
	})
}
