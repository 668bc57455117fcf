package c1api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

func poll(t *testing.T, conn *c1api.Conn) error {
	t.Helper()
	_, err := conn.GetTask(t.Context(), &pb.BatonServiceGetTaskRequest{HostId: "h"})
	return err
}

func TestTokenIsAcceptedAndKept(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		opts   c1sim.Options
		change func(*c1api.Options)
	}{
		{name: "host with a port"},
		{name: "key with an id", opts: c1sim.Options{KeyID: "key-7"}},
		// The request goes to the other host, the assertion is for the client id's.
		{
			name: "other API host", opts: c1sim.Options{Host: "localhost:1234"},
			change: func(o *c1api.Options) { o.APIHost = host },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.opts)
				conn := w.dial(t, tt.change)
				for range 3 {
					if err := poll(t, conn); err != nil {
						t.Fatal(err)
					}
				}
				if n := len(w.sim.Events("token")); n != 1 {
					t.Errorf("3 calls asked for %d tokens", n)
				}
			})
		})
	}
}

func TestTokenIsRenewedTenSecondsEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{TokenLife: time.Hour})
		conn := w.dial(t, nil)
		for _, step := range []struct {
			wait   time.Duration
			tokens int
		}{{0, 1}, {time.Hour - 11*time.Second, 1}, {2 * time.Second, 2}, {time.Hour - 11*time.Second, 2}, {2 * time.Second, 3}} {
			<-time.After(step.wait)
			if err := poll(t, conn); err != nil {
				t.Fatal(err)
			}
			if n := len(w.sim.Events("token")); n != step.tokens {
				t.Errorf("after %v: %d tokens, want %d", step.wait, n, step.tokens)
			}
		}
	})
}

func TestWithdrawnTokenIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{})
		conn := w.dial(t, nil)
		if err := poll(t, conn); err != nil {
			t.Fatal(err)
		}
		w.sim.WithdrawTokens()
		if err := poll(t, conn); status.Code(err) != codes.Unauthenticated || !c1api.Refused(err) {
			t.Errorf("call with a withdrawn token: %v", err)
		}
		if err := poll(t, conn); err != nil {
			t.Errorf("call after it: %v", err)
		}
		w.sim.WithdrawTokens()
		stream, err := conn.UploadAsset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.CloseAndRecv(); status.Code(err) != codes.Unauthenticated {
			t.Errorf("upload with a withdrawn token: %v", err)
		}
		if err := poll(t, conn); err != nil {
			t.Errorf("call after it: %v", err)
		}
	})
}

// Callers that need a token at once share one, and a caller that waits for it
// leaves when its own context ends.
func TestTokenRequestIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{Faults: func(c c1sim.Call) c1sim.Fault {
			if c.Method == "token" {
				return c1sim.Fault{Delay: 20 * time.Second}
			}
			return c1sim.Fault{}
		}})
		conn := w.dial(t, nil)
		errs := make(chan error)
		for range 5 {
			go func() {
				_, err := conn.GetTask(t.Context(), &pb.BatonServiceGetTaskRequest{HostId: "h"})
				errs <- err
			}()
		}
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := conn.GetTask(short, &pb.BatonServiceGetTaskRequest{HostId: "h"}); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("impatient caller: %v", err)
		}
		if d := time.Since(begun); d != time.Second {
			t.Errorf("impatient caller waited %v", d)
		}
		for range 5 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if n := len(w.sim.Events("token")); n != 1 {
			t.Errorf("%d tokens were asked for", n)
		}
	})
}

// tokenServer is an endpoint on a real socket, and a source that asks it.
func tokenServer(t *testing.T, answer http.HandlerFunc) *c1api.TokenSource {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	w := newWorld(t, c1sim.Options{Host: address})
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return c1api.NewTokenSource(c1api.TokenOptions{Credentials: w.credentials(t), Host: address, RootCAs: pool, Timeout: time.Minute})
}

