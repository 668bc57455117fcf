package hosted_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/spf13/pflag"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/hosted"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
)

// buffer is a log that several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// connector serves Validate, with a text that tells its settings, and events.
type connector struct {
	v2.UnimplementedConnectorServiceServer
	v2.UnimplementedEventServiceServer
	settings hosted.Settings
	closed   *atomic.Int64
}

// Register implements [hosted.Connector].
func (c *connector) Register(r grpc.ServiceRegistrar) {
	v2.RegisterConnectorServiceServer(r, c)
	v2.RegisterEventServiceServer(r, c)
}

// Close implements [hosted.Connector].
func (c *connector) Close() error {
	c.closed.Add(1)
	return nil
}

// Validate answers with the organization of the settings.
func (c *connector) Validate(context.Context, *v2.ConnectorServiceValidateRequest) (*v2.ConnectorServiceValidateResponse, error) {
	return &v2.ConnectorServiceValidateResponse{SdkVersion: c.settings.Config.JumpCloud.OrgID}, nil
}

// GetMetadata fails as the test wants it to.
func (c *connector) GetMetadata(context.Context, *v2.ConnectorServiceGetMetadataRequest) (*v2.ConnectorServiceGetMetadataResponse, error) {
	return nil, errors.New("JumpCloud refused " + c.settings.Config.JumpCloud.APIKey.Reveal())
}

// Cleanup asks a host that no policy permits.
func (c *connector) Cleanup(ctx context.Context, _ *v2.ConnectorServiceCleanupRequest) (*v2.ConnectorServiceCleanupResponse, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://elsewhere.invalid/", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.settings.Transport.RoundTrip(req)
	if err == nil {
		err = resp.Body.Close()
	}
	return &v2.ConnectorServiceCleanupResponse{}, err
}

// ListEvents answers with a page of as many bytes as the cursor says.
func (c *connector) ListEvents(_ context.Context, req *v2.ListEventsRequest) (*v2.ListEventsResponse, error) {
	if req.GetCursor() == "panic" {
		panic("lost " + c.settings.Config.JumpCloud.APIKey.Reveal())
	}
	var n int
	_, err := fmt.Sscan(req.GetCursor(), &n)
	return &v2.ListEventsResponse{Cursor: strings.Repeat("c", n)}, err
}

// The secrets of the tests, which appear nowhere.
const (
	apiKey      = "jca_9f86d081884c7d659a2feaa0c55ad015a3bf"
	otherSecret = "9f86d081884c7d659a2feaa0c55ad015"
)

// rig is a function, the platform that it calls, and who calls it.
type rig struct {
	*hosted.Function
	platform *platform.Server
	caller   *platform.Caller
	log      *buffer
	level    *logs.Level
	closed   atomic.Int64
	stopped  sync.Once
	options  hosted.Options
}

// serves is a platform with one configuration.
func serves(c platform.Config) func(string) (platform.Config, error) {
	return func(string) (platform.Config, error) { return c, nil }
}

func settings(org string) map[string]any { return map[string]any{"api-key": apiKey, "org-id": org} }

