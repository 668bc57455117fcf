package pebblestore

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"
)

// maxBlock is the most bytes that a block of a table may have, unpacked. Blocks of
// records have some tens of kilobytes and one record more; those of a filter or of an
// index may have megabytes.
const maxBlock = 64 << 20

// guardFS is the file system of a directory from elsewhere. It looks at each block of a
// table before Pebble unpacks it, since a block says itself how much memory it wants.
type guardFS struct{ vfs.FS }

// Open implements [vfs.FS].
func (g guardFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := g.FS.Open(name, opts...)
	if ext := filepath.Ext(name); err != nil || ext != ".sst" && ext != ".blob" {
		return f, err
	}
	return guardFile{f}, nil
}

// Unwrap implements [vfs.FS].
func (g guardFS) Unwrap() vfs.FS { return g.FS }

type guardFile struct{ vfs.File }

// ReadAt implements [io.ReaderAt]. Pebble reads a block at a time: its bytes, how they
// are compressed, and a checksum of four bytes.
func (f guardFile) ReadAt(p []byte, offset int64) (int, error) {
	if len(p) > maxBlock {
		return 0, damaged("a table in it has a block of %d bytes, more than the limit of %d", len(p), maxBlock)
	}
	n, err := f.File.ReadAt(p, offset)
	if err != nil || len(p) < block.TrailerLen {
		return n, err
	}
	end := len(p) - block.TrailerLen
	switch kind := block.CompressionIndicator(p[end]); kind {
	case block.SnappyCompressionIndicator, block.ZstdCompressionIndicator, block.MinLZCompressionIndicator:
		size, err := block.DecompressedLen(kind, p[:end])
		if err == nil && kind == block.ZstdCompressionIndicator {
			size = max(size, mostOfZstd(p[:end]))
		}
		if err == nil && (size < 0 || size > maxBlock) {
			return 0, damaged("a block of a table in it unpacks to %d bytes, more than the limit of %d", size, maxBlock)
		}
	}
	return n, nil
}

// maxZstdBlock is the most bytes that a block of zstd unpacks to.
const maxZstdBlock = 128 << 10

// mostOfZstd is the most bytes that zstd frames behind a length unpack to. Pebble takes
// what comes, whatever the length says. Frames that cannot be read are not unpacked
// beyond the place where that shows.
func mostOfZstd(b []byte) (most int) {
	_, n := binary.Uvarint(b)
	b = b[max(n, 0):]
	for len(b) > 0 {
		var h zstd.Header
		if h.Decode(b) != nil || h.HeaderSize > len(b) {
			return most
		}
		if h.HasFCS && h.FrameContentSize > maxBlock {
			return math.MaxInt
		}
		b = b[h.HeaderSize:]
		if h.Skippable {
			b = b[min(int(h.SkippableSize), len(b)):]
			continue
		}
		for last := false; !last; {
			if len(b) < 3 {
				return most
			}
			head := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
			kind, size := head>>1&3, head>>3
			last, b = head&1 == 1, b[3:]
			switch kind {
			case 0: // as it is
				most += size
			case 1: // one byte, so often
				most, size = most+size, 1
			default:
				most += maxZstdBlock
			}
			b = b[min(size, len(b)):]
		}
		if h.HasCheckSum {
			b = b[min(4, len(b)):]
		}
	}
	return most
}

// quiet is a log for Pebble that nobody reads. What would end the process is a panic,
// which becomes damage.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// Wanted reports whether a file of a payload is one that Pebble reads. Others, and
// whatever is in a folder, are nothing of the database.
func Wanted(name string) bool {
	digits := func(s string) bool {
		return len(s) >= 6 && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
	}
	for _, ext := range []string{".sst", ".blob", ".log"} {
		if number, ok := strings.CutSuffix(name, ext); ok {
			return digits(number)
		}
	}
	for _, prefix := range []string{manifestPrefix, "OPTIONS-"} {
		if number, ok := strings.CutPrefix(name, prefix); ok {
			return digits(number)
		}
	}
	for _, prefix := range []string{formatMarker, manifestMarker} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			count, value, ok := strings.Cut(rest, ".")
			return ok && digits(count) && len(value) <= 64 && strings.Trim(value, "0123456789-MANIFEST") == ""
		}
	}
	return false
}

// The markers of a directory, up to the number that goes up with each change of one.
const (
	formatMarker   = "marker.format-version."
	manifestMarker = "marker.manifest."
	manifestPrefix = "MANIFEST-"
)
