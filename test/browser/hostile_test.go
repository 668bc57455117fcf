package browser_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// hostile are names that would do harm, or break a page, where they were not shown as
// text.
var hostile = map[string]string{
	"script":     `<script>window.taken = 1</script>`,
	"closing":    `</script></title></table><script>window.taken = 1</script>`,
	"image":      `"><img src=x onerror="window.taken = 1">`,
	"attribute":  `' onmouseover='window.taken = 1' autofocus onfocus='window.taken = 1`,
	"template":   `{{.Title}} ${window.taken = 1} [[constructor]]`,
	"reversed":   "annex\u202egnp.exe",
	"unclosed":   "\u2067\u202d\u2066open",
	"hebrew":     "שלום, עולם (admin)",
	"invisible":  "ad\u200bmin\u0000\u001b[31m\u00ad",
	"long":       strings.Repeat("W", 1000),
	"long words": strings.Repeat("many words ", 90),
	"towers":     "Z" + strings.Repeat("\u0301\u0335", 200),
	"equals":     "=HYPERLINK(\"https://evil.example\",\"open\")",
	"plus":       "+1+cmd|' /C calc'!A0",
	"minus":      "-2+3",
	"at":         "@SUM(1+1)",
	"tab":        "\t=1+1",
	"return":     "\r=1+1",
	"address":    "javascript:alert(1)",
}

// stored is how an archive holds a name: what would hide or reorder text is replaced.
var stored = strings.NewReplacer("\u202e", "\ufffd", "\u202d", "\ufffd", "\u2066", "\ufffd", "\u2067", "\ufffd",
	"\u0000", "\ufffd", "\u001b", "\ufffd", "\t", " ", "\r", " ")

// longestName is what archives of this connector hold of a name.
const longestName = 1024

// hostileTenant writes an organization where everything has such a name, and returns
// the ids of its users, groups and applications by name.
func hostileTenant(t *testing.T, path string) (users, groups, apps map[string]string) {
	t.Helper()
	users, groups, apps = map[string]string{}, map[string]string{}, map[string]string{}
	var org struct {
		Organization map[string]string `json:"organization"`
		Users        []map[string]any  `json:"users"`
		Admins       []map[string]any  `json:"admins"`
		Groups       []map[string]any  `json:"groups"`
		Applications []map[string]any  `json:"applications"`
	}
	org.Organization = map[string]string{"_id": fmt.Sprintf("%024x", 1), "displayName": hostile["script"] + hostile["reversed"]}
	keys := make([]string, 0, len(hostile))
	for key := range hostile {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var members []string
	for i, key := range keys {
		name, login := hostile[key], fmt.Sprintf("user%d", i)
		members = append(members, login)
		users[key], groups[key], apps[key] = fmt.Sprintf("%024x", 0x100+i), fmt.Sprintf("%024x", 0x200+i), fmt.Sprintf("%024x", 0x300+i)
		org.Users = append(org.Users, map[string]any{
			"_id": users[key], "username": login, "email": login + "@example.com", "displayname": name, "state": "ACTIVATED", "activated": true,
			"department": name, "jobTitle": name, "company": name,
			"attributes": []map[string]string{{"name": "note" + strconv.Itoa(i), "value": name}},
		})
		org.Groups = append(org.Groups, map[string]any{"id": groups[key], "name": name, "description": name, "members": members})
		org.Applications = append(org.Applications, map[string]any{
			"_id": apps[key], "name": name, "displayName": name, "displayLabel": name,
			"ssoUrl": "javascript:alert(1)", "logoUrl": "https://evil.example/logo.png", "learnMore": "javascript:alert(1)",
			"users": []string{login}, "groups": []string{name},
		})
	}
	org.Admins = []map[string]any{{"_id": fmt.Sprintf("%024x", 0x400), "email": "admin@example.com", "roleName": hostile["image"], "totpEnrolled": false}}
	content, err := json.Marshal(org)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return users, groups, apps
}

// TestHostileNames looks at an archive full of such names: they are text on every page,
// the layout holds, and exports are text.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tenant, archive := filepath.Join(dir, "tenant.json"), filepath.Join(dir, "hostile.c1z")
	users, groups, apps := hostileTenant(t, tenant)
	sim, wait, err := start(t.Context(), announcedSimulator, "simulate", "--tenant", tenant, "--addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wait)
	if err := sync(t.Context(), sim, archive); err != nil {
		t.Fatal(err)
	}
	s, wait, err := explore(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wait)

	pages := map[string]string{
		"overview": "/", "accounts": "/accounts", "groups": "/groups", "applications": "/applications", "entitlements": "/entitlements",
		"grants": "/grants", "roles": "/roles", "multiple-paths": "/reports/multiple-paths", "search": "/groups?q=" + url.QueryEscape(hostile["script"]),
		"unknown": "/accounts?sort=" + url.QueryEscape(hostile["script"]),
		"user":    resource("user", users["long"]), "user-script": resource("user", users["script"]),
		"group": resource("group", groups["long"]), "group-closing": resource("group", groups["closing"]), "group-graph": resource("group", groups["closing"]) + "&tab=graph",
		"app": resource("app", apps["image"]), "app-address": resource("app", apps["address"]),
	}
	for _, l := range []look{desktop, phone} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, s, l)
			b.expected = regexp.MustCompile(`400 \(Bad Request\)`)
			for name, page := range pages {
				b.visit(page)
				b.check("hostile-" + name)
				b.untaken(page)
			}
		})
	}
	t.Run("shown", func(t *testing.T) {
		t.Parallel()
		b := open(t, s, desktop)
		b.visit("/accounts")
		shown := b.column("Name")
		for _, key := range []string{"script", "closing", "image", "attribute", "template", "hebrew", "equals", "plus", "minus", "at", "address"} {
			if !slices.Contains(shown, hostile[key]) {
				t.Errorf("nobody has the name %q", hostile[key])
			}
		}
		for _, name := range shown {
			if strings.ContainsAny(name, "\u202e\u202d\u2066\u2067\u200b\u001b\u0000") {
				t.Errorf("the name %q has characters that cannot be seen", name)
			}
		}
		if all := strings.Join(shown, "\n"); !strings.Contains(all, stored.Replace(hostile["reversed"])) {
			t.Errorf("no name shows that a mark which turned the direction of writing was replaced:\n%s", clip(all))
		}
	})
	t.Run("exported", func(t *testing.T) {
		t.Parallel()
		exported(t, s)
	})
}

