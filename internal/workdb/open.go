package workdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/segmentio/ksuid"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// MaxAge is how old an interrupted sync may be to be resumed.
const MaxAge = 24 * time.Hour

// Fingerprint tells whether a database can be resumed: all of it but Accepted must
// be equal.
type Fingerprint struct {
	// Organization is the id of the organization.
	Organization string
	// Host is the host that is read.
	Host string
	// Settings are those that change what is read, in a stable form: resource
	// types, targets, merging and skipping.
	Settings string
	// Version is that of the program.
	Version string
	// Accepted is the code under which a refused sync may go on; see [DB.Refuse]. It
	// matters to no other.
	Accepted string
}

// Open opens the work database in a folder, which it makes where it is missing. A
// database that was left behind is resumed when its fingerprint is equal, it is
// not older than [MaxAge], the machine was not restarted since, it is undamaged and
// its sync did not fail for good and was not refused; otherwise it is discarded with one log line that
// says why. A database that cannot be read or written for another reason, such as
// its permissions, is an error that names it.
func Open(ctx context.Context, dir string, fp Fingerprint, logger *slog.Logger) (*DB, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("work folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create work directory: %w", err)
	}
	path := filepath.Join(dir, fileName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return create(ctx, path, fp)
	case err != nil:
		return nil, fmt.Errorf("work database: %w", err)
	case !info.Mode().IsRegular():
		return nil, &Error{Path: path, Op: "open", Err: &regularfile.KindError{Path: path, Mode: info.Mode()}, Hint: "remove it"}
	case info.Size() == 0:
		return create(ctx, path, fp) // its maker ended before the first transaction
	}
	db, reason, err := resume(ctx, path, fp)
	if err != nil {
		return nil, err
	}
	if reason == "" && db.info.Resumed {
		logger.InfoContext(ctx, "resuming an interrupted sync", "path", path, "sync_id", db.info.SyncID, "started_at", db.info.StartedAt)
		return db, nil
	}
	if reason == "" {
		if err := db.Close(); err != nil { // nothing was stored yet
			return nil, err
		}
	} else {
		logger.WarnContext(ctx, "discarded the work of an earlier sync", "path", path, "reason", reason)
	}
	if err := removeFiles(path); err != nil {
		return nil, err
	}
	return create(ctx, path, fp)
}

// create makes a new database.
func create(ctx context.Context, path string, fp Fingerprint) (_ *DB, err error) {
	// SQLite gives its companions the permissions of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // The path lies in the work folder.
	if err != nil {
		return nil, fmt.Errorf("create work database: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("create work database: %w", err)
	}
	db, err := connect(ctx, path)
	if err != nil {
		return nil, wrap(path, "open", err)
	}
	db.info = syncer.Info{SyncID: ksuid.New().String(), StartedAt: db.now().UTC()}
	err = db.do(ctx, "create", func(ctx context.Context, t *tx) error {
		if _, err := t.conn.ExecContext(ctx, schema); err != nil {
			return err
		}
		if _, err := t.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
		return errors.Join(
			t.setMeta(ctx, metaOrganization, fp.Organization),
			t.setMeta(ctx, metaHost, fp.Host),
			t.setMeta(ctx, metaSettings, fp.Settings),
			t.setMeta(ctx, metaVersion, fp.Version),
			t.setMeta(ctx, metaSyncID, db.info.SyncID),
			t.setMeta(ctx, metaStarted, db.info.StartedAt.Format(time.RFC3339Nano)),
			t.setMeta(ctx, metaBoot, bootID()),
			t.setMeta(ctx, metaPhase, string(syncer.PhaseNew)),
		)
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// resume opens a database that was left behind, or says why it is of no use.
func resume(ctx context.Context, path string, fp Fingerprint) (_ *DB, reason string, err error) {
	db, err := connect(ctx, path)
	if err == nil {
		if reason, err = db.check(ctx, fp); err == nil && reason == "" {
			return db, "", nil
		}
		err = errors.Join(err, db.Close())
	}
	switch code(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return nil, "it is damaged", nil
	case sqlite3.SQLITE_OK:
		return nil, reason, err
	}
	return nil, "", wrap(path, "open", err)
}

// check says why a database is of no use, the cheap reasons first.
func (db *DB) check(ctx context.Context, fp Fingerprint) (reason string, err error) {
	var version int
	if err := db.pool.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return "", err
	}
	if version != schemaVersion {
		return fmt.Sprintf("it has format %d, not %d", version, schemaVersion), nil
	}
	meta, err := db.meta(ctx)
	if err != nil {
		return "", err
	}
	for _, f := range []struct{ what, had, want string }{
		{"organization", meta[metaOrganization], fp.Organization},
		{"host", meta[metaHost], fp.Host},
		{"selection", meta[metaSettings], fp.Settings},
		{"version", meta[metaVersion], fp.Version},
	} {
		if f.had != f.want {
			return fmt.Sprintf("it is of another %s: %q, not %q", f.what, f.had, f.want), nil
		}
	}
	started, err := time.Parse(time.RFC3339Nano, meta[metaStarted])
	if err != nil {
		return "it has no start time", nil //nolint:nilerr // the reason to discard it.
	}
	switch age := db.now().Sub(started); {
	case age < -MaxAge:
		return fmt.Sprintf("it was started at %s, which is later than the clock says now", started.Format(time.RFC3339)), nil
	case age > MaxAge:
		return fmt.Sprintf("it was started at %s, more than %s ago", started.Format(time.RFC3339), MaxAge), nil
	}
	// Nothing is synced to the disk, so a machine that lost its power may have kept
	// some of what was written and not the rest, in rows that look sound.
	if boot := bootID(); meta[metaBoot] != boot {
		return "the machine has restarted since, or this is another machine", nil
	}
	if reason := meta[metaDiscard]; reason != "" {
		return "its sync failed: " + reason, nil
	}
	if code := meta[metaRefused]; code != "" && code != fp.Accepted {
		return "its sync was rejected and needs --allow-drop " + code, nil
	}
	var ok string
	if err := db.pool.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&ok); err != nil {
		return "", err
	}
	if ok != "ok" {
		return "it is damaged: " + ok, nil
	}
	db.info = syncer.Info{SyncID: meta[metaSyncID], StartedAt: started, Resumed: meta[metaPhase] != string(syncer.PhaseNew)}
	return "", nil
}
