// Package workdb keeps a sync on disk while it is read: the rows that have
// arrived and the pages that are still to be read, in one SQLite database beside
// the archive. One transaction stores the rows of a page and the end of its token,
// so that a process that is killed at any moment loses nothing but pages that were
// under way.
//
// The database belongs to one process at a time; the caller holds a lock.
package workdb

import (
	"context"
	"errors"
	"log/slog"
)

// Fingerprint tells whether a database can be resumed: all of it must be equal.
type Fingerprint struct {
	// Organization is the id of the organisation.
	Organization string
	// Host is the host that is read.
	Host string
	// Settings are those that change what is read, in a stable form: resource
	// types, targets, merging and skipping.
	Settings string
	// Version is that of the program.
	Version string
}

// DB is a work database. It implements syncer.Store.
type DB struct{}

// Open opens the work database in a folder, which it makes where it is missing. A
// database that was left behind is resumed when its fingerprint is equal, it is
// not older than 24 hours, it is undamaged and its sync did not fail for good;
// otherwise it is discarded with one log line that says why.
func Open(ctx context.Context, dir string, fp Fingerprint, logger *slog.Logger) (*DB, error) {
	return nil, errors.ErrUnsupported
}

// Close closes the database and keeps it for another run.
func (db *DB) Close() error { return nil }

// Remove closes the database and removes its files, and its folder when that is
// empty then.
func (db *DB) Remove() error { return nil }
