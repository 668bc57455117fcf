package deploytest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSettingsExist looks every environment variable that a file of deploy sets or
// names up in the generated table of settings.
func TestSettingsExist(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../docs/CONFIG.md")
	if err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`BATON_[A-Z0-9_]+`)
	known := map[string]bool{}
	for _, name := range setting.FindAllString(string(table), -1) {
		known[name] = true
	}
	seen := 0
	err = filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(path, "../test/") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range setting.FindAllString(string(text), -1) {
			seen++
			if !known[strings.TrimSuffix(name, "_FILE")] {
				t.Errorf("%s: there is no setting %s", path, name)
			}
		}
		return err
	})
	if err != nil || seen < 20 || known["BATON_NO_SUCH"] {
		t.Errorf("%d settings were looked up: %v", seen, err)
	}
}
