package config_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/bid"
	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// world is what a test gives the settings to be read from.
type world struct {
	args []string
	env  map[string]string
	file string // content of ./.baton.yaml; empty for none
	mode os.FileMode
	dir  string
}

// load reads the settings of the world.
func (w world) load(t *testing.T, purpose config.Purpose) (*config.Config, error) {
	t.Helper()
	if w.dir == "" {
		w.dir = t.TempDir()
	}
	if w.file != "" {
		if w.mode == 0 {
			w.mode = 0o600
		}
		if err := os.WriteFile(filepath.Join(w.dir, ".baton.yaml"), []byte(w.file), w.mode); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags, "")
	config.AddFlags(flags, config.CommandLambda)
	if err := flags.Parse(w.args); err != nil {
		return nil, err
	}
	lookup := func(name string) (string, bool) { v, ok := w.env[name]; return v, ok }
	return config.Load(flags, config.Environment{Lookup: lookup, Dir: w.dir}, purpose)
}

// secretFile writes a file that holds a secret and returns its path.
func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := "api-key: k\norg-id: \"from-file\"\nregion: eu\nlog-level: debug\nlog-path: [\"a,b\", c]\nworkers: 3\nmerge-admins: true\n"
	env := map[string]string{"BATON_ORG_ID": "from-env", "BATON_REGION": "in", "BATON_LOG_PATH": "a.log, b.log,", "BATON_MERGE_ADMINS": "F"}
	args := []string{"--org-id=from-flag"}

	tests := []struct {
		name      string
		world     world
		org       string
		region    string
		paths     []string
		workers   int
		merge     bool
		orgOrigin config.Layer
	}{
		{"defaults", world{}, "", "us", nil, 16, false, config.LayerDefault},
		{"file", world{file: file}, "from-file", "eu", []string{"a,b", "c"}, 3, true, config.LayerFile},
		{"environment over file", world{file: file, env: env}, "from-env", "in", []string{"a.log", "b.log"}, 3, false, config.LayerEnv},
		{"flag over all", world{file: file, env: env, args: args}, "from-flag", "in", []string{"a.log", "b.log"}, 3, false, config.LayerFlag},
		{"empty environment is not set", world{file: file, env: map[string]string{"BATON_ORG_ID": ""}}, "from-file", "eu", []string{"a,b", "c"}, 3, true, config.LayerFile},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := tt.world.load(t, config.ForCommand)
			if err != nil {
				t.Fatal(err)
			}
			if c.JumpCloud.OrgID != tt.org || c.JumpCloud.Region != tt.region || c.Sync.Workers != tt.workers || c.JumpCloud.MergeAdmins != tt.merge {
				t.Errorf("org %q, region %q, workers %d, merge %v; want %q, %q, %d, %v",
					c.JumpCloud.OrgID, c.JumpCloud.Region, c.Sync.Workers, c.JumpCloud.MergeAdmins, tt.org, tt.region, tt.workers, tt.merge)
			}
			if diff := cmp.Diff(tt.paths, c.Log.Paths); diff != "" {
				t.Errorf("log paths differ (-want +got):\n%s", diff)
			}
			if got := c.Origin("org-id").Layer; got != tt.orgOrigin {
				t.Errorf("origin of org-id = %v, want %v", got, tt.orgOrigin)
			}
		})
	}
}

func TestTypedValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := world{
		args: []string{
			"-f", "out.c1z", "--workers=1", "--log-level=WARN", "--log-format=console", "--log-path=a.log,stderr",
			"--http-timeout-seconds=7", "--sync-resources=bid:r:user/u1", "--skip-grants", "--c1z-temp-dir=" + dir,
			"--log-level-debug-expires-at=2026-01-31T15:04:05Z", "--base-url=https://jc.example/base",
		},
		env: map[string]string{
			"BATON_API_KEY": " key\n", "BATON_KEEP_SYNC_COUNT": "4", "BATON_DONT_FIX_CYCLES": "1",
			"BATON_GRAPH_EXPAND_MAX_DEPTH": "5", "BATON_SKIP_CLEANUP": "true", "BATON_TMPDIR": "/ignored",
		},
	}.load(t, config.ForRun)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Sync{
		Resources: []bid.Resource{{Type: "user", ID: "u1"}}, SkipGrants: true,
		Workers: 1, KeepOlder: 3, KeepAll: true, FailOnCycles: true, MaxDepth: 5, MaxDrop: config.MaxDrop{Percent: 50, AtLeast: 20},
		FullEvery: 24 * time.Hour,
	}
	if diff := cmp.Diff(want, c.Sync); diff != "" {
		t.Errorf("Sync differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Output{File: "out.c1z", TempDir: dir}, c.Output); diff != "" {
		t.Errorf("Output differs (-want +got):\n%s", diff)
	}
	wantLog := config.Log{Level: slog.LevelWarn, DebugUntil: time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC), Format: "console", Paths: []string{"a.log", "stderr"}}
	if diff := cmp.Diff(wantLog, c.Log); diff != "" {
		t.Errorf("Log differs (-want +got):\n%s", diff)
	}
	jc := c.JumpCloud
	if jc.APIKey.Reveal() != "key" || jc.AuthMethod != config.GroupAPIKey || jc.Timeout != 7*time.Second || jc.BaseURL.String() != "https://jc.example/base" {
		t.Errorf("JumpCloud = %+v", jc)
	}
}

