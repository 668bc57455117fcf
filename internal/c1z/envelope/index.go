package envelope

import (
	"encoding/binary"
	"io"
	"path/filepath"
	"strings"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/encoding/protowire"

	c1zv3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/c1z/v3"
)

// footerSize is the bytes of the footer: where the index begins, its length, its
// hash, all big-endian, and footerMagic.
const footerSize = 8 + 4 + 8 + len(footerMagic)

// entry is a file in the index.
type entry struct {
	name           string
	offset, packed int64 // of the frame, from the beginning of the archive
	raw            int64
	xxh64          uint64
	sha256         [32]byte
	noSHA256       bool
}

// readIndex reads the index of an archive of so many bytes and checks each entry
// against it.
func readIndex(r io.ReaderAt, size int64, h head, limits Limits) ([]entry, error) {
	footer := make([]byte, footerSize)
	if err := readAt(r, footer, size-int64(footerSize), size, "its footer"); err != nil {
		return nil, err
	}
	if string(footer[20:]) != footerMagic {
		return nil, damaged("its footer is missing: the file is cut short, or bytes follow its end")
	}
	offset, length := binary.BigEndian.Uint64(footer), int64(binary.BigEndian.Uint32(footer[8:]))
	if length > maxIndex {
		return nil, damaged("its index claims %d bytes, more than the limit of %d", length, maxIndex)
	}
	end := size - int64(footerSize) - length
	if end < h.payload || offset != uint64(end) {
		return nil, damaged("its index does not fit the file")
	}
	raw := make([]byte, length)
	if err := readAt(r, raw, end, size, "its index"); err != nil {
		return nil, err
	}
	if xxhash.Sum64(raw) != binary.BigEndian.Uint64(footer[12:]) {
		return nil, damaged("the hash of its index is wrong")
	}
	entries, manifest, err := parseIndex(raw)
	if err != nil {
		return nil, err
	}
	if manifest != 0 && manifest != xxhash.Sum64(h.raw) {
		return nil, damaged("the hash of its manifest is wrong")
	}
	seen := map[string]bool{}
	var total int64
	for _, e := range entries {
		if err := checkName(e.name, seen); err != nil {
			return nil, err
		}
		if e.raw < 0 || e.packed <= 0 || e.offset < h.payload || e.packed > end || e.offset > end-e.packed {
			return nil, damaged("the sizes of %q in its index are out of bounds", e.name)
		}
		if total += min(e.raw, limits.DecodedSize+1); total > limits.DecodedSize {
			return nil, tooLarge(total, limits)
		}
	}
	return entries, nil
}

// checkName refuses a name that is no path below a folder, or was there before.
func checkName(name string, seen map[string]bool) error {
	switch {
	case name == "" || len(name) > maxName || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00"):
		return damaged("%.100q is no name of a file in an archive", name)
	case seen[name]:
		return damaged("it holds the file %.100q twice", name)
	}
	seen[name] = true
	return nil
}

// parseIndex reads an IndexedFrameIndex field by field, so that its size bounds the
// memory that it takes.
func parseIndex(raw []byte) (entries []entry, manifest uint64, err error) {
	err = eachField(raw, func(n protowire.Number, kind protowire.Type, v []byte, num uint64) error {
		switch {
		case n == 1 && kind == protowire.BytesType:
			e, err := parseEntry(v)
			if err != nil {
				return err
			}
			if entries = append(entries, e); len(entries) > maxFiles {
				return damaged("it holds more than %d files", maxFiles)
			}
		case n == 4 && kind == protowire.Fixed64Type:
			manifest = num
		}
		return nil
	})
	return entries, manifest, err
}

func parseEntry(raw []byte) (e entry, err error) {
	hash := 0
	err = eachField(raw, func(n protowire.Number, kind protowire.Type, v []byte, num uint64) error {
		switch {
		case n == 1 && kind == protowire.BytesType:
			e.name = string(v[:min(len(v), maxName+1)])
		case n == 2 && kind == protowire.VarintType:
			e.offset = int64(num)
		case n == 3 && kind == protowire.VarintType:
			e.packed = int64(num)
		case n == 4 && kind == protowire.VarintType:
			e.raw = int64(num)
		case n == 5 && kind == protowire.Fixed64Type:
			e.xxh64 = num
		case n == 6 && kind == protowire.BytesType:
			hash = len(v)
			copy(e.sha256[:], v)
		}
		return nil
	})
	if err == nil && hash != len(e.sha256) {
		err = damaged("the SHA-256 of %.100q in its index has %d bytes, not %d", e.name, hash, len(e.sha256))
	}
	e.noSHA256 = e.sha256 == [32]byte{}
	return e, err
}

// eachField calls f for each field of a message: with its bytes, or its number.
func eachField(b []byte, f func(n protowire.Number, kind protowire.Type, v []byte, num uint64) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return damaged("its index cannot be read: %v", protowire.ParseError(n))
		}
		b = b[n:]
		var v []byte
		var num uint64
		switch kind {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			num, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			num, n = protowire.ConsumeFixed64(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return damaged("its index cannot be read: %v", protowire.ParseError(n))
		}
		b = b[n:]
		if err := f(number, kind, v, num); err != nil {
			return err
		}
	}
	return nil
}

// message is the entry as it is written.
func (e entry) message() *c1zv3.IndexedFrameEntry {
	return &c1zv3.IndexedFrameEntry{
		Name: e.name, FrameOffset: e.offset, CompressedSize: e.packed, RawSize: e.raw, RawXxh64: e.xxh64, RawSha256: e.sha256[:],
	}
}
