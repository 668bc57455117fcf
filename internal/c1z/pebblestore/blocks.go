package pebblestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/sstable/colblk"
	"github.com/cockroachdb/pebble/v2/sstable/rowblk"
	"github.com/cockroachdb/pebble/v2/sstable/valblk"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// checkSizes looks at what the files of a folder say of the sizes and places of what is
// in them. Pebble takes as much memory as a block is said to have before it reads any of
// it, and the process ends where there is not that much.
func checkSizes(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read unpacked archive: %w", err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(dir, e.Name())
		err := guarded(func() error {
			switch ext := filepath.Ext(path); {
			case ext == ".sst":
				return withBlocks(path, (*blocks).checkTable)
			case ext == ".blob":
				return withBlocks(path, (*blocks).checkBlob)
			case ext == ".log", strings.HasPrefix(e.Name(), manifestPrefix):
				return checkRecords(path)
			default:
				return nil
			}
		})
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	return nil
}

// blocks reads blocks of one file.
type blocks struct {
	f    io.ReaderAt
	size uint64
}

func withBlocks(path string, check func(*blocks) error) error {
	f, err := guardFS{vfs.Default}.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return check(&blocks{f: f, size: uint64(info.Size())})
}

// in refuses a block that is not within the file, or too large.
func (b *blocks) in(h block.Handle) error {
	if h.Length > maxBlock {
		return damaged("a block of a table claims %d bytes, more than the limit of %d", h.Length, maxBlock)
	}
	if h.Offset > b.size || h.Length+block.TrailerLen > b.size-h.Offset {
		return damaged("a block of a table lies outside its file")
	}
	return nil
}

// read returns the content of a block.
func (b *blocks) read(h block.Handle) ([]byte, error) {
	if err := b.in(h); err != nil {
		return nil, err
	}
	raw := make([]byte, h.Length+block.TrailerLen)
	if _, err := b.f.ReadAt(raw, int64(h.Offset)); err != nil {
		return nil, err
	}
	kind, content := block.CompressionIndicator(raw[h.Length]), raw[:h.Length]
	if kind == block.NoCompressionIndicator {
		return content, nil
	}
	size, err := block.DecompressedLen(kind, content)
	if err != nil {
		return nil, err
	}
	content = make([]byte, size) // The file has looked at it.
	return content, block.DecompressInto(kind, raw[:h.Length], content)
}

// The ends of tables: how a table is told, and how long its footer is.
const (
	magicLevelDB = "\x57\xfb\x80\x8b\x24\x75\x47\xdb"
	magicRocksDB = "\xf7\xcf\xf4\x85\xb7\x41\xe2\x88"
	magicPebble  = "\xf0\x9f\xaa\xb3\xf0\x9f\xaa\xb3"
	magicLen     = 8

	footerLevelDB = 48
	footerRocksDB = 53
	footerSummed  = footerRocksDB + 4 // with a checksum
	footerFlagged = footerSummed + 4  // and with attributes

	columnarBlocks     = 5 // the first version of Pebble's tables with columnar indexes
	columnarMetaindex  = 6
	columnarProperties = 7
)

// checkTable follows the handles of a table as Pebble does, but for the data itself.
func (b *blocks) checkTable() error {
	version, handles, err := b.footer()
	if err != nil {
		return err
	}
	metaindex, n := block.DecodeHandle(handles)
	index, m := block.DecodeHandle(handles[max(n, 0):])
	if n <= 0 || m <= 0 {
		return damaged("the footer of a table cannot be read")
	}
	entries, err := b.pairs(metaindex, version >= columnarMetaindex)
	if err != nil {
		return err
	}
	twoLevels := false
	for name, value := range entries {
		h, n := block.DecodeHandle(value)
		if n <= 0 {
			return damaged("the index of meta blocks of a table cannot be read")
		}
		switch err := b.in(h); {
		case err != nil:
			return err
		case string(name) == "rocksdb.properties":
			if twoLevels, err = b.hasTwoLevels(h, version); err != nil {
				return err
			}
		case string(name) == "pebble.value_index":
			if err := b.checkValues(value); err != nil {
				return err
			}
		}
	}
	return b.checkIndex(index, version >= columnarBlocks, twoLevels)
}

