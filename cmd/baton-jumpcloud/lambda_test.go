package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// The secrets of AWS that a hosted connector is given.
const (
	roleSecret  = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
	roleSession = "IQoJb3JpZ2luX2VjEXAMPLETOKEN0123456789"
)

// hosting is a platform with a function, whose program is not started yet.
type hosting struct {
	*rig
	platform *platform.Server
	runtime  *platform.Runtime
	caller   *platform.Caller
	conn     *platform.Conn
}

// newHosting serves one configuration.
func newHosting(t testing.TB, config platform.Config) *hosting {
	t.Helper()
	h := &hosting{rig: &rig{dir: t.TempDir()}, runtime: platform.NewRuntime()}
	h.T, _ = t.(*testing.T)
	var err error
	h.platform, err = platform.Start(t.Context(), platform.Options{TokenLife: -1, Config: func(string) (platform.Config, error) { return config, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if h.caller, err = platform.NewCaller(); err != nil {
		t.Fatal(err)
	}
	h.conn = &platform.Conn{Invoked: h.runtime.Invoke, Caller: h.caller}
	address, err := h.runtime.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(h.dir, "ca.pem")
	if err := os.WriteFile(ca, h.platform.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	id, secret := h.platform.Credentials()
	h.env = []string{
		"NO_PROXY=127.0.0.1", "AWS_LAMBDA_RUNTIME_API=" + address, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=" + roleSecret, "AWS_SESSION_TOKEN=" + roleSession,
		"BATON_LAMBDA_CLIENT_ID=" + id, "BATON_LAMBDA_CLIENT_SECRET=" + secret, "BATON_LAMBDA_CA_CERT_PATH=" + ca,
		"BATON_LAMBDA_AUTH_JWT_SIGNER=" + h.caller.PublicKey(), "BATON_LAMBDA_AUTH_JWT_EXPECTED_ISSUER=" + h.caller.Issuer,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_SUBJECT=" + h.caller.Subject, "BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE=" + h.caller.Audience,
		"tenant=t1", "version=1.2.3",
	}
	return h
}

// started waits until the function is ready for invocations.
func (h *hosting) started(p *running) {
	h.Helper()
	select {
	case <-h.runtime.Started():
	case err := <-p.ends:
		h.Fatalf("the program ends (%v):\n%s", err, p.log)
	case <-time.After(serviceWait):
		h.Fatalf("the program does not start:\n%s", p.log)
	}
}

// onlyJSON checks that every line of the log is JSON with the fields of the deployment.
func onlyJSON(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("not a line of JSON: %s", line)
			continue
		}
		if record["tenant_id"] != "t1" || record["release_version"] != "1.2.3" || record["connector_id"] != "" {
			t.Errorf("fields of the deployment are missing: %s", line)
		}
	}
}

// TestLambda starts the program as a function, calls it as the platform does, and looks
// for every secret in what it wrote and answered. JumpCloud sends the key back in errors.
func TestLambda(t *testing.T) {
	t.Parallel()
	jc := jcsim.New(jcsim.Options{Tenant: jcsim.Generate(3, jcsim.Small())})
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.Contains(q.URL.Path, "/usergroups") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"message":%q}`, fmt.Sprintf("you sent %q", q.Header))
			return
		}
		jc.ServeHTTP(w, q)
	}))
	t.Cleanup(echo.Close)
	h := newHosting(t, platform.Config{Version: "v1", Settings: map[string]any{"api-key": jcsim.DefaultKey, "base-url": echo.URL, "log-level": "debug"}})
	p := h.start("lambda")
	h.started(p)
	written := map[string][]byte{}
	var mu sync.Mutex
	invoke := h.conn.Invoked
	h.conn.Invoked = func(ctx context.Context, payload []byte) ([]byte, error) {
		answer, err := invoke(ctx, payload)
		mu.Lock()
		defer mu.Unlock()
		written[fmt.Sprint("answer ", len(written))] = append(answer, fmt.Sprint(err)...)
		return answer, err
	}
	connector := v2.NewConnectorServiceClient(h.conn)
	answer, err := connector.Validate(t.Context(), &v2.ConnectorServiceValidateRequest{})
	if err != nil || answer.GetSdkVersion() == "" {
		t.Errorf("Validate: %v, %v", answer, err)
	}
	for _, tt := range []struct {
		name   string
		header string
		code   codes.Code
	}{{"no token", "", codes.Unauthenticated}, {"token of another", "Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA", codes.Unauthenticated}} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", tt.header)
		if _, err := connector.Validate(ctx, &v2.ConnectorServiceValidateRequest{}); status.Code(err) != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	types, err := v2.NewResourceTypesServiceClient(h.conn).ListResourceTypes(t.Context(), &v2.ResourceTypesServiceListResourceTypesRequest{})
	if err != nil || len(types.GetList()) != 4 {
		t.Errorf("%d types, %v", len(types.GetList()), err)
	}
	// A list that JumpCloud refuses, quoting what it was sent.
	_, err = v2.NewResourcesServiceClient(h.conn).ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{ResourceTypeId: "group"})
	if err == nil {
		t.Error("a list that JumpCloud refuses is served")
	}
	if _, err := v2.NewTicketsServiceClient(h.conn).GetTicket(t.Context(), &v2.TicketsServiceGetTicketRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("tickets: %v", err)
	}
	// What is no frame is an error of the function, and the process goes on.
	if _, err := invoke(t.Context(), []byte(`{"v":3,"frame":"CgFt"}`)); err == nil || !strings.Contains(err.Error(), "errorString: transport: unsupported wire frame version 3") {
		t.Errorf("error %v", err)
	}
	if _, err := connector.Validate(t.Context(), &v2.ConnectorServiceValidateRequest{}); err != nil {
		t.Error(err)
	}
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	onlyJSON(t, p.log.String())
	if log := p.log.String(); !strings.Contains(log, `"served call"`) || !strings.Contains(log, `"config_version":"v1"`) {
		t.Errorf("log:\n%s", log)
	}
	written["log"] = []byte(p.log.String())
	_, credential := h.platform.Credentials()
	_, key, _ := strings.Cut(credential, ":v1:")
	secrets := map[string]string{"JumpCloud's key": jcsim.DefaultKey, "the platform's secret": key, "the role's secret": roleSecret, "the role's session": roleSession}
	for i, call := range h.platform.Calls() {
		secrets[fmt.Sprint("access token ", i)] = call.Token
	}
	if len(secrets) < 5 || len(written) < 7 {
		t.Errorf("%d secrets were looked for in %d places", len(secrets), len(written))
	}
	for _, leak := range leaksIn(secrets, written) {
		t.Error(leak)
	}
	if err := h.platform.Problems(); err != nil {
		t.Error(err)
	}
}

// TestLambdaThatCannotStart ends with an exit code and a line of the log.
func TestLambdaThatCannotStart(t *testing.T) {
	t.Parallel()
	good := map[string]any{"api-key": jcsim.DefaultKey}
	for _, tt := range []struct {
		name     string
		settings map[string]any
		env      string
		exit     int
		text     string
		plain    bool // whether it is text for whoever typed the command
	}{
		{"no runtime", good, "AWS_LAMBDA_RUNTIME_API=", 1, "expected AWS Lambda environment variables [AWS_LAMBDA_RUNTIME_API] are not defined", false},
		{"runtime away", good, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1", 1, "connection refused", false},
		{"no identity", good, "AWS_ACCESS_KEY_ID=", 16, "AWS_ACCESS_KEY_ID is not set", false},
		{"no authority", good, "BATON_LAMBDA_CA_CERT_PATH=", 14, "lambda-run: failed to get connector config: ", false},
		{"wrong type", map[string]any{"api-key": 4711}, "", 2, "lambda-run: failed to make generic configuration: field api-key: expected type 'string'", false},
		{"no audience", good, "BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE=", 2, `required flag(s) "lambda-auth-jwt-expected-audience" not set`, true},
		{"no signer", good, "BATON_LAMBDA_AUTH_JWT_SIGNER=", 2, "must specify exactly one of", true},
		{"wrong level", good, "BATON_LOG_LEVEL=loud", 2, "field log-level: ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHosting(t, platform.Config{Settings: tt.settings})
			h.env = append(h.env, tt.env)
			p := h.start("lambda")
			if code := p.exit(); code != tt.exit || !strings.Contains(p.log.String(), tt.text) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, tt.exit, tt.text, p.log)
			}
			if !tt.plain {
				onlyJSON(t, p.log.String())
			}
			for _, value := range []string{"4711", jcsim.DefaultKey, roleSecret} {
				if strings.Contains(p.log.String(), value) {
					t.Errorf("the log has %s", value)
				}
			}
		})
	}
}

// BenchmarkLambdaColdStart is the time from the start of the process to its first
// invocation, everything on this machine.
func BenchmarkLambdaColdStart(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		h := newHosting(b, platform.Config{Settings: map[string]any{"api-key": jcsim.DefaultKey}})
		cmd := program(b.Context(), b, "lambda")
		cmd.Env = append(cmd.Env, h.env...)
		b.StartTimer()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		<-h.runtime.Started()
		b.StopTimer()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		b.StartTimer()
	}
}
