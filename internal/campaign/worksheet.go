package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// The parts of a worksheet. The columns before decisionColumn are the item, which is
// locked; the last one is hidden and has the decision as it was exported.
const (
	itemsSheet = "Review"
	aboutSheet = "About"

	worksheetRows = 1_048_575 // without the header
	worksheetCell = 32_767    // UTF-16 code units
	// worksheetSize bounds what a worksheet may unpack to.
	worksheetSize = 512 << 20
	// maxCellProblems is how many cells an error names.
	maxCellProblems = 20
)

// fixedColumns are the locked ones, with their widths in characters.
func fixedColumns() []worksheetColumn {
	return []worksheetColumn{
		{"Item", 7, func(r *Row) string { return strconv.Itoa(r.Item.ID) }},
		{"Account", 24, func(r *Row) string { return r.Account.Name }},
		{"Email", 30, func(r *Row) string { return r.Account.Email }},
		{"Status", 10, func(r *Row) string { return strings.TrimSuffix(r.Account.Status+", "+r.Account.Details, ", ") }},
		{"Department", 16, func(r *Row) string { return r.Account.Department }},
		{"Job title", 18, func(r *Row) string { return r.Account.Title }},
		{"Resource", 24, func(r *Row) string { return r.Resource.Name }},
		{"Entitlement", 14, func(r *Row) string { return r.Entitlement }},
		{"Via", 32, func(r *Row) string { return strings.Join(r.Via, "; ") }},
		{"Last login (UTC)", 18, func(r *Row) string { return dateText(r.Account.LastLogin) }},
		{"Peers who have it", 12, func(r *Row) string {
			if r.Peers == nil {
				return ""
			}
			return fmt.Sprintf("%d of %d", r.Peers.Have, r.Peers.All)
		}},
		{"Findings", 24, func(r *Row) string { return strings.Join(r.Findings, "; ") }},
		{"Previous decision", 24, func(r *Row) string { return r.previousText() }},
	}
}

type worksheetColumn struct {
	title string
	width float64
	text  func(*Row) string
}

// cell is what the worksheet has for a row.
func (c worksheetColumn) cell(r *Row) string {
	return strings.TrimSpace(printable.Clip(printable.Clean(c.text(r)), worksheetCell/2))
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// answer is what a reviewer fills in.
type answer struct {
	Decision Decision `json:"decision"`
	Comment  string   `json:"comment"`
	Until    string   `json:"until"`
}

func answerOf(r *Row) answer { return answer{r.Decision, r.Comment, r.Until} }

// WorksheetNames are file names for the worksheets of reviewers, the same as long as the
// reviewers are: "ana.xlsx" for ana@example.com.
func WorksheetNames(reviewers []string) map[string]string {
	short := func(name string) string {
		local, _, _ := strings.Cut(name, "@")
		return fileName(local)
	}
	uses := map[string]int{}
	for _, r := range reviewers {
		uses[short(r)]++
	}
	names, taken := map[string]string{}, map[string]bool{}
	for _, r := range reviewers {
		base := short(r)
		if uses[base] > 1 {
			base = fileName(strings.ReplaceAll(r, "@", "-at-"))
		}
		name := base
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		taken[name] = true
		names[r] = name + ".xlsx"
	}
	return names
}

// fileName is a text in letters, digits, dots and dashes.
func fileName(text string) string {
	mapped := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, search.Fold(text))
	if mapped = strings.Trim(mapped, "-."); mapped == "" {
		return "reviewer"
	}
	return mapped
}

// WriteWorksheet writes the worksheet of a reviewer with the rows, which are the
// reviewer's.
func (f *File) WriteWorksheet(w io.Writer, reviewer string, rows []Row, now time.Time) (err error) {
	if len(rows) > worksheetRows {
		return fault.Invalid("reviewer %s has %d items, and a worksheet holds %d: narrow the scope of the review", reviewer, len(rows), worksheetRows)
	}
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	if err := f.fillWorksheet(book, rows); err != nil {
		return fmt.Errorf("make worksheet: %w", err)
	}
	if err := f.describeWorksheet(book, reviewer, len(rows), now); err != nil {
		return fmt.Errorf("make worksheet: %w", err)
	}
	if err := book.Write(w); err != nil {
		return fmt.Errorf("write worksheet: %w", err)
	}
	return nil
}

