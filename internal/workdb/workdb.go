// Package workdb keeps a sync on disk while it is read: the rows that have
// arrived and the pages that are still to be read, in one SQLite database beside
// the archive. One transaction stores the rows of a page and the end of its token,
// so that a process that is killed at any moment loses nothing but pages that were
// under way.
//
// The database runs with a write-ahead log and without fsync: what is committed
// survives the end of the process, not the end of the machine's power. A database
// from before the machine was restarted is discarded, and so is one in which
// SQLite's quick_check finds damage, which costs requests and never a right answer.
//
// The database belongs to one process at a time; the caller holds a lock.
package workdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// fileName is the database's name in its folder.
const fileName = "work.db"

// ErrClosed is returned by every method of a database that is closed.
var ErrClosed = errors.New("work database is closed")

// DB is a work database. It implements [syncer.Store]. All methods are safe for
// concurrent use.
type DB struct {
	path string
	info syncer.Info
	now  func() time.Time

	pool   *sql.DB   // reads
	writer *sql.DB   // has one connection, which is conn
	conn   *sql.Conn // used by the writing goroutine alone
	jobs   chan *job

	closing  chan struct{} // closed when no further job is taken
	finished chan struct{} // closed when the writing goroutine has ended
	close    func() error
}

var _ syncer.Store = (*DB)(nil)

// Info tells which sync the database holds.
func (db *DB) Info() syncer.Info { return db.info }

// Path is the database's file.
func (db *DB) Path() string { return db.path }

// Close waits for what is being written, closes the database and keeps it for
// another run. It may be called more than once.
func (db *DB) Close() error { return db.close() }

// Remove closes the database and removes its files, and its folder when that is
// empty then.
func (db *DB) Remove() error {
	return errors.Join(db.Close(), removeFiles(db.path), removeEmpty(filepath.Dir(db.path)))
}

// connect opens connections to the database file, which exists.
func connect(ctx context.Context, path string) (*DB, error) {
	open := func(pragmas ...string) (*sql.DB, error) {
		c, err := sqlite.NewConnector(dsn(path, pragmas...))
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(c), nil
	}
	// The log is truncated at checkpoints so that one long transaction does not
	// hold disk space for the rest of the run.
	// Where a loss of power cannot be told from a kill, it must do no harm.
	synchronous := "synchronous(OFF)"
	if bootID() == "" {
		synchronous = "synchronous(FULL)"
	}
	writer, err := open("busy_timeout(10000)", "journal_mode(WAL)", synchronous, "cache_size(-8192)", "journal_size_limit(33554432)")
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	conn, err := writer.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	pool, err := open("busy_timeout(10000)", "query_only(1)", "cache_size(-2048)")
	if err != nil {
		return nil, errors.Join(err, conn.Close(), writer.Close())
	}
	pool.SetMaxIdleConns(4)
	db := &DB{
		path: path, pool: pool, writer: writer, conn: conn, now: time.Now,
		jobs: make(chan *job), closing: make(chan struct{}), finished: make(chan struct{}),
	}
	db.close = sync.OnceValue(func() error {
		close(db.closing)
		<-db.finished
		if err := errors.Join(pool.Close(), conn.Close(), writer.Close()); err != nil {
			return db.fail("close", err)
		}
		return nil
	})
	go db.write(context.WithoutCancel(ctx))
	return db, nil
}

// dsn names a database file for the driver.
func dsn(path string, pragmas ...string) string {
	p := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		p = "/" + p
	}
	u := url.URL{Scheme: "file", Path: p, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

// removeFiles removes a database with its companions.
func removeFiles(path string) error {
	var errs []error
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove work database: %w", err))
		}
	}
	return errors.Join(errs...)
}

// removeEmpty removes a folder unless something is in it.
func removeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	return os.Remove(dir)
}

// Error is a failure of the database. What was stored before it stays.
type Error struct {
	Path string // the database
	Op   string // what was tried
	Hint string // what a user can do, may be empty
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("work database %s: %s: %v", e.Path, e.Op, e.Err)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// fail makes an [Error], except of one and of the ends that callers ask for.
func (db *DB) fail(op string, err error) error { return wrap(db.path, op, err) }

func wrap(path, op string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrClosed) {
		return err
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Path: path, Op: op, Err: err}
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		e.Hint = "free disk space and run again to resume"
	case sqlite3.SQLITE_IOERR:
		e.Hint = "check the disk and run again to resume"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		e.Hint = "check that its directory is writable"
	}
	return e
}

// code is the primary result code of SQLite, or 0.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}
