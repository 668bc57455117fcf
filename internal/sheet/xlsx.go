package sheet

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// What a workbook can hold.
const (
	xlsxRows  = 1_048_576 // of a sheet, its header included
	xlsxCell  = 32_767    // UTF-16 code units of a cell
	xlsxTitle = 31        // UTF-16 code units of a sheet's name
)

// writeXLSX writes a sheet for each table, and further ones for rows that do not
// fit into it.
func writeXLSX(w io.Writer, d Document) (err error) {
	book := &workbook{file: excelize.NewFile(excelize.Options{TmpDir: d.TempDir}), names: make(map[string]bool)}
	defer func() { err = errors.Join(err, book.file.Close()) }()
	if err := book.makeStyles(); err != nil {
		return err
	}
	for _, t := range d.Tables {
		if err := book.add(t); err != nil {
			return err
		}
	}
	if d.About != nil {
		if err := book.addAbout(d); err != nil {
			return err
		}
	}
	if err := book.file.Write(w); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

type workbook struct {
	file         *excelize.File
	names        map[string]bool // of sheets, in lower case
	header, date int             // styles
}

func (b *workbook) makeStyles() (err error) {
	if b.header, err = b.file.NewStyle(&excelize.Style{
		Font: &excelize.Font{Bold: true},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7ECF3"}},
	}); err != nil {
		return fmt.Errorf("make workbook: %w", err)
	}
	format := "yyyy-mm-dd hh:mm:ss"
	if b.date, err = b.file.NewStyle(&excelize.Style{CustomNumFmt: &format}); err != nil {
		return fmt.Errorf("make workbook: %w", err)
	}
	return nil
}

// add writes a table into as many sheets as it takes.
func (b *workbook) add(t Table) error {
	s, err := b.newSheet(t)
	if err != nil {
		return err
	}
	for row, err := range t.Rows {
		if err != nil {
			return err
		}
		if s.rows == xlsxRows {
			if err := s.Flush(); err != nil {
				return fmt.Errorf("write sheet: %w", err)
			}
			if s, err = b.newSheet(t); err != nil {
				return err
			}
		}
		cells := make([]any, len(row))
		for i, cell := range row {
			cells[i] = b.cell(t.Columns[i], cell)
		}
		if err := s.write(cells); err != nil {
			return err
		}
	}
	if err := s.Flush(); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	return nil
}

// cell is what excelize takes for a cell. A string becomes a cell of type string,
// which no program computes, whatever it begins with.
func (b *workbook) cell(c Column, cell any) any {
	switch v := cell.(type) {
	case time.Time:
		// Serial dates begin in 1900.
		if v.IsZero() || v.Year() < 1900 {
			return nil
		}
		return excelize.Cell{StyleID: b.date, Value: v.UTC().Truncate(time.Second)}
	case string, []string, [][]string:
		if s := cutUTF16(printable.Clean(c.text(v)), xlsxCell); s != "" {
			return s
		}
		return nil
	}
	return cell
}

// xlsxSheet is a sheet that is being written.
type xlsxSheet struct {
	*excelize.StreamWriter
	rows int
}

// newSheet begins a sheet with the header of a table.
func (b *workbook) newSheet(t Table) (*xlsxSheet, error) {
	name := b.name(t)
	var err error
	if len(b.names) == 1 {
		err = b.file.SetSheetName(b.file.GetSheetName(0), name)
	} else {
		_, err = b.file.NewSheet(name)
	}
	if err != nil {
		return nil, fmt.Errorf("make sheet: %w", err)
	}
	stream, err := b.file.NewStreamWriter(name)
	if err != nil {
		return nil, fmt.Errorf("make sheet: %w", err)
	}
	s := &xlsxSheet{StreamWriter: stream}
	header := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		title := c.Title
		if c.Kind == Time {
			title += " (UTC)"
		}
		header[i] = excelize.Cell{StyleID: b.header, Value: title}
		if err := s.SetColWidth(i+1, i+1, c.xlsxWidth()); err != nil {
			return nil, fmt.Errorf("make sheet: %w", err)
		}
	}
	// The header stays while the rows are scrolled.
	if err := s.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, fmt.Errorf("make sheet: %w", err)
	}
	return s, s.write(header)
}

// xlsxWidth is the width of a column in characters.
func (c Column) xlsxWidth() float64 {
	switch c.Kind {
	case Int, Bool:
		return 12
	case Time:
		return 20
	default:
		return 32
	}
}

func (s *xlsxSheet) write(cells []any) error {
	s.rows++
	if err := s.SetRow(fmt.Sprintf("A%d", s.rows), cells); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	return nil
}

// name is a name for a sheet of a table that no other sheet has.
func (b *workbook) name(t Table) string {
	title := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) {
			return -1
		}
		return r
	}, printable.Clean(t.Title))
	if title == "" {
		title = "Sheet"
	}
	name := cutUTF16(title, xlsxTitle)
	for n := 2; b.names[strings.ToLower(name)]; n++ {
		number := fmt.Sprintf(" (%d)", n)
		name = cutUTF16(title, xlsxTitle-len(number)) + number
	}
	b.names[strings.ToLower(name)] = true
	return name
}

// cutUTF16 shortens a text to a number of UTF-16 code units, with an ellipsis where
// something is missing.
func cutUTF16(s string, most int) string {
	if len(s) <= most {
		return s
	}
	taken, last := 0, 0
	for i, r := range s {
		taken += utf16.RuneLen(r)
		if taken > most {
			return s[:last] + "…"
		}
		if taken < most {
			last = i + utf8.RuneLen(r)
		}
	}
	return s
}
