package campaign

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"modernc.org/sqlite"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

const (
	// applicationID marks the database as a review ("JCRV"), and schemaVersion is its form.
	applicationID = 0x4A435256
	schemaVersion = 1

	schema = `
CREATE TABLE review(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items(id INTEGER PRIMARY KEY, item TEXT NOT NULL);
CREATE TABLE log(seq INTEGER PRIMARY KEY, event TEXT NOT NULL);`

	keyHeader = "header"
	// keyHead is the number and the hash of the last event, so that a log that was cut
	// shows.
	keyHead = "head"
)

// Extension is what the names of reviews end with.
const Extension = ".review"

// sqliteMagic is how SQLite databases begin.
const sqliteMagic = "SQLite format 3\x00"

// File is an open review. It is safe for concurrent use, also by several processes.
type File struct {
	path   string
	db     *sql.DB
	header Header
	items  []Item

	mu     sync.Mutex // guards what follows
	chain  chain
	states []State // by item
	closed *Event
	now    func() time.Time
}

// TamperedError says that a review was changed by another program.
type TamperedError struct {
	Path    string
	Problem string
}

func (e *TamperedError) Error() string {
	return fmt.Sprintf("review %s was changed outside this program: %s", e.Path, e.Problem)
}

// Create makes a review. It never replaces a file.
func Create(ctx context.Context, path string, header Header, items []Item) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fault.WithHints(fault.WithCode(codes.AlreadyExists, "%s already exists, and reviews are never replaced", path), "choose another name with --out")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create review: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("create review: %w", err)
	}
	temp := f.Name()
	defer func() { err = errors.Join(err, removeDatabase(temp)) }()
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("create review: %w", err)
	}
	if err := fill(ctx, temp, header, items); err != nil {
		return fmt.Errorf("create review %s: %w", path, err)
	}
	// A link, unlike a rename, replaces nothing that came in the meantime.
	if err := os.Link(temp, path); err != nil {
		if _, exists := os.Lstat(path); exists == nil || os.Rename(temp, path) != nil {
			return fmt.Errorf("create review: %w", err)
		}
	}
	_ = atomicfile.SyncDir(filepath.Dir(path)) // Not every file system lets a folder be synced.
	return nil
}

// fill writes a new database.
func fill(ctx context.Context, path string, header Header, items []Item) (err error) {
	db, err := connect(path, "synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // After a commit there is nothing to roll back.
	for _, statement := range []string{schema, fmt.Sprintf("PRAGMA application_id = %d", applicationID), fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(header)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO review VALUES(?, ?)", keyHeader, string(raw)); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO items VALUES(?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	all := newItemsDigest()
	for i := range items {
		text, err := json.Marshal(&items[i])
		if err != nil {
			return err
		}
		all.add(text)
		if _, err := insert.ExecContext(ctx, items[i].ID, string(text)); err != nil {
			return err
		}
	}
	created := &Event{At: header.CreatedAt, By: header.CreatedBy, Action: ActionCreated, Header: digest(raw), Items: all.sum()}
	if _, err := store(ctx, tx, chain{}, []*Event{created}); err != nil {
		return err
	}
	return tx.Commit()
}

// store adds events to the log.
func store(ctx context.Context, tx *sql.Tx, c chain, events []*Event) (chain, error) {
	for _, e := range events {
		raw, err := e.seal(c.seq+1, c.head)
		if err != nil {
			return c, err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO log VALUES(?, ?)", e.Seq, string(raw)); err != nil {
			return c, err
		}
		c.seq, c.head = e.Seq, e.Hash
	}
	_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO review VALUES(?, ?)", keyHead, c.String())
	return c, err
}

// String is what a review keeps of its last event.
func (c chain) String() string { return fmt.Sprintf("%d %s", c.seq, c.head) }

// Open opens a review and checks its log. The errors are [*TamperedError], those of the
// file system, and what says that the file is no review.
func Open(ctx context.Context, path string) (*File, error) {
	if err := isReview(path); err != nil {
		return nil, err
	}
	db, err := connect(path, "synchronous(FULL)")
	if err != nil {
		return nil, fmt.Errorf("open review %s: %w", path, err)
	}
	f := &File{path: path, db: db, now: time.Now}
	if err := f.load(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return f, nil
}

// isReview refuses what is no SQLite database before SQLite writes beside it.
func isReview(path string) error {
	file, err := regularfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.WithHints(fault.WithCode(codes.NotFound, "review %s does not exist", path), "make one: baton-jumpcloud review new sync.c1z --out "+filepath.Base(path))
	}
	if err != nil {
		return fmt.Errorf("open review: %w", err)
	}
	defer file.Close()
	head := make([]byte, len(sqliteMagic))
	if n, _ := file.Read(head); string(head[:n]) != sqliteMagic {
		return notReview(path)
	}
	return nil
}

func notReview(path string) error {
	return fault.WithHints(fmt.Errorf("%s is not a review", path), "name a file that review new made")
}

// connect opens a database. Its journal is a file that is deleted, so that a review is
// one file whenever nobody writes.
func connect(path string, pragmas ...string) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	p := filepath.ToSlash(absolute)
	if filepath.VolumeName(absolute) != "" {
		p = "/" + p
	}
	query := url.Values{"_pragma": append(pragmas, "busy_timeout(10000)", "journal_mode(DELETE)"), "_txlock": {"immediate"}}
	c, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: p, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	return db, nil
}

// removeDatabase removes a database with its journal.
func removeDatabase(path string) error {
	var errs []error
	for _, suffix := range []string{"", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// load reads all of a review.
func (f *File) load(ctx context.Context) error {
	var application, version int
	err := errors.Join(
		f.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application),
		f.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version),
	)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return f.damaged(err)
	case application != applicationID:
		return notReview(f.path)
	case version != schemaVersion:
		return fault.WithHints(fmt.Errorf("review %s has format %d, not %d", f.path, version, schemaVersion), "use the version of the program that made it")
	}
	var raw string
	if err := f.db.QueryRowContext(ctx, "SELECT value FROM review WHERE key = ?", keyHeader).Scan(&raw); err != nil {
		return f.damaged(err)
	}
	if err := json.Unmarshal([]byte(raw), &f.header); err != nil {
		return f.tampered("its header is not JSON")
	}
	items, err := f.loadItems(ctx)
	if err != nil {
		return err
	}
	f.states = make([]State, len(f.items))
	f.mu.Lock()
	defer f.mu.Unlock()
	var first Event
	if err := f.refresh(ctx, f.db, func(e Event) {
		if e.Seq == 1 {
			first = e
		}
	}); err != nil {
		return err
	}
	switch {
	case first.Action != ActionCreated:
		return f.tampered("the beginning of its log is missing")
	case first.Header != digest([]byte(raw)):
		return f.tampered("its header was changed")
	case first.Items != items:
		return f.tampered("its items were changed")
	}
	return nil
}

