package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/conductorone/baton-jumpcloud/internal/agent"
	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/bid"
	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/logs"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
	"github.com/conductorone/baton-jumpcloud/internal/workdb"
)

const (
	// archiveName is the file of a finished sync in its folder.
	archiveName = "sync.c1z"
	// emptyPrefix begins the names of folders of syncs of nothing.
	emptyPrefix = "empty-"
	// freshFor is how long an archive whose upload failed may be uploaded for the
	// next task that asks for the same.
	freshFor = time.Hour
)

// taskSyncs does the syncs that ConductorOne's tasks ask for, each in a folder
// whose name says what is read. A sync that was cut off is so found again, whatever
// the id of the task that asks for it then.
type taskSyncs struct {
	cfg     *config.Config
	limits  c1z.Limits
	network *network.Network
	metrics *metrics
	home    home
	// dir holds the folders. It is the service's alone.
	dir string
	// previous is where the archive that was uploaded last is kept; empty for
	// nowhere.
	previous string

	changes changeCounter
	mu      sync.Mutex
	busy    map[string]chan struct{} // folders in use; closed when they are no longer
}

var _ agent.Syncer = (*taskSyncs)(nil)

// newTaskSyncs keeps its folders in the state folder.
func newTaskSyncs(cfg *config.Config, limits c1z.Limits, n *network.Network, m *metrics, h home) *taskSyncs {
	s := &taskSyncs{
		cfg: cfg, limits: limits, network: n, metrics: m, home: h, busy: make(map[string]chan struct{}), dir: h.syncs(),
		changes: changeCounter{path: h.path("changes-", "")},
	}
	if cfg.Service.KeepPrevious {
		s.previous = h.previous()
	}
	return s
}

// Sync implements [agent.Syncer].
func (s *taskSyncs) Sync(ctx context.Context, req agent.SyncRequest) (agent.Archive, error) {
	var archive agent.Archive
	err := network.Span(ctx, s.network.Tracer, "sync", []attribute.KeyValue{attribute.String("task.id", req.TaskID)}, func(ctx context.Context) (err error) {
		if req.Empty {
			archive, err = s.empty(ctx, req)
		} else {
			archive, err = s.sync(ctx, req)
		}
		return taskError(err)
	})
	return archive, err
}

// sync does the sync, unless the archive of one whose upload failed is there.
func (s *taskSyncs) sync(ctx context.Context, req agent.SyncRequest) (_ agent.Archive, err error) {
	cfg := s.settings(req)
	dir := filepath.Join(s.dir, folderOf(cfg, req.SkipExpandGrants))
	release, err := s.claim(ctx, dir)
	if err != nil {
		return agent.Archive{}, err
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	if err := s.makeDir(ctx, dir, req.Logger); err != nil {
		return agent.Archive{}, err
	}
	cfg.Output = config.Output{File: filepath.Join(dir, archiveName), Engine: cfg.Output.Engine}
	archive := agent.Archive{Path: cfg.Output.File, Done: func(uploaded bool) error {
		defer release()
		if !uploaded {
			return nil // The task comes again.
		}
		return s.uploaded(dir, len(req.Targets) == 0)
	}}
	made, fresh, err := s.left(cfg.Output.File)
	if err != nil {
		return agent.Archive{}, err
	}
	if fresh {
		req.Logger.InfoContext(ctx, "uploading the archive of an earlier failed upload", "made_at", made)
		return archive, nil
	}
	job := &syncrun.Job{
		Config: cfg, Console: &console.Console{Log: &logs.Log{Logger: req.Logger}}, Previous: s.previous, Limits: s.limits,
		Unexpanded: req.SkipExpandGrants, Admit: s.home.admit, Done: s.metrics.synced,
		Traffic: network.Traffic{Transport: s.network.Transport, Tell: s.metrics.requested},
	}
	if err := job.Run(ctx); err != nil {
		return agent.Archive{}, err
	}
	return archive, nil
}

// settings are the service's with what a task asks for.
func (s *taskSyncs) settings(req agent.SyncRequest) *config.Config {
	cfg := *s.cfg
	cfg.Sync.ResourceTypes = req.ResourceTypes
	cfg.Sync.SkipEntitlementsAndGrants, cfg.Sync.SkipGrants = req.SkipEntitlementsAndGrants, req.SkipGrants
	cfg.Sync.KeepOlder, cfg.Sync.KeepAll = 0, false
	cfg.Output.Engine = cmp.Or(cfg.Output.Engine, req.StorageEngine)
	cfg.Sync.Resources = nil
	for _, r := range req.Targets {
		cfg.Sync.Resources = append(cfg.Sync.Resources, bid.Resource{Type: r.GetId().GetResourceType(), ID: r.GetId().GetResource()})
	}
	return &cfg
}

// folderOf is the same for syncs that read the same. The organization is not in it:
// the work database knows which one it is of.
func folderOf(cfg *config.Config, unexpanded bool) string {
	types := slices.Sorted(slices.Values(cfg.Sync.ResourceTypes))
	parts := []string{
		cfg.JumpCloud.Region, cfg.JumpCloud.OrgID, strings.Join(types, ","),
		fmt.Sprint(cfg.JumpCloud.BaseURL, cfg.JumpCloud.MergeAdmins, cfg.JumpCloud.SkipAdmins, cfg.JumpCloud.LastLogin,
			cfg.Sync.SkipEntitlementsAndGrants, cfg.Sync.SkipGrants, unexpanded),
	}
	parts = append(parts, cfg.JumpCloud.Switches...)
	for _, r := range cfg.Sync.Resources {
		parts = append(parts, r.String())
	}
	if c1z.FormatOf(cfg.Output.Engine) == c1z.FormatV3 {
		parts = append(parts, "format 3")
	}
	return digest(strings.Join(parts, "\n"))
}

// claim waits until nobody works in a folder and takes it.
func (s *taskSyncs) claim(ctx context.Context, dir string) (release func(), err error) {
	for {
		s.mu.Lock()
		taken, busy := s.busy[dir]
		if !busy {
			mine := make(chan struct{})
			s.busy[dir] = mine
			s.mu.Unlock()
			return sync.OnceFunc(func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.busy, dir)
				close(mine)
			}), nil
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-taken:
		}
	}
}

