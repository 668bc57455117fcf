package campaign_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/thedatashed/xlsxreader"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/campaign"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/review/reviewtest"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

// rea decides in tests.
var rea = campaign.Actor{By: "rea", From: "test"} //nolint:gochecknoglobals // a value of tests

// selected are the items of the company of reviewtest in some scopes.
func selected(t *testing.T, sel campaign.Selection) (*campaign.Selected, error) {
	t.Helper()
	if sel.Reviewer == "" {
		sel.Reviewer = "rea"
	}
	sel.Now = time.Now()
	return campaign.Select(t.Context(), tables.Of(reviewtest.Company(t).Load()), sel)
}

// newReview makes a review of all access.
func newReview(t *testing.T) *campaign.File {
	t.Helper()
	found, err := selected(t, campaign.Selection{Scopes: []string{campaign.ScopeAll}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "q4.review")
	if err := campaign.Create(t.Context(), path, campaign.Header{ID: "r1", Title: "Q4", CreatedAt: time.Now(), CreatedBy: "rea"}, found.Items); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func open(t *testing.T, path string) *campaign.File {
	t.Helper()
	f, err := campaign.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// lines writes rows in short.
func lines(rows []campaign.Row) string {
	var b strings.Builder
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(&b, "%d %s: %s %s via %s, by %s\n", r.Item.ID, r.Account.Name, r.Resource.Name, r.Entitlement, strings.Join(r.Via, " and "), r.Reviewer)
	}
	return b.String()
}

func TestSelect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		sel  campaign.Selection
		want string // rows, or part of the error
	}{
		{"all", campaign.Selection{Scopes: []string{"all"}}, `1 Ada: Administrator member via direct, by rea
2 Ada: Mail access via group Staff, by rea
3 Ada: Staff member via direct, by rea
4 Bo: Mail access via direct and group Staff, by rea
5 Bo: Staff member via direct, by rea
`},
		{"privileged", campaign.Selection{Scopes: []string{"privileged"}}, "1 Ada: Administrator member via direct, by rea\n"},
		{"department", campaign.Selection{Scopes: []string{"department:sales"}}, "1 Bo: Mail access via direct and group Staff, by rea\n2 Bo: Staff member via direct, by rea\n"},
		{"manager", campaign.Selection{Scopes: []string{"role:r1"}, By: campaign.ByManager}, "1 Ada: Administrator member via direct, by boss@example.com\n"},
		{"owner", campaign.Selection{Scopes: []string{"app:a1"}, By: campaign.ByOwner, Owners: map[string]string{"app:a1": "olu"}}, "1 Ada: Mail access via group Staff, by olu\n2 Bo: Mail access via direct and group Staff, by olu\n"},
		{"filter", campaign.Selection{Scopes: []string{"all"}, Query: search.Query{Filter: map[string]string{"direct": "no"}}}, "1 Ada: Mail access via group Staff, by rea\n"},
		{"group", campaign.Selection{Scopes: []string{"app:Mail"}, Query: search.Query{Filter: map[string]string{"principal_kind": "group"}}}, "1 Staff: Mail access via direct, by rea\n"},
		{"union", campaign.Selection{Scopes: []string{"role:r1", "group:Staff"}, Query: search.Query{Search: "ada"}}, "1 Ada: Administrator member via direct, by rea\n2 Ada: Staff member via direct, by rea\n"},
		{"unknown scope", campaign.Selection{Scopes: []string{"apps"}}, `unknown scope "apps"`},
		{"nobody", campaign.Selection{Scopes: []string{"group:g2"}}, "selects no access"},
		{"no department", campaign.Selection{Scopes: []string{"department:Lost"}}, `no account is of department "lost"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found, err := selected(t, tt.sel)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error is %q, want %q", err, tt.want)
				}
				return
			}
			rows := make([]campaign.Row, len(found.Items))
			for i := range rows {
				rows[i].Item = found.Items[i]
			}
			if diff := cmp.Diff(tt.want, lines(rows)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is the same and was kept is left out of a delta review; all else is not.
func TestDelta(t *testing.T) {
	t.Parallel()
	f := newReview(t)
	soon := time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	choices := []campaign.Choice{{Item: 2, Decision: campaign.Keep}, {Item: 3, Decision: campaign.Revoke}, {Item: 1, Decision: campaign.Exception, Until: soon, Comment: "on call"}, {Item: 4, Decision: campaign.Keep}}
	if _, err := f.Decide(t.Context(), rea, choices); err != nil {
		t.Fatal(err)
	}
	delta := func(now time.Time) string {
		found, err := campaign.Select(t.Context(), tables.Of(reviewtest.Later(t).Load()), campaign.Selection{
			Scopes: []string{"all"}, Reviewer: "rea", Earlier: campaign.Earlier(f.Rows()), Delta: true, Now: now,
		})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, i := range found.Items {
			fmt.Fprintf(&b, "%s %s %v\n", i.Account.Name, i.Resource.Name, i.Previous != nil)
		}
		return b.String()
	}
	// Bo has Mail through the group only, and Eve is new; item 5 was not decided.
	want := "Ada Staff true\nBo Mail true\nBo Staff false\nEve Mail false\n"
	if diff := cmp.Diff(want, delta(time.Now())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("Ada Administrator true\nAda Staff true\nBo Mail true\nBo Staff false\nEve Mail false\n", delta(time.Now().AddDate(0, 0, 9))); diff != "" {
		t.Errorf("after the exception ended: %s", diff)
	}
}

// Decisions of two open files of one review are both kept, and read again.
func TestDecisionsOfTwoProcesses(t *testing.T) {
	t.Parallel()
	f := newReview(t)
	other := open(t, f.Path())
	var wg sync.WaitGroup
	for i, file := range []*campaign.File{f, other} {
		wg.Go(func() {
			for n := range 20 {
				comment := fmt.Sprintf("round %d", n)
				if _, err := file.Decide(t.Context(), rea, []campaign.Choice{{Item: i + 1, Decision: campaign.Keep, Comment: comment}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rows := open(t, f.Path()).Rows()
	for i := range 2 {
		if rows[i].Comment != "round 19" {
			t.Errorf("item %d has the comment %q", i+1, rows[i].Comment)
		}
	}
	if v, err := campaign.VerifyFile(t.Context(), f.Path()); err != nil || len(v.Problems) > 0 || v.Events != 41 {
		t.Errorf("verified: %+v, %v", v, err)
	}
}

func TestRefusedChoices(t *testing.T) {
	t.Parallel()
	f := newReview(t)
	for _, tt := range []struct {
		choice campaign.Choice
		want   string
	}{
		{campaign.Choice{Item: 0, Decision: campaign.Keep}, "item 0 does not exist"},
		{campaign.Choice{Item: 6, Decision: campaign.Keep}, "item 6 does not exist: the review has items 1 to 5"},
		{campaign.Choice{Item: 1, Decision: "maybe"}, `unknown decision "maybe"`},
		{campaign.Choice{Item: 1, Decision: campaign.Keep, Until: "2099-01-01"}, "only an exception has an end date"},
		{campaign.Choice{Item: 1, Decision: campaign.Exception, Comment: "x"}, "exception without an end date"},
		{campaign.Choice{Item: 1, Decision: campaign.Exception, Comment: "x", Until: "tomorrow"}, `end date "tomorrow" of the exception is invalid`},
		{campaign.Choice{Item: 1, Decision: campaign.Exception, Comment: " ", Until: "2099-01-01"}, "exception without a comment"},
		{campaign.Choice{Item: 1, Decision: campaign.Keep, Comment: strings.Repeat("x", campaign.MaxComment+1)}, "comment has 2001 characters"},
	} {
		// All or none: the first of them is a good one.
		n, err := f.Decide(t.Context(), rea, []campaign.Choice{{Item: 2, Decision: campaign.Keep}, tt.choice})
		if err == nil || !strings.Contains(err.Error(), tt.want) || n != 0 {
			t.Errorf("%+v: %d decisions, error %v, want %q", tt.choice, n, err, tt.want)
		}
	}
	if c := campaign.Count(f.Rows()); c.Undecided != 5 {
		t.Errorf("%d items are undecided, want all 5", c.Undecided)
	}
}

// Every edit of a review shows.
func TestPlantedEdits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, statement, want string }{
		{"decision", `UPDATE log SET event = replace(event, '"keep"', '"revoke"') WHERE seq = 2`, "event 2 of the log (decided by rea) was changed"},
		{"name", `UPDATE log SET event = replace(event, '"rea"', '"eve"') WHERE seq = 3`, "event 3 of the log"},
		{"field that is not read", `UPDATE log SET event = replace(event, '{"seq"', '{"note":"x","seq"') WHERE seq = 3`, "event 3 of the log"},
		{"event taken out", "DELETE FROM log WHERE seq = 2", "event 2 of the log is missing"},
		{"last event taken out", "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)", "its log ends with event 3"},
		{"log taken out", "DELETE FROM log", "its log ends with event 0"},
		{"events swapped", "UPDATE log SET seq = CASE seq WHEN 2 THEN 3 ELSE 2 END WHERE seq IN (2, 3)", "UNIQUE"},
		{"item", `UPDATE items SET item = replace(item, 'Mail', 'Male') WHERE id = 2`, "its items were changed"},
		{"item taken out", "DELETE FROM items WHERE id = 5", "its items were changed"},
		{"header", `UPDATE review SET value = replace(value, 'Q4', 'Q3') WHERE key = 'header'`, "its header was changed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newReview(t)
			for item := 1; item <= 3; item++ {
				if _, err := f.Decide(t.Context(), rea, []campaign.Choice{{Item: item, Decision: campaign.Keep}}); err != nil {
					t.Fatal(err)
				}
			}
			db, err := sql.Open("sqlite", f.Path())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), tt.statement); err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Fatal(err)
				}
				return // The database itself refuses it.
			}
			v, err := campaign.VerifyFile(t.Context(), f.Path())
			if err != nil || len(v.Problems) != 1 || !strings.Contains(v.Problems[0], tt.want) {
				t.Errorf("problems %q, error %v, want %q", v.Problems, err, tt.want)
			}
			if _, err := campaign.Open(t.Context(), f.Path()); !errors.As(err, new(*campaign.TamperedError)) {
				t.Errorf("opening it: %v", err)
			}
		})
	}
}

// What is no review is told from one that is damaged, and nothing is written beside it.
func TestOpenOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "text": "a,b\n", "short": "SQLite format 3\x00"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := campaign.Open(t.Context(), path); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := campaign.Open(t.Context(), filepath.Join(dir, "none")); fault.Code(err) != codes.NotFound {
		t.Errorf("no file: %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("%d files, error %v", len(files), err)
	}
}

// A library that did not write a worksheet reads it.
func TestWorksheetIsReadByAnotherLibrary(t *testing.T) {
	t.Parallel()
	f := newReview(t)
	rows := f.Rows()
	var b bytes.Buffer
	if err := f.WriteWorksheet(&b, "rea", rows, time.Now()); err != nil {
		t.Fatal(err)
	}
	book, err := xlsxreader.NewReader(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Review", "About"}, book.Sheets); diff != "" {
		t.Error(diff)
	}
	var got []string
	for row := range book.ReadRows("Review") {
		if row.Error != nil {
			t.Fatal(row.Error)
		}
		cells := map[string]string{}
		for _, c := range row.Cells {
			cells[c.Column] = c.Value
		}
		got = append(got, strings.Join([]string{cells["A"], cells["B"], cells["G"], cells["I"], cells["N"]}, "|"))
	}
	want := []string{"Item|Account|Resource|Via|Decision", "1|Ada|Administrator|direct|", "2|Ada|Mail|group Staff|", "3|Ada|Staff|direct|", "4|Bo|Mail|direct; group Staff|", "5|Bo|Staff|direct|"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWorksheetNames(t *testing.T) {
	t.Parallel()
	got := campaign.WorksheetNames([]string{"ana@example.com", "bo@a.example", "bo@b.example", "Ünal O'Neil", "../etc", ""})
	want := map[string]string{
		"ana@example.com": "ana.xlsx", "bo@a.example": "bo-at-a.example.xlsx", "bo@b.example": "bo-at-b.example.xlsx", "Ünal O'Neil": "unal-o-neil.xlsx", "../etc": "etc.xlsx", "": "reviewer.xlsx",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// scripted is JumpCloud in a test: it fails as it is told to, and counts.
type scripted struct {
	fails map[string]error // by entitlement, once
	sent  []string
}

func (s *scripted) Plan(_ context.Context, e campaign.Edge) (*campaign.Planned, error) {
	return &campaign.Planned{ID: "c", Effect: e.Account.Name + " loses " + e.Resource.Name, Send: func(context.Context) (bool, []string, error) {
		s.sent = append(s.sent, e.Account.Name+" "+e.EntitlementID)
		err := s.fails[e.EntitlementID]
		delete(s.fails, e.EntitlementID)
		return false, nil, err
	}}, nil
}

func (s *scripted) Rule(context.Context, string) string { return "" }

// Each revoke is made once, however often the work is begun and whatever failed.
func TestApplyIsResumed(t *testing.T) {
	t.Parallel()
	f := newReview(t)
	if _, err := f.Decide(t.Context(), rea, []campaign.Choice{{Item: 1, Decision: campaign.Revoke}, {Item: 4, Decision: campaign.Revoke}, {Item: 5, Decision: campaign.Revoke}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Freeze(t.Context(), "rea", campaign.Keep); err != nil {
		t.Fatal(err)
	}
	r := &scripted{fails: map[string]error{
		"role:r1:member": fault.WithCode(codes.Unavailable, "down"), "app:a1:access": fault.WithCode(codes.Unauthenticated, "key was revoked"),
	}}
	results := map[int]campaign.Result{}
	apply := func() error {
		return open(t, f.Path()).Apply(t.Context(), r, campaign.ApplyOptions{By: "rea", Leave: []string{"Staff"}, Each: func(a campaign.Applied) { results[a.Item] = a.Result }})
	}
	if err := apply(); fault.Code(err) != codes.Unauthenticated {
		t.Fatalf("error is %v, want that of the key", err)
	}
	for range 2 {
		if err := apply(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[int]campaign.Result{1: campaign.ResultRevoked, 4: campaign.ResultRevoked, 5: campaign.ResultRevoked}, results); diff != "" {
		t.Error(diff)
	}
	// Those that failed were sent again, and the group was left once for both items.
	want := []string{"Ada role:r1:member", "Bo app:a1:access", "Ada role:r1:member", "Bo app:a1:access", "Bo group:g1:member"}
	if diff := cmp.Diff(want, r.sent); diff != "" {
		t.Error(diff)
	}
}
