package config_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// serviceEnv is the least that makes a service.
func serviceEnv() map[string]string {
	return map[string]string{"BATON_API_KEY": "k", "BATON_CLIENT_ID": "a@b/c", "BATON_CLIENT_SECRET": "x"}
}

// TestServiceIgnoresOneShotOptions sets what other Baton connectors ignore while
// they run as a service.
func TestServiceIgnoresOneShotOptions(t *testing.T) {
	t.Parallel()
	c, err := world{env: serviceEnv(), args: []string{
		"--sync-resources=bid:r:user/u1", "--file=x.c1z", "--skip-entitlements-and-grants", "--grant-entitlement=group:g",
		"--event-feed=true", "--create-account-login=l", "--storage-engine=pebble", "--invoke-action=a",
	}}.load(t, config.ForRun)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Service.Enabled() {
		t.Error("a client id does not make it a service")
	}
}

func TestServiceSettings(t *testing.T) {
	t.Parallel()
	env := serviceEnv()
	maps.Copy(env, map[string]string{
		"BATON_PROVISIONING": "true", "BATON_STATE_DIR": "/state", "BATON_SHUTDOWN_GRACE": "3s", "BATON_HOST_ID": "h",
		"BATON_C1_API_HOST": "api:1", "BATON_GET_TASKS": "1", "BATON_TASK_CONCURRENCY": "7", "BATON_HEALTH_CHECK": "true",
		"BATON_OTEL_COLLECTOR_ENDPOINT": "otel:4317", "BATON_OTEL_COLLECTOR_ENDPOINT_TLS_CERT": "UEVN",
	})
	c, err := world{env: env}.load(t, config.ForRun)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Service{
		ClientID: "a@b/c", ClientSecret: c.Service.ClientSecret, Provisioning: true, Concurrency: 7, Batch: true,
		StateDir: "/state", ShutdownGrace: 3 * time.Second, HostID: "h", APIHost: "api:1",
	}
	if c.Service != want {
		t.Errorf("service settings %+v, want %+v", c.Service, want)
	}
	if c.Service.ClientSecret.Reveal() != "x" {
		t.Error("the client secret is not the one that was set")
	}
	if diff := cmp.Diff(config.Health{Enabled: true, BindAddress: "127.0.0.1", Port: 8081}, c.Health); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(config.Telemetry{Endpoint: "otel:4317", Cert: []byte("PEM")}, c.Telemetry); diff != "" || !c.Telemetry.Enabled() {
		t.Error(diff)
	}
}
