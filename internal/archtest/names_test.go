package archtest_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
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
	files, err := texts(root, ".md", "_test.go")
	declared := map[string]bool{}
	for _, text := range files {
		for _, match := range declaredTest.FindAllStringSubmatch(text, -1) {
			declared[match[1]] = true
		}
	}
	var unknown []string
	for name, text := range files {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, test := range namedTest.FindAllString(text, -1) {
			if !declared[test] {
				unknown = append(unknown, name+": "+test)
			}
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown), err
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