func TestCredential(t *testing.T) {
	t.Parallel()
	key, id, secret := "BATON_API_KEY", "BATON_JUMPCLOUD_CLIENT_ID", "BATON_JUMPCLOUD_CLIENT_SECRET"
	tests := []struct {
		name   string
		env    map[string]string
		args   []string
		method string
		from   string // where the credential came from
		wrong  string // text of the error
		code   codes.Code
	}{
		{"key", map[string]string{key: "k"}, nil, "api-key", key, "", 0},
		{"pair", map[string]string{id: "i", secret: "s"}, nil, "service-account", secret, "", 0},
		{"key from a file", map[string]string{key + "_FILE": secretFile(t, "k\n")}, nil, "api-key", key + "_FILE", "", 0},
		{"secret from a file", map[string]string{id: "i", secret + "_FILE": secretFile(t, "s")}, nil, "service-account", secret + "_FILE", "", 0},
		{"flag outweighs the file of the environment", map[string]string{key + "_FILE": secretFile(t, "k")}, []string{"--api-key=f"}, "api-key", "--api-key", "", 0},
		{"both, one chosen", map[string]string{key: "k", id: "i", secret: "s", "BATON_AUTH_METHOD": "Service-Account"}, nil, "service-account", secret, "", 0},
		{"none", nil, nil, "", "", `required flag(s) "api-key" not set`, codes.Unauthenticated},
		{"blank key", map[string]string{key: " \n"}, nil, "", "", `required flag(s) "api-key" not set`, codes.Unauthenticated},
		{"method without its pair", map[string]string{key: "k"}, []string{"--auth-method=service-account"}, "", "", `required flag(s) "jumpcloud-client-id", "jumpcloud-client-secret" not set`, codes.Unauthenticated},
		{"both", map[string]string{key: "k", id: "i", secret: "s"}, nil, "", "", "both credentials were set", codes.Unknown},
		{"half a pair", map[string]string{id: "i"}, nil, "", "", "if any flags in the group [jumpcloud-client-id jumpcloud-client-secret] are set they must all be set; missing [jumpcloud-client-secret]", codes.Unknown},
		{"value and file", map[string]string{key: "k", key + "_FILE": "/x"}, nil, "", "", "BATON_API_KEY and BATON_API_KEY_FILE are both set", codes.Unknown},
		{"missing file", map[string]string{key + "_FILE": "/missing/key"}, nil, "", "", "BATON_API_KEY_FILE: open /missing/key: no such file or directory", codes.Unknown},
		{"empty file", map[string]string{key + "_FILE": secretFile(t, "\n")}, nil, "", "", "is empty", codes.Unknown},
		{"huge file", map[string]string{key + "_FILE": secretFile(t, strings.Repeat("x", 70000))}, nil, "", "", "is larger than 65536 bytes", codes.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := world{env: tt.env, args: tt.args}.load(t, config.ForRun)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || status.Code(err) != tt.code {
					t.Errorf("error = %v (code %v), want %q (code %v)", err, status.Code(err), tt.wrong, tt.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.JumpCloud.AuthMethod != tt.method || c.CredentialOrigin() != tt.from {
				t.Errorf("method %q from %q, want %q from %q", c.JumpCloud.AuthMethod, c.CredentialOrigin(), tt.method, tt.from)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	key := map[string]string{"BATON_API_KEY": "k"}
	service := serviceEnv()
	tests := []struct {
		name  string
		world world
		want  []string // texts that the error holds
		hint  string
		code  codes.Code
	}{
		{
			"everything at once",
			world{args: []string{"--workers=65", "--log-level=loud", "--http-timeout-seconds=9999", "--base-url=nowhere"}, env: key},
			[]string{
				"errors found:\n", "field workers: value must be less than or equal to 64 but got 65\n", "field log-level: value must be one of [debug info warn error] but got 'loud'",
				"field http-timeout-seconds: value must be less than or equal to 1800 but got 9999", "field base-url: value must be an address",
			},
			"", codes.Unknown,
		},
		{"zero is held to bounds", world{args: []string{"--task-concurrency=0"}, env: key}, []string{"field task-concurrency: value must be greater than or equal to 1 but got 0"}, "", codes.Unknown},
		{
			"bad environment",
			world{env: map[string]string{"BATON_API_KEY": "k", "BATON_WORKERS": "many", "BATON_MERGE_ADMINS": "yes"}},
			[]string{"environment variable BATON_WORKERS: value must be an integer but got 'many'", "environment variable BATON_MERGE_ADMINS: value must be true or false but got 'yes'"},
			"", codes.Unknown,
		},
		{"storage engine", world{args: []string{"--storage-engine=foo"}, env: key}, []string{"field storage-engine: value must be one of [ sqlite pebble] but got 'foo'"}, "", codes.Unknown},
		{"event feed text", world{args: []string{"--event-feed=yes"}, env: key}, []string{"field event-feed: value must be true or false but got 'yes'"}, "", codes.Unknown},
		{"event feed start", world{args: []string{"--event-feed=true", "--event-feed-start-at=monday"}, env: key}, []string{"field event-feed-start-at: value must be a time such as "}, "", codes.Unknown},
		{"event feed alone", world{args: []string{"--event-feed-id=usage_event_feed"}, env: key}, []string{"event-feed-id", "event-feed"}, "", codes.Unknown},
		{"client id alone", world{env: map[string]string{"BATON_API_KEY": "k", "BATON_CLIENT_ID": "a@b/c"}}, []string{"client-secret is required in service mode"}, "click Edit in its Settings area, then Rotate", codes.Unknown},
		{"client secret alone", world{env: map[string]string{"BATON_API_KEY": "k", "BATON_CLIENT_SECRET": "x"}}, []string{"if any flags in the group [client-id client-secret] are set they must all be set; missing [client-id]"}, "", codes.Unknown},
		{"service without grants", world{args: []string{"--skip-grants", "--sync-resources=bid:r:user/u1"}, env: service}, []string{"skip-grants can only be set within a targeted sync"}, "", codes.Unknown},
		{"service and preview", world{args: []string{"--dry-run", "--revoke-grant=g"}, env: service}, []string{"if any flags in the group [dry-run client-id] are set none of the others can be"}, "", codes.Unknown},
		{"grace", world{args: []string{"--shutdown-grace=soon"}, env: service}, []string{"field shutdown-grace: value must be a duration from 0s to 1h, such as 25s, but got 'soon'"}, "", codes.Unknown},
		{"full syncs", world{args: []string{"--full-every=daily"}, env: key}, []string{"field full-every: value must be a duration from 0s to 720h, such as 24h, but got 'daily'"}, "", codes.Unknown},
		{"full syncs too rare", world{args: []string{"--full-every=721h"}, env: key}, []string{"value must be a duration from 0s to 720h"}, "", codes.Unknown},
		{"no tasks at once", world{args: []string{"--task-concurrency=0"}, env: service}, []string{"field task-concurrency: value must be greater than or equal to 1 but got 0"}, "", codes.Unknown},
		{"collector's CA", world{args: []string{"--otel-collector-endpoint-tls-cert=%"}, env: key}, []string{"value must be base64url"}, "", codes.Unknown},
		{"unserved outweighs the rest", world{args: []string{"--ticketing", "--workers=99"}}, []string{"ticketing is not served: ", "field workers", `required flag(s) "api-key" not set`}, "BATON_API_KEY", codes.Unimplemented},
		{"mistake outweighs a missing key", world{args: []string{"--workers=99"}}, []string{"field workers", "api-key"}, "baton-jumpcloud demo", codes.Unknown},
		{"together", world{args: []string{"--get-ticket"}, env: key}, []string{"if any flags in the group [get-ticket ticket-id] are set they must all be set; missing [ticket-id]"}, "", codes.Unimplemented},
		{"exclusive", world{args: []string{"--merge-admins", "--skip-admins"}, env: key}, []string{"if any flags in the group [merge-admins skip-admins] are set none of the others can be; [merge-admins skip-admins] were all set"}, "", codes.Unknown},
		{"region and base url", world{args: []string{"--region=eu", "--base-url=https://jc.example"}, env: key}, []string{"if any flags in the group [region base-url] are set none of the others can be; [base-url region] were all set"}, "", codes.Unknown},
		{"grant by halves", world{args: []string{"--grant-principal=u"}, env: key}, []string{"if any flags in the group [grant-entitlement grant-principal] are set they must all be set; missing [grant-entitlement]"}, "", codes.Unknown},
		{"grant and revoke", world{args: []string{"--grant-entitlement=e", "--grant-principal=u", "--revoke-grant=g"}, env: key}, []string{"[grant-entitlement revoke-grant] were all set"}, "", codes.Unknown},
		{"preview of nothing", world{args: []string{"--dry-run"}, env: key}, []string{"set fields ('dry-run') are dependent on one of ('grant-entitlement' and 'revoke-grant' and 'invoke-action' and 'create-account-login' and 'create-account-profile' and 'delete-resource' and 'rotate-credentials') being set"}, "", codes.Unknown},
		{"preview of a service", world{args: []string{"--dry-run", "--revoke-grant=g"}, env: service}, []string{"if any flags in the group [dry-run client-id] are set none of the others can be; [client-id dry-run] were all set"}, "", codes.Unknown},
		{"skip-grants alone", world{args: []string{"--skip-grants"}, env: key}, []string{"skip-grants can only be set within a targeted sync"}, "--sync-resources", codes.Unknown},
		{"dependent", world{args: []string{"--external-resource-traits=user"}, env: key}, []string{"set fields ('external-resource-traits') are dependent on ('external-resource-c1z') being set"}, "", codes.Unimplemented},
		{"bad resource id", world{args: []string{"--sync-resources=user/u1"}, env: key}, []string{`field sync-resources: "user/u1" is not a resource ID such as bid:r:user/`}, "", codes.Unknown},
		{"temp dir", world{args: []string{"--c1z-temp-dir=/missing/dir"}, env: key}, []string{"the specified c1z temp dir does not exist: /missing/dir"}, "", codes.Unknown},
		{"password in base url", world{args: []string{"--base-url=https://u:hunter2@jc.example"}, env: key}, []string{"without user, query and fragment but got 'https://[redacted]@jc.example'"}, "", codes.Unknown},
		{"empty file name", world{args: []string{"--file="}, env: key}, []string{"field file: value must not be empty"}, "", codes.Unknown},
		{"expiry", world{args: []string{"--log-level-debug-expires-at=tomorrow"}, env: key}, []string{"field log-level-debug-expires-at: value must be a time"}, "", codes.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.world.load(t, config.ForRun)
			var problems config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error = %v, want Problems", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error:\n%v\nwant in it: %s", err, want)
				}
			}
			if hints := strings.Join(problems.Hints(), "\n"); !strings.Contains(hints, tt.hint) {
				t.Errorf("hints = %q, want %q in them", hints, tt.hint)
			}
			if got := status.Code(err); got != tt.code {
				t.Errorf("code = %v, want %v", got, tt.code)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error quotes a password: %v", err)
			}
		})
	}
}

func TestHarmlessValuesOfUnservedOptions(t *testing.T) {
	t.Parallel()
	_, err := world{
		args: []string{
			"--ticketing=false", "--event-feed=false", "--task-concurrency=3", "--external-resource-c1z=", "--storage-engine=sqlite",
			"--provisioning", "--otel-tracing-disabled", "--session-store-maximum-size=0", "--region=us", "--base-url=https://jc.example",
		},
		env: map[string]string{"BATON_API_KEY": "k"},
	}.load(t, config.ForRun)
	if err != nil {
		t.Errorf("Load: %v", err)
	}
}

func TestForCommandAsksForNoCredential(t *testing.T) {
	t.Parallel()
	if _, err := (world{args: []string{"--ticketing", "--merge-admins", "--skip-admins"}}).load(t, config.ForCommand); err != nil {
		t.Errorf("Load: %v", err)
	}
}
