package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// network is what the connections of a process have in common.
type network struct {
	roots *x509.CertPool
	*telemetry
	// transport is JumpCloud's. Its connections are shared by all clients.
	transport http.RoundTripper
}

// openNetwork prepares connections as the settings ask for, and sends the log to a
// collector too where they name one.
func (a *app) openNetwork(ctx context.Context, c *console, settings config.Telemetry) (*network, error) {
	roots, err := trustedRoots(a.Lookup)
	if err != nil {
		return nil, err
	}
	n := &network{roots: roots}
	if n.telemetry, err = startTelemetry(ctx, settings, roots, c.log.Logger); err != nil {
		return nil, err
	}
	n.transport = traced{jumpcloud.NewTransport(roots), n.tracer}
	if n.logs != nil {
		own := c.log.Handler()
		c.log.Logger = slog.New(slog.NewMultiHandler(own, leveled{redact.Handler(n.logs), own}))
	}
	return n, nil
}

// connect opens the network for a single run, whose requests take it from then on.
// The function that it returns sends what telemetry is left.
func (a *app) connect(ctx context.Context, c *console, cfg *config.Config, t *traffic) (func(context.Context) error, error) {
	n, err := a.openNetwork(ctx, c, cfg.Telemetry)
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
