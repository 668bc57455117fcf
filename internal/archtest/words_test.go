package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// words are those that identifiers and texts of the program do not use, each with
// the word to use instead. docs/GLOSSARY.md explains them.
var words = []struct {
	match      *regexp.Regexp
	use        string
	identifier bool // only identifiers are searched, not texts
}{
	{regexp.MustCompile(`(?i)courier|parcel|(^|[^a-z])debts?($|[^a-z])`), "pending result, sender", true},
	{regexp.MustCompile(`(?i)patien(ce|t)`), "retry policy", true},
	{regexp.MustCompile(`(?i)homeless|^lull|^strain$|^doors?$|^spoil`), "a term of the field", true},
	{regexp.MustCompile(`(?i)sudden loss`), "large drop", false},
	{regexp.MustCompile(`(?i)\bthe sync before\b|\bthe one before\b`), "previous sync", false},
	{regexp.MustCompile(`(?i)\bgo(es)? on (from|where|with)\b`), "resume, continue", false},
	{regexp.MustCompile(`(?i)\bis called "|\bis no (id|ID)\b`), "is named, invalid ID", false},
	{regexp.MustCompile(`(?i)\b(confers?|through what)\b`), "grants, via", false},
	{regexp.MustCompile(`(?i)\borganisation|\bbehaviour|\bneighbour|\bjudgement|\blicence|\bcolour|\bcentre\b|\be-mail`), "American spelling", false},
}

// allowed are the texts that keep such a word, with the reason.
var allowed = map[string]string{
	"Access to the administration of the JumpCloud organisation": "it is in archives, which readers compare",
	"centre": "it names a cell of recorded measurements",
}

// bannedWords lists the identifiers and texts of the program that use a word of words.
func bannedWords(root fs.FS) (found []string, err error) {
	files, err := texts(root, ".go")
	for name, source := range files {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "internal/pb/") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var text string
			identifier := false
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Ident:
				text, identifier = n.Name, true
			case *ast.BasicLit:
				if n.Kind != token.STRING {
					return true
				}
				if text, err = strconv.Unquote(n.Value); err != nil || allowed[text] != "" {
					return true
				}
			default:
				return true
			}
			for _, word := range words {
				if word.identifier != identifier {
					continue
				}
				if match := word.match.FindString(text); match != "" {
					found = append(found, path.Base(name)+":"+strconv.Itoa(set.Position(n.Pos()).Line)+": "+match+": use "+word.use)
				}
			}
			return true
		})
	}
	slices.Sort(found)
	return found, err
}

func TestWordsOfTheGlossary(t *testing.T) {
	t.Parallel()
	found, err := bannedWords(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range found {
		t.Error(word)
	}
}

func TestBannedWordsAreFound(t *testing.T) {
	t.Parallel()
	found, err := bannedWords(fstest.MapFS{
		"a/a.go":      {Data: []byte("package a\n\nimport _ \"patience\"\n\ntype courier struct{}\n\nconst text = \"a sudden loss\"\n\nvar parcels = `an organisation`\n\nvar indebted, receiver = \"a patient courier\", \"centre\"\n")},
		"a/a_test.go": {Data: []byte("package a\n\nvar courier = \"a sudden loss\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.go:5: courier: use pending result, sender", "a.go:7: sudden loss: use large drop",
		"a.go:9: organisation: use American spelling", "a.go:9: parcel: use pending result, sender",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