// prepare makes everything but the function.
func prepare(t testing.TB, o platform.Options, env map[string]string) *rig {
	t.Helper()
	r := &rig{log: new(buffer), level: new(logs.Level)}
	var err error
	if r.platform, err = platform.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if r.caller, err = platform.NewCaller(); err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, r.platform.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	id, secretText := r.platform.Credentials()
	all := map[string]string{
		"BATON_LAMBDA_CLIENT_ID": id, "BATON_LAMBDA_CLIENT_SECRET": secretText, "BATON_LAMBDA_CA_CERT_PATH": ca,
		"BATON_LAMBDA_AUTH_JWT_SIGNER": r.caller.PublicKey(), "BATON_LAMBDA_AUTH_JWT_EXPECTED_ISSUER": r.caller.Issuer,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_SUBJECT": r.caller.Subject, "BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE": r.caller.Audience,
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": otherSecret, "AWS_REGION": "us-east-1",
	}
	maps.Copy(all, env)
	lookup := func(name string) (string, bool) { v, ok := all[name]; return v, ok }
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.AddFlags(flags, "")
	cfg, err := config.Load(flags, config.Environment{Lookup: lookup, NoFile: true}, config.ForHosted)
	if err != nil {
		t.Fatal(err)
	}
	r.level.Set(cfg.Log.Level, cfg.Log.DebugUntil)
	log, err := logs.New(logs.Options{Changing: r.level, Format: logs.FormatJSON, Stderr: r.log})
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.Open(t.Context(), lookup, &console.Console{Log: log, Screen: console.NewScreen(io.Discard)}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.options = hosted.Options{
		Config: cfg, Network: n, Logger: log.Logger, Level: r.level, Lookup: lookup,
		Build: func(_ context.Context, s hosted.Settings) (hosted.Connector, error) {
			if s.Config.JumpCloud.OrgID == "unbuildable" {
				return nil, errors.New("this one cannot be built")
			}
			return &connector{settings: s, closed: &r.closed}, nil
		},
	}
	return r
}

func start(t testing.TB, o platform.Options) *rig {
	t.Helper()
	r := prepare(t, o, nil)
	var err error
	if r.Function, err = hosted.NewFunction(t.Context(), r.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.stop(t)
		if err := r.platform.Problems(); err != nil {
			t.Error(err)
		}
		for _, text := range []string{apiKey, otherSecret} {
			if strings.Contains(r.log.String(), text) {
				t.Errorf("the log has a secret: %s", r.log)
			}
		}
	})
	return r
}