// loadItems reads the items and returns their hash.
func (f *File) loadItems(ctx context.Context) (string, error) {
	rows, err := f.db.QueryContext(ctx, "SELECT item FROM items ORDER BY id")
	if err != nil {
		return "", f.damaged(err)
	}
	defer rows.Close()
	all := newItemsDigest()
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return "", f.damaged(err)
		}
		all.add(text)
		var item Item
		if err := json.Unmarshal(text, &item); err != nil || item.ID != len(f.items)+1 {
			return "", f.tampered(fmt.Sprintf("item %d was changed", len(f.items)+1))
		}
		f.items = append(f.items, item)
	}
	if err := rows.Err(); err != nil {
		return "", f.damaged(err)
	}
	return all.sum(), nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// refresh takes over the events that came since, of other processes too.
func (f *File) refresh(ctx context.Context, q querier, visit func(Event)) error {
	rows, err := q.QueryContext(ctx, "SELECT event FROM log WHERE seq > ? ORDER BY seq", f.chain.seq)
	if err != nil {
		return f.damaged(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return f.damaged(err)
		}
		e, err := f.chain.next(text)
		if err != nil {
			return f.tampered(err.Error())
		}
		if e.Item < 0 || e.Item > len(f.items) {
			return f.tampered(fmt.Sprintf("event %d of the log is about item %d, which does not exist", e.Seq, e.Item))
		}
		f.take(&e)
		visit(e)
	}
	// There is one connection, which the rows would keep.
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return f.damaged(err)
	}
	var head string
	if err := q.QueryRowContext(ctx, "SELECT value FROM review WHERE key = ?", keyHead).Scan(&head); err != nil {
		return f.damaged(err)
	}
	if head != f.chain.String() {
		return f.tampered(fmt.Sprintf("its log ends with event %d, which is not the last one that was written", f.chain.seq))
	}
	return nil
}

// take applies an event to what is in memory.
func (f *File) take(e *Event) {
	switch {
	case e.Item > 0:
		f.states[e.Item-1].apply(e)
	case e.Action == ActionClosed:
		f.closed = e
	}
}

func (f *File) tampered(problem string) error { return &TamperedError{f.path, problem} }

func (f *File) damaged(err error) error {
	return fault.WithHints(fmt.Errorf("review %s is damaged: %w", f.path, err), "restore it from a backup")
}

// change adds the events that decide makes of the current state, all or none. The events
// are on the disk when it returns.
func (f *File) change(ctx context.Context, decide func() ([]*Event, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write review %s: %w", f.path, err)
	}
	defer tx.Rollback() //nolint:errcheck // After a commit there is nothing to roll back.
	if err := f.refresh(ctx, tx, func(Event) {}); err != nil {
		return err
	}
	events, err := decide()
	if err != nil || len(events) == 0 {
		return err
	}
	after, err := store(ctx, tx, f.chain, events)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("write review %s: %w", f.path, err)
	}
	f.chain = after
	for _, e := range events {
		f.take(e)
	}
	return nil
}

// Close closes the file. A review stays open for decisions until [File.Freeze].
func (f *File) Close() error { return f.db.Close() }

// Path is where the review lies.
func (f *File) Path() string { return f.path }

// Header says what the review is of.
func (f *File) Header() Header { return f.header }

// Head is the hash of the last event of the log.
func (f *File) Head() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.chain.head
}

// Closed is the event that closed the review; nil while it is open.
func (f *File) Closed() *Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// Refresh takes over what other processes decided.
func (f *File) Refresh(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refresh(ctx, f.db, func(Event) {})
}

// Rows are all items with their states.
func (f *File) Rows() []Row {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows := make([]Row, len(f.items))
	for i := range f.items {
		rows[i] = Row{f.items[i], f.states[i]}
	}
	return rows
}

// Events are the entries of the log as they are stored, one JSON object each.
func (f *File) Events(ctx context.Context) ([][]byte, error) {
	rows, err := f.db.QueryContext(ctx, "SELECT event FROM log ORDER BY seq")
	if err != nil {
		return nil, f.damaged(err)
	}
	defer rows.Close()
	var events [][]byte
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return nil, f.damaged(err)
		}
		events = append(events, text)
	}
	if err := rows.Err(); err != nil {
		return nil, f.damaged(err)
	}
	return events, nil
}
