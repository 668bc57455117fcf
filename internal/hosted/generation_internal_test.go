package hosted

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

func TestRebuildsAreCapped(t *testing.T) {
	t.Parallel()
	now := time.Now()
	last := rebuild{now, "v2"}
	for _, tt := range []struct {
		name    string
		last    rebuild
		version string
		after   time.Duration
		want    bool
	}{
		{"the first", rebuild{}, "v2", 0, true},
		{"another within a second", last, "v3", time.Second - 1, false},
		{"another after a second", last, "v3", time.Second, true},
		{"the same within five seconds", last, "v2", 5*time.Second - 1, false},
		{"the same after five seconds", last, "v2", 5 * time.Second, true},
	} {
		if got := tt.last.permits(tt.version, now.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// closer is a connector that takes a time to close.
type closer struct {
	takes  time.Duration
	err    error
	closed chan time.Time
}

// Register implements [Connector].
func (closer) Register(grpc.ServiceRegistrar) {}

// Close implements [Connector].
func (c closer) Close() error {
	<-time.After(c.takes)
	c.closed <- time.Now()
	return c.err
}

func TestPreviousGenerationIsClosedAfterItsCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name               string
		call, takes        time.Duration
		err                error
		wantClosed, wantIn time.Duration
		log                string
	}{
		{"no calls", 0, 0, nil, 0, 0, ""},
		{"a call", 3 * time.Second, 0, nil, 3 * time.Second, 3 * time.Second, ""},
		{"a call that does not end", time.Hour, 0, nil, 30 * time.Second, 30 * time.Second, "still running"},
		{"slow to close", 0, 9 * time.Second, nil, 9 * time.Second, 9 * time.Second, ""},
		{"slower to close", 0, 11 * time.Second, nil, 11 * time.Second, 10 * time.Second, "still closing"},
		{"fails to close", 0, 0, errors.New("disk"), 0, 0, "disk"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				f := &Function{options: Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))}}
				c := closer{takes: tt.takes, err: tt.err, closed: make(chan time.Time, 1)}
				g := &generation{connector: c, closeIdle: func() {}}
				g.calls.Add(1)
				start := time.Now()
				time.AfterFunc(tt.call, g.calls.Done)
				f.retire(t.Context(), g)
				if got := time.Since(start); got != tt.wantIn {
					t.Errorf("took %v, want %v", got, tt.wantIn)
				}
				if got := (<-c.closed).Sub(start); got != tt.wantClosed {
					t.Errorf("closed after %v, want %v", got, tt.wantClosed)
				}
				if tt.log == "" && log.Len() > 0 || !strings.Contains(log.String(), tt.log) {
					t.Errorf("log %s", log.String())
				}
				<-time.After(time.Hour) // What could not be ended ends.
			})
		})
	}
}

// Connections are dropped after the process stood still for a minute.
func TestConnectionsGoStale(t *testing.T) {
	t.Parallel()
	closed := 0
	f := &Function{current: &generation{closeIdle: func() { closed++ }}}
	for _, tt := range []struct {
		rested time.Time
		want   int
	}{{time.Time{}, 0}, {time.Now().Add(-30 * time.Second), 0}, {time.Now().Add(-61 * time.Second), 1}} {
		f.rested = tt.rested
		if f.wake(); closed != tt.want {
			t.Errorf("rested %v: closed %d times, want %d", tt.rested, closed, tt.want)
		}
	}
	if f.rest(); time.Since(f.rested) > time.Minute {
		t.Errorf("rested %v", f.rested)
	}
}

func TestLabel(t *testing.T) {
	t.Parallel()
	version := "v1"
	full := &pb.GetConnectorConfigResponse{ConfigVersion: &version}
	for _, tt := range []struct {
		answer          *pb.GetConnectorConfigResponse
		requested, want string
	}{{full, "v2", "v1"}, {&pb.GetConnectorConfigResponse{}, "v2", "v2"}, {&pb.GetConnectorConfigResponse{}, "", ""}} {
		if got := label(tt.answer, tt.requested); got != tt.want {
			t.Errorf("label %q, want %q", got, tt.want)
		}
	}
}

func TestPolicyOfAnEnvelope(t *testing.T) {
	t.Parallel()
	const enforce, report = pb.EgressMode_EGRESS_MODE_ENFORCE, pb.EgressMode_EGRESS_MODE_REPORT
	envelope := func(change func(*pb.ServedPolicyEnvelope)) *pb.ServedPolicyEnvelope {
		e := &pb.ServedPolicyEnvelope{EnvelopeVersion: 1, ConfigVersion: "v1", Egress: &pb.EgressSection{SchemaVersion: 1, HttpsOnly: true, Mode: enforce, AllowedHosts: []string{"A.example.", "b.example"}}}
		change(e)
		return e
	}
	hosts := func(mode pb.EgressMode, names ...string) *pb.ServedPolicyEnvelope {
		return envelope(func(e *pb.ServedPolicyEnvelope) { e.Egress.Mode, e.Egress.AllowedHosts = mode, names })
	}
	deny := denyAll()
	for _, tt := range []struct {
		name     string
		envelope *pb.ServedPolicyEnvelope
		want     *egress.Policy
	}{
		{"none", nil, nil},
		{"enforced", envelope(func(*pb.ServedPolicyEnvelope) {}), &egress.Policy{Hosts: []string{"a.example", "b.example"}, HTTPSOnly: true, Enforce: true}},
		{"reported", hosts(report, "a.example"), &egress.Policy{Hosts: []string{"a.example"}, HTTPSOnly: true}},
		{"mode of no meaning", hosts(7, "a.example"), &egress.Policy{Hosts: []string{"a.example"}, HTTPSOnly: true}},
		{"plain", envelope(func(e *pb.ServedPolicyEnvelope) { e.Egress.HttpsOnly = false }), &egress.Policy{Hosts: []string{"a.example", "b.example"}, Enforce: true}},
		{"envelope of another version", envelope(func(e *pb.ServedPolicyEnvelope) { e.EnvelopeVersion = 2 }), deny},
		{"envelope of no configuration", envelope(func(e *pb.ServedPolicyEnvelope) { e.ConfigVersion = "" }), deny},
		{"envelope of another configuration", envelope(func(e *pb.ServedPolicyEnvelope) { e.ConfigVersion = "v2" }), deny},
		{"no section", envelope(func(e *pb.ServedPolicyEnvelope) { e.Egress = nil }), deny},
		{"section of another version", envelope(func(e *pb.ServedPolicyEnvelope) { e.Egress.SchemaVersion = 2 }), deny},
		{"no hosts", hosts(enforce), &egress.Policy{HTTPSOnly: true, Enforce: true}},
		{"empty host", hosts(enforce, "a.example", ""), deny},
		{"wildcard", hosts(enforce, "*.example"), deny},
		{"path", hosts(enforce, "a.example/x"), deny},
		{"port", hosts(enforce, "a.example:443"), deny},
		{"IPv4", hosts(enforce, "192.0.2.1"), deny},
		{"IPv6", hosts(enforce, "[2001:db8::1]"), deny},
		{"bare IPv6", hosts(enforce, "2001:db8::1"), deny},
		{"wrong hosts are dropped from a report", hosts(report, "", "*", "a/b", "a:1", "192.0.2.1", "::1", "c.example"), &egress.Policy{Hosts: []string{"c.example"}, HTTPSOnly: true}},
	} {
		if diff := cmp.Diff(tt.want, policyOf(tt.envelope, "v1")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
