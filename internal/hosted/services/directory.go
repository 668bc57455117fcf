package services

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

const (
	// maxDirectories bounds how many syncs have a directory at once.
	maxDirectories = 2
	// directoryAge is how long a directory is used: a sync that takes longer reads it
	// again, which costs little of what it costs in all. A call that names no sync may
	// belong to any.
	directoryAge    = time.Hour
	directoryAgeAny = time.Minute
	// maxSyncID bounds the id of a sync, which is a KSUID of 27 bytes.
	maxSyncID = 256
)

// directory is everything of the organization except who is in groups and who has which
// application: accounts, groups, applications and roles, with what administrators hold.
// It is read by the engine, as a whole and with its proof, once for each sync and process.
// It is safe for concurrent use.
type directory struct {
	syncID  string
	made    time.Time
	options *Options
	source  *connector.Source
	scope   syncer.Scope

	// What follows is of who holds the token of reading.
	reading chan struct{}
	dir     *tempdir.Dir
	db      *workdb.DB // of a reading that is to go on
	kept    *snapshot

	mu     sync.Mutex // guards what follows
	looked map[syncer.Ref]lookup
	kinds  map[string]*emptiness
}

// lookup is what became of looking for a principal that the directory lacks.
type lookup struct {
	name  string
	found bool
}

// view is a directory that was read.
type view struct {
	*directory
	*snapshot
}

// directory finds the directory of a sync, and reads it first where this process has none.
func (s *Services) directory(ctx context.Context, syncID string) (view, error) {
	if len(syncID) > maxSyncID {
		return view{}, fault.Invalid("invalid active_sync_id: %d bytes, more than %d", len(syncID), maxSyncID)
	}
	d, old := s.findDirectory(syncID)
	for _, d := range old {
		if err := d.remove(); err != nil {
			s.options.Logger.WarnContext(ctx, "removing temporary files failed", "error", err)
		}
	}
	snapshot, err := d.read(ctx)
	return view{d, snapshot}, err
}

// findDirectory finds or begins the directory of a sync, and takes out those that are not
// used any more.
func (s *Services) findDirectory(syncID string) (found *directory, old []*directory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make([]*directory, 0, maxDirectories)
	for _, d := range s.directories {
		age := directoryAge
		if d.syncID == "" {
			age = directoryAgeAny
		}
		switch {
		case time.Since(d.made) > age:
			old = append(old, d)
		case d.syncID == syncID:
			found = d
		default:
			kept = append(kept, d)
		}
	}
	if found == nil {
		found = &directory{
			syncID: syncID, made: time.Now(), options: &s.options, source: s.options.newSource(),
			scope:   syncer.Scope{ResourceTypes: s.options.ResourceTypes},
			reading: make(chan struct{}, 1), looked: map[syncer.Ref]lookup{}, kinds: map[string]*emptiness{},
		}
	}
	if len(kept) == maxDirectories {
		old, kept = append(old, kept[0]), kept[1:]
	}
	s.directories = append(kept, found) // The one that was used last is the last.
	return found, old
}

// forget removes the directory of a sync.
func (s *Services) forget(syncID string) error {
	s.mu.Lock()
	var gone []*directory
	kept := s.directories[:0:0]
	for _, d := range s.directories {
		if d.syncID == syncID {
			gone = append(gone, d)
		} else {
			kept = append(kept, d)
		}
	}
	s.directories = kept
	s.mu.Unlock()
	var errs []error
	for _, d := range gone {
		errs = append(errs, d.remove())
	}
	return errors.Join(errs...)
}

