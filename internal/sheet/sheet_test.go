package sheet_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/thedatashed/xlsxreader"
	"github.com/xuri/excelize/v2"

	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// hostile are texts that somebody might have for a name.
var hostile = map[string]string{
	"formula":           `=HYPERLINK("http://evil.example","x")`,
	"plus":              "+1",
	"minus":             "-1+2",
	"at":                "@SUM(A1)",
	"tab":               "\t=1",
	"return":            "\r=1",
	"line":              "\n=1",
	"full width":        "＝1+1",
	"apostrophe":        "'=1",
	"quote":             `a "quoted", text`,
	"escape sequence":   "\x1b[31mred\x1b]0;title\x07",
	"C1":                "\u009b31m",
	"right to left":     "abc\u202egpj.exe\u2066x\u2069",
	"null":              "a\x00b",
	"noncharacter":      "a\ufffeb\uffffc",
	"markup":            `<script>alert(1)</script><img src=x onerror=alert(1)>`,
	"not UTF-8":         "a\xffb",
	"excel escape":      "_x0041_ and _x000D_",
	"long":              strings.Repeat("x", 40_000),
	"long in pairs":     strings.Repeat("😀", 20_000),
	"accents":           "z" + strings.Repeat("\u0301", 10_000),
	"spaces":            "  both ends  ",
	"lines":             "one\ntwo\r\nthree",
	"line separators":   "one\u2028two\u2029three",
	"emoji with ZWJ":    "👩\u200d🚀",
	"empty":             "",
	"arabic":            "محمد علي",
	"ideographic space": "山田\u3000太郎",
}

func oneCell(s string) sheet.Document {
	return sheet.Document{Tables: []sheet.Table{{
		Key: "t", Title: "Names", Columns: []sheet.Column{{Key: "name", Title: "Name"}},
		Rows: sheet.Rows([]string{s}, func(s string) []any { return []any{s} }),
	}}}
}

func written(t *testing.T, f sheet.Format, d sheet.Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := sheet.Write(&b, f, d); err != nil {
		t.Fatalf("write %s: %v", f, err)
	}
	return b.String()
}

// commands finds a character that a terminal might obey.
func commands(s string) int {
	return strings.IndexFunc(s, func(r rune) bool {
		return r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069)
	})
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("table", func(t *testing.T) {
				t.Parallel()
				got := written(t, sheet.FormatTable, oneCell(text))
				if i := commands(got); i >= 0 || !utf8.ValidString(got) {
					t.Errorf("control character at %d of %q", i, got)
				}
				if n := strings.Count(got, "\n"); n > 5 {
					t.Errorf("%d lines", n)
				}
				if len(got) > 1000 {
					t.Errorf("%d bytes", len(got))
				}
			})
			t.Run("json", func(t *testing.T) {
				t.Parallel()
				got := written(t, sheet.FormatJSON, oneCell(text))
				if i := commands(got); i >= 0 {
					t.Errorf("control character at %d", i)
				}
				var rows []map[string]string
				if err := json.Unmarshal([]byte(got), &rows); err != nil {
					t.Fatal(err)
				}
				if want := strings.ToValidUTF8(text, "\ufffd"); rows[0]["name"] != want {
					t.Errorf("got %.60q, want %.60q", rows[0]["name"], want)
				}
			})
			t.Run("csv", func(t *testing.T) { t.Parallel(); checkCSV(t, text) })
			t.Run("xlsx", func(t *testing.T) { t.Parallel(); checkXLSX(t, text) })
			t.Run("html", func(t *testing.T) {
				t.Parallel()
				got := written(t, sheet.FormatHTML, oneCell(text))
				if commands(got) >= 0 || strings.Contains(got, "<script") || strings.Contains(got, "<img") {
					t.Errorf("got %.3000q", got)
				}
			})
		})
	}
}

func checkCSV(t *testing.T, text string) {
	t.Helper()
	got := written(t, sheet.FormatCSV, oneCell(text))
	rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if text == "" {
		return // A line with nothing in it, which readers leave out.
	}
	cell := rows[1][0]
	if first, _ := utf8.DecodeRuneInString(cell); strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		t.Errorf("begins with %q", first)
	}
	if got := strings.TrimPrefix(cell, "'"); got != replaced(text) && got != strings.TrimPrefix(replaced(text), "'") {
		t.Errorf("got %.100q, want %.100q", cell, replaced(text))
	}
	if text == "+1" && cell != "'+1" {
		t.Errorf("got %q", cell)
	}
}