// makeDir makes a folder, and clears away what nobody came back for.
func (s *taskSyncs) makeDir(ctx context.Context, dir string, logger *slog.Logger) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("create the sync directory: %w", err)
	}
	if err := s.sweep(time.Now()); err != nil {
		logger.WarnContext(ctx, "removing old work failed", "error", err)
	}
	return syncrun.MakeWorkDir(dir)
}

// sweep removes folders that nobody uses and that nothing was written to for longer
// than work can be resumed.
func (s *taskSyncs) sweep(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		dir := filepath.Join(s.dir, e.Name())
		if _, busy := s.busy[dir]; !busy && now.Sub(lastWrite(dir)) > workdb.MaxAge {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// lastWrite is when anything in a folder was last written.
func lastWrite(dir string) time.Time {
	var last time.Time
	// What cannot be looked at does not count.
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // See above.
		}
		if info, err := e.Info(); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return nil
	})
	return last
}

// changesName is the file in a folder that tells how many changes there had been
// before its sync began to read.
const changesName = "changes"

// left tells when the archive at a path was made, and whether it may still be
// uploaded: it is not old, and access was not changed since it began to be read. One
// that may not is replaced by the sync that follows, whose beginning is noted.
func (s *taskSyncs) left(path string) (made time.Time, fresh bool, err error) {
	now, err := s.changes.now()
	if err != nil {
		return time.Time{}, false, err
	}
	noted := filepath.Join(filepath.Dir(path), changesName)
	began, _ := os.ReadFile(noted) //nolint:gosec // Without it, the archive is not fresh.
	if info, err := os.Stat(path); err == nil && string(began) == now {
		age := time.Since(info.ModTime())
		if age >= 0 && age < freshFor {
			return info.ModTime(), true, nil
		}
	}
	if _, err := os.Stat(path + syncrun.WorkSuffix); err == nil && began != nil {
		return time.Time{}, false, nil // The sync goes on with what an earlier one has read.
	}
	if err := atomicfile.Write(noted, []byte(now)); err != nil {
		return time.Time{}, false, fmt.Errorf("record the start of a sync: %w", err)
	}
	return time.Time{}, false, nil
}

// changeCounter counts the beginnings and ends of changes in a file, so that a count
// which is the same later says that nothing was changed in between, kills and restarts
// included. It is safe for concurrent use.
type changeCounter struct {
	mu   sync.Mutex
	path string
}

// now is the count as text.
func (c *changeCounter) now() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.read()
	return strconv.FormatUint(n, 10), err
}

// add counts one more.
func (c *changeCounter) add() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.read()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(c.path, strconv.AppendUint(nil, n+1, 10)); err != nil {
		return fmt.Errorf("count a change: %w", err)
	}
	return nil
}

func (c *changeCounter) read() (uint64, error) {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("count changes: %w", err)
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("count changes: %s is damaged; remove it and the directory %s: %w", c.path, filepath.Dir(c.path), err)
	}
	return n, nil
}

// uploaded clears up after an archive has arrived.
func (s *taskSyncs) uploaded(dir string, whole bool) error {
	if s.previous != "" && whole {
		if err := os.Rename(filepath.Join(dir, archiveName), s.previous); err != nil {
			return fmt.Errorf("keep the archive: %w", err)
		}
		// Not every file system lets a folder be synced; the archive is in place all the same.
		_ = atomicfile.SyncDir(filepath.Dir(s.previous))
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the archive: %w", err)
	}
	return nil
}

// empty makes a finished full sync of nothing.
func (s *taskSyncs) empty(ctx context.Context, req agent.SyncRequest) (_ agent.Archive, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return agent.Archive{}, fmt.Errorf("create the sync directory: %w", err)
	}
	dir, err := os.MkdirTemp(s.dir, emptyPrefix)
	if err != nil {
		return agent.Archive{}, fmt.Errorf("create the directory of a sync: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	path := filepath.Join(dir, archiveName)
	writer, err := c1z.Create(ctx, c1z.Options{
		Path: path, WorkDir: dir, Format: c1z.FormatOf(s.settings(req).Output.Engine), Keep: c1z.KeepNone, Limits: s.limits,
	})
	if err != nil {
		return agent.Archive{}, err
	}
	if _, err := writer.Finish(ctx, c1z.SyncRun{Type: c1z.SyncFull}); err != nil {
		return agent.Archive{}, err
	}
	return agent.Archive{Path: path, Done: func(bool) error { return os.RemoveAll(dir) }}, nil
}

// taskError is an error as ConductorOne is to see it: with a code, and with what
// can be done about it. Where the work is on this machine is no concern of theirs.
func taskError(err error) error {
	if err == nil {
		return nil
	}
	if r, ok := fault.As[syncrun.ResumableError](err); ok {
		err = r.Unwrap()
	}
	if errors.Is(err, c1z.ErrDuplicate) {
		return fmt.Errorf("%w: %w", agent.ErrInvariant, err)
	}
	return fault.Advised(err)
}
