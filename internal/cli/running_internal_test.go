package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
)

func readDoc(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRunningNamesSettingsThatExist looks up the flags and variables of the page, but
// for those of other programs in its listings.
func TestRunningNamesSettingsThatExist(t *testing.T) {
	t.Parallel()
	doc := regexp.MustCompile("(?s)```sh\n.*?\n```").ReplaceAllStringFunc(readDoc(t, "../../docs/RUNNING.md"), func(listing string) string {
		if strings.Contains(listing, program.Name+" ") {
			return listing
		}
		return ""
	})
	known := readDoc(t, "../../docs/CONFIG.md")
	root := newRoot(&program.App{})
	for _, name := range regexp.MustCompile("`(?:[^`]* )?--([a-z][a-z0-9-]+)").FindAllStringSubmatch(doc, -1) {
		found := root.PersistentFlags().Lookup(name[1]) != nil
		for _, cmd := range root.Commands() {
			found = found || cmd.Flags().Lookup(name[1]) != nil
		}
		if !found {
			t.Errorf("docs/RUNNING.md tells of --%s, which there is not", name[1])
		}
	}
	for _, name := range regexp.MustCompile(`BATON_[A-Z0-9_]+`).FindAllString(doc, -1) {
		if !strings.Contains(known, name) {
			t.Errorf("docs/RUNNING.md tells of %s, which there is not", name)
		}
	}
}