func (f *File) fillWorksheet(book *excelize.File, rows []Row) error {
	if err := book.SetSheetName(book.GetSheetName(0), itemsSheet); err != nil {
		return err
	}
	header, err := book.NewStyle(&excelize.Style{
		Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7ECF3"}},
		Protection: &excelize.Protection{Locked: true},
	})
	if err != nil {
		return err
	}
	open, err := book.NewStyle(&excelize.Style{
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"FFF8E1"}}, NumFmt: 49, // text
		Protection: &excelize.Protection{Locked: false},
	})
	if err != nil {
		return err
	}
	stream, err := book.NewStreamWriter(itemsSheet)
	if err != nil {
		return err
	}
	fixed := fixedColumns()
	titles := make([]any, 0, len(fixed)+4)
	for i, c := range fixed {
		titles = append(titles, excelize.Cell{StyleID: header, Value: c.title})
		if err := stream.SetColWidth(i+1, i+1, c.width); err != nil {
			return err
		}
	}
	for i, c := range []worksheetColumn{{title: "Decision", width: 12}, {title: "Comment", width: 40}, {title: "Exception until (YYYY-MM-DD)", width: 20}, {title: "Exported", width: 2}} {
		titles = append(titles, excelize.Cell{StyleID: header, Value: c.title})
		if err := stream.SetColWidth(len(fixed)+i+1, len(fixed)+i+1, c.width); err != nil {
			return err
		}
	}
	if err := stream.SetPanes(&excelize.Panes{Freeze: true, XSplit: 2, YSplit: 1, TopLeftCell: "C2", ActivePane: "bottomRight"}); err != nil {
		return err
	}
	if err := stream.SetRow("A1", titles); err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		cells := make([]any, 0, len(titles))
		cells = append(cells, r.Item.ID)
		for _, c := range fixed[1:] {
			cells = append(cells, c.cell(r))
		}
		a := answerOf(r)
		exported, err := json.Marshal(a)
		if err != nil {
			return err
		}
		for _, text := range []string{string(a.Decision), printable.Clean(a.Comment), a.Until} {
			cells = append(cells, excelize.Cell{StyleID: open, Value: text})
		}
		if err := stream.SetRow("A"+strconv.Itoa(i+2), append(cells, string(exported))); err != nil {
			return err
		}
	}
	if err := stream.Flush(); err != nil {
		return err
	}
	return validateWorksheet(book, len(rows))
}

// validateWorksheet restricts what can be filled in, and locks the rest.
func validateWorksheet(book *excelize.File, rows int) error {
	decision, until, exported := columnName(0), columnName(2), columnName(3)
	list := excelize.NewDataValidation(true)
	list.Sqref = fmt.Sprintf("%s2:%s%d", decision, decision, rows+1)
	if err := list.SetDropList(Decisions()); err != nil {
		return err
	}
	list.SetError(excelize.DataValidationErrorStyleStop, "Unknown decision", "Choose keep, revoke or exception.")
	list.SetInput("Decision", "keep, revoke or exception. An exception needs a comment and an end date.")
	day := excelize.NewDataValidation(true)
	day.Sqref = fmt.Sprintf("%s2:%s%d", until, until, rows+1)
	day.SetInput("End of the exception", "The last day, as YYYY-MM-DD. Only for exceptions.")
	if err := errors.Join(book.AddDataValidation(itemsSheet, list), book.AddDataValidation(itemsSheet, day)); err != nil {
		return err
	}
	if err := book.SetColVisible(itemsSheet, exported, false); err != nil {
		return err
	}
	if err := book.AutoFilter(itemsSheet, fmt.Sprintf("A1:%s%d", until, rows+1), nil); err != nil {
		return err
	}
	return book.ProtectSheet(itemsSheet, &excelize.SheetProtectionOptions{
		AutoFilter: true, FormatColumns: true, FormatRows: true, SelectLockedCells: true, SelectUnlockedCells: true,
	})
}

// columnName is the letter of a column that is filled in, from 0.
func columnName(i int) string {
	name, _ := excelize.ColumnNumberToName(len(fixedColumns()) + 1 + i) // The numbers are good ones.
	return name
}