// footer returns the version of a table, 0 for those older than Pebble's, and the
// handles in its footer.
func (b *blocks) footer() (version uint32, handles []byte, err error) {
	raw := make([]byte, min(footerFlagged, b.size))
	if _, err := b.f.ReadAt(raw, int64(b.size)-int64(len(raw))); err != nil {
		return 0, nil, err
	}
	if len(raw) < footerLevelDB {
		return 0, nil, damaged("a table is cut short")
	}
	size := footerLevelDB
	switch string(raw[len(raw)-magicLen:]) {
	case magicLevelDB:
		return 0, raw[len(raw)-size:], nil
	case magicRocksDB:
		size = footerRocksDB
	case magicPebble:
		version = binary.LittleEndian.Uint32(raw[len(raw)-magicLen-4:])
		switch {
		case version >= columnarProperties:
			size = footerFlagged
		case version >= columnarMetaindex:
			size = footerSummed
		default:
			size = footerRocksDB
		}
	default:
		return 0, nil, damaged("a table ends as none does")
	}
	if len(raw) < size {
		return 0, nil, damaged("a table is cut short")
	}
	return version, raw[len(raw)-size+1:], nil // The kind of checksums stands in front.
}

// pairs reads a block of names and values.
func (b *blocks) pairs(h block.Handle, columnar bool) (iter.Seq2[[]byte, []byte], error) {
	content, err := b.read(h)
	if err != nil {
		return nil, err
	}
	if columnar {
		var d colblk.KeyValueBlockDecoder
		d.Init(content)
		return d.All(), nil
	}
	rows, err := rowblk.NewRawIter(bytes.Compare, content)
	if err != nil {
		return nil, err
	}
	return rows.All(), nil
}

// hasTwoLevels reports whether the index of a table is one of indexes.
func (b *blocks) hasTwoLevels(properties block.Handle, version uint32) (bool, error) {
	entries, err := b.pairs(properties, version >= columnarProperties)
	if err != nil {
		return false, err
	}
	for name, value := range entries {
		if string(name) == "rocksdb.block.based.table.index.type" && len(value) >= 4 && binary.LittleEndian.Uint32(value) == 2 {
			return true, nil
		}
	}
	return false, nil
}

// checkIndex checks the blocks of an index, and of the indexes that it leads to.
func (b *blocks) checkIndex(h block.Handle, columnar, twoLevels bool) error {
	content, err := b.read(h)
	if err != nil {
		return err
	}
	var rows interface {
		Init(c *pebble.Comparer, content []byte, transforms block.IterTransforms) error
		First() bool
		Next() bool
		BlockHandleWithProperties() (block.HandleWithProperties, error)
	} = new(rowblk.IndexIter)
	if columnar {
		rows = new(colblk.IndexIter)
	}
	if err := rows.Init(pebble.DefaultComparer, content, block.NoTransforms); err != nil {
		return err
	}
	end := uint64(0)
	for ok := rows.First(); ok; ok = rows.Next() {
		row, err := rows.BlockHandleWithProperties()
		if err != nil {
			return err
		}
		if err := b.in(row.Handle); err != nil {
			return err
		}
		if row.Offset < end { // Else a few bytes could be any number of blocks.
			return damaged("the blocks of a table lie over one another")
		}
		end = row.Offset + row.Length + block.TrailerLen
		if twoLevels {
			if err := b.checkIndex(row.Handle, columnar, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkValues checks the blocks of values that are kept apart from their keys.
func (b *blocks) checkValues(value []byte) error {
	index, _, err := valblk.DecodeIndexHandle(value)
	if err != nil {
		return err
	}
	if index.RowWidth() == 0 {
		return damaged("the index of values of a table cannot be read")
	}
	content, err := b.read(index.Handle)
	if err != nil {
		return err
	}
	handles, err := valblk.DecodeIndex(content, index)
	if err != nil {
		return err
	}
	for _, h := range handles {
		if err := b.in(h); err != nil {
			return err
		}
	}
	return nil
}

// The footer of a file of values, and its index.
const (
	footerBlob      = 38
	blobIndexHeader = 4 // in front of the columns
	blobOffsets     = 1 // the column of offsets, one more than there are blocks
)

// checkBlob checks the blocks of a file of values.
func (b *blocks) checkBlob() error {
	footer := make([]byte, footerBlob)
	if b.size < footerBlob {
		return damaged("a file of values is cut short")
	}
	if _, err := b.f.ReadAt(footer, int64(b.size)-footerBlob); err != nil {
		return err
	}
	content, err := b.read(block.Handle{Offset: binary.LittleEndian.Uint64(footer[4:]), Length: binary.LittleEndian.Uint64(footer[12:])})
	if err != nil {
		return err
	}
	var d colblk.BlockDecoder
	d.Init(content, blobIndexHeader)
	offsets := colblk.DecodeColumn(&d, blobOffsets, d.Rows()+1, colblk.DataTypeUint, colblk.DecodeUnsafeUints)
	for i := range d.Rows() {
		from, to := offsets.At(i), offsets.At(i+1)
		if to < from || to-from < block.TrailerLen {
			return damaged("the blocks of a file of values lie over one another")
		}
		if err := b.in(block.Handle{Offset: from, Length: to - from - block.TrailerLen}); err != nil {
			return err
		}
	}
	return nil
}
