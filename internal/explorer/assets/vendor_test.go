package assets_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manifest is vendor/manifest.json.
type manifest []struct {
	Package, Version, License string
	// Integrity is the checksum of the whole package as it is published.
	Integrity string
	Files     []struct {
		// Name is where the file lies below vendor, and Source where it lies in the
		// package.
		Name, Source, SHA512 string
	}
	// Bundles are the packages that are part of the files.
	Bundles []struct{ Package, Version, License, Notice string }
}

// Every vendored file is in the manifest and is what the manifest says, and every
// package comes with its license.
func TestVendoredFilesAreThoseOfTheManifest(t *testing.T) {
	t.Parallel()
	vendor := os.DirFS("vendor")
	content, err := fs.ReadFile(vendor, "manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var packages manifest
	if err := json.Unmarshal(content, &packages); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, p := range packages {
		if p.License != "MIT" {
			t.Errorf("%s is under %q: check that it may be shipped, then allow it here", p.Package, p.License)
		}
		if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(p.Version) {
			t.Errorf("%s has the version %q, want an exact one", p.Package, p.Version)
		}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Integrity, "sha512-")); err != nil || len(sum) != sha512.Size {
			t.Errorf("%s has the checksum %q, want a SHA-512", p.Package, p.Integrity)
		}
		licensed := false
		for _, f := range p.Files {
			listed = append(listed, f.Name)
			licensed = licensed || strings.HasPrefix(path.Base(f.Name), "LICENSE")
			file, err := fs.ReadFile(vendor, f.Name)
			if err != nil {
				t.Error(err)
				continue
			}
			sum := sha512.Sum512(file)
			if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != f.SHA512 {
				t.Errorf("%s has the checksum %s, and %s in the manifest", f.Name, got, f.SHA512)
			}
		}
		if !licensed {
			t.Errorf("%s comes without its license", p.Package)
		}
		for _, b := range p.Bundles {
			if !slices.ContainsFunc(p.Files, func(f struct{ Name, Source, SHA512 string }) bool { return f.Name == b.Notice }) {
				t.Errorf("the license of %s within %s is not among the files", b.Package, p.Package)
			}
		}
	}
	var found []string
	err = fs.WalkDir(vendor, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && name != "manifest.json" {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(listed)
	if diff := cmp.Diff(listed, found); diff != "" {
		t.Errorf("files in the manifest (-) and on the disk (+):\n%s", diff)
	}
}

// A library says of itself which version it is, where it says anything.
func TestChartLibraryIsOfItsVersion(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("vendor/chart.js/chart.umd.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content[:200]), "Chart.js v4.6.1") {
		t.Errorf("the file begins %q", content[:200])
	}
}
