package service

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// runningDoc is what people read who operate the service.
const runningDoc = "../../docs/RUNNING.md"

func readDoc(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRunningNamesEveryMetric holds the table of metrics against the registry, both
// ways.
func TestRunningNamesEveryMetric(t *testing.T) {
	t.Parallel()
	doc := readDoc(t, runningDoc)
	descriptions := make(chan *prometheus.Desc, 1000)
	newMetrics().registry.Describe(descriptions)
	close(descriptions)
	var names []string
	for d := range descriptions {
		if name := regexp.MustCompile(`fqName: "(baton_jumpcloud_\w+)"`).FindStringSubmatch(d.String()); name != nil {
			names = append(names, name[1])
			if !regexp.MustCompile("`" + name[1] + "[`{]").MatchString(doc) {
				t.Errorf("docs/RUNNING.md does not say what %s tells", name[1])
			}
		}
	}
	if len(names) < 14 {
		t.Errorf("the registry has only %q", names)
	}
	for _, name := range regexp.MustCompile("`(baton_jumpcloud_[a-z_]+)").FindAllStringSubmatch(doc, -1) {
		if !slices.Contains(names, name[1]) {
			t.Errorf("docs/RUNNING.md tells of %s, which there is not", name[1])
		}
	}
}

// logged are the texts of what the service's packages log from level info on, with
// their level where the call tells it, and all their string literals, which some texts
// come from.
func logged(t *testing.T) (levels map[string]string, literals []string) {
	t.Helper()
	// Where the text stands among the arguments of each.
	levels = map[string]string{}
	methods := map[string]int{"Info": 0, "Warn": 0, "Error": 0, "InfoContext": 1, "WarnContext": 1, "ErrorContext": 1, "LogAttrs": 2, "logInHand": 2}
	var files []string
	for _, pattern := range []string{
		"*.go", "../syncrun/*.go", "../changerun/*.go", "../hosted/*.go", "../hosted/*/*.go", "../cli/lambda.go", "../network/*.go", "../console/*.go", "../agent/*.go", "../agent/*/*.go", "../c1api/*.go",
		"../audit/*.go", "../connector/*.go", "../feed/*.go", "../incremental/*.go", "../provision/*.go", "../jumpcloud/*.go", "../syncer/*.go", "../workdb/*.go", "../c1z/*.go",
		"../notify/*.go", "../cli/watch.go", "../cli/explore.go", "../explorer/newer.go", "../explorer/library/*.go",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if text, ok := literal(n); ok {
				literals = append(literals, text)
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			place, logs := methods[selector.Sel.Name]
			if owner, _ := selector.X.(*ast.Ident); !logs || len(call.Args) <= place || owner != nil && owner.Name == "status" {
				return true
			}
			if text, ok := literal(call.Args[place]); ok {
				level := strings.ToLower(strings.TrimSuffix(selector.Sel.Name, "Context"))
				if !slices.Contains([]string{"info", "warn", "error"}, level) {
					level = "" // An argument tells it.
				}
				levels[text] = level
			}
			return true
		})
	}
	return levels, literals
}

func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// TestRunningNamesEveryLogLine holds the table of log lines against the code, both
// ways.
func TestRunningNamesEveryLogLine(t *testing.T) {
	t.Parallel()
	doc := readDoc(t, runningDoc)
	levels, literals := logged(t)
	if len(levels) < 40 {
		t.Errorf("only %d lines were found", len(levels))
	}
	for text, level := range levels {
		if !strings.Contains(doc, strings.TrimSuffix("| `"+text+"` | "+level+" |", " |")) {
			t.Errorf("docs/RUNNING.md does not say what %q, of level %s, means", text, level)
		}
	}
	_, section, _ := strings.Cut(doc, "## Log lines")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
		if !slices.Contains(literals, row[1]) {
			t.Errorf("docs/RUNNING.md tells of the line %q, which there is not", row[1])
		}
	}
}
