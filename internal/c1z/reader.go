package c1z

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// OpenOptions says how [Open] unpacks an archive.
type OpenOptions struct {
	// TempDir is an existing folder for the unpacked database; empty means that of
	// the operating system.
	TempDir string
	Limits  Limits
	// Logger hears at debug level what was unpacked; nil is silence.
	Logger *slog.Logger
}

// Reader reads an archive. It is safe for concurrent use. What it finds wrong
// with the file on the way is [ErrDamaged].
type Reader struct {
	path string
	// unpacked is the path of the database, empty when the archive has none.
	unpacked string
	size     int64
	db       *sql.DB
	schema   *schema
	columns  columnSet
	syncs    []SyncRun
	closed   atomic.Bool
}

// Open unpacks the archive at path into a private file and opens that read-only.
// A missing file is [os.ErrNotExist]; an empty one, or one of the header alone,
// is an archive without syncs. Other errors are [ErrNotArchive], [ErrV3],
// [ErrDamaged] and [ErrTooLarge].
func Open(ctx context.Context, path string, opts OpenOptions) (*Reader, error) {
	start := time.Now()
	r := &Reader{path: path, schema: newSchema()}
	if err := r.open(ctx, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("open archive %s: %w", path, err), r.Close())
	}
	cmp.Or(opts.Logger, slog.New(slog.DiscardHandler)).DebugContext(ctx, "archive unpacked",
		"path", path, "decoded_bytes", r.size, "syncs", len(r.syncs), "duration", time.Since(start))
	return r, nil
}

// unpackedName is the pattern of the names of unpacked databases.
const unpackedName = "baton-jumpcloud-*.db"

// RemoveUnpacked removes the databases that readers which died have left in a
// folder for temporary files. Nobody else may use the folder at the time.
func RemoveUnpacked(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("remove what an earlier run left: %w", err)
	}
	for _, e := range entries {
		if ours, err := filepath.Match(unpackedName, e.Name()); err != nil || !ours {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	return nil
}

func (r *Reader) open(ctx context.Context, opts OpenOptions) error {
	src, err := regularfile.Open(r.path)
	if kind, ok := errors.AsType[*regularfile.KindError](err); ok {
		return fmt.Errorf("%w: it is %s", ErrNotArchive, regularfile.Kind(kind.Mode))
	}
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.CreateTemp(opts.TempDir, unpackedName)
	if err != nil {
		return fmt.Errorf("make a temporary file: %w", err)
	}
	r.unpacked = dst.Name()
	r.size, err = unpack(ctx, src, dst, opts.Limits)
	if err == nil && r.size > 0 {
		err = inspectFile(dst, r.size)
	}
	if err := errors.Join(err, dst.Close()); err != nil {
		return err
	}
	if r.size == 0 {
		return nil
	}
	if r.db, err = openUnpacked(r.unpacked); err != nil {
		return err
	}
	return r.inspect(ctx)
}

func (r *Reader) inspect(ctx context.Context) error {
	conn, err := bounded(ctx, r.db)
	if err != nil {
		return damage(err)
	}
	defer conn.Close()
	if r.columns, err = inspectSchema(ctx, conn, r.schema); err != nil {
		return err
	}
	if r.size <= quickCheckSize {
		if err := quickCheck(ctx, conn); err != nil {
			return err
		}
	}
	r.syncs, err = readSyncs(ctx, conn, r.source(&r.schema.syncRuns))
	return err
}

// Close removes the unpacked database. Lists that are being read fail with
// [os.ErrClosed]. It may be called again.
func (r *Reader) Close() error {
	var errs []error
	if r.closed.Swap(true) {
		return nil
	}
	if r.db != nil {
		errs = append(errs, r.db.Close())
	}
	if r.unpacked != "" {
		errs = append(errs, os.Remove(r.unpacked))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close archive %s: %w", r.path, err)
	}
	return nil
}

// DecodedSize is how many bytes the database of the archive has, 0 when the
// archive is empty.
func (r *Reader) DecodedSize() int64 { return r.size }

// fail names the archive in an error of one of its rows.
func (r *Reader) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read archive %s: %w", r.path, damage(err))
}

// conn lends a connection. Archives without a database have no table, and so
// nobody who asks for one.
func (r *Reader) conn(ctx context.Context) (*sql.Conn, error) {
	if r.closed.Load() {
		return nil, os.ErrClosed
	}
	return bounded(ctx, r.db)
}
