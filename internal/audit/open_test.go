package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/audit"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

// line is a line of a trail: "intent c1 u1", "changed c1 u1", or another result.
func line(t *testing.T, what string) string {
	t.Helper()
	words := strings.Fields(what)
	r := audit.Record{
		Event: audit.EventOutcome, Change: words[1], Result: provision.Result(words[0]),
		Entitlement: "group:g1", Principal: provision.Named{Type: "user", ID: words[2]},
	}
	if words[0] == "intent" {
		r.Event, r.Result = audit.EventIntent, ""
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func TestStartReportsWhatIsOpen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string // "=" before a line means literally
		open  []string
	}{
		{"nothing", nil, nil},
		{"all ended", []string{"intent c1 u1", "failed c1 u1", "intent c2 u1", "unknown c2 u1"}, nil},
		{"killed", []string{"intent c1 u1", "changed c1 u1", "intent c2 u2"}, []string{"c2"}},
		{"side by side", []string{"intent c1 u1", "intent c2 u2", "changed c2 u2"}, []string{"c1"}},
		{"in their order", []string{"intent c3 u1", "intent c1 u1", "intent c2 u2"}, []string{"c3", "c1", "c2"}},
		{"a torn outcome", []string{"intent c1 u1", `={"event":"outcome","change":"c1","res`}, []string{"c1"}},
		{"a torn intent", []string{"intent c1 u1", "changed c1 u1", `={"event":"intent","chan`}, nil},
		{"a torn line in the middle", []string{"={\"event\":\"int\n", "intent c1 u1"}, []string{"c1"}},
		{"what is not ours", []string{"intent c0 u0", "changed c0 u0", "=\n\nhello\n[1]\n{}\n{\"change\":7}\n", "intent c1 u1", "={\"event\":\"other\",\"change\":\"c1\"}\n"}, []string{"c1"}},
		{"a line too long", []string{"intent c1 u1", "=" + strings.Repeat("x", 3<<20) + "\n", "intent c2 u1"}, []string{"c1", "c2"}},
		{"settled by the same change later", []string{"intent c1 u1", "intent c2 u1", "already c2 u1"}, nil},
		{"not settled by a failure", []string{"intent c1 u1", "intent c2 u1", "failed c2 u1"}, []string{"c1"}},
		{"not settled by one for another", []string{"intent c1 u1", "intent c2 u2", "changed c2 u2"}, []string{"c1"}},
		{"not settled by one that began before", []string{"intent c1 u1", "intent c2 u1", "changed c1 u1"}, []string{"c2"}},
		{"an outcome alone", []string{"changed c1 u1", "intent c2 u1"}, []string{"c2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			for _, l := range tt.lines {
				if literal, ok := strings.CutPrefix(l, "="); ok {
					text.WriteString(literal)
				} else {
					text.WriteString(line(t, l))
				}
			}
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			tr, log := trail(t, path)
			if diff := cmp.Diff(tt.open, reported(log.String())); diff != "" {
				t.Errorf("reported (-want +got):\n%s\n%s", diff, log)
			}
			// Whatever is in it, a new line is whole.
			if err := tr.Intent(t.Context(), change("new")); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(after), "\n"), "\n")
			if !strings.HasPrefix(lines[len(lines)-1], `{"event":"intent","change":"new"`) || !strings.HasPrefix(string(after), text.String()) {
				t.Errorf("appended %q", lines[len(lines)-1])
			}
		})
	}
}

// reported are the changes that a log names as open.
func reported(log string) []string {
	var ids []string
	for l := range strings.Lines(log) {
		if _, rest, ok := strings.Cut(l, "recorded change without outcome; it may or may not have been applied, and repeating it is safe"); ok {
			_, rest, _ = strings.Cut(rest, "change_id=")
			id, _, _ := strings.Cut(rest, " ")
			ids = append(ids, id)
		}
	}
	return ids
}

// Of a large file a start reads the end, and of many open changes it tells the
// newest and how many more there are.
func TestStartIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	ended := strings.Replace(line(t, "failed x u1"), "{", `{"error":"`+strings.Repeat("no ", 1000)+`",`, 1)
	filler := line(t, "intent old u1") + strings.Repeat(ended, 6000)
	if _, err := f.WriteString(filler); err != nil {
		t.Fatal(err)
	}
	if len(filler) < 17<<20 {
		t.Fatalf("the file is only %d bytes large", len(filler))
	}
	for i := range 50 {
		if _, err := f.WriteString(line(t, fmt.Sprintf("intent c%d u1", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Chmod(0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, log := trail(t, path)
	got := reported(log.String())
	if len(got) != 20 || got[0] != "c30" || got[19] != "c49" || !strings.Contains(log.String(), "changes=30") {
		t.Errorf("reported %v", got)
	}
}
