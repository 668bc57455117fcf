package c1z

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// sqliteRows are the rows of an archive of format 1.
type sqliteRows struct {
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

var _ rows = (*sqliteRows)(nil)

// openV1 opens an archive of format 1.
func openV1(ctx context.Context, path string, src *os.File, opts OpenOptions) (*Reader, error) {
	r := &sqliteRows{path: path, schema: newSchema()}
	if err := r.open(ctx, src, opts); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return &Reader{rows: r, path: path, format: FormatV1, size: r.size, syncs: r.syncs}, nil
}

func (r *sqliteRows) open(ctx context.Context, src *os.File, opts OpenOptions) error {
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

func (r *sqliteRows) inspect(ctx context.Context) error {
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
func (r *sqliteRows) Close() error {
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

// fail names the archive in an error of one of its rows.
func (r *sqliteRows) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read archive %s: %w", r.path, damage(err))
}

// conn lends a connection. Archives without a database have no table, and so
// nobody who asks for one.
func (r *sqliteRows) conn(ctx context.Context) (*sql.Conn, error) {
	if r.closed.Load() {
		return nil, os.ErrClosed
	}
	return bounded(ctx, r.db)
}
