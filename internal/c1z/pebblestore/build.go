package pebblestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/spillsort"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

const (
	// tableSize is after how many bytes of rows a table ends.
	tableSize = 128 << 20
	// blockSize is that of the public SDK. Tables are not compressed: the archive is,
	// and comes out smaller so.
	blockSize = 32 << 10
	// The memory of the sorts of rows and of index keys, twice each.
	rowArena   = 8 << 20
	indexArena = 2 << 20
	// sortWorkers is how many sorts work in the background at once.
	sortWorkers = 2
)

// The errors of a row that cannot be stored.
var (
	// ErrNoID means that a row lacks an id that its key is made of.
	ErrNoID = errors.New("an id is missing")
	// ErrDuplicate means that two rows have the same key.
	ErrDuplicate = errors.New("duplicate id")
	// ErrTooLarge means that a row has more bytes than a reader takes.
	ErrTooLarge = errors.New("row too large")
)

// BuildOptions says how a database is written.
type BuildOptions struct {
	// Dir is a folder that does not exist yet; the database is made there.
	Dir string
	// SpillDir is an existing folder for sorts.
	SpillDir string
	// DiscoveredAt is the time in all rows.
	DiscoveredAt time.Time
	// MergeGrants unites grants of the same entitlement and principal; else they are
	// [ErrDuplicate].
	MergeGrants bool
}

// Builder writes a database. Rows may come in any order. After an error only Close is
// left. A Builder is not safe for concurrent use.
type Builder struct {
	opts  BuildOptions
	at    *timestamppb.Timestamp
	rawAt []byte // at, encoded
	rows  *spillsort.Sorter
	index *spillsort.Sorter
	size  int64
	// merged counts the grants that were united with others.
	merged int64

	key, item, value []byte
}

// NewBuilder begins a database.
func NewBuilder(opts BuildOptions) (*Builder, error) {
	if err := os.Mkdir(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the database: %w", err)
	}
	slots := make(chan struct{}, sortWorkers)
	b := &Builder{
		opts: opts, at: timestamppb.New(opts.DiscoveredAt),
		rows: spillsort.New(opts.SpillDir, rowArena, slots), index: spillsort.New(opts.SpillDir, indexArena, slots),
	}
	var err error
	if b.rawAt, err = proto.Marshal(b.at); err != nil {
		return nil, fmt.Errorf("encode time: %w", err)
	}
	return b, nil
}

// Size is the bytes of the rows and index keys so far, which is about those of the
// database.
func (b *Builder) Size() int64 { return b.size }

// DiscoveredAt is the time in all rows.
func (b *Builder) DiscoveredAt() *timestamppb.Timestamp { return b.at }

// Merged is how many grants were united with others, once the database is finished.
func (b *Builder) Merged() int64 { return b.merged }

// Close removes what was spilled.
func (b *Builder) Close() error { return errors.Join(b.rows.Close(), b.index.Close()) }

// PutResourceType adds a resource type.
func (b *Builder) PutResourceType(m *v2.ResourceType) error {
	if m.GetId() == "" {
		return ErrNoID
	}
	return b.put(appendPart(append(b.key[:0], familyResourceType...), m.GetId()), resourceTypeRecord(m, b.at))
}

// PutResource adds a resource.
func (b *Builder) PutResource(m *v2.Resource) error {
	id, parent := m.GetId(), m.GetParentResourceId()
	if id.GetResourceType() == "" || id.GetResource() == "" {
		return ErrNoID
	}
	if parent.GetResource() != "" {
		b.key = appendParts(append(b.key[:0], indexByParent...), parent.GetResourceType(), parent.GetResource(), id.GetResourceType(), id.GetResource())
		if err := b.putIndex(b.key); err != nil {
			return err
		}
	}
	return b.put(appendParts(append(b.key[:0], familyResource...), id.GetResourceType(), id.GetResource()), resourceRecord(m, b.at))
}

// PutEntitlement adds an entitlement.
func (b *Builder) PutEntitlement(m *v2.Entitlement) error {
	id := m.GetResource().GetId()
	if m.GetId() == "" || id.GetResourceType() == "" || id.GetResource() == "" {
		return fmt.Errorf("%w: its own or that of its resource %q:%q", ErrNoID, id.GetResourceType(), id.GetResource())
	}
	key := appendEntitlement(append(b.key[:0], familyEntitlement...), id.GetResourceType(), id.GetResource(), m.GetId())
	return b.put(key, entitlementRecord(m, b.at))
}

