package c1api_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	"github.com/conductorone/baton-jumpcloud/internal/hosted/awsid"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/platform"
)

// attest signs with the credentials of an example.
func attest(ctx context.Context) (string, error) {
	env := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": "us-east-1"}
	return awsid.Attest(ctx, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

// dialHosted connects to a platform, with changes to how.
func dialHosted(t *testing.T, p *platform.Server, change func(*c1api.HostedOptions)) *c1api.HostedConn {
	t.Helper()
	id, text := p.Credentials()
	credentials, err := c1api.ParseCredentials(id, secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CA())
	o := c1api.HostedOptions{Options: c1api.Options{Credentials: credentials, RootCAs: roots, Logger: slog.New(slog.DiscardHandler)}, Attest: attest}
	if change != nil {
		change(&o)
	}
	conn, err := c1api.DialHosted(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func startPlatform(t *testing.T, o platform.Options) *platform.Server {
	t.Helper()
	if o.Config == nil {
		o.Config = func(string) (platform.Config, error) {
			return platform.Config{Settings: map[string]any{"api-key": "k"}}, nil
		}
	}
	p, err := platform.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func getConfig(t *testing.T, c *c1api.HostedConn) error {
	t.Helper()
	_, err := c.GetConnectorConfig(t.Context(), &pb.GetConnectorConfigRequest{})
	return err
}

// The platform checks every byte that is promised: assertion, attestation, proofs and
// nonce. One token serves all calls.
func TestHostedCalls(t *testing.T) {
	t.Parallel()
	p := startPlatform(t, platform.Options{TokenLife: -1})
	c := dialHosted(t, p, nil)
	for range 3 {
		if err := getConfig(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Problems(); err != nil {
		t.Error(err)
	}
	if n := p.TokenRequests(); n != 2 {
		t.Errorf("%d token requests, want 2: one is answered with a nonce", n)
	}
	id, _ := p.Credentials()
	for _, call := range p.Calls() {
		if call.Method != pb.ConnectorConfigService_GetConnectorConfig_FullMethodName || !strings.HasPrefix(call.UserAgent, "baton-lambda/"+id+" v0.25.0 grpc-go/") {
			t.Errorf("call %+v", call)
		}
	}
}

// The nonce is remembered; one that is refused as used before is exchanged once.
func TestHostedNonce(t *testing.T) {
	t.Parallel()
	remembered := startPlatform(t, platform.Options{}) // Tokens whose end is not said serve one call.
	replayed := startPlatform(t, platform.Options{OneUseNonces: true})
	for p, want := range map[*platform.Server]int{remembered: 4, replayed: 6} {
		c := dialHosted(t, p, nil)
		for range 3 {
			if err := getConfig(t, c); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.TokenRequests(); n != want || p.Problems() != nil {
			t.Errorf("%d token requests, want %d; %v", n, want, p.Problems())
		}
	}
}

func TestHostedTokenFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(n int) (int, string, string)
		want   int // token requests
	}{
		{"no nonce with the challenge", func(int) (int, string, string) { return http.StatusBadRequest, "use_dpop_nonce", "" }, 1},
		{"challenged twice", func(int) (int, string, string) { return http.StatusBadRequest, "use_dpop_nonce", "n" }, 2},
		{"another error", func(int) (int, string, string) { return http.StatusBadRequest, "invalid_client", "n" }, 1},
		{"unauthorized", func(int) (int, string, string) { return http.StatusUnauthorized, "use_dpop_nonce", "n" }, 1},
		{"server error", func(int) (int, string, string) { return http.StatusInternalServerError, "", "" }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startPlatform(t, platform.Options{Token: tt.answer})
			err := getConfig(t, dialHosted(t, p, nil))
			if _, ok := errors.AsType[*c1api.TokenError](err); !ok || status.Code(err) != codes.Unauthenticated {
				t.Errorf("error %v, want a TokenError", err)
			}
			if n := p.TokenRequests(); n != tt.want {
				t.Errorf("%d token requests, want %d", n, tt.want)
			}
		})
	}
	p := startPlatform(t, platform.Options{TokenType: "mac"})
	if err := getConfig(t, dialHosted(t, p, nil)); status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "unsupported type") {
		t.Errorf("error %v", err)
	}
}

// A token that the platform drops before its end is bought anew within the same call,
// once.
func TestHostedTokenWithdrawn(t *testing.T) {
	t.Parallel()
	refuse := false
	p := startPlatform(t, platform.Options{TokenLife: -1, TokenType: "bearer", Config: func(string) (platform.Config, error) {
		if refuse {
			return platform.Config{}, status.Error(codes.Unauthenticated, "no")
		}
		return platform.Config{}, nil
	}})
	c := dialHosted(t, p, nil)
	if err := getConfig(t, c); err != nil {
		t.Fatal(err)
	}
	p.WithdrawTokens()
	if err := getConfig(t, c); err != nil {
		t.Error(err)
	}
	if n := p.TokenRequests(); n != 3 {
		t.Errorf("%d token requests, want 3", n)
	}
	refuse = true
	if err := getConfig(t, c); status.Code(err) != codes.Unauthenticated {
		t.Errorf("error %v", err)
	}
	if n := len(p.Calls()); n != 4 {
		t.Errorf("%d calls, want 4: the last one twice", n)
	}
}

// A refusal that quotes the token is told without it.
func TestHostedTokenIsNotQuoted(t *testing.T) {
	t.Parallel()
	p := startPlatform(t, platform.Options{TokenLife: -1, RefuseTokens: true})
	err := getConfig(t, dialHosted(t, p, nil))
	if status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "is not good") {
		t.Fatalf("error %v", err)
	}
	for word := range strings.FieldsSeq(p.Problems().Error()) {
		if len(word) == 26 && strings.Contains(err.Error(), word) {
			t.Errorf("the error quotes the token: %v", err)
		}
	}
	if n := strings.Count(p.Problems().Error(), "is not good"); n != 2 || p.TokenRequests() != 3 {
		t.Errorf("%d calls, %d token requests; want 2, 3", n, p.TokenRequests())
	}
}

func TestHostedHosts(t *testing.T) {
	t.Parallel()
	p := startPlatform(t, platform.Options{TokenLife: -1})
	_, text := p.Credentials()
	id, _ := p.Credentials()
	host := strings.TrimSuffix(strings.TrimPrefix(id, "simulated-connector@"), "/hosted")
	elsewhere, err := c1api.ParseCredentials("simulated-connector@conductor.invalid/hosted", secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	// The token host takes the place of the client id's, for calls too.
	c := dialHosted(t, p, func(o *c1api.HostedOptions) { o.Credentials, o.TokenHost = elsewhere, host })
	if err := getConfig(t, c); status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "client_id is") {
		t.Errorf("error %v, want the refusal of another client id", err)
	}
	// The host of calls is another one.
	c = dialHosted(t, p, func(o *c1api.HostedOptions) { o.APIHost = "127.0.0.1:1" })
	if err := getConfig(t, c); status.Code(err) != codes.Unavailable || p.TokenRequests() == 0 {
		t.Errorf("error %v after %d token requests", err, p.TokenRequests())
	}
	// A certificate of an unknown authority.
	c = dialHosted(t, p, func(o *c1api.HostedOptions) { o.RootCAs = x509.NewCertPool() })
	if err := getConfig(t, c); status.Code(err) != codes.Unavailable {
		t.Errorf("error %v, want Unavailable", err)
	}
	// No credentials of AWS.
	c = dialHosted(t, p, func(o *c1api.HostedOptions) {
		o.Attest = func(ctx context.Context) (string, error) {
			return awsid.Attest(ctx, func(string) (string, bool) { return "", false })
		}
	})
	if err := getConfig(t, c); status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
		t.Errorf("error %v", err)
	}
}