// A clock that is wrong makes ConductorOne refuse, and is named then.
func TestWrongClockIsNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		ahead time.Duration // of this machine
		code  int
		says  string
	}{
		{"ahead", time.Hour, 401, " ahead of ConductorOne's"},
		{"behind", -5 * time.Minute, 400, " behind ConductorOne's"},
		{"right enough", 50 * time.Second, 401, ""},
		{"in trouble", time.Hour, 503, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tokens := tokenServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(-tt.ahead).UTC().Format(http.TimeFormat))
				w.WriteHeader(tt.code)
			})
			_, err := tokens.Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "clock") != (tt.says != "") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// So is one by which the server's certificate is not good, of token requests and of
// calls.
func TestWrongClockIsNamedWhereTLSFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{})
		conn := w.dial(t, nil)
		tokens := c1api.NewTokenSource(c1api.TokenOptions{
			Credentials: w.credentials(t), Host: host, RootCAs: w.roots(), Timeout: time.Minute,
			Dial: func(ctx context.Context, _ string) (net.Conn, error) { return w.wire.DialContext(ctx) },
		})
		<-time.After(11 * 365 * 24 * time.Hour) // The certificate is good for ten years.
		_, token := tokens.Token(t.Context())
		for what, err := range map[string]error{"token": token, "call": poll(t, conn)} {
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "but this machine's clock says 2010-12-2") {
				t.Errorf("%s: error is %v", what, err)
			}
		}
	})
}

