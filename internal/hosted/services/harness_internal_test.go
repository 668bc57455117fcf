package services

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/hostedsync"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// tenant is an organization on a simulated JumpCloud, and how the connector reads it.
type tenant struct {
	*jcsim.Server
	url     *url.URL
	connect connector.Options
	scope   syncer.Scope
	workers int
	// pages bounds pages by rows and bytes, where it is not 0.
	pageRows, pageBytes int
}

func newTenant(t *testing.T, o jcsim.Options) *tenant {
	t.Helper()
	sim := jcsim.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &tenant{Server: sim, url: u, workers: 8}
}

// newClient makes the client of a process.
func (n *tenant) newClient(t *testing.T) (*jumpcloud.Client, connector.Options) {
	t.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL: n.url, APIKey: secret.New(jcsim.DefaultKey), UserAgent: "test", MaxInFlight: n.workers, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	client.LimitPauses(2 * time.Second)
	o := n.connect
	o.Logger = slog.New(slog.DiscardHandler)
	return client, o
}

// serve starts a process that serves the connector.
func (n *tenant) serve(t *testing.T) grpc.ClientConnInterface {
	t.Helper()
	client, source := n.newClient(t)
	s := New(Options{
		Client: client, Source: source, ResourceTypes: n.scope.ResourceTypes, Workers: n.workers, TempDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
	s.pageRows, s.pageBytes = cmp.Or(n.pageRows, s.pageRows), cmp.Or(n.pageBytes, s.pageBytes)
	return listen(t, s)
}

// listen serves services over gRPC until the test ends.
func listen(t *testing.T, s *Services) grpc.ClientConnInterface {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	s.Register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return conn
}

// inTurn sends each call to another process than the one before.
type inTurn struct {
	grpc.ClientConnInterface
	others []grpc.ClientConnInterface
	calls  atomic.Int64
}

func (c *inTurn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.others[int(c.calls.Add(1))%len(c.others)].Invoke(ctx, method, args, reply, opts...)
}

// serveInTurn starts processes among which calls take turns.
func (n *tenant) serveInTurn(t *testing.T, processes int) grpc.ClientConnInterface {
	t.Helper()
	c := &inTurn{}
	for range processes {
		c.others = append(c.others, n.serve(t))
	}
	return c
}

// hosted syncs by way of a platform, and returns the canonical text of the archive.
func (n *tenant) hosted(t *testing.T, conn grpc.ClientConnInterface, workers int) (string, hostedsync.Summary) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosted.c1z")
	summary, err := hostedsync.Run(t.Context(), hostedsync.Options{
		Conn: conn, Path: path, WorkDir: t.TempDir(), Workers: workers, Attempts: 3, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return dump(t, path), summary
}

// local syncs with the engine of this module.
func (n *tenant) local(t *testing.T) string {
	t.Helper()
	ctx, logger := t.Context(), slog.New(slog.DiscardHandler)
	source := connector.NewSource(n.newClient(t))
	if _, err := source.Validate(ctx); err != nil {
		t.Fatal(err)
	}
	db, err := workdb.Open(ctx, t.TempDir(), workdb.Fingerprint{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	if err := syncer.Run(ctx, syncer.Config{Source: source, Store: db, Scope: n.scope, Workers: n.workers, Logger: logger}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "local.c1z")
	w, err := c1z.Create(ctx, c1z.Options{Path: path, WorkDir: t.TempDir(), SyncID: db.Info().SyncID, Keep: c1z.KeepNone})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syncer.Build(ctx, syncer.BuildConfig{Store: db, Archive: w, Logger: logger}); err != nil {
		t.Fatal(errors.Join(err, w.Abort()))
	}
	_, err = w.Finish(ctx, c1z.SyncRun{ID: db.Info().SyncID, Type: c1z.SyncFull, SupportsDiff: true})
	if err := errors.Join(err, db.Remove()); err != nil {
		t.Fatal(err)
	}
	return dump(t, path)
}

// dump is the canonical text of an archive.
func dump(t *testing.T, path string) string {
	t.Helper()
	r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	run, err := r.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.Dump(t.Context(), run.ID, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
