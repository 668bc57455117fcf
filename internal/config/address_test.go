package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// TestBaseURLForms takes the address in the forms that people have it in.
func TestBaseURLForms(t *testing.T) {
	t.Parallel()
	const us = "https://console.jumpcloud.com"
	for text, want := range map[string]string{
		us: us, us + "/": us, us + "/api": us, us + "/api/": us, us + "/api/v2": us, us + "/API/v2/": us, us + "/api/v1": us, us + "//": us,
		"HTTPS://Console.JumpCloud.com": us, us + ":443": us, us + ".": us, us + "/#/home": us, us + "/login/admin?x=y": us, us + "/#/users/64b0": us,
		"console.jumpcloud.com": us, "console.jumpcloud.com/api": us, "Console.EU.jumpcloud.com/api/v2/": "https://console.eu.jumpcloud.com",
		"https://jc.example/base/api/v2": "https://jc.example/base", "https://jc.example/base/": "https://jc.example/base", "https://jc.example/apis": "https://jc.example/apis",
		"https://jc.example:8443/api": "https://jc.example:8443", "http://127.0.0.1:80/api/v2": "http://127.0.0.1", "http://[::1]:8080": "http://[::1]:8080", "http://localhost:8080/": "http://localhost:8080",
		"https://jc.example//api//v2//": "https://jc.example", "https://jc.example/base//api/v2/users/64b0/associations": "https://jc.example/base", "https://jc.example/api/systemusers": "https://jc.example",
		us + "/api/search/systemusers": us, "https://jc.example/api/gateway": "https://jc.example/api/gateway",
	} {
		c, err := world{env: map[string]string{"BATON_API_KEY": "k", "BATON_BASE_URL": text}}.load(t, config.ForRun)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.JumpCloud.BaseURL.String(); got != want {
			t.Errorf("%s is taken for %s, want %s", text, got, want)
		}
		same := strings.EqualFold(strings.TrimRight(text, "/"), want)
		if noted := len(c.Warnings) == 1 && strings.Contains(c.Warnings[0], "using base URL "+want); noted == same || same && len(c.Warnings) > 0 {
			t.Errorf("%s: warnings %q", text, c.Warnings)
		}
	}
}

// TestAddressesThatCannotBe refuses what no connection can be made to.
func TestAddressesThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"base-url": {
			"nowhere", "ftp://jc.example", "https://", "https:///api", "https://jc.example?x=y", "https://jc.example/#home", "https://u@jc.example", "https://jc.example:0",
			"https://jc.example:99999", "https://jc.example:x", "http://jc.example", "http://console.jumpcloud.com", "https://jc example", "jc.example", "https://jc.example\nx", "https://8090", "https://1.2.3.4.5",
		},
		"c1-api-host": {
			"https://acme.conductor.one", "acme.conductor.one/", "acme.conductor.one:0", "acme.conductor.one:99999", "acme.conductor.one:https", "a b", "u@acme.conductor.one", ":443", "a:b:c", "acme\n.one", "443",
		},
		"otel-collector-endpoint": {
			":4317", "collector.example:0", "collector.example:99999", "collector.example:otlp", "http://", "https://collector.example/v1/traces", "https://u:hunter2@collector.example",
			"ftp://collector.example", "collector example:4317", "https://collector.example?x=y", "a:b:c", "unix:///run/collector", "://x", "collector.example:4317\nx", "http://%zz", "4317", "1.2.3.4.5:4317",
		},
		"health-check-bind-address": {"127.0.0.1:8081", "http://127.0.0.1", "a b", "a:b", "127.0.0.1\n1"},
		"host-id":                   {"a\nb", "a\x00", "\xff"},
	} {
		for _, value := range values {
			env := serviceEnv()
			o := option(t, name)
			env[o.Env()] = value
			_, err := world{env: env}.load(t, config.ForRun)
			if problems, ok := errors.AsType[config.Problems](err); !ok || len(problems) != 1 || !strings.HasPrefix(err.Error(), "field "+name+": value ") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s %q: error = %v", name, value, err)
			}
		}
	}
}

func option(t *testing.T, name string) config.Option {
	t.Helper()
	for _, o := range config.Options() {
		if o.Name == name {
			return o
		}
	}
	t.Fatalf("there is no option %s", name)
	return config.Option{}
}

func TestCollectorForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"collector.example:4317": "collector.example:4317", "collector.example": "collector.example:4317", "https://collector.example/": "collector.example:4317",
		"http://collector.example:14317": "collector.example:14317 plain", "[::1]:4317": "[::1]:4317", "http://127.0.0.1": "127.0.0.1:4317 plain", " c:1 ": "c:1",
	} {
		c, err := world{env: map[string]string{"BATON_API_KEY": "k", "BATON_OTEL_COLLECTOR_ENDPOINT": text}}.load(t, config.ForRun)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		got := c.Telemetry.Endpoint
		if c.Telemetry.Insecure {
			got += " plain"
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// TestTypesThatAreNone names types as people do, and is told the right name before
// anybody is asked.
func TestTypesThatAreNone(t *testing.T) {
	t.Parallel()
	const all = "the types are user, group, app, role"
	for _, tt := range []struct{ option, value, text, hint string }{
		{"sync-resource-types", "User", "field sync-resource-types: invalid resource type 'User' in filter", "did you mean 'user'? " + all},
		{"sync-resource-types", "users", "invalid resource type 'users' in filter", "did you mean 'user'? "},
		{"sync-resource-types", "user,Applications", "invalid resource type 'Applications' in filter", "did you mean 'app'? "},
		{"sync-resource-types", "systemusers", "'systemusers'", "did you mean 'user'? "},
		{"sync-resource-types", "usergroups", "'usergroups'", "did you mean 'group'? "},
		{"sync-resource-types", "rol", "'rol'", "did you mean 'role'? "},
		{"sync-resource-types", "printer", "'printer'", all},
		{"sync-resource-types", "device", "the resource type device is not synced without --sync-devices", "add --sync-devices"},
		{"sync-resource-types", ",", "field sync-resource-types: value must not have empty items", ""},
		{"sync-resources", "bid:r:User/u1", "field sync-resources: unknown resource type 'User'", "did you mean 'user'? "},
		{"sync-resources", "bid:r:printer/u1", "field sync-resources: unknown resource type 'printer'", all},
		{"sync-resources", "bid:r:device/u1", "the resource type device is not synced without --sync-devices", "add --sync-devices"},
	} {
		_, err := world{env: map[string]string{"BATON_API_KEY": "k", option(t, tt.option).Env(): tt.value}}.load(t, config.ForRun)
		problems, ok := errors.AsType[config.Problems](err)
		if !ok || !strings.Contains(err.Error(), tt.text) || !strings.HasPrefix(strings.Join(problems.Hints(), "\n"), tt.hint) {
			t.Errorf("%s %q: error = %v, hints %q", tt.option, tt.value, err, problems.Hints())
		}
	}
}
