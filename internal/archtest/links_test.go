package archtest_test

import (
	"io/fs"
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

// deadLinks lists the links of Markdown files that lead to no file. Addresses on
// the network are not looked at: a test must not depend on them.
func deadLinks(root fs.FS) ([]string, error) {
	var dead []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || name == "bin") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".md" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, match := range markdownLink.FindAllStringSubmatch(string(text), -1) {
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
		return nil
	})
	return dead, err
}

func TestDocumentationLinks(t *testing.T) {
	t.Parallel()
	dead, err := deadLinks(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range dead {
		t.Errorf("%s leads nowhere", link)
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