// resource is the address of a resource's page.
func resource(kind, id string) string {
	return "/resource?type=" + kind + "&id=" + id
}

// untaken reports what of a name has become part of the page.
func (b *tab) untaken(page string) {
	b.t.Helper()
	if eval[bool](b, "window.taken !== undefined") {
		b.t.Errorf("%s runs the script of a name", page)
	}
	if got := eval[[]string](b, `[...document.querySelectorAll("main img, main iframe, script:not([src]):not([type='application/json']), [onerror], [onfocus], [onmouseover], [autofocus]")].map(e => e.outerHTML)`); len(got) > 0 {
		b.t.Errorf("%s has elements of names: %q", page, got)
	}
	if got := eval[[]string](b, `[...document.querySelectorAll("a")].map(a => a.href.baseVal ?? a.href).filter(h => !new URL(h, location.href).href.startsWith(location.origin + "/"))`); len(got) > 0 {
		b.t.Errorf("%s leads elsewhere: %q", page, got)
	}
}

// exported reads the exports of the accounts: every cell is text.
func exported(t *testing.T, s site) {
	t.Helper()
	c := client(t, s)
	page := s.root.String() + "accounts?format="
	rows, err := csv.NewReader(bytes.NewReader(get(t, c, page+"csv").body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, row := range rows {
		for _, cell := range row {
			names[cell] = true
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("CSV has the cell %q", clip(cell))
			}
		}
	}
	for _, key := range []string{"equals", "plus", "minus", "at"} {
		if !names["'"+hostile[key]] {
			t.Errorf("CSV does not have %q as text", hostile[key])
		}
	}

	f, err := excelize.OpenReader(bytes.NewReader(get(t, c, page+"xlsx").body))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet := f.GetSheetName(0)
	table, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	clear(names)
	for y, row := range table {
		for x, cell := range row {
			names[cell] = true
			at, err := excelize.CoordinatesToCellName(x+1, y+1)
			if err != nil {
				t.Fatal(err)
			}
			if formula, err := f.GetCellFormula(sheet, at); err != nil || formula != "" {
				t.Errorf("XLSX has the formula %q at %s (%v)", formula, at, err)
			}
		}
	}
	for _, key := range []string{"equals", "plus", "minus", "at", "script", "long"} {
		if !names[hostile[key]] {
			t.Errorf("XLSX does not have %q as text", clip(hostile[key]))
		}
	}

	var objects []struct{ Name string }
	res := get(t, c, page+"json")
	if err := json.Unmarshal(res.body, &objects); err != nil || res.status != http.StatusOK {
		t.Fatalf("%d, %v", res.status, err)
	}
	clear(names)
	for _, o := range objects {
		names[o.Name] = true
	}
	for key, name := range hostile {
		name = stored.Replace(name)
		if len(name) > longestName {
			continue // The connector cuts it; the department has it whole.
		}
		if !names[name] && !names[strings.TrimSpace(name)] {
			t.Errorf("JSON does not have the name %q (%s)", clip(name), key)
		}
	}
}
