package explorer_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
)

// names are the first cells of the rows of a page.
func names(text string) []string {
	var list []string
	for _, row := range regexp.MustCompile(`<tr role="row"><th scope="row" role="rowheader"><span class="clip">(?:<a [^>]*>)?<bdi>([^<]*)</bdi>`).FindAllStringSubmatch(text, -1) {
		list = append(list, row[1])
	}
	return list
}

func TestListsAreSearchedSortedAndRestricted(t *testing.T) {
	t.Parallel()
	e := explore(t, shelve(small(t)))
	tests := []struct {
		address, count string
		want           []string
	}{
		{"/accounts", "4 accounts", []string{"Ada Lovelace", "Bo Ångström", "Eve Exit", "Root Admin"}},
		{"/accounts?sort=-name", "4 accounts", []string{"Root Admin", "Eve Exit", "Bo Ångström", "Ada Lovelace"}},
		{"/accounts?q=ANGSTROM", "1 of 4 accounts", []string{"Bo Ångström"}},
		{"/accounts?status=disabled", "1 of 4 accounts", []string{"Eve Exit"}},
		{"/accounts?department=Engineering&sort=-email", "2 of 4 accounts", []string{"Bo Ångström", "Ada Lovelace"}},
		{"/accounts?q=zebra", "0 of 4 accounts", nil},
		{"/accounts?page=7", "4 accounts", nil},
		{"/groups?sort=-members", "2 groups", []string{"Engineers", "Nobody here"}},
		{"/groups?empty=yes", "1 of 2 groups", []string{"Nobody here"}},
		{"/applications", "2 applications", []string{"Git", "Payroll"}},
		{"/roles", "1 role", []string{"Administrator"}},
		{"/resources", "1 resource", []string{"Vault"}},
		{"/entitlements?kind=application", "2 of 6 entitlements", []string{"Git", "Payroll"}},
		{"/grants?direct=no", "1 of 7 grants", []string{"Ada Lovelace"}},
		{"/grants?q=payroll", "1 of 7 grants", []string{"Eve Exit"}},
		{"/grants?principal=user:bo&sort=principal", "2 of 7 grants", []string{"Bo Ångström", "Bo Ångström"}},
		{"/resource?type=app&id=git", "3 holders", []string{"Ada Lovelace", "Bo Ångström", "Engineers"}},
		{"/resource?type=app&id=git&direct=no", "1 of 3 holders", []string{"Ada Lovelace"}},
		{"/resource?type=user&id=bo", "2 entitlements", []string{"Engineers", "Git"}},
		{"/entitlement?id=group:eng", "2 holders", []string{"Ada Lovelace", "Bo Ångström"}},
		{"/reports/disabled-with-access", "1 row", []string{"Eve Exit"}},
		{"/reports/empty-groups", "1 row", []string{"Nobody here"}},
	}
	for _, tt := range tests {
		t.Run(tt.address, func(t *testing.T) {
			t.Parallel()
			text := page(t, e, tt.address)
			got := names(text)
			if tt.address == "/entitlements?kind=application" || strings.HasPrefix(tt.address, "/resource?type=user") {
				slices.Sort(got)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if want := `data-testid="count">` + tt.count + `</p>`; !strings.Contains(text, want) {
				t.Errorf("the page does not count %q", tt.count)
			}
		})
	}
}

func TestOverviewCounts(t *testing.T) {
	t.Parallel()
	text := page(t, explore(t, shelve(small(t))), "/")
	for _, want := range []string{
		`<dt>Accounts</dt><dd><a href="/accounts">4</a>`, `<dt>Groups</dt><dd><a href="/groups">2</a>`,
		`<dt>Applications</dt><dd><a href="/applications">2</a>`, `<dt>Roles</dt><dd><a href="/roles">1</a>`,
		`<dt>Entitlements</dt><dd><a href="/entitlements">6</a>`, `<dt>Grants</dt><dd><a href="/grants">7</a>`,
		`data-label="disabled, suspended" data-value="1"`, `data-label="enabled" data-value="3"`,
		`data-label="Engineering" data-value="2"`, `data-label="direct" data-value="6"`, `data-label="inherited" data-value="1"`,
		`data-label="Git" data-value="3"`, "1m30s", "Example &lt;b&gt;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// Exports hold what the page shows, all pages of it, and spreadsheets take none of it
// for a formula.
func TestExports(t *testing.T) {
	t.Parallel()
	n := small(t)
	n.user("f", "=HYPERLINK(1)", "@home")
	e := explore(t, shelve(n))
	r := get(t, e, "/accounts?sort=-name&format=csv")
	if got, want := r.Header.Get("Content-Disposition"), `attachment; filename="accounts-example-b-2026-11-23.csv"`; got != want {
		t.Errorf("disposition %q, want %q", got, want)
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, r))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows[1:] {
		got = append(got, row[0])
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	if diff := cmp.Diff([]string{"Root Admin", "Eve Exit", "Bo Ångström", "Ada Lovelace", "'=HYPERLINK(1)"}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(page(t, e, "/resource?type=user&id=bo&tab=holdings&format=json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 {
		t.Errorf("the export has %d rows, want 2: %v", len(list), list)
	}
	if got := page(t, e, "/grants?format=xlsx"); !strings.HasPrefix(got, "PK") {
		t.Errorf("the spreadsheet begins %q", got[:2])
	}
	if got := page(t, e, "/reports/empty-groups?format=html"); !strings.Contains(got, "Nobody here") || strings.Contains(got, "<script") {
		t.Errorf("the report is %s", got)
	}
	if r := get(t, e, "/grants?format=exe"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown format is answered with %d", r.StatusCode)
	}
}

func TestPersonHasPathsAndGraph(t *testing.T) {
	t.Parallel()
	e := explore(t, shelve(small(t)))
	text := page(t, e, "/resource?type=user&id=bo")
	for _, want := range []string{
		`<li>directly</li><li><span class="step"><a href="/resource?id=eng&amp;type=group"><bdi>Engineers</bdi></a></span> </li>`,
		`"label":"Engineers"`, `id="graph-data"`, "bo@example.com", `href="/accounts?department=Engineering"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	var graph struct {
		Nodes []struct{ ID, Label, Kind, More string }
		Edges []struct{ From, To string }
	}
	if err := json.Unmarshal([]byte(page(t, e, "/graph?type=user&id=bo")), &graph); err != nil {
		t.Fatal(err)
	}
	if len(graph.Nodes) != 3 || len(graph.Edges) != 3 {
		t.Fatalf("graph %+v, want three nodes and three edges", graph)
	}
	more := ""
	for _, n := range graph.Nodes {
		if n.Label == "Engineers" {
			more = n.More
		}
	}
	if err := json.Unmarshal([]byte(page(t, e, more)), &graph); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(graph.Nodes, func(n struct{ ID, Label, Kind, More string }) bool { return n.Label == "Ada Lovelace" }) {
		t.Errorf("the graph that is drawn further lacks the other member: %+v", graph)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	before := small(t)
	before.user("old", "Gone Person", "Sales")
	before.grant("app:pay", "user:ada")
	e := explore(t, shelve(small(t), before))
	text := page(t, e, "/compare")
	if got := names(text); !slices.Equal(got, []string{"Ada Lovelace"}) {
		t.Errorf("changed access %v, want that of Ada", got)
	}
	if got := names(page(t, e, "/compare?tab=resources")); !slices.Equal(got, []string{"Gone Person"}) {
		t.Errorf("changed resources %v, want the person who is gone", got)
	}
	// What is gone is shown where it was.
	if !strings.Contains(page(t, e, "/compare?tab=resources"), `href="/resource?id=old&amp;sync=1.syncB&amp;type=user"`) {
		t.Error("the person who is gone has no link into the older sync")
	}
	if text := page(t, e, "/compare?a=1.syncA&b=1.syncA"); !strings.Contains(text, "Both syncs hold the same.") {
		t.Error("a sync differs from itself")
	}
	if text := page(t, explore(t, shelve(small(t))), "/compare"); !strings.Contains(text, "No previous sync to compare with") {
		t.Error("one sync is compared with something")
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	e := explore(t, shelve(small(t)))
	for address, want := range map[string]int{
		"/nope": http.StatusNotFound, "/resource?type=user&id=nobody": http.StatusNotFound, "/entitlement?id=x": http.StatusNotFound,
		"/accounts?sync=1.other": http.StatusNotFound, "/accounts?sync=junk": http.StatusNotFound, "/reports/nope": http.StatusNotFound,
		"/accounts?sort=nope": http.StatusBadRequest, "/accounts?status=nope": http.StatusBadRequest, "/accounts?page=0": http.StatusBadRequest,
		"/accounts?page=9999999999999": http.StatusBadRequest, "/graph?type=user&id=bo&most=x": http.StatusBadRequest,
		"/theme?set=<script>": http.StatusBadRequest, "/assets/0/app.css": http.StatusNotFound,
		"/compare?a=1.syncA&b=1.other": http.StatusNotFound,
	} {
		if r := get(t, e, address); r.StatusCode != want {
			t.Errorf("%s is answered with %d, want %d", address, r.StatusCode, want)
		}
	}
}

func TestSyncThatIsBeingRead(t *testing.T) {
	t.Parallel()
	s := shelve(small(t))
	s.err = &library.LoadingError{Progress: review.Progress{Grants: 1_000, Total: 4_000}}
	r := get(t, explore(t, s), "/accounts")
	if text := read(t, r); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Refresh") != "1" || !strings.Contains(text, "1,000 of 4,000 grants") {
		t.Errorf("answer %d, refresh %q:\n%s", r.StatusCode, r.Header.Get("Refresh"), text)
	}
	s.err = errors.New("archive is damaged")
	r = get(t, explore(t, s), "/accounts")
	if text := read(t, r); r.StatusCode != http.StatusInternalServerError || !strings.Contains(text, "Archive is damaged.") {
		t.Errorf("answer %d:\n%s", r.StatusCode, text)
	}
}

func TestThemeIsKept(t *testing.T) {
	t.Parallel()
	e := explore(t, shelve(small(t)))
	for to, want := range map[string]string{
		"/accounts?q=a": "/accounts?q=a", "/resource?type=user&id=bo": "/resource?id=bo&type=user", "/reports/stale-admins": "/", "/?sync=1.a": "/?sync=1.a",
		"/reports/" + findings.Reports()[0].Name: "/reports/" + findings.Reports()[0].Name,
		"/accounts?q=a\r\nSet-Cookie: b=c":       "/", "/accounts?q=a%0d%0aX: y": "/accounts?q=a%0D%0AX%3A+y",
		// Each of these is another host to a browser, or might be to some.
		"//evil.example/": "/", `/\evil.example`: "/", "https://evil.example": "/", "": "/", "/\t/evil.example/x": "/", "/\n/evil.example/x": "/", "\t//evil.example": "/",
		`\\evil.example`: "/", "/.//evil.example": "/", "/accounts/..//evil.example": "/", "//evil.example/accounts": "/", "https:accounts": "/", "javascript:alert(1)": "/",
		"//user@evil.example/accounts": "/", "///evil.example": "/", "/%09/evil.example": "/", "/%2f/evil.example": "/", "evil.example": "/", "?q=a": "/",
		"/theme?set=light": "/", "/assets/0/app.css": "/", "/reports/{name}": "/", "/{$}": "/",
	} {
		r := get(t, e, "/theme?set=dark&to="+url.QueryEscape(to))
		if got := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("to %q leads to %q, want %q", to, got, want)
		}
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	request.AddCookie(&http.Cookie{Name: "baton_explore_theme", Value: "dark"})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, request)
	if !strings.Contains(w.Body.String(), `<html lang="en" data-theme="dark">`) {
		t.Error("the page is not dark")
	}
}

// Assets have types of ours and may be kept.
func TestAssets(t *testing.T) {
	t.Parallel()
	e := explore(t, shelve(small(t)))
	for _, address := range regexp.MustCompile(`/assets/[^"]*`).FindAllString(page(t, e, "/"), -1) {
		r := get(t, e, address)
		if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") ||
			!regexp.MustCompile(`^(text/css|text/javascript|image/svg)`).MatchString(r.Header.Get("Content-Type")) {
			t.Errorf("%s is answered with %d, %v", address, r.StatusCode, r.Header)
		}
	}
}
