package cli

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
	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// network is what the connections of a process have in common.
type network struct {
	roots   *x509.CertPool
	proxies *egress.Proxies
	*telemetry
	// transport is JumpCloud's. Its connections are shared by all clients.
	transport http.RoundTripper
}

// openNetwork prepares connections as the settings ask for, and sends the log to a
// collector too where they name one.
func (a *app) openNetwork(ctx context.Context, c *console, cfg *config.Config) (*network, error) {
	roots, err := trustedRoots(a.Lookup)
	if err != nil {
		return nil, err
	}
	// Before the first connection: a proxy that cannot be used is not gone around.
	proxies, err := egress.ProxiesFrom(a.Lookup)
	if err != nil {
		return nil, err
	}
	tellProxies(ctx, c, cfg, proxies)
	n := &network{roots: roots, proxies: proxies}
	if n.telemetry, err = startTelemetry(ctx, cfg.Telemetry, egress.Dialer{Proxies: proxies, RootCAs: roots}, c.log.Logger); err != nil {
		return nil, err
	}
	n.transport = traced{jumpcloud.NewTransport(roots, proxies), n.tracer}
	if n.logs != nil {
		own := c.log.Handler()
		c.log.Logger = slog.New(slog.NewMultiHandler(own, leveled{redact.Handler(n.logs), own}))
	}
	return n, nil
}

// connect opens the network for a single run, whose requests take it from then on.
// The function that it returns sends what telemetry is left.
func (a *app) connect(ctx context.Context, c *console, cfg *config.Config, t *traffic) (func(context.Context) error, error) {
	n, err := a.openNetwork(ctx, c, cfg)
	if err != nil {
		return nil, err
	}
	t.transport = n.transport
	return func(ctx context.Context) error {
		if err := n.Close(ctx); err != nil {
			// What the run was for does not fail with it.
			c.log.WarnContext(ctx, "telemetry could not be sent", "error", err)
		}
		return nil
	}, nil
}

// tellProxies says which hosts are reached through which proxy.
func tellProxies(ctx context.Context, c *console, cfg *config.Config, proxies *egress.Proxies) {
	var targets []*url.URL
	if base, token, err := endpoints(cfg.JumpCloud); err == nil {
		targets = append(targets, base)
		if cfg.JumpCloud.AuthMethod == config.GroupServiceAccount && token.Host != base.Host {
			targets = append(targets, token)
		}
	}
	if cfg.Service.Asked() {
		if host := conductorHost(cfg.Service); host != "" {
			targets = append(targets, &url.URL{Scheme: "https", Host: host})
		}
	}
	if cfg.Telemetry.Enabled() {
		targets = append(targets, &url.URL{Scheme: "https", Host: cfg.Telemetry.Endpoint})
	}
	for _, target := range targets {
		if proxy, setting := proxies.Describe(target); proxy != "" {
			c.log.InfoContext(ctx, "connecting through a proxy", "host", target.Host, "proxy", proxy, "setting", setting)
		} else if target.Scheme == "https" && proxies.OnlyPlain(target) {
			c.log.WarnContext(ctx, "HTTP_PROXY is not for addresses that begin with https://: set HTTPS_PROXY if they are to take it", "host", target.Host)
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

// spanned runs a function within a span, which ends with its error.
func spanned(ctx context.Context, tracer trace.Tracer, name string, attributes []attribute.KeyValue, f func(context.Context) error) error {
	ctx, span := tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	defer span.End()
	err := f(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
	return err
}
