package config_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

//nolint:gochecknoglobals // a test flag
var update = flag.Bool("update", false, "rewrite generated files")

// sdkFlags is the flag table of Baton connectors: name, shorthand, type, default
// and whether it is hidden. Scripts that people have must go on parsing.
const sdkFlags = `
client-id - string "" visible
client-secret - string "" visible
file f string "sync.c1z" visible
log-level - string "info" visible
log-format - string "" visible
log-path - stringSlice [] visible
log-level-debug-expires-at - string "" visible
log-event-log - bool false hidden
provisioning p bool false visible
ticketing - bool false visible
skip-full-sync - bool false visible
sync-resources - stringSlice [] visible
sync-resource-types - stringSlice [] visible
skip-entitlements-and-grants - bool false visible
skip-grants - bool false hidden
auth-method - string "" visible
external-resource-c1z - string "" visible
external-resource-entitlement-id-filter - string "" visible
external-resource-traits - stringSlice [] visible
keep-previous-sync-c1z - bool false visible
workers - int 0 visible
parallel-sync - bool false visible
task-concurrency - int 3 visible
storage-engine - string "" visible
c1z-temp-dir - string "" hidden
http-timeout-seconds - int 300 visible
session-store-maximum-size - int 15728640 hidden
health-check - bool false visible
health-check-port - int 8081 visible
health-check-bind-address - string "127.0.0.1" hidden
otel-collector-endpoint - string "" visible
otel-collector-endpoint-tls-cert-path - string "" hidden
otel-collector-endpoint-tls-cert - string "" hidden
otel-collector-endpoint-tls-insecure - bool false hidden
otel-tracing-disabled - bool false hidden
otel-logging-disabled - bool false hidden
grant-entitlement - string "" hidden
grant-principal - string "" hidden
grant-principal-type - string "" hidden
revoke-grant - string "" hidden
create-account-login - string "" hidden
create-account-email - string "" hidden
create-account-profile - string "" hidden
create-account-resource-type - string "" hidden
delete-resource - string "" hidden
delete-resource-type - string "" hidden
rotate-credentials - string "" hidden
rotate-credentials-type - string "" hidden
event-feed - string "" hidden
event-feed-id - string "" hidden
event-feed-start-at - string "" hidden
event-feed-cursor - string "" hidden
create-ticket - bool false hidden
bulk-create-ticket - bool false hidden
get-ticket - bool false hidden
list-ticket-schemas - bool false hidden
ticket-template-path - string "" hidden
bulk-ticket-template-path - string "" hidden
ticket-id - string "" hidden
diff-syncs - bool false hidden
base-sync-id - string "" hidden
applied-sync-id - string "" hidden
compact-syncs - bool false hidden
compact-output-path - string "" hidden
compact-file-paths - stringSlice [] hidden
compact-sync-ids - stringSlice [] hidden
invoke-action - string "" hidden
invoke-action-args - string "{}" hidden
invoke-action-resource-type - string "" hidden
list-action-schemas - bool false hidden
list-action-schemas-resource-type - string "" hidden
list-resource-actions - string "" hidden
invoke-resource-action - string "" hidden
invoke-resource-action-resource-type - string "" hidden
invoke-resource-action-args - string "{}" hidden
`

func TestFlagsOfBatonConnectors(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags, "")
	for line := range strings.Lines(strings.TrimSpace(sdkFlags)) {
		line = strings.TrimSpace(line)
		f := flags.Lookup(strings.Fields(line)[0])
		if f == nil {
			t.Errorf("flag %s is missing", strings.Fields(line)[0])
			continue
		}
		shorthand, def, visibility := "-", f.DefValue, "visible"
		if f.Shorthand != "" {
			shorthand = f.Shorthand
		}
		if f.Value.Type() == "string" {
			def = fmt.Sprintf("%q", def)
		}
		if f.Hidden {
			visibility = "hidden"
		}
		if got := strings.Join([]string{f.Name, shorthand, f.Value.Type(), def, visibility}, " "); got != line {
			t.Errorf("flag is %q, want %q", got, line)
		}
	}
}

func TestTableIsSound(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, o := range config.Options() {
		if seen[o.Name] {
			t.Errorf("%s is there twice", o.Name)
		}
		seen[o.Name] = true
		if o.Help == "" || strings.HasSuffix(o.Help, ".") {
			t.Errorf("%s: help %q must be a sentence without a full stop", o.Name, o.Help)
		}
		if (o.Status != config.Served) != (o.Reason != "") {
			t.Errorf("%s: status %v and reason %q do not go together", o.Name, o.Status, o.Reason)
		}
		if (o.Export != config.ExportNone) != (o.Title != "") {
			t.Errorf("%s: what is in the schema has a title, and nothing else does", o.Name)
		}
		if !strings.Contains(o.Usage(), "($"+o.Env()+")") {
			t.Errorf("%s: usage %q does not name %s", o.Name, o.Usage(), o.Env())
		}
	}
	for _, r := range config.Relations() {
		for _, name := range slices.Concat(r.Names, r.On) {
			if !seen[name] {
				t.Errorf("relation %v names %s, which is no option", r, name)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"worker": "workers", "API_KEY": "api-key", "orgid": "org-id", "nothing-like-it": "", "tmpdirs": ""} {
		if got := config.Nearest(word); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// golden compares with a file of the repository, or rewrites it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not current (-file +generated); run make gen:\n%s", path, diff)
	}
}

func TestDocIsCurrent(t *testing.T) {
	t.Parallel()
	var doc bytes.Buffer
	if err := config.WriteMarkdown(&doc); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/CONFIG.md", doc.Bytes())
}

func TestSchema(t *testing.T) {
	t.Parallel()
	schema, err := protojson.MarshalOptions{Indent: "  "}.Marshal(config.Schema())
	if err != nil {
		t.Fatal(err)
	}
	// The encoder varies its white space on purpose.
	got := bytes.ReplaceAll(schema, []byte(`":  `), []byte(`": `))
	golden(t, "testdata/schema.json", append(got, '\n'))
}

// No setting turns the checks of TLS off, for JumpCloud or for ConductorOne. A
// collector of telemetry can do without TLS, where its user asks for that by name.
func TestNoOptionTurnsVerificationOff(t *testing.T) {
	t.Parallel()
	for _, o := range config.Options() {
		for _, word := range []string{"insecure", "verify", "skip-tls", "plaintext", "no-tls"} {
			if strings.Contains(o.Name, word) && o.Name != "otel-collector-endpoint-tls-insecure" {
				t.Errorf("--%s looks as if it turned verification off", o.Name)
			}
		}
	}
}
