package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
)

//nolint:gochecknoglobals // a test flag
var update = flag.Bool("update", false, "rewrite the generated parts of docs/REVIEW.md")

// TestReviewDocIsCurrent compares the parts of docs/REVIEW.md that come from code with
// the code, or writes them.
func TestReviewDocIsCurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "REVIEW.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(raw)
	for part, text := range map[string]string{
		"reports": reportsDoc(), "flags": flagsDoc(newRoot(new(program.App)), "inspect", "access", "who", "diff", "report"),
		"review flags": flagsDoc(newRoot(new(program.App)), "review"),
	} {
		begin, end := "<!-- "+part+": generated; run: make gen -->\n", "<!-- end of "+part+" -->\n"
		before, rest, ok := strings.Cut(want, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("docs/REVIEW.md has no part %q", part)
		}
		want = before + begin + "\n" + text + "\n" + end + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("docs/REVIEW.md is not current; run: make gen (-want +got):\n%s", diff)
	}
}

func reportsDoc() string {
	var b strings.Builder
	b.WriteString("| report | question | findings |\n|---|---|---|\n")
	for _, r := range findings.Reports() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Question, map[bool]string{true: "yes", false: "no"}[r.Finding])
	}
	return b.String()
}

// flagsDoc lists the flags of some commands and those below them, those that all of them
// share first.
func flagsDoc(root *cobra.Command, names ...string) string {
	var commands []*cobra.Command
	for _, name := range names {
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			return err.Error()
		}
		commands = append(append(commands, cmd), cmd.Commands()...)
	}
	users := make(map[string][]string) // commands by flag and usage
	var order []*pflag.Flag
	key := func(f *pflag.Flag) string { return f.Name + "\x00" + f.Usage }
	for _, cmd := range commands {
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" {
				return
			}
			if users[key(f)] == nil {
				order = append(order, f)
			}
			users[key(f)] = append(users[key(f)], strings.TrimPrefix(cmd.CommandPath(), program.Name+" "))
		})
	}
	var b strings.Builder
	b.WriteString("| flag | what it does | of |\n|---|---|---|\n")
	for _, f := range order {
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name += ", `-" + f.Shorthand + "`"
		}
		of := strings.Join(users[key(f)], ", ")
		switch n := len(users[key(f)]); {
		case n == len(commands):
			of = "all"
		case n == len(commands)-1:
			of = "all but " + missing(commands, users[key(f)])
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, f.Usage, of)
	}
	return b.String()
}

// missing is the command that is not among the names.
func missing(commands []*cobra.Command, names []string) string {
	for _, cmd := range commands {
		name := strings.TrimPrefix(cmd.CommandPath(), program.Name+" ")
		if !strings.Contains("\x00"+strings.Join(names, "\x00")+"\x00", "\x00"+name+"\x00") {
			return name
		}
	}
	return ""
}