// read reads the directory, unless it was read before. What is read when the call's time
// ends, or JumpCloud is out of reach, is kept for the next call.
func (d *directory) read(ctx context.Context) (*snapshot, error) {
	select {
	case d.reading <- struct{}{}:
		defer func() { <-d.reading }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if d.kept != nil {
		return d.kept, nil
	}
	org, err := d.source.Validate(ctx)
	if err != nil {
		return nil, err
	}
	if d.db == nil {
		if err := d.begin(ctx, org); err != nil {
			return nil, err
		}
	}
	if err := d.fill(ctx, org); err != nil {
		if canGoOn(ctx, err) {
			return nil, err
		}
		return nil, errors.Join(err, d.drop())
	}
	return d.kept, nil
}

// begin makes the work database.
func (d *directory) begin(ctx context.Context, org connector.Organization) (err error) {
	if d.dir, err = tempdir.New(d.options.TempDir); err != nil {
		return err
	}
	d.db, err = workdb.Open(ctx, d.dir.Path(), workdb.Fingerprint{Organization: org.ID}, d.options.Logger)
	if err != nil {
		return errors.Join(err, d.drop())
	}
	return nil
}

// fill goes on reading, and makes the snapshot in the end.
func (d *directory) fill(ctx context.Context, org connector.Organization) error {
	reading, cancel := inTime(ctx)
	defer cancel()
	err := syncer.Run(reading, syncer.Config{
		Source: d.readFrom(), Store: d.db, Scope: d.scope,
		Workers: d.options.Workers, Logger: d.options.Logger,
	})
	if err != nil {
		return err
	}
	snapshot, err := newSnapshot(d.dir.Path(), org)
	if err != nil {
		return err
	}
	summary, err := syncer.Build(ctx, syncer.BuildConfig{Store: d.db, Archive: snapshot, Logger: d.options.Logger})
	if err = errors.Join(err, snapshot.flush()); err == nil {
		snapshot.aliases, err = d.db.Aliases(ctx)
	}
	if err != nil {
		return errors.Join(err, snapshot.close())
	}
	for _, remark := range summary.Remarks {
		d.options.Logger.WarnContext(ctx, "sync remark", "remark", remark)
	}
	if err := d.db.Remove(); err != nil { // It takes as much room as the snapshot.
		return errors.Join(err, snapshot.close())
	}
	d.kept, d.db = snapshot, nil
	return nil
}

// drop removes what was read.
func (d *directory) drop() error {
	var errs []error
	if d.kept != nil {
		errs = append(errs, d.kept.close())
	}
	if d.db != nil {
		errs = append(errs, d.db.Close())
	}
	if d.dir != nil {
		errs = append(errs, d.dir.Close())
	}
	d.kept, d.db, d.dir = nil, nil, nil
	return errors.Join(errs...)
}

// remove waits for a reading and removes the directory. A call that still serves from it
// ends with errRemoved.
func (d *directory) remove() error {
	d.reading <- struct{}{}
	defer func() { <-d.reading }()
	return d.drop()
}

// lookUp looks for a principal that the directory lacks, as the engine does: one whom
// JumpCloud does not find holds nothing.
func (d *directory) lookUp(ctx context.Context, ref syncer.Ref) (lookup, error) {
	d.mu.Lock()
	known, ok := d.looked[ref]
	d.mu.Unlock()
	if ok {
		return known, nil
	}
	page, err := d.source.Lookup(ctx, idOf(ref))
	switch {
	case errors.Is(err, syncer.ErrNotFound):
		known = lookup{}
	case err != nil:
		return lookup{}, fmt.Errorf("look up %s: %w", ref, err)
	case len(page.Resources) != 1 || refOf(page.Resources[0].GetId()) != ref:
		return lookup{}, fmt.Errorf("look up %s: response for another resource", ref)
	default:
		known = lookup{name: page.Resources[0].GetDisplayName(), found: true}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looked[ref] = known
	return known, nil
}

// readFrom is the source of the directory. Single resources bring no lists of holders.
func (d *directory) readFrom() syncer.Source {
	if len(d.scope.Targets) > 0 {
		return d.source
	}
	return withoutHolders{d.source}
}

// withoutHolders is a source without the lists of single groups and applications.
type withoutHolders struct{ *connector.Source }

// Read implements [syncer.Source].
func (w withoutHolders) Read(ctx context.Context, list syncer.List, token string) (*syncer.Page, error) {
	page, err := w.Source.Read(ctx, list, token)
	if err == nil {
		page.Lists = nil
	}
	return page, err
}

const (
	// spareShare is the part of a call's time that is left for its answer, and spareMost
	// how much that is at most. The process is ended with the call's time, and everything
	// that it has read with it.
	spareShare = 5
	spareMost  = 5 * time.Second
)

// errOutOfTime is why a reading stops before the call's time ends.
var errOutOfTime = errors.New("reading takes longer than one call; the next call continues")

// inTime ends a reading so much before the call's time ends that an answer can be given.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	spare := min(spareMost, time.Until(deadline)/spareShare)
	return context.WithDeadlineCause(ctx, deadline.Add(-spare), fault.WithCode(codes.Unavailable, "%w", errOutOfTime))
}

// canGoOn reports whether a reading that failed can be continued.
func canGoOn(ctx context.Context, err error) bool {
	kind := jumpcloud.KindOf(err)
	return ctx.Err() != nil || errors.Is(err, errOutOfTime) || kind == jumpcloud.KindUnavailable || kind == jumpcloud.KindTimeout
}
