package jcsim_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestDocumentation holds that every example of docs/SIMULATOR.md works and that
// its list of routes is complete.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/SIMULATOR.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	example := func(kind string) string {
		t.Helper()
		_, after, ok := strings.Cut(doc, "<!-- "+kind+" -->\n```json\n")
		body, _, ends := strings.Cut(after, "\n```")
		if !ok || !ends {
			t.Fatalf("no example of %s", kind)
		}
		return body
	}
	tn, err := jcsim.Load(strings.NewReader(example("tenant")))
	if err != nil {
		t.Fatal(err)
	}
	settings, err := jcsim.LoadSettings(strings.NewReader(example("settings")))
	if err != nil {
		t.Fatal(err)
	}
	s := jcsim.New(jcsim.Options{Tenant: tn, Settings: settings})
	var edits []jcsim.Edit
	if err := json.Unmarshal([]byte(example("edits")), &edits); err != nil {
		t.Fatal(err)
	}
	if err := tn.Apply(edits...); err != nil {
		t.Fatal(err)
	}

	_, table, _ := strings.Cut(doc, "<!-- routes -->\n")
	table, _, _ = strings.Cut(table, "\n\n")
	documented := map[string]bool{}
	for _, span := range regexp.MustCompile("((?:`[A-Z]+`, )*`[A-Z]+ /[^`]*`)").FindAllString(table, -1) {
		words := strings.FieldsFunc(span, func(r rune) bool { return strings.ContainsRune("` ,", r) })
		path := words[len(words)-1]
		for _, method := range words[:len(words)-1] {
			documented[method+" "+path] = true
		}
	}
	for _, route := range s.Routes() {
		if !documented[route] {
			t.Errorf("%s is not documented", route)
		}
		delete(documented, route)
	}
	for route := range documented {
		t.Errorf("%s is documented and not served", route)
	}
}
