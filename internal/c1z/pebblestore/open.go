package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/segmentio/ksuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// formatVersion is the version of a directory that this package writes, and the newest
// that it reads. It is not "the newest that Pebble knows": readers that were released
// before would refuse that.
const formatVersion = pebble.FormatValueSeparation // 24

// What Pebble may read into memory when it opens a directory.
const (
	maxManifest = 64 << 20
	maxOptions  = 1 << 20
	maxLogs     = 64 << 20
)

// blockCache is the memory for blocks of one store.
const blockCache = 16 << 20

// Store is an open database. It is safe for concurrent use.
type Store struct {
	run   *storagev3.SyncRunRecord
	stats *storagev3.SyncStatsRecord

	mu     sync.RWMutex // closed only while nothing is read
	db     *pebble.DB
	closed bool

	homesOnce sync.Once
	homes     map[string][]home
	homesErr  error
}

// Open opens the database in a folder read-only. Files of a lock are made there, so
// nobody else may use the folder. An old database, whose keys name grants by their
// ids, is written anew beside the folder, and the folder then holds the new one.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := inspect(dir); err != nil {
		return nil, err
	}
	if err := checkSizes(ctx, dir); err != nil {
		return nil, err
	}
	s := &Store{}
	if err := s.open(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	legacy, err := s.stamps(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if legacy {
		if err := errors.Join(s.rebuild(ctx, dir), s.Close()); err != nil {
			return nil, err
		}
		s = &Store{}
		if err := s.open(dir); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if err := s.readRun(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// inspect looks at the files before Pebble does.
func inspect(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read unpacked archive: %w", err)
	}
	var logs int64
	var format, manifest string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("read unpacked archive: %w", err)
		}
		name, most := e.Name(), int64(0)
		switch {
		case strings.HasPrefix(name, formatMarker):
			format = max(format, strings.TrimPrefix(name, formatMarker))
		case strings.HasPrefix(name, manifestMarker):
			manifest = max(manifest, strings.TrimPrefix(name, manifestMarker))
		case strings.HasPrefix(name, manifestPrefix):
			most = maxManifest
		case strings.HasPrefix(name, "OPTIONS-"):
			most = maxOptions
		case strings.HasSuffix(name, ".log"):
			if logs += info.Size(); logs > maxLogs {
				return fmt.Errorf("%w: more than %d MiB of its rows were never sorted into tables; write it again with the program that made it", envelope.ErrTooLarge, maxLogs>>20)
			}
		}
		if most > 0 && info.Size() > most {
			return damaged("the file %s in it has %d bytes, more than the limit of %d", name, info.Size(), most)
		}
	}
	if format == "" || manifest == "" {
		return damaged("its database lacks the marker of its format or of its manifest, so that nothing says which of its files count")
	}
	_, version, _ := strings.Cut(format, ".")
	if n, err := strconv.Atoi(version); err != nil || n > int(formatVersion) {
		return fmt.Errorf("%w: its database is of format version %.10q, and versions up to %d are read", envelope.ErrUnsupported, version, formatVersion)
	}
	_, name, _ := strings.Cut(manifest, ".")
	if _, err := os.Stat(filepath.Join(dir, filepath.Base(name))); err != nil {
		return damaged("its database lacks the file %.40s that its marker names", name)
	}
	return nil
}

// open has Pebble open the folder.
func (s *Store) open(dir string) error {
	return guarded(func() (err error) {
		s.db, err = pebble.Open(dir, &pebble.Options{
			FS: guardFS{vfs.Default}, ReadOnly: true, Logger: quiet{}, CacheSize: blockCache, MaxOpenFiles: 256, DisableTableStats: true,
		})
		return err
	})
}

// Close gives the database up. Lists that are being read fail with [os.ErrClosed]. It
// may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed = true; s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	return guarded(db.Close)
}

// guarded calls Pebble. A panic of it, or an error of it that is not the machine's, is
// damage; so is memory that it reads where a block led it, and that is not there.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = damaged("its database cannot be read: %v", r)
		}
	}()
	return damage(f())
}

