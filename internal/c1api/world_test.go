package c1api_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/test/bufconn"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	c1sim "github.com/conductorone/baton-jumpcloud/internal/sim/conductorone"
)

// host is an address that is resolved without asking anybody.
const host = "127.0.0.1:8443"

// world is a simulated ConductorOne on an in-memory network.
type world struct {
	sim   *c1sim.Server
	wire  *bufconn.Listener
	dials atomic.Int64
}

// newWorld must be called inside the bubble whose clock the world shall follow.
func newWorld(t *testing.T, opts c1sim.Options) *world {
	t.Helper()
	if opts.Host == "" {
		opts.Host = host
	}
	sim, err := c1sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{sim: sim, wire: bufconn.Listen(1 << 20)}
	served := make(chan error, 1)
	go func() { served <- sim.Serve(w.wire) }()
	t.Cleanup(func() {
		_ = sim.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) credentials(t *testing.T) *c1api.Credentials {
	t.Helper()
	id, key := w.sim.Credentials()
	c, err := c1api.ParseCredentials(id, secret.New(key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.sim.CA())
	return roots
}

// dial connects; change may alter the options first.
func (w *world) dial(t *testing.T, change func(*c1api.Options)) *c1api.Conn {
	t.Helper()
	opts := c1api.Options{
		Credentials: w.credentials(t),
		RootCAs:     w.roots(),
		Logger:      slog.New(slog.DiscardHandler),
		Dial: func(ctx context.Context, _ string) (net.Conn, error) {
			w.dials.Add(1)
			return w.wire.DialContext(ctx)
		},
	}
	if change != nil {
		change(&opts)
	}
	conn, err := c1api.Dial(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}
