package c1z

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/segmentio/ksuid"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// How many older finished full syncs a new archive keeps beside its own.
const (
	// KeepDefault is one, as other Baton programs keep.
	KeepDefault = 0
	// KeepNone keeps the new sync only, and does not look into the old archive.
	KeepNone = -1
	// KeepAll keeps every sync of the old archive.
	KeepAll = 1<<31 - 1
)

// buildDir is the folder of a build within its work folder.
const buildDir = "c1z-build"

// Options says where a [Writer] writes and what it keeps.
type Options struct {
	// Path is the archive to make or to replace.
	Path string
	// Format is that of the new archive; 0 is [FormatV1]. An archive of format 3 is
	// only replaced by another one, and holds the new sync alone.
	Format Format
	// WorkDir is an existing folder for the files of the build: the new database,
	// the old one unpacked and the spills of a sort, up to three times the unpacked
	// size together. They stand in a folder "c1z-build", which is removed in the
	// end and, where a run died, by the next one. It serves one Writer at a time.
	WorkDir string
	// SyncID is the KSUID of the new sync; empty makes one.
	SyncID string
	// StartedAt is when the sync began; zero means now.
	StartedAt time.Time
	// Keep is how many older finished full syncs stay: [KeepDefault], [KeepNone],
	// [KeepAll] or a number above zero.
	Keep int
	// MergeGrants unites grants of the same entitlement and principal, of which format 3
	// holds one; else they are [ErrDuplicate].
	MergeGrants bool
	// Limits bound what is unpacked of the old archive.
	Limits Limits
	// Logger hears of syncs that are not kept and of a file that grows too large;
	// nil is silence.
	Logger *slog.Logger
}

// Info describes a finished archive.
type Info struct {
	// Path is the file that was written, a link resolved.
	Path string
	// Size and DecodedSize are its bytes, and those of the database in it.
	Size, DecodedSize int64
	// Sync is the new sync as it was written.
	Sync SyncRun
	// Kept are the ids of the older syncs that the file still holds, and Dropped of
	// those that it does not, in the order of their rows.
	Kept, Dropped []string
	// Damaged are the ids of older syncs that would have stayed, but for a row that
	// cannot be read.
	Damaged []string
	// Indexing and Packing are what the two last steps took.
	Indexing, Packing time.Duration
}

// Writer builds an archive of one new sync. Rows arrive in their final order and
// with ids that are unique within their table; messages may be reused as soon as
// a call returns. After an error only Abort is left. A Writer is not safe for
// concurrent use.
type Writer struct {
	opts   Options
	sizes  sizes
	path   string // links resolved
	dir    string // the build's own folder within WorkDir
	syncID string

	build  build   // nil once it is finished
	old    *Reader // nil when nothing is to be kept
	stats  Stats
	failed error
	// verbatim says that the sync is another program's and stays as it is: its token,
	// its type and its end, if it has one.
	verbatim bool
}

// build is the new database, of one format.
type build interface {
	// Messages may be reused as soon as a call returns.
	putResourceType(ctx context.Context, m *v2.ResourceType) error
	putResource(ctx context.Context, m *v2.Resource) error
	putEntitlement(ctx context.Context, m *v2.Entitlement) error
	putGrant(ctx context.Context, m *v2.Grant) error
	putAsset(a Asset) error
	// keepOld takes over what stays of the old archive.
	keepOld(ctx context.Context, run SyncRun) (oldSyncs, error)
	// finish completes the database with the record of the sync and checks it.
	finish(ctx context.Context, run SyncRun) error
	// pack writes the archive in place of the old one.
	pack(ctx context.Context, info *Info) error
	close() error
}

// sizes are the decoded sizes at which something happens.
type sizes struct {
	keep  int64 // above it no older sync is kept
	warn1 int64 // above it the oldest readers cannot open the file
	warn2 int64 // above it those of SDK 0.7 cannot
	fail  int64 // above it none can
}

func defaultSizes() sizes {
	return sizes{keep: 2 << 30, warn1: 2 << 30, warn2: 3 << 30, fail: defaultDecodedSize}
}

