package network

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	transport "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

const (
	// exportEvery is how often logs are sent.
	exportEvery = time.Second
	// flushTimeout bounds sending what is left at the end of the process.
	flushTimeout = 5 * time.Second
)

// telemetry sends traces and logs to a collector, over one connection.
type telemetry struct {
	// Tracer makes spans, which go nowhere where no traces are sent.
	Tracer trace.Tracer
	// logs takes records to send; nil where none are sent.
	logs slog.Handler

	closers []func(context.Context) error
}

// startTelemetry connects to the collector that the settings name, if they do. It
// does not wait for the connection: a collector that is away holds nothing up.
func startTelemetry(ctx context.Context, settings config.Telemetry, way egress.Dialer, logger *slog.Logger) (_ *telemetry, err error) {
	t := &telemetry{Tracer: noop.NewTracerProvider().Tracer(version.Program)}
	if !settings.Enabled() {
		return t, nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start telemetry: %w", err), t.Close(ctx))
		}
	}()
	security, err := collectorSecurity(settings, way.RootCAs)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(way.Target(settings.Endpoint), grpc.WithTransportCredentials(egress.Credentials(security)),
		grpc.WithNoProxy(), grpc.WithContextDialer(way.DialContext))
	if err != nil {
		return nil, err
	}
	t.closers = append(t.closers, func(context.Context) error { return conn.Close() })
	// The library reports what it could not send to one place of the process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.WarnContext(ctx, "telemetry not sent", "error", err)
	}))
	who := resource.NewSchemaless(attribute.String("service.name", version.Program+"-server"), attribute.String("service.version", version.Read().Version))
	if !settings.NoTracing {
		exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithGRPCConn(conn))
		if err != nil {
			return nil, err
		}
		traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(who), sdktrace.WithSampler(sdktrace.AlwaysSample()))
		t.Tracer, t.closers = traces.Tracer(version.Program), append(t.closers, traces.Shutdown)
	}
	if !settings.NoLogging {
		exporter, err := otlploggrpc.New(ctx, otlploggrpc.WithGRPCConn(conn))
		if err != nil {
			return nil, err
		}
		logs := sdklog.NewLoggerProvider(sdklog.WithResource(who),
			sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, sdklog.WithExportInterval(exportEvery))))
		t.logs, t.closers = otelslog.NewHandler(version.Program, otelslog.WithLoggerProvider(logs)), append(t.closers, logs.Shutdown)
	}
	return t, nil
}

// collectorSecurity is how to know that a collector is the right one.
func collectorSecurity(settings config.Telemetry, roots *x509.CertPool) (transport.TransportCredentials, error) {
	if settings.Insecure {
		return insecure.NewCredentials(), nil
	}
	certificates := settings.Cert
	if settings.CertPath != "" {
		var err error
		if certificates, _, err = regularfile.Read(settings.CertPath, maxCertificates); err != nil {
			return nil, fmt.Errorf("read the collector's CA: %w", err)
		}
	}
	if len(certificates) > 0 {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(certificates) {
			return nil, errors.New("the collector's CA contains no PEM-encoded certificate")
		}
	}
	return transport.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}), nil
}

// Close sends what is left, for a few seconds, and disconnects.
func (t *telemetry) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	var errs []error
	for _, c := range slices.Backward(t.closers) {
		errs = append(errs, c(ctx))
	}
	return errors.Join(errs...)
}

// leveled is a handler that takes the records that another one takes.
type leveled struct {
	slog.Handler
	like slog.Handler
}

// Enabled asks the other handler.
func (l leveled) Enabled(ctx context.Context, level slog.Level) bool {
	return l.like.Enabled(ctx, level)
}

// WithAttrs implements [slog.Handler].
func (l leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{l.Handler.WithAttrs(attrs), l.like}
}

// WithGroup implements [slog.Handler].
func (l leveled) WithGroup(name string) slog.Handler {
	return leveled{l.Handler.WithGroup(name), l.like}
}
