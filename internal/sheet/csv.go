package sheet

import (
	"encoding/csv"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// writeCSV writes a table with the keys of its columns as the first row.
func writeCSV(w io.Writer, t Table) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.keys()); err != nil {
		return err
	}
	fields := make([]string, len(t.Columns))
	for row, err := range t.Rows {
		if err != nil {
			return err
		}
		for i, cell := range row {
			fields[i] = csvField(t.Columns[i], cell)
		}
		if err := out.Write(fields); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// csvField is a cell in a form that programs read: times as RFC 3339, truth as
// true and false.
func csvField(c Column, cell any) string {
	switch v := cell.(type) {
	case bool:
		if v {
			return "true"
		}
		return "false"
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case string, []string, [][]string:
		return defused(printable.Clean(c.text(v)))
	}
	return c.text(cell)
}

// defused puts an apostrophe before a text that a spreadsheet would compute: it
// begins with one of the characters that begin a formula, of which some programs
// take the full-width forms too, or with white space before one.
func defused(s string) string {
	begins := strings.TrimLeftFunc(s, unicode.IsSpace)
	first, _ := utf8.DecodeRuneInString(begins)
	if begins != "" && strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + s
	}
	return s
}
