package browser_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestAxeIsThatOfTheManifest compares the files of axe-core with their checksums.
func TestAxeIsThatOfTheManifest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "axe-core")
	content, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Files map[string]string }
	if err := json.Unmarshal(content, &manifest); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(manifest.Files)+1 {
		t.Errorf("there are %d files, want those of the manifest and itself", len(entries))
	}
	for name, want := range manifest.Files {
		file, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		sum := sha512.Sum512(file)
		if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != want {
			t.Errorf("%s has the checksum %s, want %s", name, got, want)
		}
	}
}
