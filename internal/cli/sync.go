package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/expand"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/report"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// syncJob is one sync into an archive.
type syncJob struct {
	cfg *config.Config
	*console
	// text takes the outcome as text; nil leaves it to the log.
	text io.Writer
	// before is the archive of the sync before, which this one is compared with; empty
	// where none is kept.
	before string
	// limits bound what is unpacked of the archive that is there.
	limits c1z.Limits
	// unexpanded leaves out the grants that follow from others.
	unexpanded bool
	// admit refuses organisations that must not be read; nil refuses none.
	admit func(connector.Organization) error
	// done is told the outcome; nil means nobody.
	done func(report.Outcome)

	began   time.Time
	traffic traffic
}

// runSync reads the organisation into the archive.
func runSync(ctx context.Context, a *app, cfg *config.Config) error {
	job := &syncJob{cfg: cfg, before: cfg.Output.File}
	return a.singleRun(ctx, cfg, &job.traffic, func(c *console, limits c1z.Limits) error {
		job.console, job.limits = c, limits
		if c.watched {
			job.text = a.Stdout
		}
		return job.run(ctx)
	})
}

// run does the sync while it holds the lock of the archive.
func (j *syncJob) run(ctx context.Context) (err error) {
	j.began = time.Now()
	lock, err := c1z.Lock(j.cfg.Output.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()

	work, err := workDir(j.cfg.Output)
	if err != nil {
		return err
	}
	if err := makeWorkDir(work); err != nil {
		return err
	}
	if err := c1z.RemoveUnfinished(j.cfg.Output.File, work); err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			// It goes unless an earlier run left something in it.
			kept = os.Remove(work) != nil
		}
		if errors.As(context.Cause(ctx), new(Interrupted)) && err != nil {
			err = interruptedError{work: work, kept: kept}
		}
	}()

	old, err := openPrevious(ctx, j.cfg.Output.File, c1z.OpenOptions{TempDir: work, Limits: j.limits, Logger: j.log.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	client, err := newClient(j.cfg.JumpCloud, j.cfg.Sync.Workers, j.log.Logger, &j.traffic)
	if err != nil {
		return err
	}
	source := connector.NewSource(client, connector.Options{
		OrgID: j.cfg.JumpCloud.OrgID, MergeAdmins: j.cfg.JumpCloud.MergeAdmins, SkipAdmins: j.cfg.JumpCloud.SkipAdmins, Logger: j.log.Logger,
	})
	org, err := source.Validate(ctx)
	if err != nil {
		return err
	}
	if err := old.check(org); err != nil {
		return err
	}
	if j.admit != nil {
		if err := j.admit(org); err != nil {
			return err
		}
	}
	if len(j.cfg.Sync.Resources) == 0 {
		// Only a partial sync looks names up in it, and unpacked it takes room.
		if err := old.Close(); err != nil {
			return err
		}
	}
	db, err := workdb.Open(ctx, work, j.fingerprint(org), j.log.Logger)
	if err != nil {
		return err
	}
	kept = true
	outcome, err := j.readAndWrite(ctx, source, db, old, org, work)
	if err != nil {
		return errors.Join(resumable(err, work), db.Close())
	}
	if err := errors.Join(old.Close(), db.Remove()); err != nil {
		return err
	}
	kept = false
	return j.tell(ctx, outcome)
}

// readAndWrite is what may be interrupted and repeated.
func (j *syncJob) readAndWrite(ctx context.Context, source *connector.Source, db *workdb.DB, old *previous, org connector.Organization, work string) (report.Outcome, error) {
	outcome := report.Outcome{Organization: org.Name, OrganizationID: org.ID, Host: j.host(), SkippedAdmins: j.cfg.JumpCloud.SkipAdmins}
	progress := j.startProgress()
	defer progress.Close()
	err := syncer.Run(ctx, syncer.Config{
		Source: source, Store: db, Scope: j.scope(), Workers: j.cfg.Sync.Workers, Logger: j.log.Logger, Progress: progress.Update,
	})
	if err != nil {
		return outcome, err
	}
	writer, err := c1z.Create(ctx, c1z.Options{
		Path: j.cfg.Output.File, WorkDir: work, SyncID: db.Info().SyncID, StartedAt: db.Info().StartedAt, Keep: j.keep(), Limits: j.limits, Logger: j.log.Logger,
	})
	if err != nil {
		return outcome, err
	}
	run := c1z.SyncRun{
		ID: db.Info().SyncID, Type: j.syncType(), SupportsDiff: j.syncType() == c1z.SyncFull && !j.unexpanded,
		Organization: c1z.Organization{ID: org.ID, Name: org.Name, Host: j.host(), Settings: j.settings()},
	}
	if run.Type == c1z.SyncPartial {
		run.ParentID = old.full.ID
	}
	comparison, err := j.compare(ctx, writer, run, work)
	if err != nil {
		return outcome, errors.Join(err, writer.Abort())
	}
	outcome.Summary, err = syncer.Build(ctx, syncer.BuildConfig{
		Store: db, Archive: comparison.archive, Expand: expand.Options{FailOnCycle: j.cfg.Sync.FailOnCycles, MaxDepth: j.cfg.Sync.MaxDepth}, Unexpanded: j.unexpanded,
		Name: old.name, Logger: j.log.Logger, Progress: progress.Update,
	})
	if err == nil {
		outcome.Losses, err = comparison.finish(ctx, db)
	}
	if err := errors.Join(err, comparison.Close()); err != nil {
		return outcome, errors.Join(err, writer.Abort())
	}
	packing := time.Now()
	info, err := writer.Finish(ctx, run)
	if err != nil {
		return outcome, err
	}
	outcome.Phases = append(outcome.Phases, syncer.PhaseDuration{Phase: "packing", Took: time.Since(packing)})
	for _, id := range info.Damaged {
		outcome.Losses = append(outcome.Losses, fmt.Sprintf("previous sync %s is no longer in the archive: a row of it cannot be read", id))
	}
	if outcome.Users, outcome.Admins, err = accounts(ctx, db); err != nil {
		return outcome, err
	}
	outcome.File, outcome.Size, outcome.DecodedSize, outcome.OlderSyncs = info.Path, info.Size, info.DecodedSize, len(info.Kept)
	return outcome, nil
}

// tell reports the outcome: as text where somebody is there to read it, and in
// the log.
func (j *syncJob) tell(ctx context.Context, o report.Outcome) error {
	j.traffic.report(&o)
	o.Took = time.Since(j.began)
	if j.done != nil {
		j.done(o)
	}
	if j.text != nil {
		o.File = nearby(o.File)
		return o.WriteText(j.text)
	}
	for _, note := range o.Notes() {
		j.log.WarnContext(ctx, "note on the sync", "note", note)
	}
	j.log.InfoContext(ctx, "c1z: saved", "output_path", o.File, "decompressed_bytes", o.DecodedSize, "compressed_bytes", o.Size)
	j.log.LogAttrs(ctx, slog.LevelInfo, "Sync complete.", o.Attrs()...)
	return nil
}

// scope is what the settings ask to read.
func (j *syncJob) scope() syncer.Scope {
	scope := syncer.Scope{
		ResourceTypes:             j.cfg.Sync.ResourceTypes,
		SkipEntitlementsAndGrants: j.cfg.Sync.SkipEntitlementsAndGrants,
		SkipGrants:                j.cfg.Sync.SkipGrants,
	}
	for _, r := range j.cfg.Sync.Resources {
		scope.Targets = append(scope.Targets, &v2.ResourceId{ResourceType: r.Type, Resource: r.ID})
	}
	return scope
}

// syncType is what a sync of the scope is in the archive.
func (j *syncJob) syncType() c1z.SyncType {
	switch {
	case len(j.cfg.Sync.Resources) > 0:
		return c1z.SyncPartial
	case j.cfg.Sync.SkipEntitlementsAndGrants:
		return c1z.SyncResourcesOnly
	default:
		return c1z.SyncFull
	}
}

// keep is how many older syncs the settings let the archive keep.
func (j *syncJob) keep() int {
	switch {
	case j.cfg.Sync.KeepAll:
		return c1z.KeepAll
	case j.cfg.Sync.KeepOlder == 0:
		return c1z.KeepNone
	default:
		return j.cfg.Sync.KeepOlder
	}
}

// host is the host name of the console that is asked.
func (j *syncJob) host() string {
	base, _, err := endpoints(j.cfg.JumpCloud)
	if err != nil {
		return ""
	}
	return base.Host
}

// settings is a text that differs where the settings make archives that cannot be
// compared; empty for the usual ones.
func (j *syncJob) settings() string {
	var parts []string
	if types := j.cfg.Sync.ResourceTypes; len(types) > 0 {
		parts = append(parts, "types="+strings.Join(slices.Sorted(slices.Values(types)), ","))
	}
	if j.cfg.JumpCloud.MergeAdmins {
		parts = append(parts, "merge-admins")
	}
	if j.cfg.JumpCloud.SkipAdmins {
		parts = append(parts, "skip-admins")
	}
	return strings.Join(parts, " ")
}

// fingerprint tells work that this run can go on with from work that it cannot.
func (j *syncJob) fingerprint(org connector.Organization) workdb.Fingerprint {
	parts := []string{j.settings()}
	if j.cfg.Sync.SkipEntitlementsAndGrants {
		parts = append(parts, "resources-only")
	}
	if j.cfg.Sync.SkipGrants {
		parts = append(parts, "no-grants")
	}
	for _, r := range j.cfg.Sync.Resources {
		parts = append(parts, r.String())
	}
	return workdb.Fingerprint{Organization: org.ID, Host: j.host(), Settings: strings.TrimSpace(strings.Join(parts, " ")), Version: readBuild().id(), Accepted: j.cfg.Sync.AllowDrop}
}

// accounts tells how many users and administrators were read.
func accounts(ctx context.Context, db *workdb.DB) (users, admins int64, err error) {
	kinds, err := db.Kinds(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, k := range kinds {
		n := k.Total
		if n == 0 {
			n = k.Rows // no total was told
		}
		switch word, _, _ := strings.Cut(k.Kind, ","); word {
		case "users":
			users = n
		case "administrators":
			admins = n
		}
	}
	return users, admins, nil
}
