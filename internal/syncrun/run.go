// Package syncrun is one run of a sync, on the command line and in service mode
// alike: the lock of the archive, the work folder, the previous archive, drop
// protection, and what an interruption leaves behind.
package syncrun

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
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/expand"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/version"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

// Job is one sync into an archive.
type Job struct {
	Config  *config.Config
	Console *console.Console
	// Text takes the outcome as text; nil leaves it to the log.
	Text io.Writer
	// Previous is the archive of the previous sync, which this one is compared with;
	// empty where none is kept.
	Previous string
	// Limits bound what is unpacked of the archive that is there.
	Limits c1z.Limits
	// Unexpanded leaves out the grants that follow from others.
	Unexpanded bool
	// Admit refuses organizations that must not be read; nil refuses none.
	Admit func(connector.Organization) error
	// Done is told the outcome; nil means nobody.
	Done func(console.Outcome)
	// Traffic carries the requests and counts them.
	Traffic network.Traffic

	began time.Time
}

// Run does the sync while it holds the lock of the archive.
func (j *Job) Run(ctx context.Context) (err error) {
	j.began = time.Now()
	lock, err := c1z.Lock(j.Config.Output.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()

	work, err := WorkDir(j.Config.Output)
	if err != nil {
		return err
	}
	if err := MakeWorkDir(work); err != nil {
		return err
	}
	if err := c1z.RemoveUnfinished(j.Config.Output.File, work); err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			// It goes unless an earlier run left something in it.
			kept = os.Remove(work) != nil
		}
		if fault.WasInterrupted(ctx) && err != nil {
			err = interruptedError{work: work, kept: kept}
		}
	}()

	old, err := OpenPrevious(ctx, j.Config.Output.File, c1z.OpenOptions{TempDir: work, Limits: j.Limits, Logger: j.Console.Log.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	if err := j.checkFormat(old); err != nil {
		return err
	}
	client, err := network.NewClient(j.Config.JumpCloud, j.Config.Sync.Workers, j.Console.Log.Logger, &j.Traffic)
	if err != nil {
		return err
	}
	source := connector.NewSource(client, connector.Options{
		OrgID: j.Config.JumpCloud.OrgID, MergeAdmins: j.Config.JumpCloud.MergeAdmins, SkipAdmins: j.Config.JumpCloud.SkipAdmins,
		LastLogin: j.Config.JumpCloud.LastLogin, LastUse: j.tracksUse(), Switches: j.Config.JumpCloud.Switches, Logger: j.Console.Log.Logger,
	})
	org, err := source.Validate(ctx)
	if err != nil {
		return err
	}
	if err := old.Check(org); err != nil {
		return err
	}
	if j.Admit != nil {
		if err := j.Admit(org); err != nil {
			return err
		}
	}
	previous, err := j.openKept(ctx, old, work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, previous.Close()) }()
	if err := j.rememberLogins(ctx, source, previous, org); err != nil {
		return err
	}
	ground, err := j.stand(ctx, client, source, previous, org)
	if err != nil {
		return err
	}
	// Unpacked they take room. Only what is carried over is still read, and only a partial sync
	// looks names up in the archive that it replaces.
	if ground.carrying == nil && previous != old {
		if err := previous.Close(); err != nil {
			return err
		}
	}
	if len(j.Config.Sync.Resources) == 0 && (ground.carrying == nil || previous != old) {
		if err := old.Close(); err != nil {
			return err
		}
	}
	db, err := workdb.Open(ctx, work, j.fingerprint(org, ground), j.Console.Log.Logger)
	if err != nil {
		return err
	}
	kept = true
	outcome, err := j.readAndWrite(ctx, ground, db, old, org, work)
	if err != nil {
		return errors.Join(resumable(err, work), db.Close())
	}
	if err := errors.Join(old.Close(), db.Remove()); err != nil {
		return err
	}
	kept = false
	return j.tell(ctx, outcome)
}

