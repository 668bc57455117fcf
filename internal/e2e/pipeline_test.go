package e2e_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// pipeline is a sync in process, put together as the program does it.
type pipeline struct {
	// transport stands for JumpCloud.
	transport http.RoundTripper
	// dir gets the archive and the work folder.
	dir     string
	workers int // 0 means 4
	scope   syncer.Scope
	merge   bool // administrators into users
	// switches have further types read.
	switches []string
	// config changes the client's settings.
	config func(*jumpcloud.Config)
	// source, store and archive put something between two parts.
	source  func(syncer.Source) syncer.Source
	store   func(syncer.Store) syncer.Store
	archive func(syncer.Archive) syncer.Archive
	logger  *slog.Logger
	ended   time.Time // of the sync, where it is not the clock's
}

// path is where the archive is.
func (p pipeline) path() string { return filepath.Join(p.dir, "sync.c1z") }

// newPipeline makes a pipeline over a simulator.
func newPipeline(sim *jcsim.Server, dir string) pipeline {
	return pipeline{transport: sim.RoundTripper(), dir: dir}
}

// run does one sync. Work that an earlier one left behind is resumed.
func (p pipeline) run(ctx context.Context) (sum syncer.Summary, err error) {
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if p.workers == 0 {
		p.workers = 4
	}
	lock, err := c1z.Lock(p.path())
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	source, org, err := p.connect(ctx)
	if err != nil {
		return sum, err
	}
	work := p.path() + ".work"
	db, err := workdb.Open(ctx, work, workdb.Fingerprint{Organization: org.ID, Host: "127.0.0.1"}, p.logger)
	if err != nil {
		return sum, err
	}
	var store syncer.Store = db
	if p.store != nil {
		store = p.store(db)
	}
	sum, err = p.readAndWrite(ctx, source, store, org, work)
	if err != nil {
		return sum, errors.Join(err, db.Close())
	}
	return sum, db.Remove()
}

// connect makes the client and the source, and asks whose key it is.
func (p pipeline) connect(ctx context.Context) (syncer.Source, connector.Organization, error) {
	config := jumpcloud.Config{
		BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, APIKey: secret.New(jcsim.DefaultKey), UserAgent: "e2e",
		MaxInFlight: p.workers, Transport: p.transport, Logger: p.logger,
	}
	if p.config != nil {
		p.config(&config)
	}
	client, err := jumpcloud.New(config)
	if err != nil {
		return nil, connector.Organization{}, err
	}
	s := connector.NewSource(client, connector.Options{MergeAdmins: p.merge, Switches: p.switches, Logger: p.logger})
	org, err := s.Validate(ctx)
	if err != nil {
		return nil, org, err
	}
	if p.source != nil {
		return p.source(s), org, nil
	}
	return s, org, nil
}

func (p pipeline) readAndWrite(ctx context.Context, source syncer.Source, store syncer.Store, org connector.Organization, work string) (sum syncer.Summary, err error) {
	err = syncer.Run(ctx, syncer.Config{Source: source, Store: store, Scope: p.scope, Workers: p.workers, Logger: p.logger})
	if err != nil {
		return sum, err
	}
	writer, err := c1z.Create(ctx, c1z.Options{
		Path: p.path(), WorkDir: work, SyncID: store.Info().SyncID, StartedAt: store.Info().StartedAt, Keep: c1z.KeepNone, Logger: p.logger,
	})
	if err != nil {
		return sum, err
	}
	var archive syncer.Archive = writer
	if p.archive != nil {
		archive = p.archive(writer)
	}
	sum, err = syncer.Build(ctx, syncer.BuildConfig{Store: store, Archive: archive, Logger: p.logger})
	if err != nil {
		return sum, errors.Join(err, writer.Abort())
	}
	_, err = writer.Finish(ctx, c1z.SyncRun{
		Type: c1z.SyncType(sum.Type), SupportsDiff: sum.Expanded, EndedAt: p.ended,
		Organization: c1z.Organization{ID: org.ID, Name: org.Name, Host: "127.0.0.1"},
	})
	return sum, err
}

// oldArchive is an archive of an earlier day.
func oldArchive(t testing.TB) []byte {
	t.Helper()
	tenant := jcsim.Generate(3, jcsim.Size{Users: 3, Groups: 2, Apps: 1, Admins: 1})
	p := newPipeline(jcsim.New(jcsim.Options{Tenant: tenant}), t.TempDir())
	if _, err := p.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return file(t, p.path())
}

// userTrait is the annotation that every account carries.
func userTrait() []*anypb.Any {
	trait, err := anypb.New(&v2.UserTrait{})
	if err != nil {
		panic(err) // a message without fields can be serialized
	}
	return []*anypb.Any{trait}
}
