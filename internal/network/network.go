// Package network holds what the connections of a process have in common: whom they
// trust, the proxies they take, the traces they leave, and the JumpCloud client that
// the settings describe.
package network

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// Network is what the connections of a process have in common. It is safe for
// concurrent use.
type Network struct {
	Roots   *x509.CertPool
	Proxies *egress.Proxies
	*telemetry
	// Transport is JumpCloud's. Its connections are shared by all clients.
	Transport http.RoundTripper
}

// Open prepares connections as the settings ask for, and sends the log to a collector
// too where they name one. Lookup reads an environment variable, as [os.LookupEnv]
// does.
func Open(ctx context.Context, lookup func(string) (string, bool), c *console.Console, cfg *config.Config) (*Network, error) {
	roots, err := trustedRoots(lookup)
	if err != nil {
		return nil, err
	}
	// Before the first connection: a proxy that cannot be used is not gone around.
	proxies, err := egress.ProxiesFrom(lookup)
	if err != nil {
		return nil, err
	}
	tellProxies(ctx, c, cfg, proxies)
	n := &Network{Roots: roots, Proxies: proxies}
	if n.telemetry, err = startTelemetry(ctx, cfg.Telemetry, egress.Dialer{Proxies: proxies, RootCAs: roots}, c.Log.Logger); err != nil {
		return nil, err
	}
	n.Transport = traced{jumpcloud.NewTransport(roots, proxies), n.Tracer}
	if n.logs != nil {
		own := c.Log.Handler()
		c.Log.Logger = slog.New(slog.NewMultiHandler(own, leveled{redact.Handler(n.logs), own}))
	}
	return n, nil
}

// CloseLogged closes the network at the end of a command, which does not fail with
// what is left to send.
func (n *Network) CloseLogged(ctx context.Context, logger *slog.Logger) {
	if err := n.Close(ctx); err != nil {
		logger.WarnContext(ctx, "telemetry not sent", "error", err)
	}
}

// tellProxies says which hosts are reached through which proxy.
func tellProxies(ctx context.Context, c *console.Console, cfg *config.Config, proxies *egress.Proxies) {
	var targets []*url.URL
	if base, token, err := Endpoints(cfg.JumpCloud); err == nil {
		targets = append(targets, base)
		if cfg.JumpCloud.AuthMethod == config.GroupServiceAccount && token.Host != base.Host {
			targets = append(targets, token)
		}
	}
	if cfg.Service.Enabled() {
		if host := conductorHost(cfg.Service); host != "" {
			targets = append(targets, &url.URL{Scheme: "https", Host: host})
		}
	}
	if cfg.Telemetry.Enabled() {
		targets = append(targets, &url.URL{Scheme: "https", Host: cfg.Telemetry.Endpoint})
	}
	for _, target := range targets {
		if proxy, setting := proxies.Describe(target); proxy != "" {
			c.Log.InfoContext(ctx, "using a proxy", "host", target.Host, "proxy", proxy, "setting", setting)
		} else if target.Scheme == "https" && proxies.OnlyPlain(target) {
			c.Log.WarnContext(ctx, "HTTP_PROXY does not apply to https:// addresses: set HTTPS_PROXY to use a proxy for them", "host", target.Host)
		}
	}
}

// conductorHost is the host that ConductorOne is asked at; empty where the client id
// names none.
func conductorHost(settings config.Service) string {
	if settings.APIHost != "" {
		return settings.APIHost
	}
	_, rest, _ := strings.Cut(settings.ClientID, "@")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// traced makes a span of each request.
type traced struct {
	next   http.RoundTripper
	tracer trace.Tracer
}

// identifier is a part of a path that names an object.
var identifier = regexp.MustCompile(`/[0-9a-f]{24}(/|$)`) //nolint:gochecknoglobals // A constant, but for the language.

// RoundTrip implements [http.RoundTripper].
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := t.tracer.Start(r.Context(), r.Method+" "+identifier.ReplaceAllString(r.URL.Path, "/{id}$1"), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("server.address", r.URL.Hostname()), attribute.String("url.path", r.URL.Path),
	))
	defer span.End()
	response, err := t.next.RoundTrip(r.WithContext(ctx))
	switch {
	case err != nil:
		span.SetStatus(codes.Error, fmt.Sprintf("%T", err))
	default:
		span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
		if response.StatusCode >= http.StatusBadRequest {
			span.SetStatus(codes.Error, response.Status)
		}
	}
	return response, err
}

// Span runs a function within a span, which ends with its error.
func Span(ctx context.Context, tracer trace.Tracer, name string, attributes []attribute.KeyValue, f func(context.Context) error) error {
	ctx, span := tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	defer span.End()
	err := f(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
	return err
}