// replaced is what exports make of a hostile text: no character is lost without a sign.
func replaced(text string) string {
	for name, want := range map[string]string{
		"tab": " =1", "return": " =1", "line": " =1", "escape sequence": "\ufffd[31mred\ufffd]0;title\ufffd", "C1": "\ufffd31m",
		"right to left": "abc\ufffdgpj.exe\ufffdx\ufffd", "null": "a\ufffdb", "noncharacter": "a\ufffdb\ufffdc", "not UTF-8": "a\ufffdb",
		"lines": "one two three", "line separators": "one two three",
	} {
		if text == hostile[name] {
			return want
		}
	}
	return text
}

func checkXLSX(t *testing.T, text string) {
	t.Helper()
	book, err := excelize.OpenReader(strings.NewReader(written(t, sheet.FormatXLSX, oneCell(text))))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if formula, err := book.GetCellFormula("Names", "A2"); err != nil || formula != "" {
		t.Errorf("formula %q, %v", formula, err)
	}
	cell, err := book.GetCellValue("Names", "A2")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(utf16.Encode([]rune(cell))); n > 32_767 {
		t.Errorf("%d characters", n)
	}
	kind, err := book.GetCellType("Names", "A2")
	if err != nil {
		t.Fatal(err)
	}
	if text != "" && kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
		t.Errorf("cell of type %v", kind)
	}
	switch text {
	case hostile["long"], hostile["long in pairs"]:
		if !strings.HasSuffix(cell, "…") || len(cell) < 30_000 {
			t.Errorf("%d bytes, end %q", len(cell), cell[len(cell)-6:])
		}
	default:
		if cell != replaced(text) {
			t.Errorf("got %.100q, want %.100q", cell, replaced(text))
		}
	}
}

var people = sheet.Table{
	Key: "people", Title: "People", About: "Who is there?",
	Columns: []sheet.Column{
		{Key: "name", Title: "Name"},
		{Key: "grants", Title: "Grants", Kind: sheet.Int},
		{Key: "mfa", Title: "MFA", Kind: sheet.Bool},
		{Key: "created", Title: "Created", Kind: sheet.Time},
		{Key: "paths", Title: "Through", Kind: sheet.List},
	},
}

func somePeople(part *sheet.Part) sheet.Table {
	t := people
	t.Part = part
	rows := [][]any{
		{"Ana Ruiz", 1234, true, time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), []string{"direct", "through Sales"}},
		{"=Bo", int64(0), nil, time.Time{}, nil},
	}
	t.Rows = sheet.Rows(rows, func(row []any) []any { return row })
	return t
}

func nobody() sheet.Table {
	t := people
	t.Key, t.Title, t.None = "nobody", "Nobody", "Nobody is there."
	t.Rows = sheet.Rows([]int(nil), func(int) []any { return nil })
	return t
}

