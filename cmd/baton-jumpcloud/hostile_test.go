package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// hostileNames are what somebody might call things who wants a reviewer to see, or
// to run, something else.
var hostileNames = []string{
	`=HYPERLINK("http://evil.example","x")`, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1",
	"\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u009b31m", "a\rb", "a\bb", "a\x00b", "back\\slash",
	"abc\u202egpj.exe", "\u2066isolated\u2069", "\u200fright\u200e", "line\u2028separator", "\ufeffmark",
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "{{.}}", "</title><script>", "%s%n",
	strings.Repeat("x", 1000), "z" + strings.Repeat("\u0301", 500), "a,b;c\"d", "", " ", "direct", "through group Admins",
}

// hostileRows are accounts, groups and applications of those names, holding one
// another's.
func hostileRows() *rows {
	r := &rows{types: []*v2.ResourceType{
		{Id: "app", DisplayName: "=1+1\x1b[2J", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_APP}},
		{Id: "group", DisplayName: "\u202eGroup", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP}},
		{Id: "role", DisplayName: "<b>Role", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE}},
		{Id: "user", DisplayName: "User", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}},
	}}
	var apps, groups, roles []*v2.Entitlement
	for i, name := range hostileNames {
		apps = append(apps, r.entitlement(r.resource("app", fmt.Sprintf("%d=\x1b", i), name), "access"))
	}
	for i, name := range hostileNames {
		groups = append(groups, r.entitlement(r.resource("group", strconv.Itoa(i), name), "=slug"))
	}
	for i, name := range hostileNames {
		roles = append(roles, r.entitlement(r.resource("role", strconv.Itoa(i), name), "member"))
	}
	for i, name := range hostileNames {
		user := r.resource("user", strconv.Itoa(i), name, &v2.UserTrait{
			Login: name, Emails: []*v2.UserTrait_Email{{Address: name, IsPrimary: true}},
		})
		user.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: name}
		r.grant(groups[i], user)
		r.grant(apps[i], user, groups[i], groups[(i+1)%len(groups)])
		r.grant(roles[i], user)
	}
	return r
}

// unsafe finds a character that a terminal would obey or that hides what is there.
func unsafe(s string) int {
	return strings.IndexFunc(s, func(r rune) bool {
		return r != '\n' && r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
			r == 0x200e || r == 0x200f || r == 0x2028 || r == 0xfeff
	})
}

// TestHostileNames shows an archive in every way there is.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	archive := filepath.Join(t.TempDir(), "sync.c1z")
	if err := writeArchive(t.Context(), archive, hostileRows()); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.c1z")
	if err := writeArchive(t.Context(), other, foreignRows()); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"stats":        {"inspect"},
		"syncs":        {"inspect", "syncs"},
		"types":        {"inspect", "resource-types"},
		"resources":    {"inspect", "resources"},
		"entitlements": {"inspect", "entitlements"},
		"grants":       {"inspect", "grants"},
		"principals":   {"inspect", "principals"},
		"access":       {"access", "user:8"},
		"who":          {"who", "group:8:=slug"},
		"diff":         {"diff", other, archive},
		"report":       {"report", "disabled-with-access"},
		"reports":      {"report"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(more ...string) string {
				t.Helper()
				cmd := program(t.Context(), t, append(append([]string{}, args...), append(more, "--file", archive)...)...)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %s", err, stderr.String())
				}
				return string(out)
			}
			for _, format := range []string{"table", "json", "html"} {
				out := run("-o", format)
				if i := unsafe(out); i >= 0 || !utf8.ValidString(out) {
					t.Errorf("%s: %q", format, out[max(0, i-40):min(len(out), i+20)])
				}
				if format == "table" && len(out) > 2_000_000/10 {
					t.Errorf("%d bytes of text", len(out))
				}
				if format == "json" && !json.Valid([]byte(out)) {
					t.Error("JSON is broken")
				}
				if format == "html" && (strings.Contains(out, "<script") || strings.Contains(out, "<img") || strings.Contains(out, "<b>")) {
					t.Error("markup is not text")
				}
			}
			if name != "reports" {
				checkFields(t, run("-o", "csv"))
			}
			checkCells(t, run("-o", "xlsx"))
		})
	}
	t.Run("candidates", func(t *testing.T) {
		t.Parallel()
		for _, ask := range [][]string{{"access", "no\x1b[31mbody"}, {"who", "slug\u202e"}, {"access", "script"}, {"who", ""}} {
			var stderr bytes.Buffer
			cmd := program(t.Context(), t, append(ask, "--file", archive)...)
			cmd.Stderr = &stderr
			if err := cmd.Run(); err == nil {
				t.Errorf("%q was found", ask)
			}
			if i := unsafe(stderr.String()); i >= 0 {
				t.Errorf("%q: %q", ask, stderr.String())
			}
		}
	})
}

// checkFields finds fields of a CSV file that a spreadsheet would compute.
func checkFields(t *testing.T, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, field := range row {
			if first, _ := utf8.DecodeRuneInString(field); field != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
				t.Errorf("field %q", field)
			}
		}
	}
}

// checkCells finds cells of a workbook that are not text or numbers.
func checkCells(t *testing.T, text string) {
	t.Helper()
	book, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for _, name := range book.GetSheetList() {
		rows, err := book.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			for j := range row {
				cell, err := excelize.CoordinatesToCellName(j+1, i+1)
				if err != nil {
					t.Fatal(err)
				}
				if formula, err := book.GetCellFormula(name, cell); err != nil || formula != "" {
					t.Errorf("%s %s is the formula %q (%v)", name, cell, formula, err)
				}
			}
		}
	}
}