// stop ends the function, once.
func (r *rig) stop(t testing.TB) {
	t.Helper()
	r.stopped.Do(func() {
		if err := r.Function.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// call makes a request of a method, with headers and a good token unless those have one.
func (r *rig) call(t testing.TB, method string, m any, headers map[string]any) *transportv1.Request {
	t.Helper()
	all := map[string]any{}
	if _, ok := headers["authorization"]; !ok {
		token, err := r.caller.Token(time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		all["authorization"] = []any{"Bearer " + token}
	}
	maps.Copy(all, headers)
	s, err := structpb.NewStruct(all)
	if err != nil {
		t.Fatal(err)
	}
	req := &transportv1.Request{Method: method, Headers: s}
	var packed error
	switch m := m.(type) {
	case *v2.ConnectorServiceValidateRequest:
		req.Req, packed = anypb.New(m)
	case *v2.ConnectorServiceGetMetadataRequest:
		req.Req, packed = anypb.New(m)
	case *v2.ConnectorServiceCleanupRequest:
		req.Req, packed = anypb.New(m)
	case *v2.ListEventsRequest:
		req.Req, packed = anypb.New(m)
	}
	if packed != nil {
		t.Fatal(packed)
	}
	return req
}

// invoke sends a request as the platform does.
func (r *rig) invoke(t testing.TB, req *transportv1.Request) (*transportv1.Response, *status.Status) {
	t.Helper()
	payload, err := platform.EncodeRequest(req)
	if err != nil {
		t.Fatal(err)
	}
	return r.send(t, payload)
}

func (r *rig) send(t testing.TB, payload []byte) (*transportv1.Response, *status.Status) {
	t.Helper()
	answer, err := r.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	resp, _, err := platform.DecodeResponse(answer)
	if err != nil {
		t.Fatal(err)
	}
	s := new(statuspb.Status)
	if err := resp.GetStatus().UnmarshalTo(s); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.GetMessage(), apiKey) {
		t.Errorf("the status has a secret: %s", s.GetMessage())
	}
	return resp, status.FromProto(s)
}

// organization is what Validate tells of the settings that serve.
func (r *rig) organization(t testing.TB, version string) (string, *status.Status) {
	t.Helper()
	headers := map[string]any{}
	if version != "" {
		headers["X-Baton-Connector-Config-Version"] = []any{version}
	}
	resp, s := r.invoke(t, r.call(t, validate, &v2.ConnectorServiceValidateRequest{}, headers))
	answer := new(v2.ConnectorServiceValidateResponse)
	if resp.GetResp() != nil {
		if err := resp.GetResp().UnmarshalTo(answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer.GetSdkVersion(), s
}

const (
	validate = "/c1.connector.v2.ConnectorService/Validate"
	metadata = "/c1.connector.v2.ConnectorService/GetMetadata"
	cleanup  = "/c1.connector.v2.ConnectorService/Cleanup"
	events   = "/c1.connector.v2.EventService/ListEvents"
)

// TestFaults sends what a call can be wrong in. None of it harms the next call.
func TestFaults(t *testing.T) {
	t.Parallel()
	r := start(t, platform.Options{TokenLife: -1, Config: serves(platform.Config{Settings: settings("one")})})
	sign := func(change func(*jwt.Claims)) map[string]any {
		now := time.Now()
		claims := jwt.Claims{Issuer: r.caller.Issuer, Subject: r.caller.Subject, Audience: jwt.Audience{r.caller.Audience}, Expiry: jwt.NewNumericDate(now.Add(time.Hour))}
		change(&claims)
		text, err := r.caller.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"authorization": []any{"Bearer " + text}}
	}
	request := func(headers map[string]any) []byte {
		payload, err := platform.EncodeRequest(r.call(t, validate, &v2.ConnectorServiceValidateRequest{}, headers))
		if err != nil {
			t.Fatal(err)
		}
		return payload
	}
	page := func(cursor string, encode func(*transportv1.Request) ([]byte, error)) []byte {
		payload, err := encode(r.call(t, events, &v2.ListEventsRequest{Cursor: cursor}, nil))
		if err != nil {
			t.Fatal(err)
		}
		return payload
	}
	fiveMiB := strconv.Itoa(5 << 20)
	for _, tt := range []struct {
		name    string
		payload []byte
		code    codes.Code
		text    string
	}{
		{"no headers member", []byte(`{"method":"` + validate + `","req":{"@type":"type.googleapis.com/c1.connector.v2.ConnectorServiceValidateRequest"}}`), codes.Unauthenticated, "missing authorization header"},
		{"headers null", []byte(`{"headers":null}`), codes.Unauthenticated, "missing authorization header"},
		{"empty object", []byte(`{}`), codes.Unauthenticated, "missing authorization header"},
		{"null", []byte(`null`), codes.Unauthenticated, "missing authorization header"},
		{"empty frame", []byte(`{"v":2,"frame":""}`), codes.Unauthenticated, "missing authorization header"},
		{"empty headers", []byte(`{"method":"` + validate + `","req":{"@type":"type.googleapis.com/c1.connector.v2.ConnectorServiceValidateRequest"},"headers":{}}`), codes.Unauthenticated, "missing authorization header"},
		{"expired token", request(sign(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Minute)) })), codes.Unauthenticated, "invalid token: token is invalid: it has expired (exp)"},
		{"wrong audience", request(sign(func(c *jwt.Claims) { c.Audience = jwt.Audience{"another"} })), codes.Unauthenticated, "invalid token: token is invalid: unexpected audience (aud)"},
		{"wrong issuer", request(sign(func(c *jwt.Claims) { c.Issuer = "another" })), codes.Unauthenticated, "unexpected issuer"},
		{"wrong subject", request(sign(func(c *jwt.Claims) { c.Subject = "another" })), codes.Unauthenticated, "unexpected subject"},
		{"token for more than a day", request(sign(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(25 * time.Hour)) })), codes.Unauthenticated, "more than 24h0m0s away"},
		{"no token", request(map[string]any{"authorization": []any{"Basic eDp5"}}), codes.Unauthenticated, "invalid authorization header"},
		{"page of 5 MiB", page(fiveMiB, platform.EncodeRequest), codes.ResourceExhausted, "the response is too large"},
		{"page of 5 MiB, legacy", page(fiveMiB, platform.EncodeLegacy), codes.OK, "OK"},
		{"page of 6 MiB, legacy", page(strconv.Itoa(6<<20), platform.EncodeLegacy), codes.ResourceExhausted, "the response is too large"},
		{"panic", page("panic", platform.EncodeRequest), codes.Internal, "Internal Server Error"},
		{"panic, legacy", page("panic", platform.EncodeLegacy), codes.Internal, "Internal Server Error"},
	} {
		_, got := r.send(t, tt.payload)
		if got.Code() != tt.code || !strings.Contains(got.Message(), tt.text) {
			t.Errorf("%s: %v %q, want %v %q", tt.name, got.Code(), got.Message(), tt.code, tt.text)
		}
		if org, s := r.organization(t, ""); org != "one" || s.Code() != codes.OK {
			t.Fatalf("after %s: %q, %v", tt.name, org, s)
		}
	}
	// What cannot be decoded is an error of the invocation.
	for _, payload := range []string{`{"v":3,"frame":"CgFt"}`, `[]`, `{`, `{"v":2,"frame":"////"}`} {
		if answer, err := r.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s is answered: %s", payload, answer)
		}
	}
	if !strings.Contains(r.log.String(), `"gRPC handler panic"`) {
		t.Error("the panic is not logged")
	}
}

