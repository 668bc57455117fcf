package config_test

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// hostedEnv are the variables of a hosted connector.
func hostedEnv() map[string]string {
	return map[string]string{
		"BATON_LAMBDA_CLIENT_ID": "c@conductor.one/x", "BATON_LAMBDA_CLIENT_SECRET": "a:b:v1:hidden", "BATON_LAMBDA_AUTH_JWT_SIGNER": `{"kty": "OKP"}`,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_ISSUER": "i", "BATON_LAMBDA_AUTH_JWT_EXPECTED_SUBJECT": "s", "BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE": "a",
	}
}

func loadHosted(env map[string]string) (*config.Config, error) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.AddFlags(flags, "")
	config.AddFlags(flags, config.CommandLambda)
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	return config.Load(flags, config.Environment{Lookup: lookup, NoFile: true}, config.ForHosted)
}

func TestHosted(t *testing.T) {
	t.Parallel()
	env := hostedEnv()
	env["BATON_LAMBDA_TOKEN_HOST"], env["BATON_LAMBDA_CONFIGURATION_HOST"], env["BATON_LAMBDA_CA_CERT_PATH"] = "tokens.example:8443", "calls.example", "/ca.pem"
	c, err := loadHosted(env) // Without any credential of JumpCloud.
	if err != nil {
		t.Fatal(err)
	}
	h := c.Hosted
	if h.ClientSecret.Reveal() != "a:b:v1:hidden" {
		t.Error("another secret")
	}
	got := []string{h.ClientID, h.Signer, h.KeySetURL, h.Issuer, h.Subject, h.Audience, h.TokenHost, h.Host, h.CACertPath}
	want := []string{"c@conductor.one/x", `{"kty": "OKP"}`, "", "i", "s", "a", "tokens.example:8443", "calls.example", "/ca.pem"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHostedSettingsThatAreMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(map[string]string)
		want   string
	}{
		{
			"all", func(env map[string]string) { clear(env) },
			`required flag(s) "lambda-auth-jwt-expected-audience", "lambda-auth-jwt-expected-issuer", "lambda-auth-jwt-expected-subject", "lambda-client-id", "lambda-client-secret" not set`,
		},
		{"audience", func(env map[string]string) { delete(env, "BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE") }, `required flag(s) "lambda-auth-jwt-expected-audience" not set`},
		{"no signer", func(env map[string]string) { delete(env, "BATON_LAMBDA_AUTH_JWT_SIGNER") }, "must specify exactly one of"},
		{"two signers", func(env map[string]string) { env["BATON_LAMBDA_AUTH_JWT_JWKS_URL"] = "https://x" }, "must specify exactly one of"},
		{"host", func(env map[string]string) { env["BATON_LAMBDA_TOKEN_HOST"] = "x/y" }, "field lambda-token-host: value must be HOST or HOST:PORT"},
		{"level", func(env map[string]string) { env["BATON_LOG_LEVEL"] = "loud" }, "field log-level: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := hostedEnv()
			tt.change(env)
			_, err := loadHosted(env)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func serve(t testing.TB, env map[string]string, served string) (*config.Config, error) {
	t.Helper()
	all := hostedEnv()
	maps.Copy(all, env)
	c, err := loadHosted(all)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := config.ParseServed([]byte(served))
	if err != nil {
		return nil, err
	}
	return c.Serve(parsed)
}

func TestServedConfiguration(t *testing.T) {
	t.Parallel()
	c, err := serve(t, map[string]string{"BATON_ORG_ID": "64b000000000000000000001", "BATON_REGION": "in", "BATON_WORKERS": "3"}, `{
		"api-key": " served-key\n", "auth-method": "api-key", "region": "eu", "org-id": "", "base-url": null, "skip-admins": true,
		"provision-types": ["group", "app"], "sync-resource-types": "user,group", "log-level": "debug", "log-level-debug-expires-at": "2030-01-01T00:00:00Z",
		"unknown": {"a": [1]}, "workers": 60, "file": "/etc/passwd", "client-id": "x@y/z", "log-path": ["/tmp/x"], "otel-collector-endpoint": "evil:1",
		"lambda-auth-jwt-expected-issuer": "another", "http-timeout-seconds": 5, "grant-entitlement": "app:1"
	}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.JumpCloud.APIKey.Reveal() != "served-key" || c.JumpCloud.AuthMethod != config.GroupAPIKey || c.JumpCloud.Region != "eu" || c.JumpCloud.OrgID != "64b000000000000000000001" || !c.JumpCloud.SkipAdmins {
		t.Errorf("JumpCloud %+v", c.JumpCloud)
	}
	if got, want := c.Change.Types, []string{"group", "app"}; !slices.Equal(got, want) {
		t.Errorf("types to change %v, want %v", got, want)
	}
	if got, want := c.Sync.ResourceTypes, []string{"user", "group"}; !slices.Equal(got, want) || c.Sync.Workers != 3 {
		t.Errorf("sync %+v", c.Sync)
	}
	if c.Log.Level != slog.LevelDebug || c.Log.DebugUntil.IsZero() {
		t.Errorf("log %+v", c.Log)
	}
	// What concerns the process, the platform does not set.
	if c.Output.File != "sync.c1z" || c.Service.ClientID != "" || len(c.Log.Paths) > 0 || c.Telemetry.Endpoint != "" || c.Hosted.Issuer != "i" || c.JumpCloud.Timeout.Seconds() != 300 || c.Change.Entitlement != "" {
		t.Errorf("%+v", c)
	}
}

// A served value is never quoted.
func TestServedConfigurationThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, served, want string }{
		{"number for a text", `{"api-key": 4711}`, "field api-key: expected type 'string', got a number"},
		{"list for a text", `{"api-key": ["hidden"]}`, "field api-key: expected type 'string', got a list"},
		{"object for a text", `{"api-key": {"hidden": 1}}`, "field api-key: expected type 'string', got an object"},
		{"text for a bool", `{"api-key":"k","skip-admins":"hidden"}`, "field skip-admins: expected type 'bool', got a string"},
		{"number for a list", `{"api-key":"k","provision-types":4711}`, "field provision-types: expected type 'list of strings', got a number"},
		{"list of numbers", `{"api-key":"k","provision-types":[4711]}`, "field provision-types: expected type 'list of strings', got a list"},
		{"no credential", `{}`, `required flag(s) "api-key" not set`},
		{"half a service account", `{"jumpcloud-client-id":"c"}`, "missing [jumpcloud-client-secret]"},
		{"group without its fields", `{"auth-method":"service-account","api-key":"k"}`, `required flag(s) "jumpcloud-client-id", "jumpcloud-client-secret" not set`},
		{"two that exclude each other", `{"api-key":"k","merge-admins":true,"skip-admins":true}`, "none of the others can be"},
		{"region", `{"api-key":"k","region":"mars"}`, "field region: value must be one of"},
		{"level", `{"api-key":"k","log-level":"loud"}`, "field log-level: value must be one of"},
		{"key with a line break", `{"api-key":"hidden\nhidden"}`, "field api-key: value contains a line break"},
		{"no object", `["hidden"]`, "it is not a JSON object"},
		{"text", `"hidden"`, "it is not a JSON object"},
		{"no JSON", `hidden`, "it is not a JSON object"},
		{"nothing", ``, "it is not a JSON object"},
		{"twice", `{"api-key":"hidden","api-key":"k"}`, "it is not a JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, nil, tt.served)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			for _, value := range []string{"hidden", "4711"} {
				if err != nil && strings.Contains(err.Error(), value) {
					t.Errorf("the error quotes a value: %v", err)
				}
			}
		})
	}
}

// Two credentials are told apart by the method, as the groups of the form have it.
func TestServedAuthMethod(t *testing.T) {
	t.Parallel()
	c, err := serve(t, nil, `{"auth-method":"service-account","api-key":"stale","jumpcloud-client-id":"c","jumpcloud-client-secret":"s"}`)
	if err != nil || c.JumpCloud.AuthMethod != config.GroupServiceAccount {
		t.Errorf("%+v, %v", c.JumpCloud, err)
	}
}

// A time that is none never ends debug logs, and is no error.
func TestServedExpiry(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{nil, {"BATON_LOG_LEVEL_DEBUG_EXPIRES_AT": "2026-01-01T00:00:00Z"}, {"BATON_LOG_LEVEL_DEBUG_EXPIRES_AT": "soon"}} {
		c, err := serve(t, env, `{"api-key":"k","log-level":"debug","log-level-debug-expires-at":"tomorrow"}`)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Log.DebugUntil.IsZero() || !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "debug logs never end") }) {
			t.Errorf("until %v, warnings %v", c.Log.DebugUntil, c.Warnings)
		}
	}
}

// FuzzServe demands that no configuration ends the process, and that what is wrong with
// one is said without the values of secrets.
func FuzzServe(f *testing.F) {
	for _, seed := range []string{`{"api-key":"secret-value-123"}`, `{"api-key":7,"region":[]}`, `{"provision-types":"a,b","skip-admins":1}`, `null`, `[]`, `{"api-key":"x","api-key":"y"}`} {
		f.Add(seed)
	}
	c, err := loadHosted(hostedEnv())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, served string) {
		parsed, err := config.ParseServed([]byte(served))
		if err != nil {
			return
		}
		next, err := c.Serve(parsed)
		if err == nil {
			if next.JumpCloud.AuthMethod == "" {
				t.Error("no credential")
			}
			return
		}
		if problems, ok := errors.AsType[config.Problems](err); ok && next != nil {
			if key := next.JumpCloud.APIKey.Reveal(); len(key) > 12 && strings.Contains(problems.Error(), key) {
				t.Errorf("the error quotes the key: %v", problems)
			}
		}
	})
}
