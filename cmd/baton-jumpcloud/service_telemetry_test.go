package main

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	logspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// collector is an OpenTelemetry collector that keeps what it gets.
type collector struct {
	logspb.UnimplementedLogsServiceServer
	address string

	mu      sync.Mutex
	spans   []string
	lines   []string
	sources []string // service.name of each batch
	all     strings.Builder
}

// traces serves the other service, whose method has the same name.
type traces struct {
	tracepb.UnimplementedTraceServiceServer
	*collector
}

func (c *collector) took(message proto.Message, from *resourcepb.Resource) {
	for _, a := range from.GetAttributes() {
		if a.GetKey() == "service.name" {
			c.sources = append(c.sources, a.GetValue().GetStringValue())
		}
	}
	c.all.WriteString(protojson.Format(message))
}

// Export takes log lines.
func (c *collector) Export(_ context.Context, req *logspb.ExportLogsServiceRequest) (*logspb.ExportLogsServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range req.GetResourceLogs() {
		c.took(r, r.GetResource())
		for _, s := range r.GetScopeLogs() {
			for _, l := range s.GetLogRecords() {
				c.lines = append(c.lines, l.GetSeverityText()+" "+l.GetBody().GetStringValue())
			}
		}
	}
	return &logspb.ExportLogsServiceResponse{}, nil
}

// Export takes spans.
func (c traces) Export(_ context.Context, req *tracepb.ExportTraceServiceRequest) (*tracepb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range req.GetResourceSpans() {
		c.took(r, r.GetResource())
		for _, s := range r.GetScopeSpans() {
			for _, span := range s.GetSpans() {
				c.spans = append(c.spans, span.GetName())
			}
		}
	}
	return &tracepb.ExportTraceServiceResponse{}, nil
}

// newCollector serves one until the test ends.
func newCollector(t *testing.T, security credentials.TransportCredentials) *collector {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{address: listener.Addr().String()}
	server := grpc.NewServer(grpc.Creds(security))
	logspb.RegisterLogsServiceServer(server, c)
	tracepb.RegisterTraceServiceServer(server, traces{collector: c})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestServiceTelemetry sends traces and logs to a collector, over each kind of
// connection, and looks for secrets in them.
func TestServiceTelemetry(t *testing.T) {
	t.Parallel()
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	overTLS := credentials.NewServerTLSFromCert(&certified.TLS.Certificates[0])
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	file := filepath.Join(t.TempDir(), "collector.pem")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name          string
		security      credentials.TransportCredentials
		flags         []string
		spans, logged bool
	}{
		{"plain", insecure.NewCredentials(), []string{"--otel-collector-endpoint-tls-insecure"}, true, true},
		{"CA in a file, no traces", overTLS, []string{"--otel-collector-endpoint-tls-cert-path=" + file, "--otel-tracing-disabled"}, false, true},
		{"CA in a setting, no logs", overTLS, []string{
			"--otel-collector-endpoint-tls-cert=" + base64.RawURLEncoding.EncodeToString(authority), "--otel-logging-disabled",
		}, true, false},
		{"unknown CA", overTLS, nil, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c1sim.Options{})
			c := newCollector(t, tt.security)
			p := r.start(append(tt.flags, "--otel-collector-endpoint="+c.address)...)
			r.succeeded(r.sync())
			if code := p.signal(syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d", code)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for name, want := range map[string]bool{"sync": tt.spans, "GET /api/v2/usergroups/{id}/members": tt.spans} {
				if slices.Contains(c.spans, name) != want {
					t.Errorf("span %s is sent: %v\n%q", name, !want, c.spans)
				}
			}
			for _, line := range []string{"INFO connected to ConductorOne", "INFO task done", "INFO stopping"} {
				if slices.Contains(c.lines, line) != tt.logged {
					t.Errorf("line %q is sent: %v\n%q", line, !tt.logged, c.lines)
				}
			}
			if slices.ContainsFunc(c.sources, func(s string) bool { return s != "baton-jumpcloud-server" }) {
				t.Errorf("sources are %q", c.sources)
			}
			if told := strings.Contains(p.log.String(), "telemetry not sent"); told != (!tt.spans && !tt.logged) {
				t.Errorf("the log tells of failures: %v", told)
			}
			_, secret := r.c1.Credentials()
			if all := c.all.String(); strings.Contains(all, jcsim.DefaultKey) || strings.Contains(all, secret[len(secret)-40:]) {
				t.Errorf("a secret was sent:\n%s", all)
			}
		})
	}
}
