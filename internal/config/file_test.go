package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

func TestBadFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content, want, hint string
	}{
		{"malformed", "api-key: [", "read config file: ", ""},
		{"no mapping", "hunter2-hunter2", ".baton.yaml: yaml: unmarshal errors: line 1: cannot unmarshal !!str ... into", ""},
		{"duplicate key", "region: us\nregion: eu\n", "already defined", ""},
		{"unknown key", "api_key: hunter2\n", "unknown key 'api_key'", "did you mean 'api-key'?"},
		{"far from any key", "frobnicate: 1\n", "unknown key 'frobnicate'", "see --help"},
		{"secret file", "api-key-file: /run/key\n", "unknown key 'api-key-file'", "BATON_API_KEY_FILE"},
		{"environment only", "keep-sync-count: 3\n", "unknown key 'keep-sync-count'", "see --help"},
		{"number for text", "org-id: 0012\n", "field org-id: value must be a string: quote it", ""},
		{"number for a secret", "api-key: 12345\n", "field api-key: value must be a string: quote it", ""},
		{"text for a number", "workers: many\n", "field workers: value must be an integer but got 'many'", ""},
		{"second document", "region: us\n---\nworkers: 4\n", "line 2 starts a second YAML document: put all settings into one", ""},
		{"empty second document", "region: us\n---\n", "starts a second YAML document", ""},
		{"malformed second document", "region: us\n---\nhunter2: [\n", "read config file: ", ""},
		{"key as a key", "jca_hunter2hunter2: x\n", "unknown key '[redacted]'", "see --help"},
		{"list for a bool", "merge-admins: [true]\n", "field merge-admins: value must be true or false", ""},
		{"fraction for a number", "workers: 1.5\n", "field workers: value must be an integer", ""},
		{"mapping for a list", "log-path: {a: b}\n", "field log-path: value must be a list of texts, or one text with commas", ""},
		{"twice in two spellings", "Region: us\nregion: eu\n", "field region: it is set twice, in different spellings", ""},
		{"number in a list", "sync-resource-types: [1]\n", "field sync-resource-types: every item must be a string", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := world{file: tt.content}.load(t, config.ForCommand)
			var problems config.Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error = %v, want %q in it", err, tt.want)
			}
			if hints := strings.Join(problems.Hints(), "\n"); !strings.Contains(hints, tt.hint) {
				t.Errorf("hints = %q, want %q", hints, tt.hint)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error quotes the file: %v", err)
			}
		})
	}
}

func TestGoodFile(t *testing.T) {
	t.Parallel()
	c, err := world{file: "\ufeff# a comment\n---\nAPI-Key: k\nmerge-admins: \"true\"\nworkers: \"4\"\nsync-resource-types: user,group\norg-id:\nevent-feed: \"false\"\n...\n"}.load(t, config.ForRun)
	if err != nil {
		t.Fatal(err)
	}
	if c.JumpCloud.APIKey.Reveal() != "k" || !c.JumpCloud.MergeAdmins || c.Sync.Workers != 4 || len(c.Sync.ResourceTypes) != 2 || c.JumpCloud.OrgID != "" {
		t.Errorf("Config = %+v", c)
	}
}

func TestConfigPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	named := filepath.Join(dir, "other.yml")
	if err := os.WriteFile(named, []byte("org-id: named\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, org, wrong string }{
		{"named", named, "named", ""},
		{"extension", filepath.Join(dir, "other.json"), "", "expected config file to have .yaml or .yml extension"},
		{"missing", filepath.Join(dir, "missing.yaml"), "", "no such file or directory"},
		{"folder", dir + "/sub.yaml", "", "sub.yaml is a folder, not a regular file"},
	}
	if err := os.Mkdir(filepath.Join(dir, "sub.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := world{file: "org-id: implicit\n", env: map[string]string{"BATON_CONFIG_PATH": tt.path}}.load(t, config.ForCommand)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("error = %v, want %q in it", err, tt.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.JumpCloud.OrgID != tt.org {
				t.Errorf("org-id = %q, want %q", c.JumpCloud.OrgID, tt.org)
			}
		})
	}
}

func TestFileThatOthersCanRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		mode          os.FileMode
		warned        bool
	}{
		{"secret, private", "api-key: k\n", 0o600, false},
		{"secret, group", "api-key: k\n", 0o640, true},
		{"secret, everybody", "api-key: k\n", 0o604, true},
		{"no secret", "region: eu\n", 0o644, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := world{file: tt.content, mode: tt.mode}.load(t, config.ForCommand)
			if err != nil {
				t.Fatal(err)
			}
			if warned := len(c.Warnings) > 0; warned != tt.warned {
				t.Errorf("Warnings = %q, want any: %v", c.Warnings, tt.warned)
			}
		})
	}
}