// A key that an error of the connector quotes is taken out of the answer.
func TestErrorsQuoteNoSecret(t *testing.T) {
	t.Parallel()
	r := start(t, platform.Options{TokenLife: -1, Config: serves(platform.Config{Settings: settings("one")})})
	_, s := r.invoke(t, r.call(t, metadata, &v2.ConnectorServiceGetMetadataRequest{}, nil))
	if s.Code() != codes.Unknown || !strings.HasPrefix(s.Message(), "unknown error: JumpCloud refused ") {
		t.Errorf("%v", s)
	}
}

// A call that names another version is served with it; one that names none, or the one
// that serves, asks for nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	var requested []string
	r := start(t, platform.Options{TokenLife: -1, Config: func(version string) (platform.Config, error) {
		requested = append(requested, version)
		switch version {
		case "":
			return platform.Config{Settings: settings("one"), Version: "v1"}, nil
		case "v2":
			s := settings("two")
			s["log-level"] = "debug"
			return platform.Config{Settings: s, Version: "v2"}, nil
		case "wrong":
			return platform.Config{Settings: map[string]any{"api-key": 4711}}, nil
		case "unbuildable":
			return platform.Config{Settings: settings("unbuildable")}, nil
		case "damaged":
			return platform.Config{Encrypted: []byte("age-encryption.org/v1\nhidden")}, nil
		case "text":
			return platform.Config{Plaintext: []byte(`"hidden"`)}, nil
		default:
			return platform.Config{}, status.Error(codes.NotFound, "no such version")
		}
	}})
	for _, version := range []string{"", "v1"} {
		if org, s := r.organization(t, version); org != "one" {
			t.Errorf("version %q: %q, %v", version, org, s)
		}
	}
	if len(requested) != 1 {
		t.Errorf("requested %q", requested)
	}
	// What fails leaves the previous settings, and is said without a value.
	for version, want := range map[string]string{
		"wrong":       "lambda-run: failed to make generic configuration: field api-key: expected type 'string'",
		"unbuildable": "this one cannot be built", "damaged": "lambda-run: failed to decrypt config: ",
		"text": "lambda-run: failed to unmarshal decrypted config: ", "absent": "lambda-run: failed to get connector config: ",
	} {
		_, s := r.organization(t, version)
		if s.Code() != codes.Unavailable || !strings.HasPrefix(s.Message(), "lambda-run: failed to reload connector config: ") || !strings.Contains(s.Message(), want) {
			t.Errorf("version %s: %v, want %q", version, s, want)
		}
		if strings.Contains(s.Message()+r.log.String(), "hidden") || strings.Contains(s.Message()+r.log.String(), "4711") {
			t.Errorf("version %s: a value is quoted: %v", version, s)
		}
		if org, s := r.organization(t, ""); org != "one" {
			t.Errorf("after version %s: %q, %v", version, org, s)
		}
	}
	if strings.Contains(r.log.String(), `"level":"debug"`) {
		t.Errorf("debug lines: %s", r.log)
	}
	// The next good one works, in this very call; its level counts from now on.
	if org, s := r.organization(t, "v2"); org != "two" {
		t.Errorf("%q, %v", org, s)
	}
	if !strings.Contains(r.log.String(), `"served call"`) {
		t.Error("no debug lines")
	}
	if org, s := r.organization(t, ""); org != "two" {
		t.Errorf("%q, %v", org, s)
	}
	r.stop(t)
	if n := r.closed.Load(); n != 2 {
		t.Errorf("%d generations closed, want 2", n)
	}
}