// Create starts an archive. The caller holds [Lock] for the same path. A file at
// the path that is not an archive which this package can replace is an error
// ([ErrNotArchive], [ErrOtherFormat], [ErrDamaged], [ErrTooLarge]), and nothing is
// written. Finish or Abort must follow.
func Create(ctx context.Context, opts Options) (*Writer, error) {
	opts.StartedAt = cmp.Or(opts.StartedAt, time.Now()).UTC()
	opts.SyncID = cmp.Or(opts.SyncID, ksuid.New().String())
	if id, err := ksuid.Parse(opts.SyncID); err != nil || id.String() != opts.SyncID {
		return nil, fmt.Errorf("create archive: sync id %q is not a KSUID", opts.SyncID)
	}
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	path, err := resolve(opts.Path)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		opts: opts, sizes: defaultSizes(), path: path, syncID: opts.SyncID,
		stats: Stats{
			ResourcesByType:    map[string]int64{},
			GrantsByType:       map[string]int64{},
			EntitlementsByType: map[string]int64{},
		},
	}
	if err := w.create(ctx); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// RemoveUnfinished removes what a [Writer] of the archive at path that died has left
// in its work folder and beside the archive. Create does so too; but where the disk is
// full of it, nothing gets as far as that. The caller holds [Lock] for the path.
func RemoveUnfinished(path, workDir string) error {
	path, err := resolve(path)
	if err != nil {
		return err
	}
	return errors.Join(removeReplacement(path), removeBuild(workDir))
}

// removeBuild removes the files of a build that died.
func removeBuild(workDir string) error {
	if err := os.RemoveAll(filepath.Join(workDir, buildDir)); err != nil {
		return fmt.Errorf("remove files of an earlier run: %w", err)
	}
	return nil
}

func (w *Writer) create(ctx context.Context) error {
	if w.opts.WorkDir == "" {
		return errors.New("create archive: missing work directory")
	}
	if err := removeBuild(w.opts.WorkDir); err != nil {
		return err
	}
	dir := filepath.Join(w.opts.WorkDir, buildDir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("create archive: %w", err)
	}
	w.dir = dir
	if err := w.openOld(ctx); err != nil {
		return err
	}
	if w.opts.Format == FormatV3 {
		return w.createV3()
	}
	return w.createV1()
}

// openOld looks at what is at the path now.
func (w *Writer) openOld(ctx context.Context) error {
	if _, err := os.Stat(w.path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if w.opts.Keep == KeepNone {
		return w.checkOld()
	}
	old, err := Open(ctx, w.path, OpenOptions{TempDir: w.dir, Limits: w.opts.Limits, Logger: w.opts.Logger})
	if err != nil {
		return advise(err)
	}
	if old.size == 0 {
		return old.Close()
	}
	w.old = old
	return w.checkFormat(old.format)
}

// checkFormat refuses to write format 1 over format 3: whoever reads the file next may
// not expect it.
func (w *Writer) checkFormat(old Format) error {
	if old == FormatV3 && w.opts.Format != FormatV3 {
		return fmt.Errorf("archive %s: %w, and a new one is of format 1", w.path, ErrOtherFormat)
	}
	return nil
}

// checkOld looks at the header of what is at the path now.
func (w *Writer) checkOld() error {
	f, err := regularfile.Open(w.path)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer f.Close()
	format, err := readHeader(bufio.NewReaderSize(f, 4<<10))
	if err != nil && !errors.Is(err, io.EOF) {
		return advise(fmt.Errorf("archive %s: %w", w.path, err))
	}
	return w.checkFormat(format)
}

// advise adds to an error about an old archive what can be done about it, unless
// it says so or the archive is not to blame.
func advise(err error) error {
	for _, kind := range []error{ErrNotArchive, ErrDamaged, ErrTooLarge} {
		if errors.Is(err, kind) {
			return fmt.Errorf("%w; move it away or choose another file", err)
		}
	}
	return err
}

// SyncID is the id of the new sync.
func (w *Writer) SyncID() string { return w.syncID }

// Old is the archive that the new one replaces, for as long as the Writer is at
// work; nil where there is none, or where nothing of it is kept.
func (w *Writer) Old() *Reader { return w.old }

// Abort gives the build up and removes its files. After Finish, and the second
// time, it does nothing.
func (w *Writer) Abort() error {
	var errs []error
	if w.build != nil {
		errs = append(errs, w.build.close())
		w.build = nil
	}
	if w.old != nil {
		errs = append(errs, w.old.Close())
		w.old = nil
	}
	if w.dir != "" {
		errs = append(errs, os.RemoveAll(w.dir))
		w.dir = ""
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up after archive %s: %w", w.opts.Path, err)
	}
	return nil
}
