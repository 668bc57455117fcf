package c1z

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// readCache is the page cache of each connection of a reader, in KiB.
	readCache = 4 << 10
)

// openUnpacked opens an unpacked database that nobody changes. Several
// connections may read side by side.
func openUnpacked(path string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(fileURL(path, url.Values{
		"mode":      {"ro"},
		"immutable": {"1"},
		"_pragma": {
			"trusted_schema(off)",
			"cell_size_check(on)",
			"query_only(on)",
			"mmap_size(0)",
			fmt.Sprintf("cache_size(-%d)", readCache),
		},
		"_defensive": {"1"},
		"_dqs":       {"0"},
	}))
	if err != nil {
		return nil, fmt.Errorf("open unpacked archive: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(4)
	return db, nil
}

// bounded lends a connection of a pool on which no value of a file from
// elsewhere can be larger than maxValue and nothing can be attached.
func bounded(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for id, limit := range map[int]int{
		sqlite3.SQLITE_LIMIT_LENGTH:   maxValue,
		sqlite3.SQLITE_LIMIT_ATTACHED: 0,
	} {
		if _, err := sqlite.Limit(conn, id, limit); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// fileURL names a database file for SQLite, whatever characters are in its path.
func fileURL(path string, params url.Values) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	return u.String()
}

// damage turns an error of SQLite about what a file holds into [ErrDamaged]. The
// machine's own faults and the end of a context stay what they are.
func damage(err error) error {
	if err == nil {
		return nil
	}
	for _, own := range []error{context.Canceled, context.DeadlineExceeded, os.ErrClosed, sql.ErrConnDone, ErrDamaged} {
		if errors.Is(err, own) {
			return err
		}
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			return err
		case sqlite3.SQLITE_IOERR:
			if se.Code() != sqlite3.SQLITE_IOERR_SHORT_READ {
				return err
			}
		}
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
