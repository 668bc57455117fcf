package hosted

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/hosted/auth"
	"github.com/conductorone/baton-jumpcloud/internal/hosted/awsid"
	"github.com/conductorone/baton-jumpcloud/internal/hosted/frame"
	"github.com/conductorone/baton-jumpcloud/internal/hosted/rpc"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	transportv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/transport/v1"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	// headerVersion names the version of the settings that a call is to be served with.
	headerVersion = "x-baton-connector-config-version"
	// staleAfter is how long a process stands still before its connections count as
	// broken.
	staleAfter = time.Minute
)

// Connector is what a generation serves.
type Connector interface {
	// Register registers the services.
	Register(r grpc.ServiceRegistrar)
	// Close releases what they hold.
	Close() error
}

// Settings are what a connector is made of.
type Settings struct {
	Config *config.Config
	// Transport carries requests to JumpCloud, within the platform's policy.
	Transport http.RoundTripper
	// Key opens passwords that are encrypted for this connector.
	Key    ed25519.PrivateKey
	Logger *slog.Logger
}

// Options are what a function needs. All are required.
type Options struct {
	// Config is of the process, loaded for [config.ForHosted].
	Config  *config.Config
	Network *network.Network
	Logger  *slog.Logger
	// Level is that of Logger, which the served settings change.
	Level *logs.Level
	// Lookup reads an environment variable, as [os.LookupEnv] does.
	Lookup func(string) (string, bool)
	// Build makes the connector. It must not ask JumpCloud for anything yet.
	Build func(context.Context, Settings) (Connector, error)
}

// Function answers invocations. It is safe for concurrent use.
type Function struct {
	options     Options
	credentials *c1api.Credentials
	conn        *c1api.HostedConn
	verifier    *auth.Verifier
	keys        *auth.Keys // nil where the key is a setting

	rebuilding sync.Mutex // is held while a generation is made, and guards last
	last       rebuild

	mu       sync.Mutex
	current  *generation
	rested   time.Time // when the last invocation ended, by the wall clock
	retiring sync.WaitGroup
}

// NewFunction starts a function as far as it can be before it is invoked: it gets the
// settings and makes the first generation. Close it.
func NewFunction(ctx context.Context, o Options) (_ *Function, err error) {
	settings := o.Config.Hosted
	f := &Function{options: o}
	if f.credentials, err = c1api.ParseCredentials(settings.ClientID, settings.ClientSecret); err != nil {
		return nil, fault.WithHints(err, "deploy the connector again with the client ID and the client secret that the platform gave")
	}
	roots, err := o.Network.RootsWith(settings.CACertPath)
	if err != nil {
		return nil, err
	}
	f.conn, err = c1api.DialHosted(c1api.HostedOptions{
		Options:   c1api.Options{Credentials: f.credentials, APIHost: settings.Host, Proxies: o.Network.Proxies, RootCAs: roots, Logger: o.Logger},
		TokenHost: settings.TokenHost,
		Attest:    func(ctx context.Context) (string, error) { return awsid.Attest(ctx, o.Lookup) },
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(ctx))
		}
	}()
	first, err := f.build(ctx, "")
	if err != nil {
		return nil, err
	}
	f.install(ctx, first)
	keys := func() []jose.JSONWebKey { return f.keys.Current() }
	if settings.Signer == "" {
		if f.keys, err = auth.FetchKeys(ctx, auth.KeysOptions{URL: settings.KeySetURL, Transport: o.Network.KeysTransport(roots), Logger: o.Logger}); err != nil {
			return nil, plainError("field lambda-auth-jwt-jwks-url", err)
		}
	} else {
		key, err := auth.ParseKey(settings.Signer)
		if err != nil {
			return nil, plainError("field lambda-auth-jwt-signer", err)
		}
		keys = func() []jose.JSONWebKey { return []jose.JSONWebKey{key} }
	}
	f.verifier = auth.NewVerifier(auth.Expected{Issuer: settings.Issuer, Subject: settings.Subject, Audience: settings.Audience}, keys)
	return f, nil
}

// Close releases everything, and waits for it and for calls that are running. Later ones
// are Unavailable.
func (f *Function) Close(ctx context.Context) error {
	f.rebuilding.Lock()
	defer f.rebuilding.Unlock()
	f.mu.Lock()
	last := f.current
	f.current = nil
	f.mu.Unlock()
	f.retiring.Wait()
	if last != nil {
		f.retire(context.WithoutCancel(ctx), last)
	}
	if f.keys != nil {
		f.keys.Close()
	}
	return f.conn.Close()
}

// secrets are those of the settings that serve, which have those of the process too.
func (f *Function) secrets() []secret.String {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return f.options.Config.Secrets()
	}
	return f.current.config.Secrets()
}

func (f *Function) authenticate(ctx context.Context, md metadata.MD) error {
	return f.verifier.Authenticate(ctx, md)
}

// Invoke answers one invocation. An error is that of a payload, or an answer, that cannot
// be encoded; whatever becomes of a call is an answer with a status.
func (f *Function) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	encoding := frame.Legacy // Clients accept it for errors to any request.
	defer func() {
		if v := recover(); v != nil {
			s := rpc.Recovered(ctx, f.options.Logger, rpc.SiteHandler, v, f.secrets()...)
			answer, err = frame.Encode(frame.Failed(s), encoding)
		}
	}()
	f.wake()
	defer f.rest()
	req, encoding, err := frame.Decode(payload)
	if err != nil {
		return nil, err // The library logs it.
	}
	return frame.Encode(f.serve(ctx, req), encoding)
}

// serve answers a call, with the settings of the version that it names.
func (f *Function) serve(ctx context.Context, req *transportv1.Request) *transportv1.Response {
	version := ""
	if values := rpc.Metadata(req).Get(headerVersion); len(values) > 0 {
		version = values[0]
	}
	if err := f.ensure(ctx, version); err != nil {
		return rpc.Failed(err)
	}
	g := f.acquire()
	if g == nil {
		return rpc.Failed(status.Error(codes.Unavailable, "the function is stopping"))
	}
	defer g.release()
	start := time.Now()
	resp := g.server.Serve(ctx, req)
	f.options.Logger.DebugContext(ctx, "served call", "method", req.GetMethod(), "duration", time.Since(start), "status", rpc.Outcome(resp))
	return resp
}

// wake drops connections after the process stood still. Only the wall clock goes on then.
func (f *Function) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != nil && !f.rested.IsZero() && time.Now().Round(0).Sub(f.rested) >= staleAfter {
		f.current.closeIdle()
	}
}

func (f *Function) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rested = time.Now().Round(0)
}