// damage turns an error about what a database holds into damage. The machine's own
// faults and the end of a context stay what they are.
func damage(err error) error {
	if err == nil {
		return nil
	}
	for _, own := range []error{
		context.Canceled, context.DeadlineExceeded, os.ErrClosed, envelope.ErrDamaged, envelope.ErrTooLarge, envelope.ErrUnsupported,
		syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE, syscall.EIO, syscall.ENOMEM, fs.ErrPermission,
	} {
		if errors.Is(err, own) {
			return err
		}
	}
	return damaged("its database cannot be read: %v", err)
}

// stamps checks the layout of the keys. It reports whether it is the old one.
func (s *Store) stamps(ctx context.Context) (legacy bool, err error) {
	keyspace, err := s.get(keyKeyspace)
	if err != nil {
		return false, err
	}
	if keyspace == nil {
		empty, err := s.empty(ctx)
		if err != nil || empty {
			return false, err
		}
		return false, fmt.Errorf("%w: its keys have no version, as before SDK v0.25", envelope.ErrUnsupported)
	}
	if string(keyspace) != stampCurrent {
		return false, fmt.Errorf("%w: the version of its keys is %x, and 00000002 is read", envelope.ErrUnsupported, keyspace[:min(len(keyspace), 16)])
	}
	ids, err := s.get(keyIDFormat)
	if err != nil {
		return false, err
	}
	switch string(ids) {
	case stampCurrent:
		return false, nil
	case "", stampLegacy:
		return true, nil
	default:
		return false, fmt.Errorf("%w: the version of its keys of grants is %x, and 00000002 is read", envelope.ErrUnsupported, ids[:min(len(ids), 16)])
	}
}

// readRun reads the record of the sync and its counts.
func (s *Store) readRun() error {
	value, err := s.get(keySyncRun)
	if err != nil || value == nil {
		return err
	}
	run, err := decode[storagev3.SyncRunRecord](value)
	if err != nil {
		return fmt.Errorf("the record of its sync: %w", err)
	}
	if id, err := ksuid.Parse(run.GetSyncId()); err != nil || id.String() != run.GetSyncId() {
		return damaged("the id of its sync, %.40q, is not a KSUID", run.GetSyncId())
	}
	if len(run.GetParentSyncId())+len(run.GetLinkedSyncId()) > 2*maxID {
		return damaged("an id of its sync has more than %d bytes", maxID)
	}
	for _, t := range []*timestamppb.Timestamp{run.GetStartedAt(), run.GetEndedAt()} {
		if t == nil {
			continue
		}
		if err := t.CheckValid(); err != nil {
			return damaged("a time of its sync is invalid: %v", err)
		}
	}
	s.run = run
	if value, err = s.get(keyStats); err != nil || value == nil {
		return err
	}
	// Counts that cannot be read are as good as none.
	if stats, err := decode[storagev3.SyncStatsRecord](value); err == nil && stats.GetSyncId() == run.GetSyncId() {
		s.stats = stats
	}
	return nil
}

// Run is the sync that the database holds; nil where it holds none.
func (s *Store) Run() *storagev3.SyncRunRecord { return s.run }

// StoredStats are the counts that the database tells of its sync; nil where it tells
// none.
func (s *Store) StoredStats() *storagev3.SyncStatsRecord { return s.stats }

// get returns a copy of a value, nil where there is none.
func (s *Store) get(key string) (value []byte, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, os.ErrClosed
	}
	err = guarded(func() error {
		v, closer, err := s.db.Get([]byte(key))
		if errors.Is(err, pebble.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		value = append([]byte{}, v...)
		return closer.Close()
	})
	if len(value) > maxValue {
		return nil, damaged("a record in it has %d bytes, more than the limit of %d", len(value), maxValue)
	}
	return value, err
}

// empty reports whether the database has no key of an archive.
func (s *Store) empty(ctx context.Context) (bool, error) {
	empty := true
	err := s.walk(ctx, span{from: []byte{3}, to: []byte{4}}, 1, func(_, _ []byte) error {
		empty = false
		return nil
	})
	return empty, err
}