// PutGrant adds a grant whose GrantExpandable, if it has one that names an entitlement,
// was taken out of its annotations.
func (b *Builder) PutGrant(m *v2.Grant, expansion *v2.GrantExpandable) error {
	resource, principal := m.GetEntitlement().GetResource().GetId(), m.GetPrincipal().GetId()
	g := grantKey{resource.GetResourceType(), resource.GetResource(), m.GetEntitlement().GetId(), principal.GetResourceType(), principal.GetResource()}
	if slices.Contains(g[:], "") {
		return fmt.Errorf("%w: entitlement %q of %q:%q, principal %q:%q", ErrNoID, g[2], g[0], g[1], g[3], g[4])
	}
	var err error
	if b.value, err = b.appendGrant(b.value[:0], g, m, expansion); err != nil {
		return err
	}
	if err := b.indexGrant(g, expansion != nil); err != nil {
		return err
	}
	b.key = appendGrant(append(b.key[:0], familyGrant...), g[0], g[1], g[2], g[3], g[4])
	return b.putRow(b.key, b.value)
}

// grantKey is the type and the id of the entitlement's resource, the entitlement, and
// the type and the id of the principal.
type grantKey [5]string

// indexGrant adds the index keys of a grant.
func (b *Builder) indexGrant(g grantKey, expands bool) error {
	b.key = appendParts(append(b.key[:0], indexByPrincipal...), g[3], g[4])
	b.key = appendEntitlement(b.key, g[0], g[1], g[2])
	if err := b.putIndex(b.key); err != nil {
		return err
	}
	if !expands {
		return nil
	}
	b.key = appendGrant(append(b.key[:0], indexToExpand...), g[0], g[1], g[2], g[3], g[4])
	return b.putIndex(b.key)
}

// PutAsset adds a picture.
func (b *Builder) PutAsset(r *storagev3.AssetRecord) error {
	if r.GetExternalId() == "" {
		return ErrNoID
	}
	return b.put(appendPart(append(b.key[:0], familyAsset...), r.GetExternalId()), r)
}

// put adds a record. The key is kept for the next one.
func (b *Builder) put(key []byte, r proto.Message) (err error) {
	b.key = key
	if b.value, err = (proto.MarshalOptions{Deterministic: true}).MarshalAppend(b.value[:0], r); err != nil {
		return fmt.Errorf("encode %s: %w", r.ProtoReflect().Descriptor().Name(), err)
	}
	return b.putRow(key, b.value)
}

// putRow gives a row to the sort: the key, a zero, the value, and the length of the
// key. The zero sorts a key in front of all that go on, since keys of a family have the
// same number of parts and no zero is within the last one.
func (b *Builder) putRow(key, value []byte) error {
	if len(value) > maxValue-maxKey {
		return fmt.Errorf("%w: it has %d bytes, and readers take %d", ErrTooLarge, len(value), maxValue-maxKey)
	}
	b.size += int64(len(key) + len(value))
	b.item = append(append(append(b.item[:0], key...), separator), value...)
	b.item = binary.BigEndian.AppendUint32(b.item, uint32(len(key)))
	return b.rows.Add(b.item)
}

func (b *Builder) putIndex(key []byte) error {
	b.size += int64(len(key))
	return b.index.Add(key)
}

// Finish writes the tables, and the record and the counts of the sync. The counts of
// resources and so on must be those of the rows; grants are counted here.
func (b *Builder) Finish(ctx context.Context, run *storagev3.SyncRunRecord, stats *storagev3.SyncStatsRecord) error {
	t := &tables{ctx: ctx, dir: b.opts.SpillDir}
	err := b.write(t, run, stats)
	if err = errors.Join(err, t.close()); err != nil {
		return fmt.Errorf("write in %s: %w", b.opts.Dir, err)
	}
	return b.ingest(ctx, t.paths)
}