// checkFormat refuses what an archive of format 3 cannot become or hold, before
// anything is asked of JumpCloud.
func (j *Job) checkFormat(old *Previous) error {
	file, format := j.Config.Output.File, c1z.FormatOf(j.Config.Output.Engine)
	switch {
	case old.Reader == nil:
	case old.Reader.Format() == c1z.FormatV3 && format != c1z.FormatV3:
		return fault.WithHints(fmt.Errorf("%w: %s is not replaced by one of format 1", c1z.ErrOtherFormat, file),
			"move it or choose another file with --file, or keep its format with --storage-engine pebble")
	case format == c1z.FormatV3 && j.syncType() != c1z.SyncFull && old.Full.ID != "":
		return fault.WithHints(fmt.Errorf("%w: %s", c1z.ErrOneSync, file), "choose another file with --file, or leave --storage-engine out")
	}
	return nil
}

// readAndWrite is what may be interrupted and repeated.
func (j *Job) readAndWrite(ctx context.Context, ground *ground, db *workdb.DB, old *Previous, org connector.Organization, work string) (console.Outcome, error) {
	outcome := console.Outcome{Organization: org.Name, OrganizationID: org.ID, Host: j.host(), SkippedAdmins: j.Config.JumpCloud.SkipAdmins}
	progress := j.Console.StartProgress()
	defer progress.Close()
	err := syncer.Run(ctx, syncer.Config{
		Source: ground.source, Store: db, Scope: j.scope(), Workers: j.Config.Sync.Workers, Logger: j.Console.Log.Logger, Progress: progress.Update,
	})
	if err != nil {
		return outcome, err
	}
	if ground.carrying != nil {
		outcome.Incremental = true
		outcome.CarriedLists, outcome.ReadLists = ground.carrying.Report(ctx)
	}
	writer, err := c1z.Create(ctx, c1z.Options{
		Path: j.Config.Output.File, Format: c1z.FormatOf(j.Config.Output.Engine), WorkDir: work, SyncID: db.Info().SyncID, StartedAt: db.Info().StartedAt, Keep: j.keep(), Limits: j.Limits, Logger: j.Console.Log.Logger,
	})
	if err != nil {
		return outcome, err
	}
	run := c1z.SyncRun{
		ID: db.Info().SyncID, Type: j.syncType(), SupportsDiff: j.syncType() == c1z.SyncFull && !j.Unexpanded,
		Organization: c1z.Organization{ID: org.ID, Name: org.Name, Host: j.host(), Settings: j.settings()},
	}
	switch {
	case run.Type == c1z.SyncPartial:
		run.ParentID = old.Full.ID
	case run.Type == c1z.SyncFull && j.Config.Sync.Incremental:
		run.Basis = ground.basis(db.Info())
	}
	comparison, err := j.compare(ctx, writer, run, work)
	if err != nil {
		return outcome, errors.Join(err, writer.Abort())
	}
	outcome.Summary, err = syncer.Build(ctx, syncer.BuildConfig{
		Store: db, Archive: comparison.archive, Expand: expand.Options{FailOnCycle: j.Config.Sync.FailOnCycles, MaxDepth: j.Config.Sync.MaxDepth}, Unexpanded: j.Unexpanded,
		Name: old.Name, Logger: j.Console.Log.Logger, Progress: progress.Update,
	})
	if err == nil {
		outcome.Losses, err = comparison.finish(ctx, db, outcome.Empty)
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
		outcome.Losses = append(outcome.Losses, fmt.Sprintf("dropped damaged sync %s from the archive: unreadable row", id))
	}
	if outcome.Users, outcome.Admins, err = accounts(ctx, db); err != nil {
		return outcome, err
	}
	outcome.File, outcome.Size, outcome.DecodedSize, outcome.OlderSyncs = info.Path, info.Size, info.DecodedSize, len(info.Kept)
	return outcome, nil
}

