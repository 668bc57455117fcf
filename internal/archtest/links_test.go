package archtest_test

import (
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// markdownLink matches [text](target), and captures the target.
var markdownLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// texts reads the files of a tree whose names end in one of some suffixes, by name.
// Folders that hold what others made are left out.
func texts(root fs.FS, suffixes ...string) (map[string]string, error) {
	found := map[string]string{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || name == "bin") {
			return fs.SkipDir
		}
		if d.IsDir() || !slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		found[name] = string(text)
		return err
	})
	return found, err
}

// deadLinks lists the links of Markdown files that lead to no file. Addresses on
// the network are not looked at: a test must not depend on them.
func deadLinks(root fs.FS) ([]string, error) {
	var dead []string
	documents, err := texts(root, ".md")
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		for _, match := range markdownLink.FindAllStringSubmatch(documents[name], -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				dead = append(dead, name+": "+match[1])
				continue
			}
			if target.IsAbs() || target.Path == "" {
				continue
			}
			if _, err := fs.Stat(root, path.Join(path.Dir(name), target.Path)); err != nil {
				dead = append(dead, name+": "+match[1])
			}
		}
	}
	return dead, err
}

func TestDocumentationLinks(t *testing.T) {
	t.Parallel()
	dead, err := deadLinks(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range dead {
		t.Errorf("%s is a dangling link", link)
	}
}

// goFile matches a Go file between backquotes, and captures its name with the folder.
var goFile = regexp.MustCompile("`([a-z0-9_]+(?:/[a-z0-9_]+)+\\.go)`")

// Files that a document names by their folder, from the root or from internal, are there.
func TestDocumentedFiles(t *testing.T) {
	t.Parallel()
	root := os.DirFS("../..")
	documents, err := texts(root, ".md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		for _, match := range goFile.FindAllStringSubmatch(documents[name], -1) {
			named++
			_, err := fs.Stat(root, match[1])
			if _, inner := fs.Stat(root, path.Join("internal", match[1])); err != nil && inner != nil {
				t.Errorf("%s names %s, which is not there", name, match[1])
			}
		}
	}
	if named < 50 {
		t.Errorf("%d files are named; the pattern sees too few", named)
	}
}

func TestDeadLinksAreFound(t *testing.T) {
	t.Parallel()
	dead, err := deadLinks(fstest.MapFS{
		"README.md": {Data: []byte("[a](docs/A.md) [b](docs/B.md) [c](https://example.com/none) [d](#here) [e](docs)")},
		"docs/A.md": {Data: []byte("[up](../README.md#try) [sideways](A.md) [wrong](README.md)")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"README.md: docs/B.md", "docs/A.md: README.md"}; !slices.Equal(dead, want) {
		t.Errorf("dead links %q, want %q", dead, want)
	}
}
