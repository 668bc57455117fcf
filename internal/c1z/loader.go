package c1z

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
)

const (
	// batchRows is how many rows one statement inserts.
	batchRows = 64
	// batchesAhead is how many encoded batches wait for SQLite at most.
	batchesAhead = 4
)

// target is a table as a loader fills it: the columns that differ from row to
// row are parameters, the others are part of the statement.
type target struct {
	table   *table
	columns []string
}

// statement inserts n rows. The sync's id and time are safe to stand in SQL: one
// is a KSUID that was parsed, the other was formatted here.
func (t target) statement(n int, syncID, discovered string) string {
	row := "(" + strings.Repeat("?, ", len(t.columns)) + "'" + syncID + "', '" + discovered + "')"
	return "insert into " + t.table.name + " (" + strings.Join(t.columns, ", ") + ", sync_id, discovered_at) values " +
		strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
}

// batch is rows of one table on their way to SQLite.
type batch struct {
	target *target
	rows   int
	args   []driver.NamedValue
	// blobs holds the messages of the rows one after the other.
	blobs []byte
}

func (b *batch) add(v driver.Value) {
	b.args = append(b.args, driver.NamedValue{Ordinal: len(b.args) + 1, Value: v})
}

// encode adds a message and returns its size.
func (b *batch) encode(m proto.Message) (int, error) {
	start := len(b.blobs)
	var err error
	if b.blobs, err = (proto.MarshalOptions{Deterministic: true}).MarshalAppend(b.blobs, m); err != nil {
		return 0, fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	b.add(b.blobs[start:len(b.blobs):len(b.blobs)])
	return len(b.blobs) - start, nil
}

func (b *batch) reset(t *target) {
	b.target = t
	b.rows = 0
	clear(b.args)
	b.args = b.args[:0]
	b.blobs = b.blobs[:0]
}

// loader inserts rows in a goroutine of its own, so that the caller encodes the
// next ones meanwhile. Its methods belong to one caller.
type loader struct {
	syncID, discovered string
	current            *batch
	full               chan *batch
	free               chan *batch
	// failed is closed after err is set.
	failed chan struct{}
	err    error
	done   chan struct{}
}

// newLoader starts to load through a connection, which belongs to it until
// close. The end of the context does not end it: a statement of some rows is soon
// done, and watching for an end costs more than it.
func newLoader(ctx context.Context, conn *sql.Conn, syncID, discovered string) *loader {
	ctx = context.WithoutCancel(ctx)
	l := &loader{
		syncID:     syncID,
		discovered: discovered,
		full:       make(chan *batch, batchesAhead),
		free:       make(chan *batch, batchesAhead+2),
		failed:     make(chan struct{}),
		done:       make(chan struct{}),
	}
	for range batchesAhead + 2 {
		l.free <- new(batch)
	}
	go func() {
		defer close(l.done)
		if err := conn.Raw(func(c any) error { return l.run(ctx, c) }); err != nil {
			l.err = err
			close(l.failed)
		}
	}()
	return l
}

// row returns the batch that the next row of a table belongs to.
func (l *loader) row(ctx context.Context, t *target) (*batch, error) {
	if l.current != nil && (l.current.target != t || l.current.rows == batchRows) {
		if err := l.flush(ctx); err != nil {
			return nil, err
		}
	}
	if l.current == nil {
		select {
		case l.current = <-l.free:
			l.current.reset(t)
		case <-l.failed:
			return nil, l.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	l.current.rows++
	return l.current, nil
}

// flush hands the current batch over.
func (l *loader) flush(ctx context.Context) error {
	if l.current == nil {
		return nil
	}
	select {
	case l.full <- l.current:
		l.current = nil
		return nil
	case <-l.failed:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the loader. Rows that were not flushed are lost. It may be called
// once.
func (l *loader) close() error {
	close(l.full)
	<-l.done
	return l.err
}

// run inserts batches until there are no more. It talks to the driver itself:
// database/sql would convert each of some six hundred arguments again.
func (l *loader) run(ctx context.Context, driverConn any) (err error) {
	conn, ok := driverConn.(driver.ConnPrepareContext)
	if !ok {
		return errors.New("load rows: the SQLite driver prepares no statements")
	}
	statements := map[statementKey]driver.StmtExecContext{}
	defer func() {
		for _, s := range statements {
			if c, ok := s.(driver.Stmt); ok {
				err = errors.Join(err, c.Close())
			}
		}
	}()
	insert := func(t *target, rows int, args []driver.NamedValue) error {
		key := statementKey{target: t, rows: rows}
		stmt, ok := statements[key]
		if !ok {
			s, err := conn.PrepareContext(ctx, t.statement(rows, l.syncID, l.discovered))
			if err != nil {
				return fmt.Errorf("load rows of %s: %w", t.table.name, err)
			}
			if stmt, ok = s.(driver.StmtExecContext); !ok {
				return errors.Join(errors.New("load rows: the SQLite driver runs no statements"), s.Close())
			}
			statements[key] = stmt
		}
		if _, err := stmt.ExecContext(ctx, args); err != nil {
			return fmt.Errorf("load rows of %s: %w", t.table.name, err)
		}
		return nil
	}
	for b := range l.full {
		if err := b.insert(insert); err != nil {
			return err
		}
		l.free <- b
	}
	return nil
}

type statementKey struct {
	target *target
	rows   int
}

// insert inserts the rows of a batch: in one statement when it is full, else one
// by one, so that only two statements a table are ever prepared.
func (b *batch) insert(insert func(*target, int, []driver.NamedValue) error) error {
	if b.rows == batchRows {
		return insert(b.target, batchRows, b.args)
	}
	width := len(b.target.columns)
	for i := range b.rows {
		args := b.args[i*width : (i+1)*width]
		for j := range args {
			args[j].Ordinal = j + 1
		}
		if err := insert(b.target, 1, args); err != nil {
			return err
		}
	}
	return nil
}
