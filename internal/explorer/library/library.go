// Package library keeps the syncs that the explorer shows.
//
// Archives are unpacked when the library is opened. A sync is read into memory when
// somebody first asks for it, which for ten million grants takes some seconds, and
// stays there until others need the room.
package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
)

// Key names a sync of the library.
type Key struct {
	// Archive is the place of its archive, from 0.
	Archive int
	// Sync is its id.
	Sync string
}

// String is the key as addresses of pages have it.
func (k Key) String() string { return strconv.Itoa(k.Archive+1) + "." + k.Sync }

// ParseKey is the reverse of [Key.String]. The second result says whether the text
// is a key.
func ParseKey(text string) (Key, bool) {
	number, id, found := strings.Cut(text, ".")
	n, err := strconv.Atoi(number)
	if !found || err != nil || n < 1 {
		return Key{}, false
	}
	return Key{n - 1, id}, true
}

// Entry is a sync that can be shown.
type Entry struct {
	Key Key
	// Archive is the path of its file, and Name what tells it from the other files.
	Archive, Name string
	// SHA256 is the hash of the file.
	SHA256 string
	Run    c1z.SyncRun
}

// LoadingError says that a sync is being read into memory.
type LoadingError struct{ Progress review.Progress }

func (e *LoadingError) Error() string {
	return fmt.Sprintf("loading the sync: %d of %d grants", e.Progress.Grants, e.Progress.Total)
}

// ErrUnknown means that the library has no such sync.
var ErrUnknown = errors.New("no open archive contains this sync")

// roomForGrants bounds how many grants are kept in memory, about 20 bytes each. The
// two syncs that were used last stay in any case: comparing needs two.
const roomForGrants = 25_000_000

// Library holds open archives. It is safe for concurrent use.
type Library struct {
	opts c1z.OpenOptions

	ctx    context.Context //nolint:containedctx // Syncs are read for everybody who asks, so none of them ends it.
	cancel context.CancelFunc
	reads  sync.WaitGroup

	// refreshing is held while archives are opened again.
	refreshing sync.Mutex

	mu      sync.Mutex
	shelves []*shelf // by the place of the archive
	loaded  []*load  // the one that was used last is the last
}

// shelf is an archive that is open.
type shelf struct {
	path, name string
	// info is the file that was opened.
	info    fs.FileInfo
	reader  *c1z.Reader
	entries []Entry
	// shown is the sync of it that Baton readers show, or the newest.
	shown Key
	// uses are those that read it at the moment.
	uses sync.WaitGroup
}

// load is a sync in memory or on the way there.
type load struct {
	key  Key
	done chan struct{}
	// mu guards progress; the rest is there when done is closed.
	mu       sync.Mutex
	progress review.Progress
	sync     *review.Sync
	err      error
}

// Open opens archives. Close removes what it unpacked.
func Open(ctx context.Context, paths []string, opts c1z.OpenOptions) (*Library, error) {
	ctx, cancel := context.WithCancel(ctx)
	l := &Library{ctx: ctx, cancel: cancel, opts: opts}
	names := names(paths)
	for i, path := range paths {
		sh, err := l.open(ctx, i, path, names[i])
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.shelves = append(l.shelves, sh)
	}
	if len(l.Entries()) == 0 {
		return nil, errors.Join(errNoSync, l.Close())
	}
	return l, nil
}

var errNoSync = errors.New("the archive contains no finished sync")

// open opens an archive.
func (l *Library) open(ctx context.Context, i int, path, name string) (_ *shelf, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	r, err := c1z.Open(ctx, path, l.opts)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	sum, err := regularfile.SHA256(ctx, path)
	if err != nil {
		return nil, err
	}
	runs, err := r.Syncs(ctx)
	if err != nil {
		return nil, err
	}
	shown, err := r.Shown(ctx)
	if err != nil && !errors.Is(err, c1z.ErrNotFound) {
		return nil, err
	}
	sh := &shelf{path: path, name: name, info: info, reader: r}
	slices.SortStableFunc(runs, func(a, b c1z.SyncRun) int { return b.StartedAt.Compare(a.StartedAt) })
	for _, run := range runs {
		if !run.Finished() && run.ID != shown.ID {
			continue
		}
		key := Key{i, run.ID}
		if sh.shown.Sync == "" || run.ID == shown.ID {
			sh.shown = key
		}
		sh.entries = append(sh.entries, Entry{Key: key, Archive: path, Name: name, SHA256: sum, Run: run})
	}
	return sh, nil
}

// IsReplaced reports whether the file of an archive is another one than the one that is open.
func (l *Library) IsReplaced(archive int) bool {
	sh := l.shelf(archive)
	return sh != nil && sh.isReplaced()
}

func (sh *shelf) isReplaced() bool {
	now, err := os.Stat(sh.path)
	return err == nil && (!os.SameFile(now, sh.info) || now.Size() != sh.info.Size() || !now.ModTime().Equal(sh.info.ModTime()))
}

// Refresh opens the archives again whose files were replaced, and reports whether there were
// any. One that cannot be read, or has no sync to show, stays as it was, and is an error.
func (l *Library) Refresh(ctx context.Context) (bool, error) {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	var errs []error
	refreshed := false
	for i, old := range l.all() {
		if !old.isReplaced() {
			continue
		}
		sh, err := l.open(ctx, i, old.path, old.name)
		if err == nil && len(sh.entries) == 0 {
			err = errors.Join(errNoSync, sh.reader.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", old.path, err))
			continue
		}
		refreshed = true
		l.mu.Lock()
		l.shelves[i] = sh
		l.mu.Unlock()
		l.reads.Go(func() {
			old.uses.Wait() // Nobody begins to use it any more.
			if err := old.reader.Close(); err != nil && l.opts.Logger != nil {
				l.opts.Logger.WarnContext(l.ctx, "a replaced archive could not be closed", "path", old.path, "error", err)
			}
		})
	}
	return refreshed, errors.Join(errs...)
}

// all are the archives that are open.
func (l *Library) all() []*shelf {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.shelves)
}

// shelf is the archive at a place; nil where there is none.
func (l *Library) shelf(archive int) *shelf {
	if all := l.all(); archive >= 0 && archive < len(all) {
		return all[archive]
	}
	return nil
}

// names are the names of files, with as much of their folders as tells them apart.
func names(paths []string) []string {
	list := make([]string, len(paths))
	for i, path := range paths {
		list[i] = filepath.Base(path)
		for j, other := range paths {
			if i != j && filepath.Base(other) == list[i] {
				list[i] = path
				break
			}
		}
	}
	return list
}

// Close stops reading and closes the archives.
func (l *Library) Close() error {
	l.cancel()
	l.reads.Wait()
	var errs []error
	for _, sh := range l.all() {
		errs = append(errs, sh.reader.Close())
	}
	return errors.Join(errs...)
}

// Entries lists the syncs, archive by archive, the newest of each first.
func (l *Library) Entries() []Entry {
	var list []Entry
	for _, sh := range l.all() {
		list = append(list, sh.entries...)
	}
	return list
}

// Reader reads the archive of a sync. It is good until Close, or until Refresh.
func (l *Library) Reader(key Key) *c1z.Reader { return l.shelf(key.Archive).reader }

// First is the sync that is shown when none is named: that of the first archive
// which Baton readers show.
func (l *Library) First() Key {
	for _, sh := range l.all() {
		if sh.shown.Sync != "" {
			return sh.shown
		}
	}
	return Key{}
}

// Sync returns a sync. Where it is not in memory, reading it begins, and the error is
// [LoadingError] when the context ends before it has; reading goes on. A sync that
// cannot be read is tried again the next time.
func (l *Library) Sync(ctx context.Context, key Key) (*review.Sync, error) {
	ld := l.use(key)
	if ld == nil {
		return nil, ErrUnknown
	}
	select {
	case <-ld.done:
	case <-ctx.Done():
		ld.mu.Lock()
		defer ld.mu.Unlock()
		return nil, &LoadingError{ld.progress}
	}
	if ld.err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.loaded = slices.DeleteFunc(l.loaded, func(other *load) bool { return other == ld })
	}
	return ld.sync, ld.err
}

// use finds a sync among those in memory, or begins to read it; nil where there is none.
func (l *Library) use(key Key) *load {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key.Archive < 0 || key.Archive >= len(l.shelves) {
		return nil
	}
	sh := l.shelves[key.Archive]
	if !slices.ContainsFunc(sh.entries, func(e Entry) bool { return e.Key == key }) {
		return nil
	}
	if i := slices.IndexFunc(l.loaded, func(ld *load) bool { return ld.key == key }); i >= 0 {
		ld := l.loaded[i]
		l.loaded = append(slices.Delete(l.loaded, i, i+1), ld)
		return ld
	}
	l.makeRoom()
	ld := &load{key: key, done: make(chan struct{})}
	l.loaded = append(l.loaded, ld)
	sh.uses.Add(1)
	l.reads.Go(func() {
		l.read(ld, sh)
		close(ld.done)
		if ld.err == nil {
			l.prepare(ld.sync)
		}
	})
	return ld
}

// read reads a sync into memory.
func (l *Library) read(ld *load, sh *shelf) {
	defer sh.uses.Done()
	ld.sync, ld.err = review.Load(l.ctx, sh.reader, ld.key.Sync, func(p review.Progress) {
		ld.mu.Lock()
		defer ld.mu.Unlock()
		ld.progress = p
	})
	if ld.err == nil {
		ld.sync.Overview() // Every page needs it, and the first should not wait.
	}
}

// prepare makes the reports, which take about a second for ten million grants, while
// nobody waits for them. An error comes again for whoever asks.
func (l *Library) prepare(s *review.Sync) {
	for _, info := range findings.Reports() {
		if info.Name == findings.Changes {
			continue // It is about another sync as well.
		}
		if _, err := findings.Make(l.ctx, s, info.Name, nil); err != nil || l.ctx.Err() != nil {
			return
		}
	}
}

// makeRoom forgets the syncs that were used longest ago, as far as there are too many
// grants in memory. Whoever is using one keeps it.
func (l *Library) makeRoom() {
	grants := 0
	last := len(l.loaded) - 1
	for i, ld := range slices.Backward(l.loaded) {
		select {
		case <-ld.done:
		default:
			continue
		}
		if s := ld.sync; s != nil {
			grants += s.GrantCount()
		}
		if grants > roomForGrants && i < last {
			l.loaded = slices.Delete(l.loaded, i, i+1)
		}
	}
}
