package workdb

import (
	"context"
	"database/sql"
	"errors"

	sqlite3 "modernc.org/sqlite/lib"
)

// maxGroup bounds how many waiting writes share a transaction.
const maxGroup = 64

// job is one write that waits for the writing goroutine.
type job struct {
	op   string
	run  func(context.Context, *tx) error
	done chan error
}

// tx is the transaction that is being written, with the statements that are
// prepared on its connection.
type tx struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// do runs a write in a transaction, which it may share with others, and returns
// when it is committed. The write must be repeatable. When ctx ends before the
// write's turn nothing is written; a write that has begun is not interrupted.
func (db *DB) do(ctx context.Context, op string, run func(context.Context, *tx) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j := &job{op: op, run: run, done: make(chan error, 1)}
	select {
	case db.jobs <- j:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-db.closing:
		return ErrClosed
	}
	return <-j.done
}

// write is the writing goroutine. It ends when the database is closing.
func (db *DB) write(ctx context.Context) {
	defer close(db.finished)
	t := &tx{conn: db.conn, stmts: map[string]*sql.Stmt{}}
	defer t.close()
	group := make([]*job, 0, maxGroup)
	for {
		select {
		case j := <-db.jobs:
			group = append(group[:0], j)
		case <-db.closing:
			return
		}
	waiting:
		for len(group) < maxGroup {
			select {
			case j := <-db.jobs:
				group = append(group, j)
			default:
				break waiting
			}
		}
		db.writeGroup(ctx, t, group)
	}
}

// writeGroup commits jobs together and, when that fails, one by one, so that each
// gets its own error.
func (db *DB) writeGroup(ctx context.Context, t *tx, group []*job) {
	if len(group) > 1 && t.transact(ctx, group) == nil {
		for _, j := range group {
			j.done <- nil
		}
		return
	}
	for i, j := range group {
		j.done <- db.fail(j.op, t.transact(ctx, group[i:i+1]))
	}
}

// transact runs jobs in one transaction.
func (t *tx) transact(ctx context.Context, group []*job) error {
	if err := t.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, j := range group {
		if err := j.run(ctx, t); err != nil {
			return errors.Join(err, t.rollback(ctx))
		}
	}
	if err := t.exec(ctx, "COMMIT"); err != nil {
		return errors.Join(err, t.rollback(ctx))
	}
	return nil
}

// rollback ends a transaction that failed; SQLite may have ended it already.
func (t *tx) rollback(ctx context.Context) error {
	if _, err := t.conn.ExecContext(ctx, "ROLLBACK"); err != nil && code(err) != sqlite3.SQLITE_ERROR {
		return err
	}
	return nil
}

// stmt prepares a statement once.
func (t *tx) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := t.stmts[query]; s != nil {
		return s, nil
	}
	s, err := t.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	t.stmts[query] = s
	return s, nil
}

func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	_, err := t.change(ctx, query, args...)
	return err
}

// change runs a statement and tells how many rows it changed.
func (t *tx) change(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// insert runs an INSERT OR IGNORE and returns the new row's id, or false where
// the row was there.
func (t *tx) insert(ctx context.Context, query string, args ...any) (int64, bool, error) {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return 0, false, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, false, err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return 0, false, err
	}
	id, err := r.LastInsertId()
	return id, true, err
}

func (t *tx) row(ctx context.Context, query string, args ...any) rowScanner {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return failedRow{err}
	}
	return s.QueryRowContext(ctx, args...)
}

func (t *tx) close() {
	for _, s := range t.stmts {
		_ = s.Close() // the connection is closed next
	}
}

// rowScanner is what *sql.Row and failedRow have in common.
type rowScanner interface{ Scan(dest ...any) error }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }
