package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// line is a setting of a file, with a value that asks for something.
func line(o config.Option) string {
	value := map[string]string{
		"auth-method": "service-account", "region": "eu", "base-url": "https://jc.example", "sync-resource-types": "[user]", "sync-resources": `["bid:r:user/u"]`,
		"max-drop": `"off"`, "log-level": "warn", "log-format": "json", "log-level-debug-expires-at": `"2026-01-31T15:04:05Z"`, "c1z-temp-dir": "/", "storage-engine": "sqlite",
		"shutdown-grace": "3s", "full-every": "1h", "health-check-bind-address": "0.0.0.0", "otel-collector-endpoint": "collector.example:4317", "otel-collector-endpoint-tls-cert": "UEVN",
		"event-feed": `"true"`,
	}[o.Name]
	switch {
	case value != "":
	case o.Kind == config.Bool:
		value = "true"
	case o.Kind == config.Int:
		value = "7"
	case o.Kind == config.Strings:
		value = "[x]"
	default:
		value = "x"
	}
	return o.Name + ": " + value + "\n"
}

// TestWorkingDirectory plants every setting, one at a time, in a file that nobody
// named. What may be set there is this list and nothing else: a new option has to be
// looked at.
func TestWorkingDirectory(t *testing.T) {
	t.Parallel()
	harmless := []string{
		"org-id", "region", "merge-admins", "skip-admins", "sync-last-login", "sync-directories", "sync-devices", "sync-service-accounts", "sync-secrets", "sync-resource-types", "sync-resources", "skip-entitlements-and-grants", "skip-grants", "workers",
		"parallel-sync", "http-timeout-seconds", "external-resource-entitlement-id-filter", "external-resource-traits", "log-level", "log-format",
		"log-level-debug-expires-at", "log-event-log", "storage-engine", "task-concurrency", "shutdown-grace", "keep-previous-sync-c1z",
		"otel-tracing-disabled", "otel-logging-disabled", "session-store-maximum-size",
	}
	for _, o := range config.Options() {
		if o.EnvOnly {
			if o.Reach != 0 {
				t.Errorf("%s: no file sets it, so it reaches nothing from there", o.Name)
			}
			continue
		}
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			refused := func(w world) bool {
				c, err := w.load(t, config.ForCommand)
				is := err != nil && strings.Contains(err.Error(), o.Name+" in ") && strings.Contains(err.Error(), " is rejected")
				if !is && w.env["BATON_CONFIG_PATH"] == "" && err == nil && slices.Contains(harmless, o.Name) != slices.Contains(c.FromWorkingDir, o.Name) {
					t.Errorf("using settings from the working directory %q", c.FromWorkingDir)
				}
				return is
			}
			key := map[string]string{"BATON_API_KEY": "k-elsewhere"}
			planted := world{file: line(o), env: key}
			if o.Name == "api-key" {
				planted.env = map[string]string{"BATON_CLIENT_SECRET": "s-elsewhere"}
			}
			if got, want := refused(planted), !slices.Contains(harmless, o.Name); got != want {
				t.Errorf("with a credential from elsewhere it is rejected: %v, want %v", got, want)
			}
			own := "api-key: k-own\n"
			if o.Name == "api-key" {
				own = ""
			}
			if got, want := refused(world{file: own + line(o)}), o.Reach == config.ReachMode; got != want {
				t.Errorf("with the credential in the file it is rejected: %v, want %v", got, want)
			}
			named := filepath.Join(t.TempDir(), "named.yaml")
			if err := os.WriteFile(named, []byte(line(o)), 0o600); err != nil {
				t.Fatal(err)
			}
			if refused(world{env: map[string]string{"BATON_API_KEY": "k-elsewhere", "BATON_CONFIG_PATH": named}}) {
				t.Error("it is rejected from a file that was named")
			}
		})
	}
}

func TestWorkingDirectoryReasons(t *testing.T) {
	t.Parallel()
	env := map[string]string{"BATON_API_KEY": "k-elsewhere"}
	tests := []struct {
		name  string
		world world
		want  string // part of the error; empty for none
	}{
		{"a stranger's service", world{file: "client-id: a@b/c\nclient-secret: s\nprovisioning: true\n", env: env}, "client-id in %s is rejected: a file in the working directory must not select a mode or command"},
		{"a host", world{file: "base-url: https://jc.example\n", env: env}, "base-url in %s is rejected because api-key comes from BATON_API_KEY: a file in the working directory must not set where a credential is sent"},
		{"key on the command line", world{file: "log-path: x.log\n", args: []string{"--api-key=k-elsewhere"}}, "because api-key comes from --api-key"},
		{"secret of a pair", world{file: "base-url: https://jc.example\njumpcloud-client-id: i\n", env: map[string]string{"BATON_JUMPCLOUD_CLIENT_SECRET": "s"}}, "because jumpcloud-client-secret comes from BATON_JUMPCLOUD_CLIENT_SECRET"},
		{"another key", world{file: "jumpcloud-client-id: i\njumpcloud-client-secret: s\nauth-method: service-account\n", env: env}, "auth-method in %s is rejected because api-key comes from BATON_API_KEY: a file in the working directory must not select a credential"},
		{"the service's secret is elsewhere", world{file: "api-key: k\n", env: map[string]string{"BATON_CLIENT_SECRET": "s", "BATON_CLIENT_ID": "a@b/c"}}, "api-key in %s is rejected because client-id comes from BATON_CLIENT_ID"},
		{"no credential at all", world{file: "file: /elsewhere.c1z\n"}, "file in %s is rejected because the JumpCloud credential is not in it: a file in the working directory must not set what is written where"},
		{"all in the file", world{file: "api-key: k\nbase-url: https://jc.example\nfile: x.c1z\nlog-path: a.log\n"}, ""},
		{"outweighed", world{file: "base-url: https://jc.example\n", env: map[string]string{"BATON_API_KEY": "k", "BATON_BASE_URL": "https://mine.example"}}, ""},
		{"the default", world{file: "file: sync.c1z\nprovisioning: false\nmax-drop: 50%/20\n", env: env}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.world.dir = t.TempDir()
			_, err := tt.world.load(t, config.ForRun)
			if tt.want == "" {
				if err != nil {
					t.Errorf("error = %v", err)
				}
				return
			}
			want := strings.ReplaceAll(tt.want, "%s", filepath.Join(tt.world.dir, ".baton.yaml"))
			problems, _ := err.(config.Problems) //nolint:errorlint // Load returns them as they are.
			if !strings.Contains(problems.Error(), want) || !strings.Contains(strings.Join(problems.Hints(), "\n"), "if you trust the file, set BATON_CONFIG_PATH=") {
				t.Errorf("error = %v\nhints = %q\nwant %s", err, problems.Hints(), want)
			}
		})
	}
}