// Newer runtimes invoke a function several times at once, while settings change.
func TestInvocationsAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, platform.Options{TokenLife: -1, Config: func(version string) (platform.Config, error) {
		return platform.Config{Settings: settings("org" + version), Version: version}, nil
	}})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 5 {
				if org, s := r.organization(t, []string{"", "2"}[i%2]); s.Code() != codes.OK || org != "org" && org != "org2" {
					t.Errorf("%q, %v", org, s)
				}
			}
		})
	}
	all.Wait()
	if org, s := r.organization(t, "2"); org != "org2" {
		t.Errorf("%q, %v", org, s)
	}
	r.stop(t)
	if n := r.closed.Load(); n != 2 {
		t.Errorf("%d generations closed, want 2", n)
	}
	if _, s := r.organization(t, "3"); s.Code() != codes.Unavailable {
		t.Errorf("after the end: %v", s)
	}
}

func TestPolicyIsEnforced(t *testing.T) {
	t.Parallel()
	r := start(t, platform.Options{TokenLife: -1, Config: serves(platform.Config{
		Settings: settings("one"), Version: "v1",
		Policy: &pb.ServedPolicyEnvelope{EnvelopeVersion: 1, ConfigVersion: "v1", Egress: &pb.EgressSection{
			SchemaVersion: 1, HttpsOnly: true, Mode: pb.EgressMode_EGRESS_MODE_ENFORCE, AllowedHosts: []string{"console.jumpcloud.com"},
		}},
	})})
	_, s := r.invoke(t, r.call(t, cleanup, &v2.ConnectorServiceCleanupRequest{}, nil))
	if s.Code() != codes.Unknown || !strings.Contains(s.Message(), "does not permit elsewhere.invalid") {
		t.Errorf("%v", s)
	}
}

// The keys of calls may come from a server, and a call by another key is refused.
func TestKeySet(t *testing.T) {
	t.Parallel()
	var set atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, *set.Load())
	}))
	t.Cleanup(server.Close)
	r := prepare(t, platform.Options{TokenLife: -1, Config: serves(platform.Config{Settings: settings("one")})}, map[string]string{
		"BATON_LAMBDA_AUTH_JWT_SIGNER": "", "BATON_LAMBDA_AUTH_JWT_JWKS_URL": server.URL,
	})
	text := `{"keys":[` + r.caller.PublicKey() + `]}`
	set.Store(&text)
	var err error
	if r.Function, err = hosted.NewFunction(t.Context(), r.options); err != nil {
		t.Fatal(err)
	}
	defer r.stop(t)
	if org, s := r.organization(t, ""); org != "one" {
		t.Errorf("%q, %v", org, s)
	}
	if r.caller, err = platform.NewCaller(); err != nil {
		t.Fatal(err)
	}
	if _, s := r.organization(t, ""); s.Code() != codes.Unauthenticated {
		t.Errorf("%v", s)
	}
}