func TestFormats(t *testing.T) {
	t.Parallel()
	part := &sheet.Part{Offset: 2, Total: 4, All: 1500}
	for _, tt := range []struct {
		name   string
		format sheet.Format
		doc    sheet.Document
		want   string
	}{
		{"table", sheet.FormatTable, sheet.Document{Lead: []string{"Two tables."}, Tables: []sheet.Table{somePeople(part), nobody()}}, `Two tables.

People
Who is there?

NAME       GRANTS   MFA   CREATED               THROUGH
Ana Ruiz    1,234   yes   2026-01-02 02:04:05   direct; through Sales
=Bo             0

Rows 3 to 4 of 4 that match, 1,500 in all.

Nobody
Who is there?

Nobody is there.
`},
		{"json", sheet.FormatJSON, sheet.Document{Tables: []sheet.Table{somePeople(nil)}}, `[
{"name":"Ana Ruiz","grants":1234,"mfa":true,"created":"2026-01-02T02:04:05Z","paths":["direct","through Sales"]},
{"name":"=Bo","grants":0,"mfa":null,"created":null,"paths":null}
]
`},
		{"json of a part", sheet.FormatJSON, sheet.Document{Tables: []sheet.Table{somePeople(part)}}, `{"total":4,"all":1500,"offset":2,"rows":[
{"name":"Ana Ruiz","grants":1234,"mfa":true,"created":"2026-01-02T02:04:05Z","paths":["direct","through Sales"]},
{"name":"=Bo","grants":0,"mfa":null,"created":null,"paths":null}
]}
`},
		{"json of many", sheet.FormatJSON, sheet.Document{Many: true, Tables: []sheet.Table{nobody()}}, `{
"nobody": []
}
`},
		{"csv", sheet.FormatCSV, sheet.Document{Tables: []sheet.Table{somePeople(nil)}}, `name,grants,mfa,created,paths
Ana Ruiz,1234,true,2026-01-02T02:04:05Z,direct; through Sales
'=Bo,0,,,
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, written(t, tt.format, tt.doc)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	again := somePeople(nil)
	again.Title = "PEOPLE/"
	book, err := excelize.OpenReader(strings.NewReader(written(t, sheet.FormatXLSX,
		sheet.Document{Tables: []sheet.Table{somePeople(nil), again, nobody()}})))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if diff := cmp.Diff([]string{"People", "PEOPLE (2)", "Nobody"}, book.GetSheetList()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string][][]string{
		"People": {{"Name", "Grants", "MFA", "Created (UTC)", "Through"}, {"Ana Ruiz", "1234", "TRUE", "2026-01-02 02:04:05", "direct; through Sales"}, {"=Bo", "0"}},
		"Nobody": {{"Name", "Grants", "MFA", "Created (UTC)", "Through"}},
	} {
		got, err := book.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestManyRowsKeepAligned(t *testing.T) {
	t.Parallel()
	rows := make([]int, 3000)
	d := sheet.Document{Tables: []sheet.Table{{
		Columns: []sheet.Column{{Key: "n", Title: "N", Kind: sheet.Int}, {Key: "name", Title: "Name"}},
		Rows:    sheet.Rows(rows, func(int) []any { return []any{7, "x"} }),
	}}}
	lines := strings.Split(strings.TrimSpace(written(t, sheet.FormatTable, d)), "\n")
	if len(lines) != 3001 || lines[0] != "N   NAME" || lines[1] != "7   x" || lines[3000] != lines[1] {
		t.Errorf("%d lines, %q ... %q", len(lines), lines[:2], lines[len(lines)-1])
	}
}

func TestRowErrorEndsEveryFormat(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, f := range []sheet.Format{sheet.FormatTable, sheet.FormatJSON, sheet.FormatCSV, sheet.FormatXLSX, sheet.FormatHTML} {
		table := people
		table.Rows = func(yield func([]any, error) bool) { yield(nil, broken) }
		if err := sheet.Write(new(bytes.Buffer), f, sheet.Document{Tables: []sheet.Table{table}}); !errors.Is(err, broken) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if err := sheet.Write(new(bytes.Buffer), sheet.FormatCSV, sheet.Document{}); !errors.Is(err, sheet.ErrOneTable) {
		t.Error(err)
	}
	if err := sheet.Write(new(bytes.Buffer), "pdf", sheet.Document{}); err == nil {
		t.Error("an unknown format was written")
	}
}

func TestDetailsAreForPrograms(t *testing.T) {
	t.Parallel()
	table := sheet.Table{
		Title: "T",
		Columns: []sheet.Column{
			{Key: "name", Title: "Name"},
			{Key: "paths", Title: "Paths", Kind: sheet.Lists, Detail: true},
		},
		Rows: sheet.Rows([]int{0}, func(int) []any { return []any{"a", [][]string{{}, {"x", "y"}, {"z"}}} }),
	}
	for f, want := range map[sheet.Format]string{
		sheet.FormatTable: "T\n\nNAME\na\n",
		sheet.FormatCSV:   "name,paths\na,; x > y; z\n",
		sheet.FormatJSON:  "[\n{\"name\":\"a\",\"paths\":[[],[\"x\",\"y\"],[\"z\"]]}\n]\n",
	} {
		if diff := cmp.Diff(want, written(t, f, sheet.Document{Tables: []sheet.Table{table}})); diff != "" {
			t.Errorf("%s: %s", f, diff)
		}
	}
	picked, err := table.Pick([]string{"paths"})
	if err != nil {
		t.Fatal(err)
	}
	if got := written(t, sheet.FormatTable, sheet.Document{Tables: []sheet.Table{picked}}); !strings.Contains(got, "x > y") {
		t.Errorf("a detail that is asked for is missing: %q", got)
	}
}

func TestPartsInWords(t *testing.T) {
	t.Parallel()
	for want, part := range map[string]sheet.Part{
		"Rows 3 to 4 of 4.": {Offset: 2, Total: 4, All: 4},
		"Rows 1 to 2 of 1,000 that match, 5,000 in all.": {Total: 1000, All: 5000},
		"2 in all.":     {Total: 2, All: 2},
		"2 of 9 match.": {Total: 2, All: 9},
	} {
		if got := written(t, sheet.FormatTable, sheet.Document{Tables: []sheet.Table{somePeople(&part)}}); !strings.HasSuffix(got, "\n"+want+"\n") {
			t.Errorf("got %q, want %q at its end", got, want)
		}
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	table, err := somePeople(nil).Pick([]string{"grants", "name"})
	if err != nil {
		t.Fatal(err)
	}
	want := "grants,name\n1234,Ana Ruiz\n0,'=Bo\n"
	if diff := cmp.Diff(want, written(t, sheet.FormatCSV, sheet.Document{Tables: []sheet.Table{table}})); diff != "" {
		t.Error(diff)
	}
	if _, err := somePeople(nil).Pick([]string{"age"}); err == nil || err.Error() != `unknown column "age"; there are name, grants, mfa, created, paths` {
		t.Error(err)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"日本語", 6, "日本語"},
		{"日本語x", 6, "日本…"},
		{"éé", 2, "éé"},
		{"", 0, ""},
	} {
		if got := sheet.Cut(tt.in, tt.width); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	got := written(t, sheet.FormatHTML, sheet.Document{Title: "Review", Lead: []string{"Of today."}, Tables: []sheet.Table{somePeople(nil), nobody()}})
	for _, want := range []string{
		"<title>Review</title>", `<p class="quiet">Of today.</p>`, `<li><a href="#table-2">Nobody</a></li>`,
		`<td class="number">1,234</td>`, "<p>Nobody is there.</p>", "prefers-color-scheme: dark", "default-src &#39;none&#39;",
	} {
		if !strings.Contains(got, want) && !strings.Contains(got, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("%q is missing", want)
		}
	}
	if open, closed := strings.Count(got, "<table>"), strings.Count(got, "</table>"); open != 1 || closed != 1 {
		t.Errorf("%d tables begin, %d end", open, closed)
	}
	for _, outside := range []string{"http://", "https://", "src=", "url(", "@import"} {
		if strings.Contains(got, outside) {
			t.Errorf("it reaches outside: %s", outside)
		}
	}
}

// A workbook says what it is, also to a library that did not write it.
func TestAboutIsReadByAnotherLibrary(t *testing.T) {
	t.Parallel()
	d := sheet.Document{
		Tables: []sheet.Table{{Key: "people", Title: "People", Columns: []sheet.Column{{Key: "name", Title: "Name"}}, Rows: sheet.Rows([]string{"Ada", "=1+1"}, func(s string) []any { return []any{s} })}},
		About: &sheet.About{
			Title: "People of Borealis", Tool: "baton-jumpcloud dev", Created: time.Date(2026, 11, 30, 9, 0, 0, 0, time.FixedZone("", 3600)),
			Facts: []sheet.Fact{{Key: "archive", Label: "Archive", Value: "sync.c1z"}, {Key: "search", Label: "Search"}},
		},
	}
	var book bytes.Buffer
	if err := sheet.Write(&book, sheet.FormatXLSX, d); err != nil {
		t.Fatal(err)
	}
	read, err := xlsxreader.NewReader(book.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, name := range []string{"People", "About"} {
		for row := range read.ReadRows(name) {
			if row.Error != nil {
				t.Fatal(row.Error)
			}
			var cells []string
			for _, c := range row.Cells {
				cells = append(cells, c.Value)
			}
			rows[name] += strings.Join(cells, "=") + "\n"
		}
	}
	want := map[string]string{
		"People": "Name\nAda\n=1+1\n",
		"About":  "About=Value\nTitle=People of Borealis\nArchive=sync.c1z\nRows=2\nExported=2026-11-30T09:00:00+01:00\nMade by=baton-jumpcloud dev\n",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	file, err := excelize.OpenReader(&book)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if props, err := file.GetDocProps(); err != nil || props.Creator != "baton-jumpcloud dev" || props.Title != "People of Borealis" || props.Created != "2026-11-30T08:00:00Z" {
		t.Errorf("properties %+v, error %v", props, err)
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{
		"salesforce-holders-borealis-2026-11-30": {"Salesforce", "holders", "Borealis", "2026-11-30"},
		"a-b-accounts":                           {"../A&B", "accounts", ""},
	} {
		if got := sheet.FileName(words...); got != want {
			t.Errorf("FileName(%q) = %q, want %q", words, got, want)
		}
	}
}