// describeWorksheet says what the worksheet is, and how it is filled in.
func (f *File) describeWorksheet(book *excelize.File, reviewer string, rows int, now time.Time) error {
	if _, err := book.NewSheet(aboutSheet); err != nil {
		return err
	}
	h := f.header
	lines := [][2]string{
		{"Review ID", h.ID},
		{"Reviewer", reviewer},
		{"Review", h.Title},
		{"Items", strconv.Itoa(rows)},
		{"Organization", strings.TrimSpace(h.Source.OrganizationName + " " + h.Source.OrganizationID)},
		{"Archive", h.Source.Archive},
		{"Archive SHA-256", h.Source.SHA256},
		{"Sync", h.Source.SyncID + ", " + dateText(h.Source.Started) + " UTC"},
		{"Exported", now.UTC().Format(time.DateTime) + " UTC"},
		{"Made by", version.Program + " " + version.Read().String()},
		{"", ""},
		{"How to fill it in", "For each row of the sheet Review, choose keep, revoke or exception. An exception needs a comment and its last day. Rows without a decision stay undecided."},
		{"When done", "Save the file and send it back. Other cells are locked: a file in which they differ is refused."},
	}
	for i, line := range lines {
		if err := book.SetSheetRow(aboutSheet, "A"+strconv.Itoa(i+1), &[]any{line[0], printable.Clean(line[1])}); err != nil {
			return err
		}
	}
	at := now.UTC().Format(time.RFC3339)
	return errors.Join(
		book.SetColWidth(aboutSheet, "A", "A", 20), book.SetColWidth(aboutSheet, "B", "B", 90),
		book.ProtectSheet(aboutSheet, &excelize.SheetProtectionOptions{SelectLockedCells: true, SelectUnlockedCells: true}),
		book.SetDocProps(&excelize.DocProperties{
			Title: h.Title + ": " + reviewer, Creator: version.Program, LastModifiedBy: version.Program, Created: at, Modified: at, Language: "en-US",
		}),
	)
}

// Imported is what the import of a worksheet did.
type Imported struct {
	Reviewer string `json:"reviewer"`
	// Rows is how many rows the worksheet has, Decided how many decisions it changed, and
	// Undecided how many of its rows are left without one.
	Rows      int `json:"rows"`
	Decided   int `json:"decided"`
	Undecided int `json:"undecided"`
}

// ImportWorksheet takes the decisions of a worksheet over, all or none. by replaces the
// reviewer as who decided; empty means the reviewer.
func (f *File) ImportWorksheet(ctx context.Context, path, by string) (Imported, error) {
	book, err := excelize.OpenFile(path, excelize.Options{RawCellValue: true, UnzipSizeLimit: worksheetSize, UnzipXMLSizeLimit: 16 << 20})
	if err != nil {
		return Imported{}, fault.WithHints(fmt.Errorf("%s is not a worksheet: %w", path, err), "name a file that review export made")
	}
	defer book.Close()
	if err := f.Refresh(ctx); err != nil {
		return Imported{}, err
	}
	done, choices, err := f.readWorksheet(book, path)
	if err != nil {
		return done, err
	}
	if by == "" {
		by = done.Reviewer
	}
	done.Decided, err = f.Decide(ctx, Actor{by, "worksheet " + filepath.Base(path)}, choices)
	return done, err
}

// readWorksheet reads and checks a worksheet.
func (f *File) readWorksheet(book *excelize.File, path string) (Imported, []Choice, error) {
	id, _ := book.GetCellValue(aboutSheet, "B1")
	reviewer, _ := book.GetCellValue(aboutSheet, "B2")
	rows, err := book.GetRows(itemsSheet)
	switch {
	case err != nil || id == "" || len(rows) == 0:
		return Imported{}, nil, fault.WithHints(fault.Invalid("%s is not a worksheet of a review", path), "name a file that review export made")
	case id != f.header.ID:
		return Imported{}, nil, fault.WithHints(fault.Invalid("%s is of another review (%s), not of %s (%s): cell %s!B1", path, id, f.path, f.header.ID, aboutSheet), "import it into the review that it was exported from")
	}
	sheet := worksheetReader{f: f, own: map[int]*Row{}, seen: map[int]int{}}
	all := f.Rows()
	for i := range all {
		if printable.Clean(all[i].Reviewer) == reviewer {
			sheet.own[all[i].Item.ID] = &all[i]
		}
	}
	if len(sheet.own) == 0 {
		return Imported{}, nil, fault.Invalid("%s is of reviewer %q, who has no items in this review: cell %s!B2", path, reviewer, aboutSheet)
	}
	sheet.header(rows[0])
	for i, row := range rows[1:] {
		sheet.row(i+2, row)
	}
	for _, item := range slices.Sorted(maps.Keys(sheet.own)) {
		if sheet.seen[item] == 0 {
			sheet.problem("item %d is missing", item)
		}
	}
	if n := len(sheet.problems); n > 0 {
		shown := sheet.problems[:min(n, maxCellProblems)]
		if n > len(shown) {
			shown = append(shown, fmt.Sprintf("and %d more", n-len(shown)))
		}
		return Imported{}, nil, fault.WithHints(
			fault.Invalid("%s is not imported:\n  %s", path, strings.Join(shown, "\n  ")),
			"correct these cells, or export the worksheet again",
		)
	}
	return Imported{Reviewer: reviewer, Rows: len(sheet.seen), Undecided: sheet.undecided}, sheet.choices, nil
}

