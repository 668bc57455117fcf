package pebblestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/sstable/colblk"
	"github.com/cockroachdb/pebble/v2/sstable/rowblk"
	"github.com/klauspost/compress/zstd"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
)

// table is a table whose blocks are changed.
type table struct {
	path         string
	body, footer []byte
	version      uint32
}

// tableOf reads the one table of a database.
func tableOf(t *testing.T, dir string) *table {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(found) != 1 {
		t.Fatalf("tables %v: %v", found, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	version, size := binary.LittleEndian.Uint32(raw[len(raw)-magicLen-4:]), footerRocksDB
	if version >= columnarProperties {
		size = footerFlagged
	}
	return &table{path: found[0], body: raw[:len(raw)-size], footer: slices.Clone(raw[len(raw)-size:]), version: version}
}

// sum is the checksum of tables.
func sum(parts ...[]byte) uint32 {
	c := uint32(0)
	for _, p := range parts {
		c = crc32.Update(c, crc32.MakeTable(crc32.Castagnoli), p)
	}
	return (c>>15 | c<<17) + 0xa282ead8
}

// put adds a block.
func (b *table) put(kind block.CompressionIndicator, content []byte) block.Handle {
	h := block.Handle{Offset: uint64(len(b.body)), Length: uint64(len(content))}
	b.body = append(append(b.body, content...), byte(kind))
	b.body = binary.LittleEndian.AppendUint32(b.body, sum(content, []byte{byte(kind)}))
	return h
}

// handles are those in the footer.
func (b *table) handles() (metaindex, index block.Handle) {
	metaindex, n := block.DecodeHandle(b.footer[1:])
	index, _ = block.DecodeHandle(b.footer[1+n:])
	return metaindex, index
}

// save writes the table with other handles in its footer.
func (b *table) save(t *testing.T, metaindex, index block.Handle) {
	t.Helper()
	clear(b.footer[1:41])
	n := metaindex.EncodeVarints(b.footer[1:])
	index.EncodeVarints(b.footer[1+n:])
	if b.version >= columnarProperties {
		binary.LittleEndian.PutUint32(b.footer[45:], sum(b.footer[:45], b.footer[49:]))
	}
	if err := os.WriteFile(b.path, append(b.body, b.footer...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// index adds an index of blocks.
func (b *table) index(t *testing.T, handles ...block.Handle) block.Handle {
	t.Helper()
	if b.version >= columnarBlocks {
		var w colblk.IndexBlockWriter
		w.Init()
		for i, h := range handles {
			w.AddBlockHandle(fmt.Appendf(nil, "key %d", i), h, nil)
		}
		return b.put(block.NoCompressionIndicator, w.Finish(len(handles)))
	}
	w := rowblk.Writer{RestartInterval: 1}
	for i, h := range handles {
		value := make([]byte, 20)
		if err := w.AddRawString(fmt.Sprintf("key %d        ", i), value[:h.EncodeVarints(value)]); err != nil {
			t.Fatal(err)
		}
	}
	return b.put(block.NoCompressionIndicator, w.Finish())
}

// metaindex adds an index of meta blocks.
func (b *table) metaindex(name string, h block.Handle) block.Handle {
	value := make([]byte, 20)
	var w colblk.KeyValueBlockWriter
	w.Init()
	w.AddKV([]byte(name), value[:h.EncodeVarints(value)])
	return b.put(block.NoCompressionIndicator, w.Finish(1))
}

// TestBlocksThatAreNot says of blocks that they are larger than memory, lie elsewhere or
// over one another, or unpack to more than they say: each is refused before Pebble
// takes memory for it.
func TestBlocksThatAreNot(t *testing.T) {
	t.Parallel()
	const huge = 1 << 45
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	bomb := enc.EncodeAll(make([]byte, 2*maxBlock), binary.AppendUvarint(nil, 10))
	unsized := []byte{10, 0x28, 0xb5, 0x2f, 0xfd, 0, 0x58} // a frame that does not say its size, of blocks of one byte repeated
	for range 2 * maxBlock / maxZstdBlock {
		unsized = append(unsized, 2|maxZstdBlock<<3&0xff, maxZstdBlock>>5&0xff, maxZstdBlock>>13, 0)
	}
	far := block.Handle{Offset: math.MaxUint64 - 10, Length: 20}
	for name, test := range map[string]struct {
		change func(t *testing.T, b *table)
		rows   bool // of the older tables, whose blocks are rows
		says   string
	}{
		"large metaindex": {change: func(t *testing.T, b *table) {
			_, index := b.handles()
			b.save(t, block.Handle{Length: huge}, index)
		}, says: "claims 35184372088832 bytes"},
		"far metaindex": {change: func(t *testing.T, b *table) {
			_, index := b.handles()
			b.save(t, far, index)
		}, says: "outside its file"},
		"large index": {change: func(t *testing.T, b *table) {
			meta, _ := b.handles()
			b.save(t, meta, block.Handle{Length: huge})
		}, says: "claims"},
		"large meta block": {change: func(t *testing.T, b *table) {
			_, index := b.handles()
			b.save(t, b.metaindex("rocksdb.range_del2", block.Handle{Length: huge}), index)
		}, says: "claims"},
		"large properties": {change: func(t *testing.T, b *table) {
			_, index := b.handles()
			b.save(t, b.metaindex("rocksdb.properties", block.Handle{Length: huge}), index)
		}, says: "claims"},
		"large index of values": {change: func(t *testing.T, b *table) {
			_, index := b.handles()
			b.save(t, b.metaindex("pebble.value_index", block.Handle{Length: huge}), index)
		}, says: "claims"},
		"large block": {change: func(t *testing.T, b *table) {
			meta, _ := b.handles()
			b.save(t, meta, b.index(t, block.Handle{Length: huge}))
		}, says: "claims"},
		"far block": {change: func(t *testing.T, b *table) {
			meta, _ := b.handles()
			b.save(t, meta, b.index(t, far))
		}, says: "outside its file"},
		"large block in a row": {rows: true, change: func(t *testing.T, b *table) {
			meta, _ := b.handles()
			b.save(t, meta, b.index(t, block.Handle{Length: huge}))
		}, says: "claims"},
		"a block again and again": {change: func(t *testing.T, b *table) {
			meta, _ := b.handles()
			b.save(t, meta, b.index(t, block.Handle{Length: 10}, block.Handle{Length: 10}))
		}, says: "over one another"},
		"an index that unpacks to more than it says": {change: func(t *testing.T, b *table) {
			meta, _ := b.handles()
			b.save(t, meta, b.put(block.ZstdCompressionIndicator, bomb))
		}, says: "unpacks to"},
		"an index that says nothing and unpacks to much": {change: func(t *testing.T, b *table) {
			meta, _ := b.handles()
			b.save(t, meta, b.put(block.ZstdCompressionIndicator, unsized))
		}, says: "unpacks to"},
		"another end": {change: func(t *testing.T, b *table) {
			b.footer[len(b.footer)-1] ^= 1
			b.save(t, block.Handle{}, block.Handle{})
		}, says: "ends as none does"},
		"hardly an end": {change: func(t *testing.T, b *table) {
			b.body, b.footer = nil, b.footer[50:]
			if err := os.WriteFile(b.path, b.footer, 0o600); err != nil {
				t.Fatal(err)
			}
		}, says: "cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := &pebble.Options{FormatMajorVersion: formatVersion}
			if test.rows {
				opts.FormatMajorVersion = pebble.FormatVirtualSSTables
			}
			g := grantRecord("g", "g1", "group:g1:member", "u1")
			dir := forge(t, opts, stamped(t, map[string][]byte{keyOf(g): encoded(t, g)}))
			b := tableOf(t, dir)
			if columnar := b.version >= columnarBlocks; columnar == test.rows {
				t.Fatalf("the table is of version %d", b.version)
			}
			test.change(t, b)
			_, err := readAll(t.Context(), dir)
			if !errors.Is(err, envelope.ErrDamaged) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}

// TestLargeTables reads tables of every version with an index of indexes, and values
// that are kept apart.
func TestLargeTables(t *testing.T) {
	t.Parallel()
	keys := stamped(t, nil)
	var want []string
	for i := range 3000 {
		g := grantRecord(fmt.Sprintf("grant %04d", i), "g1", "group:g1:member", fmt.Sprintf("u%04d", i))
		keys[keyOf(g)] = encoded(t, g)
		want = append(want, g.GetExternalId())
	}
	for _, version := range []pebble.FormatMajorVersion{pebble.FormatVirtualSSTables, 15, 16, 18, 19, 20, 21, 22, 23, formatVersion} {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			opts := &pebble.Options{FormatMajorVersion: version}
			for i := range opts.Levels {
				opts.Levels[i].BlockSize, opts.Levels[i].IndexBlockSize = 1<<10, 1<<10
			}
			if version == formatVersion {
				opts.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
					return pebble.ValueSeparationPolicy{Enabled: true, MinimumSize: 20, MaxBlobReferenceDepth: 5}
				}
			}
			dir := forge(t, opts, keys)
			if blobs, err := filepath.Glob(filepath.Join(dir, "*.blob")); err != nil || len(blobs) > 0 != (version == formatVersion) {
				t.Fatalf("blobs %v: %v", blobs, err)
			}
			if ids, err := readAll(t.Context(), dir); err != nil || !slices.Equal(ids, want) {
				t.Errorf("%d grants, %v", len(ids), err)
			}
		})
	}
}

// TestBlobsThatAreNot says of a block of values that it is larger than memory.
func TestBlobsThatAreNot(t *testing.T) {
	t.Parallel()
	opts := &pebble.Options{FormatMajorVersion: formatVersion}
	opts.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{Enabled: true, MinimumSize: 20, MaxBlobReferenceDepth: 5}
	}
	g := grantRecord("g", "g1", "group:g1:member", "u1")
	dir := forge(t, opts, stamped(t, map[string][]byte{keyOf(g): encoded(t, g)}))
	found, err := filepath.Glob(filepath.Join(dir, "*.blob"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v: %v", found, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	footer := raw[len(raw)-footerBlob:]
	binary.LittleEndian.PutUint64(footer[12:], 1<<45)
	binary.LittleEndian.PutUint32(footer, sum(footer[4:]))
	if err := os.WriteFile(found[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(t.Context(), dir); !errors.Is(err, envelope.ErrDamaged) || !strings.Contains(err.Error(), "claims") {
		t.Errorf("got %v", err)
	}
}

// TestRecordsThatAreNot says of keys, blobs and rows in a manifest and a log that there
// are more than memory can hold.
func TestRecordsThatAreNot(t *testing.T) {
	t.Parallel()
	number := func(b []byte, numbers ...uint64) []byte {
		for _, n := range numbers {
			b = binary.AppendUvarint(b, n)
		}
		return b
	}
	table := number(number(nil, 103, 6, 4, 1000, 1), 'k', 1, 'k', 1, 1)
	for name, test := range map[string]struct {
		file, says string
		record     []byte
	}{
		"comparer":     {"MANIFEST-000001", "its manifest claims more", number(nil, 1, 1<<45)},
		"key":          {"MANIFEST-000001", "its manifest claims more", number(nil, 103, 6, 4, 1000, 1<<45)},
		"key of range": {"MANIFEST-000001", "its manifest claims more", number(append(number(nil, 104, 6, 4, 1000), 1), 1<<45)},
		"field":        {"MANIFEST-000001", "its manifest claims more", number(slices.Clone(table), 6, 1<<45)},
		"blobs":        {"MANIFEST-000001", "its manifest claims more", number(slices.Clone(table), 69, 1, 1<<45)},
		"blobs again":  {"MANIFEST-000001", "its manifest claims more", number(slices.Clone(table), 69, 1, 1, 1, 1, 1, 5, 1<<40, 1<<45)},
		"rows": {
			"000099.log", "its log claims more rows",
			append(binary.LittleEndian.AppendUint32(make([]byte, 8), math.MaxUint32), make([]byte, 1000)...),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := forge(t, nil, stamped(t, nil))
			var b bytes.Buffer
			w := record.NewWriter(&b)
			if _, err := w.WriteRecord(test.record); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, test.file), b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readAll(t.Context(), dir); !errors.Is(err, envelope.ErrDamaged) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestKeysInAnotherOrder ends lists whose keys go back, which would never end.
func TestKeysInAnotherOrder(t *testing.T) {
	t.Parallel()
	keys := stamped(t, nil)
	for _, tail := range []string{"\xf1", "\xf2", "\xf3", "\xf4"} {
		keys[familyEntitlement+"\x00group\x00g1\x001\x00"+tail] = nil
	}
	opts := &pebble.Options{FormatMajorVersion: formatVersion}
	for i := range opts.Levels {
		opts.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	dir := forge(t, opts, keys)
	b := tableOf(t, dir)
	was := slices.Clone(b.body)
	one, three := bytes.IndexByte(b.body, 0xf1), bytes.IndexByte(b.body, 0xf3)
	if one < 0 || three < 0 {
		t.Fatal("the keys are not where they should be")
	}
	b.body[one], b.body[three] = b.body[three], b.body[one]
	var first block.Handle
	for length := three; length < len(was)-4 && first.Length == 0; length++ { // The block of data is the first one.
		if binary.LittleEndian.Uint32(was[length+1:]) == sum(was[:length+1]) {
			first.Length = uint64(length)
		}
	}
	if first.Length == 0 {
		t.Fatal("there is no block of data")
	}
	binary.LittleEndian.PutUint32(b.body[first.Length+1:], sum(b.body[:first.Length+1]))
	meta, index := b.handles()
	b.save(t, meta, index)
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Count(t.Context()); !errors.Is(err, envelope.ErrDamaged) || !strings.Contains(err.Error(), "not in order") {
		t.Errorf("got %v", err)
	}
}