// TestStart ends with what is wrong at the start, and the exit code that the public
// connector has then.
func TestStart(t *testing.T) {
	t.Parallel()
	good := serves(platform.Config{Settings: settings("one")})
	fails := func(err error) func(string) (platform.Config, error) {
		return func(string) (platform.Config, error) { return platform.Config{}, err }
	}
	for _, tt := range []struct {
		name     string
		platform platform.Options
		env      map[string]string
		exit     int
		text     string
	}{
		{"token endpoint answers 500", platform.Options{Config: good, Token: func(int) (int, string, string) { return 500, "", "" }}, nil, 16, "HTTP 500"},
		{"token endpoint answers 401", platform.Options{Config: good, Token: func(int) (int, string, string) { return 401, "invalid_client", "" }}, nil, 16, "invalid_client"},
		{"no credentials of AWS", platform.Options{Config: good}, map[string]string{"AWS_ACCESS_KEY_ID": ""}, 16, "AWS_ACCESS_KEY_ID is not set"},
		{"configuration service unavailable", platform.Options{Config: fails(status.Error(codes.Unavailable, "maintenance"))}, nil, 14, "lambda-run: failed to get connector config: "},
		{"unknown authority", platform.Options{Config: good}, map[string]string{"BATON_LAMBDA_CA_CERT_PATH": ""}, 14, "certificate"},
		{"no file of authorities", platform.Options{Config: good}, map[string]string{"BATON_LAMBDA_CA_CERT_PATH": "/nonexistent/ca.pem"}, 2, "/nonexistent/ca.pem"},
		{"client id", platform.Options{Config: good}, map[string]string{"BATON_LAMBDA_CLIENT_ID": "x"}, 2, "invalid client ID"},
		{"wrong type", platform.Options{Config: serves(platform.Config{Settings: map[string]any{"api-key": 4711}})}, nil, 2, "lambda-run: failed to make generic configuration: field api-key: expected type 'string'"},
		{"no credential", platform.Options{Config: serves(platform.Config{Settings: map[string]any{}})}, nil, 2, `failed to validate config: required flag(s) "api-key" not set`},
		{"wrong level", platform.Options{Config: serves(platform.Config{Settings: map[string]any{"api-key": apiKey, "log-level": "loud"}})}, nil, 2, "field log-level: "},
		{"nothing at all", platform.Options{Config: serves(platform.Config{Encrypted: []byte("x")})}, nil, 2, "lambda-run: failed to decrypt config: "},
		{"no JSON", platform.Options{Config: serves(platform.Config{Plaintext: []byte("x")})}, nil, 2, "lambda-run: failed to unmarshal decrypted config: "},
		{"no key", platform.Options{Config: good}, map[string]string{"BATON_LAMBDA_AUTH_JWT_SIGNER": "hidden"}, 2, "field lambda-auth-jwt-signer: value is not a JSON Web Key"},
		{"private key", platform.Options{Config: good}, map[string]string{"BATON_LAMBDA_AUTH_JWT_SIGNER": `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`}, 2, "private"},
		{"no set of keys", platform.Options{Config: good}, map[string]string{"BATON_LAMBDA_AUTH_JWT_SIGNER": "", "BATON_LAMBDA_AUTH_JWT_JWKS_URL": "https://127.0.0.1:1/"}, 2, "field lambda-auth-jwt-jwks-url: fetch signing keys: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.platform.TokenLife = -1
			r := prepare(t, tt.platform, tt.env)
			f, err := hosted.NewFunction(t.Context(), r.options)
			if err == nil {
				_ = f.Close(t.Context())
				t.Fatal("it starts")
			}
			if got := fault.ExitCode(err); got != tt.exit || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("exit code %d, error %v; want %d, %q", got, err, tt.exit, tt.text)
			}
			for _, value := range []string{apiKey, otherSecret, "4711", "hidden"} {
				if strings.Contains(err.Error()+r.log.String(), value) {
					t.Errorf("a value is quoted: %v", err)
				}
			}
		})
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	env := map[string]string{"tenant": "t", "version": "1.2.3", "TENANT": "no", "catalog_name": "n"}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).With(hosted.Fields(func(name string) (string, bool) { v, ok := env[name]; return v, ok })...).Info("x")
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"tenant_id": "t", "connector_id": "", "app_id": "", "release_version": "1.2.3", "installation": "", "catalog_id": "",
		"catalog_name": "n", "tenant_name": "", "tenant_is_internal": "",
	} {
		if value, ok := got[key]; !ok || value != want {
			t.Errorf("%s is %v, want %q", key, value, want)
		}
	}
}