// worksheetReader checks the rows of a worksheet.
type worksheetReader struct {
	f         *File
	own       map[int]*Row // of the reviewer, by item
	seen      map[int]int  // line by item
	choices   []Choice
	undecided int
	problems  []string
}

func (w *worksheetReader) problem(format string, args ...any) {
	w.problems = append(w.problems, printable.Visible(fmt.Sprintf(format, args...)))
}

func (w *worksheetReader) header(row []string) {
	for i, c := range fixedColumns() {
		if got := at(row, i); got != c.title {
			w.problem("cell %s: header is %q, not %q", cellName(i, 1), got, c.title)
		}
	}
}

// row reads a row in a line of the sheet, from 1.
func (w *worksheetReader) row(line int, row []string) {
	fixed := fixedColumns()
	if strings.Join(row, "") == "" {
		return
	}
	item, err := strconv.Atoi(at(row, 0))
	r := w.own[item]
	switch {
	case err != nil || item < 1 || item > len(w.f.items):
		w.problem("cell %s: %q is not an item of the review", cellName(0, line), at(row, 0))
		return
	case r == nil:
		w.problem("cell %s: item %d is of reviewer %s", cellName(0, line), item, w.f.items[item-1].Reviewer)
		return
	case w.seen[item] > 0:
		w.problem("cell %s: item %d is in line %d already", cellName(0, line), item, w.seen[item])
		return
	}
	w.seen[item] = line
	for i, c := range fixed[1:] {
		if got, want := strings.TrimSpace(at(row, i+1)), c.cell(r); got != want {
			w.problem("cell %s: %s of item %d was changed from %q to %q", cellName(i+1, line), strings.ToLower(c.title), item, want, got)
		}
	}
	w.answer(line, row, r)
}

// answer reads what was filled in.
func (w *worksheetReader) answer(line int, row []string, r *Row) {
	n := len(fixedColumns())
	given := answer{
		Decision: Decision(strings.ToLower(strings.TrimSpace(at(row, n)))),
		Comment:  strings.TrimSpace(at(row, n+1)), Until: dayText(strings.TrimSpace(at(row, n+2))),
	}
	var exported answer
	if json.Unmarshal([]byte(at(row, n+3)), &exported) != nil {
		w.problem("cell %s: the decision as it was exported is missing", cellName(n+3, line))
		return
	}
	if given.Decision == Undecided {
		w.undecided++
		if given.Comment != "" && given.Comment != printable.Clean(exported.Comment) {
			w.problem("cell %s: a comment without a decision", cellName(n+1, line))
			return
		}
	}
	if shown := (answer{exported.Decision, strings.TrimSpace(printable.Clean(exported.Comment)), exported.Until}); given == shown {
		return // The reviewer left it as it was.
	}
	if now := answerOf(r); now != exported && now != given {
		w.problem("cell %s: item %d was decided (%s by %s) after the export", cellName(n, line), r.Item.ID, now.Decision, r.By)
		return
	}
	choice := Choice{r.Item.ID, given.Decision, given.Comment, given.Until}
	if given.Decision == Undecided {
		choice.Comment, choice.Until = "", ""
	} else if err := choice.Check(w.f.now()); err != nil {
		column := n
		switch _, known := ParseDecision(string(given.Decision)); {
		case known != nil:
		case given.Until != "" || given.Decision == Exception && given.Comment != "":
			column = n + 2
		default:
			column = n + 1
		}
		w.problem("cell %s: %v", cellName(column, line), err)
		return
	}
	w.choices = append(w.choices, choice)
}

// dayText is a day as it was typed, or as a program that knows dates stored it.
func dayText(text string) string {
	if serial, err := strconv.ParseFloat(text, 64); err == nil && serial > 1 {
		if day, err := excelize.ExcelDateToTime(serial, false); err == nil {
			return day.Format(dateForm)
		}
	}
	return text
}

// at is a cell of a row, which ends with its last one that is not empty.
func at(row []string, i int) string {
	if i < len(row) {
		return row[i]
	}
	return ""
}

// cellName names a cell by its column, from 0, and its line.
func cellName(column, line int) string {
	name, err := excelize.CoordinatesToCellName(column+1, line)
	if err != nil {
		return fmt.Sprintf("%d:%d", line, column+1)
	}
	return name
}