// The life of a token is what ConductorOne says, within reason.
func TestTokenLife(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]time.Duration{
		`3600`: time.Hour, `"3600"`: time.Hour, `1e300`: 24 * time.Hour, `0`: 0, `-5`: 0, `null`: 0,
	} {
		tokens := tokenServer(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"access_token":"x","expires_in":%s}`, said)
		})
		begun := time.Now()
		token, err := tokens.Token(t.Context())
		if err != nil {
			t.Errorf("%s: %v", said, err)
			continue
		}
		if want == 0 {
			if !token.Expiry.IsZero() {
				t.Errorf("%s: a token that does not say when it ends does at %v", said, token.Expiry)
			}
			continue
		}
		if life := token.Expiry.Sub(begun); life < want || life > want+time.Minute {
			t.Errorf("%s: the token lives for %v", said, life)
		}
	}
}

// What the endpoint answers, on a real socket.
func TestTokenEndpointAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		code      int
		body      string
		temporary bool
		says      string
	}{
		{"refused", 401, `{"error":"invalid_client","error_description":"no such client"}`, false, "HTTP 401, invalid_client): no such client"},
		{"bad request", 400, `nonsense`, false, "HTTP 400"},
		{"redirect", 302, ``, false, "HTTP 302"},
		{"no token", 200, `{"token_type":"bearer"}`, false, "no access token"},
		{"a page", 200, `<html>`, false, "not a token in JSON"},
		{"in trouble", 503, ``, true, "HTTP 503"},
		{"too many", 429, ``, true, "HTTP 429"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			tokens := tokenServer(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.code)
				_, _ = w.Write([]byte(tt.body))
			})
			_, err := tokens.Token(t.Context())
			var answer *c1api.TokenError
			if !errors.As(err, &answer) || answer.Temporary() != tt.temporary || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v", err)
			}
			if status.Code(err) != codes.Unauthenticated {
				t.Errorf("code is %v, want Unauthenticated", status.Code(err))
			}
			if c1api.Refused(err) == tt.temporary {
				t.Errorf("refused is %v", !tt.temporary)
			}
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

// An endpoint that sends back what it was sent, whole or in part, under any name,
// makes no error that holds any of it.
func TestTokenEndpointEchoesTheAssertion(t *testing.T) {
	t.Parallel()
	parts := func(assertion string) []string { return strings.Split(assertion, ".") }
	for name, echo := range map[string]func(assertion string) string{
		"whole":           func(a string) string { return "assertion " + a + " is stale" },
		"in JSON":         func(a string) string { return `{"client_assertion":"` + a + `"}` },
		"escaped":         func(a string) string { return "got " + strings.ReplaceAll(a, ".", "%2E") },
		"cut behind":      func(a string) string { return a[:len(a)-40] + "..." },
		"cut before":      func(a string) string { return "..." + a[40:] },
		"the claims":      func(a string) string { return "claims " + parts(a)[1] },
		"the signature":   func(a string) string { return "signature " + parts(a)[2] + " is wrong" },
		"in lines":        func(a string) string { return a[:50] + "\n" + a[50:] },
		"behind a scheme": func(a string) string { return "Bearer " + a },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent string
			tokens := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
				sent = r.PostFormValue("client_assertion")
				w.WriteHeader(http.StatusUnauthorized)
				_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client " + echo(sent), "error_description": echo(sent)})
			})
			_, err := tokens.Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), "invalid_client") || sent == "" {
				t.Fatalf("error is %v", err)
			}
			for i := range len(sent) - 24 {
				if strings.Contains(err.Error(), sent[i:i+24]) {
					t.Fatalf("the error holds a part of the assertion: %v", err)
				}
			}
		})
	}
}

// ConductorOne's own errors may quote the token that they were sent.
func TestCallsEchoTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w *world
		w = newWorld(t, c1sim.Options{Faults: func(c c1sim.Call) c1sim.Fault {
			if c.Method == "token" {
				return c1sim.Fault{}
			}
			token := w.sim.Events("token")[0].Token
			return c1sim.Fault{Before: status.Error(codes.InvalidArgument, "the token "+token+" is odd")}
		}})
		var lines strings.Builder
		conn := w.dial(t, func(o *c1api.Options) {
			o.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		call := poll(t, conn)
		stream, err := conn.UploadAsset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&pb.BatonServiceUploadAssetRequest{Msg: &pb.BatonServiceUploadAssetRequest_Metadata{
			Metadata: &pb.BatonServiceUploadAssetRequest_UploadMetadata{HostId: "h", TaskId: strings.Repeat("a", 27)},
		}}); err != nil {
			t.Fatal(err)
		}
		_, upload := stream.CloseAndRecv()
		for _, err := range []error{call, upload} {
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "the token [redacted] is odd") {
				t.Errorf("error is %v", err)
			}
		}
		if token := w.sim.Events("token")[0].Token; strings.Contains(lines.String(), token) {
			t.Errorf("the log holds the token: %s", lines.String())
		}
	})
}

func TestTokenEndpointOutOfReach(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil)
	server.Close()
	w := newWorld(t, c1sim.Options{})
	tokens := c1api.NewTokenSource(c1api.TokenOptions{Credentials: w.credentials(t), Host: server.Listener.Addr().String(), Timeout: time.Minute})
	if _, err := tokens.Token(t.Context()); status.Code(err) != codes.Unavailable || c1api.Refused(err) {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tokens.Token(ctx); status.Code(err) != codes.Canceled {
		t.Errorf("error of a cancelled caller is %v", err)
	}
}

// The error of the token endpoint is still known where a call comes back with it.
func TestTokenErrorPassesThroughACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c1sim.Options{Faults: func(c c1sim.Call) c1sim.Fault {
			if c.Method == "token" {
				return c1sim.Fault{Before: status.Error(codes.Unavailable, "down")}
			}
			return c1sim.Fault{}
		}})
		var lines strings.Builder
		conn := w.dial(t, func(o *c1api.Options) {
			o.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		err := poll(t, conn)
		var answer *c1api.TokenError
		if !errors.As(err, &answer) || answer.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("error is %v", err)
		}
		if status.Code(err) != codes.Unauthenticated || c1api.Refused(err) {
			t.Errorf("code is %v, refused %v", status.Code(err), c1api.Refused(err))
		}
		if !strings.Contains(lines.String(), "GetTask") || strings.Contains(lines.String(), "client_assertion=") {
			t.Errorf("log is %s", lines.String())
		}
	})
}
