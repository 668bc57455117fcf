package agent_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// connector answers with functions; those that are nil are not served.
type connector struct {
	agent.Unserved
	grant  func(context.Context, *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error)
	revoke func(context.Context, *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error)
}

func (c *connector) GetMetadata(context.Context, *v2.ConnectorServiceGetMetadataRequest) (*v2.ConnectorServiceGetMetadataResponse, error) {
	return &v2.ConnectorServiceGetMetadataResponse{Metadata: &v2.ConnectorMetadata{DisplayName: "Acme"}}, nil
}

func (c *connector) Grant(ctx context.Context, r *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
	if c.grant == nil {
		return c.Unserved.Grant(ctx, r)
	}
	return c.grant(ctx, r)
}

func (c *connector) Revoke(ctx context.Context, r *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error) {
	if c.revoke == nil {
		return c.Unserved.Revoke(ctx, r)
	}
	return c.revoke(ctx, r)
}

// syncFunc is a [agent.Syncer].
type syncFunc func(context.Context, agent.SyncRequest) (agent.Archive, error)

func (f syncFunc) Sync(ctx context.Context, r agent.SyncRequest) (agent.Archive, error) {
	return f(ctx, r)
}

// archiveOf is a syncer whose archive has the content, which stays where it is.
func archiveOf(t *testing.T, content string) syncFunc {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(context.Context, agent.SyncRequest) (agent.Archive, error) {
		return agent.Archive{Path: path, Done: func(bool) error { return nil }}, nil
	}
}

// facts are made once, outside of any bubble: they come from the system.
var facts = c1api.Facts{
	Build: &pb.BatonServiceHelloRequest_BuildInfo{LangVersion: "go", Package: "p", PackageVersion: "v"},
	OS: &pb.BatonServiceHelloRequest_OSInfo{
		Hostname: "h", Os: "o", Platform: "p", PlatformVersion: "v", PlatformFamily: "f",
		KernelVersion: "k", KernelArch: "a", VirtualizationSystem: "none",
	},
}

// rig is a simulated ConductorOne on an in-memory network and the means to run
// agents against it.
type rig struct {
	t         *testing.T
	sim       *c1sim.Server
	wire      *bufconn.Listener
	state     string
	temp      string
	connector *connector
	syncer    agent.Syncer
	change    func(*agent.Config) // may be nil
	logger    *slog.Logger
}

// newRig must be called inside the bubble whose clock everything shall follow.
func newRig(t *testing.T, opts c1sim.Options) *rig {
	t.Helper()
	opts.Host = "127.0.0.1:8443"
	sim, err := c1sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, sim: sim, wire: bufconn.Listen(1 << 20), state: t.TempDir(), temp: t.TempDir(),
		connector: &connector{}, logger: slog.New(slog.DiscardHandler),
	}
	r.syncer = archiveOf(t, "C1ZF\x00 and so on")
	served := make(chan error, 1)
	go func() { served <- sim.Serve(r.wire) }()
	t.Cleanup(func() {
		_ = sim.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// mortal is the connector of one process. Of a killed one, only what it had begun
// can still come to pass: the requests were on their way.
type mortal struct {
	*connector
	dead atomic.Bool
}

func (m *mortal) Grant(ctx context.Context, r *v2.GrantManagerServiceGrantRequest) (*v2.GrantManagerServiceGrantResponse, error) {
	if m.dead.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.connector.Grant(ctx, r)
}

func (m *mortal) Revoke(ctx context.Context, r *v2.GrantManagerServiceRevokeRequest) (*v2.GrantManagerServiceRevokeResponse, error) {
	if m.dead.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.connector.Revoke(ctx, r)
}

// process is an agent that runs.
type process struct {
	*agent.Agent
	mortal *mortal
	rig    *rig
	conn   *c1api.Conn
	// end is SIGTERM; it returns what Run returned.
	end func() error
	// done is closed when Run has returned.
	done chan struct{}
}

// dial connects to the simulator.
func (r *rig) dial() *c1api.Conn {
	r.t.Helper()
	id, key := r.sim.Credentials()
	credentials, err := c1api.ParseCredentials(id, secret.New(key))
	if err != nil {
		r.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.sim.CA())
	conn, err := c1api.Dial(c1api.Options{
		Credentials: credentials, RootCAs: roots, Logger: r.logger,
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { return r.wire.DialContext(ctx) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() }) // It may have been closed already.
	return conn
}

// start runs an agent until it is ended, at the latest with the test.
func (r *rig) start() *process {
	r.t.Helper()
	p := &process{rig: r, conn: r.dial(), mortal: &mortal{connector: r.connector}, done: make(chan struct{})}
	id, _ := r.sim.Credentials()
	cfg := agent.Config{
		Client: p.conn, ClientID: id, HostID: "test-host", Facts: facts, Connector: p.mortal, Syncer: r.syncer,
		StateDir: r.state, TempDir: r.temp, Concurrency: agent.DefaultConcurrency, Provisioning: true,
		ShutdownGrace: 25 * time.Second, Logger: r.logger,
	}
	if r.change != nil {
		r.change(&cfg)
	}
	a, err := agent.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	p.Agent = a
	ctx, cancel := context.WithCancel(r.t.Context())
	var result error
	go func() {
		defer close(p.done)
		result = a.Run(ctx)
	}()
	p.end = sync.OnceValue(func() error {
		cancel()
		<-p.done
		return result
	})
	r.t.Cleanup(func() { _ = p.end() })
	return p
}

// kill is SIGKILL as far as anybody else can see: what the process has on disk
// stays, and it never sends anything again. Its successor is to be started with
// the rig's state folder, which is a copy of what was on disk.
func (p *process) kill() {
	p.rig.t.Helper()
	// While everybody waits and this goroutine works, nothing moves: the copy is of
	// one moment.
	synctest.Wait()
	copied := p.rig.t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(p.rig.state)); err != nil {
		p.rig.t.Fatal(err)
	}
	p.rig.state = copied
	p.mortal.dead.Store(true)
	_ = p.conn.Close()
}

// grantTask is a task that grants member of a group to a user.
func grantTask(group, user string) *pb.Task {
	return &pb.Task{TaskType: &pb.Task_Grant{Grant: &pb.Task_GrantTask{
		Entitlement: &v2.Entitlement{
			Id:       "group:" + group,
			Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "group", Resource: group}},
		},
		Principal: &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: user}},
	}}}
}

func syncTask() *pb.Task {
	return &pb.Task{TaskType: &pb.Task_SyncFull{SyncFull: &pb.Task_SyncFullTask{}}}
}

func listTask() *pb.Task {
	return &pb.Task{TaskType: &pb.Task_ActionListSchemas{ActionListSchemas: &pb.Task_ActionListSchemasTask{}}}
}

// pass lets virtual time pass, and everything that is due by then happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
