package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// utf16le is a text as PowerShell writes it.
func utf16le(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// TestSecretsThatCannotBe gives keys that no header carries, or with what stood around
// them, in each way that there is. The error says what is wrong and repeats nothing.
func TestSecretsThatCannotBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hunter2\nhunter3":      "field api-key: value contains a line break after character 7: set the value alone, on one line",
		"hunter2\r\nx: y":       "a line break after character 7",
		"hunter2 hunter3":       "a space or tab after character 7",
		"hunter2\thunter3":      "a space or tab after character 7",
		"hunter2\x1bhunter2":    "a control character after character 7",
		"hunter2\u0085hunter3":  "a control character after character 7",
		"hunter2\u200bhunter2":  "a non-ASCII character after character 7",
		"“hunter2”":             "value is in quotes: remove them",
		"‘hunter2”":             "a non-ASCII character after character 0",
		`"hunter2"`:             "value is in quotes: remove them",
		`'hunter2'`:             "value is in quotes: remove them",
		"${hunter2}":            "value is a placeholder: replace it",
		"{{ hunter2 }}":         "value is a placeholder: replace it",
		`{"key":"hunter2"}`:     "value is JSON: give the text alone",
		"BATON_API_KEY=hunter2": "value holds a name before it: give what follows the = alone",
		"<hunter2 key>":         "value is a placeholder: replace it",
		"hunter2\ufeffhunter2":  "a non-ASCII character after character 7",
	} {
		for how, w := range map[string]world{
			"environment": {env: map[string]string{"BATON_API_KEY": text}},
			"secret file": {env: map[string]string{"BATON_API_KEY_FILE": secretFile(t, text)}},
			"flag":        {args: []string{"--api-key=" + text}},
		} {
			_, err := w.load(t, config.ForRun)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q by %s: error = %v, want %q", text, how, err, want)
			}
		}
	}
	for _, text := range []string{utf16le("hunter2"), "\xfe\xff\x00h\x00u", "h\x00u\x00n\x00t\x00"} {
		_, err := world{env: map[string]string{"BATON_API_KEY_FILE": secretFile(t, text)}}.load(t, config.ForRun)
		if err == nil || !strings.Contains(err.Error(), "is UTF-16 text: save it as UTF-8 or ASCII") {
			t.Errorf("%q in a file: error = %v", text, err)
		}
	}
	// Every secret is looked at, and every id that goes with one.
	for name, env := range map[string]map[string]string{
		"jumpcloud-client-secret": {"BATON_JUMPCLOUD_CLIENT_ID": "i", "BATON_JUMPCLOUD_CLIENT_SECRET": "hunter2\nx"},
		"jumpcloud-client-id":     {"BATON_JUMPCLOUD_CLIENT_ID": "i\nj", "BATON_JUMPCLOUD_CLIENT_SECRET": "x"},
		"client-secret":           {"BATON_API_KEY": "k", "BATON_CLIENT_ID": "a@b/c", "BATON_CLIENT_SECRET": "hunter2\x00x"},
		"client-id":               {"BATON_API_KEY": "k", "BATON_CLIENT_ID": "a\n@b/c", "BATON_CLIENT_SECRET": "x"},
		"org-id":                  {"BATON_API_KEY": "k", "BATON_ORG_ID": "64b0\n00"},
	} {
		if _, err := (world{env: env}).load(t, config.ForRun); err == nil || !strings.Contains(err.Error(), "field "+name+": value contains") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

// TestTextIsClean puts a byte order mark before every kind of value and line breaks
// behind it, in the environment, in secret files and in the settings file.
func TestTextIsClean(t *testing.T) {
	t.Parallel()
	const mark, end = "\ufeff", "\r\n"
	c, err := world{
		env: map[string]string{
			"BATON_API_KEY_FILE": secretFile(t, mark+"k-clean"+end+"\n"), "BATON_WORKERS": mark + "4" + end, "BATON_MERGE_ADMINS": "true\n",
			"BATON_SYNC_RESOURCE_TYPES": mark + "user,group\n", "BATON_FILE": "a.c1z\n", "BATON_REGION": "eu\r\n", "BATON_SHUTDOWN_GRACE": "3s\n",
			"BATON_MAX_DROP": "\n", "BATON_KEEP_SYNC_COUNT": "3\n", "BATON_AUDIT_FILE": "audit.jsonl\n",
		},
		file: mark + "log-level: \"warn\\n\"\ntask-concurrency: \"\\ufeff7\\n\"\nskip-grants: \"false\\r\\n\"\n",
		args: []string{"--org-id=64b000000000000000000001\n", "--log-path=a.log,b.log\n"},
	}.load(t, config.ForRun)
	if err != nil {
		t.Fatal(err)
	}
	if c.JumpCloud.APIKey.Reveal() != "k-clean" || c.Sync.Workers != 4 || !c.JumpCloud.MergeAdmins || strings.Join(c.Sync.ResourceTypes, " ") != "user group" ||
		c.Output.File != "a.c1z" || c.JumpCloud.Region != "eu" || c.Service.ShutdownGrace.Seconds() != 3 || c.Sync.MaxDrop.Percent != 50 || c.Sync.KeepOlder != 2 ||
		c.Change.AuditFile != "audit.jsonl" || c.Log.Level.String() != "WARN" || c.Service.Concurrency != 7 || c.Sync.SkipGrants || c.JumpCloud.OrgID != "64b000000000000000000001" ||
		strings.Join(c.Log.Paths, " ") != "a.log b.log" {
		t.Errorf("Config = %+v", c)
	}
}

// sample is a value that an option may have.
func sample(o config.Option) string {
	for _, value := range o.OneOf {
		if value != "" {
			return value
		}
	}
	switch o.Kind {
	case config.Bool:
		return "true"
	case config.Int:
		return strconv.Itoa(max(o.Min, 1))
	default:
		if o.BoolText {
			return "true"
		}
	}
	switch o.Name {
	case "base-url", "insights-url":
		return "https://console.jumpcloud.com"
	case "config-path":
		return "testdata/empty.yaml"
	case "shutdown-grace", "full-every":
		return "3s"
	case "otel-collector-endpoint-tls-cert":
		return "eA"
	case "c1z-temp-dir", "tmpdir":
		return "/"
	case "log-level-debug-expires-at":
		return "2026-01-31T15:04:05Z"
	case "max-drop":
		return "60"
	case "event-feed-start-at":
		return "2026-11-30T08:00:00Z"
	case "sync-resources":
		return "bid:r:user/64b000000000000000000001"
	default:
		return "some.c1z"
	}
}

// layers gives an option a value in each way that there is.
func layers(t *testing.T, o config.Option, value string) map[string]world {
	t.Helper()
	ways := map[string]world{"environment": {env: map[string]string{o.Env(): value}}}
	if !o.EnvOnly {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "settings.yaml")
		if err := os.WriteFile(path, []byte(o.Name+": "+string(text)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ways["file"] = world{env: map[string]string{"BATON_CONFIG_PATH": path}}
		ways["flag"] = world{args: []string{"--" + o.Name + "=" + value}}
	}
	return ways
}

// TestEveryValueIsClean puts what text is copied with around a value of every option.
func TestEveryValueIsClean(t *testing.T) {
	t.Parallel()
	for _, o := range config.Options() {
		value := sample(o)
		clean := layers(t, o, value)
		want, err := clean["environment"].load(t, config.ForCommand)
		if err != nil {
			t.Errorf("%s: %v", o.Name, err)
			continue
		}
		for _, form := range []string{"%s\r\n\n", "\ufeff%s\u00a0", " \u00a0%s\u200b\t", "\u2060%s\u2028"} {
			for how, w := range layers(t, o, fmt.Sprintf(form, value)) {
				got, err := w.load(t, config.ForCommand)
				if err != nil || !sameSettings(got, want) {
					t.Errorf("%s by %s in the form %q: %v", o.Name, how, form, err)
				}
			}
		}
	}
}

// sameSettings compares settings, whatever they came from.
func sameSettings(a, b *config.Config) bool {
	groups := func(c *config.Config) []any {
		return []any{c.JumpCloud, c.Sync, c.Change, c.Output, c.Log, c.Service, c.Health, c.Telemetry}
	}
	return cmp.Equal(groups(a), groups(b), cmp.Exporter(func(reflect.Type) bool { return true }))
}

// TestQuotedValues leaves quotes around a value of every option.
func TestQuotedValues(t *testing.T) {
	t.Parallel()
	for _, o := range config.Options() {
		for _, form := range []string{`"%s"`, "'%s'", "`%s`", "“%s”", "‘%s’"} {
			for how, w := range layers(t, o, fmt.Sprintf(form, sample(o))) {
				if how == "flag" && o.Kind == config.Strings && form == `"%s"` {
					continue // Lists of flags are read as CSV, where these quotes have a meaning.
				}
				_, err := w.load(t, config.ForCommand)
				if err == nil || strings.Count(err.Error(), "value is in quotes: remove them") != 1 || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s by %s in the form %s: error = %v", o.Name, how, form, err)
				}
			}
		}
	}
}

// TestUnreadCredential names a file that cannot be read, and not the credential that is
// missing therefore.
func TestUnreadCredential(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{
		{"BATON_API_KEY_FILE": filepath.Join(t.TempDir(), "none")},
		{"BATON_API_KEY": "k", "BATON_API_KEY_FILE": "k"},
		{"BATON_JUMPCLOUD_CLIENT_SECRET_FILE": t.TempDir()},
		{"BATON_CONFIG_PATH": filepath.Join(t.TempDir(), "none.yaml")},
		{"BATON_CONFIG_PATH": "settings.json"},
	} {
		_, err := world{env: env}.load(t, config.ForRun)
		if problems, ok := errors.AsType[config.Problems](err); !ok || len(problems) != 1 || strings.Contains(err.Error(), "not set") {
			t.Errorf("%v: error = %v", env, err)
		}
	}
}

// TestMistypedKeys puts a key where something else belongs.
func TestMistypedKeys(t *testing.T) {
	t.Parallel()
	const legacy, odd = "0123456789abcdef0123456789abcdef01234567", "Correct-Horse-1936"
	keys := []string{"jca_0123456789abcdef", legacy, "secret-token:conductorone.com:v1:eyJrdHkiOiJPS1AiLCJkIjoiYSJ9", "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl", "ZjM0NWY2YzctOGE5Yi00ZjJlLThjYWUtYWFiYWE"}
	for _, o := range config.Options() {
		if o.Secret {
			continue
		}
		for _, key := range keys {
			_, err := world{env: map[string]string{"BATON_API_KEY": "k-real-one", o.Env(): key}}.load(t, config.ForRun)
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("%s repeats a key: %v", o.Name, err)
			}
		}
		// A key that looks like none is known where it stands in its place too.
		if _, err := (world{env: map[string]string{"BATON_API_KEY": odd, o.Env(): odd}}).load(t, config.ForRun); err != nil && strings.Contains(err.Error(), odd) {
			t.Errorf("%s repeats the key: %v", o.Name, err)
		}
	}
	for _, key := range keys {
		if _, err := (world{env: map[string]string{"BATON_API_KEY": "k", "BATON_ORG_ID": key}}).load(t, config.ForRun); err == nil || !strings.Contains(err.Error(), "field org-id: value looks like a key") {
			t.Errorf("org-id %s: error = %v", key, err)
		}
	}
	for _, value := range []string{"https://" + legacy, "https://jca_0123456789abcdef.example", "jca_0123456789abcdef"} {
		if _, err := (world{env: map[string]string{"BATON_API_KEY": "k", "BATON_BASE_URL": value}}).load(t, config.ForRun); err == nil || !strings.Contains(err.Error(), "field base-url: value must be an address") {
			t.Errorf("%s: error = %v", value, err)
		}
	}
}