// tell reports the outcome: as text where somebody is there to read it, and in
// the log.
func (j *Job) tell(ctx context.Context, o console.Outcome) error {
	j.Traffic.Report(&o)
	o.Took = time.Since(j.began)
	if j.Done != nil {
		j.Done(o)
	}
	if j.Text != nil {
		o.File = console.Nearby(o.File)
		return o.WriteText(j.Text)
	}
	for _, note := range o.Notes() {
		j.Console.Log.WarnContext(ctx, "sync remark", "remark", note)
	}
	j.Console.Log.InfoContext(ctx, "c1z: saved", "output_path", o.File, "decompressed_bytes", o.DecodedSize, "compressed_bytes", o.Size)
	j.Console.Log.LogAttrs(ctx, slog.LevelInfo, "Sync complete.", o.Attrs()...)
	return nil
}

// scope is what the settings ask to read.
func (j *Job) scope() syncer.Scope {
	scope := syncer.Scope{
		ResourceTypes:             j.Config.Sync.ResourceTypes,
		SkipEntitlementsAndGrants: j.Config.Sync.SkipEntitlementsAndGrants,
		SkipGrants:                j.Config.Sync.SkipGrants,
	}
	for _, r := range j.Config.Sync.Resources {
		scope.Targets = append(scope.Targets, &v2.ResourceId{ResourceType: r.Type, Resource: r.ID})
	}
	return scope
}

// syncType is what a sync of the scope is in the archive.
func (j *Job) syncType() c1z.SyncType {
	switch {
	case len(j.Config.Sync.Resources) > 0:
		return c1z.SyncPartial
	case j.Config.Sync.SkipEntitlementsAndGrants:
		return c1z.SyncResourcesOnly
	default:
		return c1z.SyncFull
	}
}

// keep is how many older syncs the settings let the archive keep.
func (j *Job) keep() int {
	switch {
	case j.Config.Sync.KeepAll:
		return c1z.KeepAll
	case j.Config.Sync.KeepOlder == 0:
		return c1z.KeepNone
	default:
		return j.Config.Sync.KeepOlder
	}
}

// host is the host name of the console that is asked.
func (j *Job) host() string {
	base, _, err := network.Endpoints(j.Config.JumpCloud)
	if err != nil {
		return ""
	}
	return base.Host
}

// settings is a text that differs where the settings make archives that cannot be
// compared; empty for the usual ones.
func (j *Job) settings() string {
	var parts []string
	if types := j.Config.Sync.ResourceTypes; len(types) > 0 {
		parts = append(parts, "types="+strings.Join(slices.Sorted(slices.Values(types)), ","))
	}
	if j.Config.JumpCloud.MergeAdmins {
		parts = append(parts, "merge-admins")
	}
	if j.Config.JumpCloud.SkipAdmins {
		parts = append(parts, "skip-admins")
	}
	parts = append(parts, j.Config.JumpCloud.Switches...)
	return strings.Join(parts, " ")
}

// fingerprint tells work that this run can go on with from work that it cannot.
func (j *Job) fingerprint(org connector.Organization, ground *ground) workdb.Fingerprint {
	parts := []string{j.settings()}
	if j.Config.JumpCloud.LastLogin {
		parts = append(parts, "last-login")
	}
	if j.tracksUse() {
		parts = append(parts, "last-use")
	}
	if ground.carrying != nil {
		parts = append(parts, "incremental="+ground.base.ID)
	}
	if j.Config.Sync.SkipEntitlementsAndGrants {
		parts = append(parts, "resources-only")
	}
	if j.Config.Sync.SkipGrants {
		parts = append(parts, "no-grants")
	}
	for _, r := range j.Config.Sync.Resources {
		parts = append(parts, r.String())
	}
	return workdb.Fingerprint{Organization: org.ID, Host: j.host(), Settings: strings.TrimSpace(strings.Join(parts, " ")), Version: version.Read().ID(), Accepted: j.Config.Sync.AllowDrop}
}

// accounts tells how many users and administrators were read.
func accounts(ctx context.Context, db *workdb.DB) (users, admins int64, err error) {
	kinds, err := db.Kinds(ctx)
	if err != nil {
		return 0, 0, err
	}
	users, admins = connector.CountAccounts(kinds)
	return users, admins, nil
}
