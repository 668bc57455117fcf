package archtest_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var (
	// namedTest matches the names of tests, fuzz targets and benchmarks in text, and
	// declaredTest where they are declared. TestMain is none.
	namedTest    = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*`)
	declaredTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)\(`)
)

// unknownTests lists what Markdown files name as tests and no file declares.
func unknownTests(root fs.FS) ([]string, error) {
	declared := map[string]bool{}
	named := map[string][]string{} // by file
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" || name == "bin") {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".md" && !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".md" {
			named[name] = namedTest.FindAllString(string(text), -1)
			return nil
		}
		for _, match := range declaredTest.FindAllStringSubmatch(string(text), -1) {
			declared[match[1]] = true
		}
		return nil
	})
	var unknown []string
	for file, tests := range named {
		for _, test := range tests {
			if problem := file + ": " + test; !declared[test] && !slices.Contains(unknown, problem) {
				unknown = append(unknown, problem)
			}
		}
	}
	slices.Sort(unknown)
	return unknown, err
}

func TestTestsInDocumentationExist(t *testing.T) {
	t.Parallel()
	unknown, err := unknownTests(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range unknown {
		t.Errorf("%s is no test", test)
	}
}

func TestUnknownTestsAreFound(t *testing.T) {
	t.Parallel()
	unknown, err := unknownTests(fstest.MapFS{
		"a/a_test.go": {Data: []byte("package a\n\nfunc TestA(t *testing.T) {}\n\nfunc FuzzA(f *testing.F) {}\n\nfunc testB() {}\n")},
		"a/b.go":      {Data: []byte("package a\n\nfunc TestB() {}\n")},
		"docs/A.md":   {Data: []byte("`TestA` and FuzzA hold it, `TestB`, TestAll and `BenchmarkA` do not; the Tester and testing do not either.")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"docs/A.md: BenchmarkA", "docs/A.md: TestAll", "docs/A.md: TestB"}; !slices.Equal(unknown, want) {
		t.Errorf("unknown tests %q, want %q", unknown, want)
	}
}