func (b *Builder) write(t *tables, run *storagev3.SyncRunRecord, stats *storagev3.SyncStatsRecord) error {
	last := row{}
	flush := func() error {
		if last.key == nil {
			return nil
		}
		return t.add(last.key, last.value)
	}
	err := b.rows.Each(func(item []byte) error {
		key, value, err := splitItem(item)
		if err != nil {
			return err
		}
		if bytes.Equal(key, last.key) {
			return b.merge(&last, value, stats)
		}
		if err := flush(); err != nil {
			return err
		}
		last.key, last.value = append(last.key[:0], key...), append(last.value[:0], value...)
		return nil
	})
	if err := errors.Join(err, flush()); err != nil {
		return err
	}
	if run != nil {
		if err := t.message(keySyncRun, run); err != nil {
			return err
		}
	}
	var previous []byte
	err = b.index.Each(func(key []byte) error {
		if bytes.Equal(previous, key) { // Of grants that were merged.
			return nil
		}
		previous = append(previous[:0], key...)
		return t.add(key, nil)
	})
	if err != nil {
		return err
	}
	if err := errors.Join(t.add([]byte(keyIDFormat), []byte(stampCurrent)), t.add([]byte(keyKeyspace), []byte(stampCurrent))); err != nil {
		return err
	}
	if stats == nil {
		return nil
	}
	return t.message(keyStats, stats)
}

// row is a key with its value.
type row struct{ key, value []byte }

// merge unites a row with another of the same key.
func (b *Builder) merge(last *row, value []byte, stats *storagev3.SyncStatsRecord) error {
	if !b.opts.MergeGrants || !strings.HasPrefix(string(last.key), familyGrant) {
		return fmt.Errorf("%w: two rows have the key %q", ErrDuplicate, last.key)
	}
	merged, resourceType, err := mergeGrants(last.value, value)
	if err != nil {
		return err
	}
	last.value = merged
	b.merged++
	if stats != nil {
		stats.Grants--
		stats.GrantsByEntitlementResourceType[resourceType]--
	}
	return nil
}

// splitItem takes apart what putRow made.
func splitItem(item []byte) (key, value []byte, err error) {
	end := len(item) - 4
	if end < 1 {
		return nil, nil, spillsort.ErrLost
	}
	n := int(binary.BigEndian.Uint32(item[end:]))
	if n >= end {
		return nil, nil, spillsort.ErrLost
	}
	return item[:n], item[n+1 : end], nil
}

// pebbleOptions are those of a database that is written.
func pebbleOptions() *pebble.Options {
	return &pebble.Options{
		FormatMajorVersion: formatVersion, Logger: quiet{}, CacheSize: 1 << 20, MaxOpenFiles: 64,
		DisableWAL: true, DisableAutomaticCompactions: true, DisableTableStats: true,
	}
}

// ingest makes a database of tables.
func (b *Builder) ingest(ctx context.Context, paths []string) error {
	err := guarded(func() (err error) {
		db, err := pebble.Open(b.opts.Dir, pebbleOptions())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		if err := db.Ingest(ctx, paths); err != nil {
			return err
		}
		return db.Flush()
	})
	if err != nil {
		return fmt.Errorf("write in %s: %w", b.opts.Dir, err)
	}
	return nil
}

// Files are the files of a finished database that belong into an archive.
func Files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the new database: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); Wanted(name) && !strings.HasSuffix(name, ".log") {
			names = append(names, name)
		}
	}
	return names, nil
}

// tables writes rows, which come in the order of their keys, into tables of a bounded
// size.
type tables struct {
	ctx   context.Context //nolint:containedctx // It lives as long as one call of Finish.
	dir   string
	w     *sstable.Writer
	size  int
	paths []string
}

func (t *tables) message(key string, m proto.Message) error {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return t.add([]byte(key), value)
}

func (t *tables) add(key, value []byte) error {
	if t.w == nil || t.size > tableSize {
		if err := t.next(); err != nil {
			return err
		}
	}
	t.size += len(key) + len(value)
	return t.w.Set(key, value)
}

// next begins a table.
func (t *tables) next() error {
	if err := errors.Join(t.ctx.Err(), t.close()); err != nil {
		return err
	}
	path := filepath.Join(t.dir, fmt.Sprintf("table-%06d.sst", len(t.paths)))
	f, err := vfs.Default.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	t.paths, t.size = append(t.paths, path), 0
	opts := pebbleOptions()
	opts.EnsureDefaults()
	writer := opts.MakeWriterOptions(0, formatVersion.MaxTableFormat())
	writer.BlockSize, writer.IndexBlockSize, writer.Compression = blockSize, blockSize, sstable.NoCompression
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), writer)
	return nil
}

func (t *tables) close() error {
	if t.w == nil {
		return nil
	}
	w := t.w
	t.w = nil
	return w.Close()
}
