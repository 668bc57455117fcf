// Package service runs the connector as a service of ConductorOne: what the agent
// does with this connector, the state folder, probes and metrics.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/health"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// validateTimeout is how long a start waits for JumpCloud. A service can start while
// JumpCloud is away; each sync will ask again.
const validateTimeout = 30 * time.Second

// Options are what a service is made of.
type Options struct {
	Config  *config.Config
	Console *console.Console
	Network *network.Network
	// Limits bound what is unpacked of archives.
	Limits c1z.Limits
}

// Run stays connected to ConductorOne and carries out its tasks until ctx ends, which
// is no error.
func Run(ctx context.Context, o Options) (err error) {
	debug := agent.NewDebugLog(o.Console.Log.Handler())
	o.Console.Log.Logger = slog.New(debug)
	s, err := newService(ctx, o, debug)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.conn.Close()) }()
	return s.run(ctx)
}

// service is a connector that stays connected.
type service struct {
	cfg     *config.Config
	log     *slog.Logger
	conn    *c1api.Conn
	agent   *agent.Agent
	changes taskChanges
	metrics *metrics
	home    home
	hostID  string
}

// newService puts it together; nothing is connected yet.
func newService(ctx context.Context, o Options, debug *agent.DebugLog) (*service, error) {
	cfg, n := o.Config, o.Network
	credentials, err := c1api.ParseCredentials(cfg.Service.ClientID, cfg.Service.ClientSecret)
	if err != nil {
		return nil, fault.WithHints(err, "copy both again; for new ones, open the connector in ConductorOne, click Edit in its Settings area, then Rotate")
	}
	dir, err := stateDir(cfg.Service, cfg.Output)
	if err != nil {
		return nil, err
	}
	s := &service{
		cfg: cfg, log: o.Console.Log.Logger, metrics: newMetrics(), home: home{dir, cfg.Service.ClientID}, hostID: c1api.HostID(cfg.Service.HostID),
	}
	syncs := newTaskSyncs(cfg, o.Limits, n, s.metrics, s.home)
	if s.changes, err = newTaskChanges(cfg, n, s.metrics, syncs, credentials.Key(), s.log); err != nil {
		return nil, err
	}
	s.conn, err = c1api.Dial(c1api.Options{
		Credentials: credentials, APIHost: cfg.Service.APIHost, HTTPTimeout: cfg.JumpCloud.Timeout, Proxies: n.Proxies, RootCAs: n.Roots, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	s.agent, err = agent.New(agent.Config{
		Client: s.conn, ClientID: credentials.ClientID(), HostID: s.hostID, Connector: s.changes, Syncer: syncs,
		Facts:    c1api.GatherFacts(ctx),
		StateDir: dir, TempDir: dir, Concurrency: cfg.Service.Concurrency, Batch: cfg.Service.Batch, SkipFullSync: cfg.Service.SkipFullSync,
		ResourceTypes: cfg.Sync.ResourceTypes, Provisioning: cfg.Service.Provisioning, ShutdownGrace: cfg.Service.ShutdownGrace,
		Metrics: s.metrics, DebugLog: debug, Logger: s.log,
	})
	if err != nil {
		return nil, errors.Join(err, s.conn.Close())
	}
	return s, nil
}

// run serves health checks from the first moment to the last, and in between tries
// the JumpCloud credential and then does what ConductorOne asks for.
func (s *service) run(ctx context.Context) (err error) {
	build := version.Read()
	s.log.InfoContext(ctx, "starting service mode", "version", build.Version, "commit", build.Commit,
		"host_id", s.hostID, "state_dir", s.home.dir, "provisioning", s.cfg.Service.Provisioning, "task_concurrency", s.cfg.Service.Concurrency)
	if s.cfg.Health.Enabled {
		stop, wrong := s.serveHealth(ctx)
		if wrong != nil {
			return wrong
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	if err := s.validate(ctx); err != nil {
		if fault.WasInterrupted(ctx) {
			return nil // It was told to stop before it had begun.
		}
		return err
	}
	return s.agent.Run(ctx)
}

// validate finds out which organization the credential leads to, and opens the
// trail of changes where there may be any. A JumpCloud that does not answer is no
// reason not to start.
func (s *service) validate(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, validateTimeout, errNoAnswer)
	defer cancel()
	org, err := s.changes.Validate(ctx)
	if err == nil && s.cfg.Service.Provisioning {
		_, err = s.changes.Ready(ctx)
	}
	switch code := fault.Code(err); {
	case err == nil:
		s.log.InfoContext(ctx, "JumpCloud credential accepted", "organization", org.Name, "organization_id", org.ID)
	case errors.Is(context.Cause(ctx), errNoAnswer), code == codes.Unavailable, code == codes.DeadlineExceeded, code == codes.ResourceExhausted:
		s.log.WarnContext(ctx, "JumpCloud is unavailable; each task will try again", "error", err)
	default:
		return err
	}
	return nil
}

// errNoAnswer is why trying the credential was given up.
var errNoAnswer = errors.New("JumpCloud request timed out")

// serveHealth starts to answer probes and requests for metrics.
func (s *service) serveHealth(ctx context.Context) (stop func() error, err error) {
	return serveProbes(ctx, s.cfg.Health, s.log, health.Options{
		Validate: func(ctx context.Context) error { _, err := s.changes.Validate(ctx); return err },
		Ready:    s.agent.Ready,
		Metrics:  s.metrics.handler(),
	})
}

// serveProbes answers probes until it is stopped. It is not ready once the context has ended.
func serveProbes(ctx context.Context, cfg config.Health, log *slog.Logger, o health.Options) (stop func() error, err error) {
	address := net.JoinHostPort(strings.Trim(cfg.BindAddress, "[]"), strconv.Itoa(cfg.Port))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve health checks: %w; choose another port with --health-check-port", err)
	}
	log.InfoContext(ctx, "serving health checks", "address", listener.Addr().String())
	ready := o.Ready
	o.Ready = func() error {
		if ctx.Err() != nil {
			return errors.New("stopping")
		}
		return ready()
	}
	// What a stop finds under way with JumpCloud ends with it.
	handler := health.NewHandler(ctx, o)
	// Probes are answered while tasks come to their end.
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- health.Serve(serving, listener, handler, log) }()
	return func() error {
		cancel()
		return <-served
	}, nil
}
