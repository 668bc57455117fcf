package tables_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// everyList makes all lists there are of the company, and of what changed of it.
func everyList(t *testing.T) []tables.List {
	t.Helper()
	older, newer := tables.Of(reviewtest.Company(t).Load()), tables.Of(reviewtest.Later(t).Load())
	changed, err := diff.Compare(t.Context(), older.Sync, newer.Sync)
	if err != nil {
		t.Fatal(err)
	}
	d := &tables.Diff{Diff: changed, Older: older, Newer: newer}
	lists := []tables.List{
		tables.Resources(newer, false), tables.Principals(newer, true), tables.Entitlements(newer), tables.Grants(newer),
		tables.Access(newer, reviewtest.Ref(t, newer.Sync, "user", "u1")), tables.Holders(newer, reviewtest.EntRef(t, newer.Sync, "app:a1:access")),
		tables.Types(newer), tables.Syncs([]c1z.SyncRun{{ID: "one", Stats: &c1z.Stats{}}}),
		tables.ChangedResources(d), tables.ChangedEntitlements(d), tables.ChangedAccess(d), tables.Changes(d, true, true, true), tables.ChangeCounts(d),
	}
	for _, kind := range review.Kinds() {
		lists = append(lists, tables.OfKind(newer, kind))
	}
	var reports []*findings.Report
	for _, info := range findings.Reports() {
		r, err := findings.Make(t.Context(), newer.Sync, info.Name, older.Sync)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
		lists = append(lists, tables.Report(r))
	}
	return append(lists, tables.ReportSummary(reports))
}

// TestListsAreWhole reads every list and writes it in every form. Whatever a page offers to
// sort by is a key that the list knows, programs find no column twice, and each cell is
// of its column's kind.
func TestListsAreWhole(t *testing.T) {
	t.Parallel()
	for _, l := range everyList(t) {
		if l.ID == "" || l.Title == "" || len(l.Command)+len(l.Page) == 0 {
			t.Errorf("%q is no whole list: %+v", l.ID, l)
		}
		if len(l.Page) > 0 && (l.One == "" || l.Many == "" || l.None == "") {
			t.Errorf("%s has a page and no words for what is counted or for none", l.ID)
		}
		for _, shown := range [][]tables.Shown{l.Command, l.Page} {
			keys := map[string]bool{}
			for _, c := range shown {
				if c.Key == "" || c.Title == "" || c.PageTitle == "" || keys[c.Key] {
					t.Errorf("%s has column %q twice, or without a title", l.ID, c.Key)
				}
				keys[c.Key] = true
				if c.SortKey == "" {
					continue
				}
				if _, err := l.Read(search.Query{Sort: c.SortKey, Desc: true}); err != nil {
					t.Errorf("%s by %s: %v", l.ID, c.ID, err)
				}
			}
		}
		command, _, err := l.CommandTable(t.Context(), search.Query{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		download, err := l.Download(t.Context(), search.Query{}, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []sheet.Table{command, download} {
			rows := 0
			for row, err := range table.Rows {
				if err != nil {
					t.Fatal(err)
				}
				rows++
				for i, cell := range row {
					if !isOf(table.Columns[i].Kind, cell) {
						t.Errorf("%s: %s is %T", l.ID, table.Columns[i].Key, cell)
					}
				}
			}
			page, err := l.Read(search.Query{})
			if err != nil || rows != page.Total || rows != len(page.Rows) {
				t.Errorf("%s: %d rows of %d, %v", l.ID, rows, page.Total, err)
			}
			for _, form := range []sheet.Format{sheet.FormatTable, sheet.FormatJSON, sheet.FormatCSV, sheet.FormatHTML, sheet.FormatXLSX} {
				if err := sheet.Write(io.Discard, form, sheet.Document{Tables: []sheet.Table{table}, TempDir: t.TempDir()}); err != nil {
					t.Errorf("%s as %s: %v", l.ID, form, err)
				}
			}
		}
	}
}

func isOf(kind sheet.Kind, cell any) bool {
	want := map[sheet.Kind][]string{
		sheet.Text: {"string"}, sheet.Int: {"int", "int64"}, sheet.Bool: {"bool"}, sheet.Time: {"time.Time"}, sheet.List: {"[]string"}, sheet.Lists: {"[][]string"},
	}
	return cell == nil || slices.Contains(want[kind], fmt.Sprintf("%T", cell))
}

// text is a list as a command writes it to programs.
func text(t *testing.T, l tables.List, q search.Query) string {
	t.Helper()
	table, _, err := l.CommandTable(t.Context(), q, 2)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := sheet.Write(&out, sheet.FormatCSV, sheet.Document{Tables: []sheet.Table{table}}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestChangesAreOneList reads three lists as one, page by page.
func TestChangesAreOneList(t *testing.T) {
	t.Parallel()
	older, newer := tables.Of(reviewtest.Company(t).Load()), tables.Of(reviewtest.Later(t).Load())
	changed, err := diff.Compare(t.Context(), older.Sync, newer.Sync)
	if err != nil {
		t.Fatal(err)
	}
	l := tables.Changes(&tables.Diff{Diff: changed, Older: older, Newer: newer}, true, true, true)
	all := text(t, l, search.Query{})
	head, _, _ := strings.Cut(all, "\n")
	pages := []string{head}
	for offset := range changed.Count() {
		_, row, _ := strings.Cut(text(t, l, search.Query{Offset: offset, Limit: 1}), "\n")
		pages = append(pages, strings.TrimSuffix(row, "\n"))
	}
	if d := cmp.Diff(all, strings.Join(pages, "\n")+"\n"); d != "" {
		t.Error(d)
	}
	for _, want := range []string{
		"changed,account,Ada,User,user,u1,,,,,,profile.department: Research → Sales,,\n",
		"changed,entitlement,Mail,Application,app,a1,access,app:a1:access,,,,Mail usage; name: Mail access → Mail usage,,\n",
		"changed,assignment,Mail,Application,app,a1,access,app:a1:access,Bo,user,u2,now via group Staff; was direct; was via group Staff,false,app:a1:access:user:u2\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

// TestListsByHand searches, sorts and cuts a list whose rows are all at hand.
func TestListsByHand(t *testing.T) {
	t.Parallel()
	l := tables.Types(tables.Of(reviewtest.Company(t).Load()))
	first := func(q search.Query) string {
		t.Helper()
		page, err := l.Read(q)
		if err != nil || page.All != 4 {
			t.Fatal(page.All, err)
		}
		var names []string
		for _, r := range page.Rows {
			name, _ := r.Cells[0].(string)
			names = append(names, name)
		}
		return strings.Join(names, ", ")
	}
	for want, q := range map[string]search.Query{
		"Application, Group, Role, User": {},
		"User, Group, Application, Role": {Sort: "resources", Desc: true},
		"Role":                           {Sort: "name", Offset: 2, Limit: 1},
		"Group":                          {Search: "GROUP"},
		"":                               {Offset: 9},
	} {
		if got := first(q); got != want {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
	_, err := l.Read(search.Query{Sort: "color"})
	if key, ok := errors.AsType[*search.KeyError](err); !ok || key.Use != "sort" || !slices.Contains(key.Known, "grants") {
		t.Errorf("error %v", err)
	}
}
