package c1z

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
)

// The five bytes that an archive begins with, by format.
const (
	magicV1 = "C1ZF\x00"
	magicV3 = envelope.Magic
)

// What else a file at an archive's path may begin with.
const (
	magicZstd   = "\x28\xb5\x2f\xfd"
	magicSQLite = "SQLite format 3\x00"
)

// readHeader reads the header of an archive and returns its format. It returns io.EOF
// for an empty file, which is an empty archive.
func readHeader(r *bufio.Reader) (Format, error) {
	head, err := r.Peek(len(magicSQLite))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read archive header: %w", err)
	}
	begins := func(magic string) bool {
		return len(head) >= len(magic) && string(head[:len(magic)]) == magic
	}
	switch {
	case len(head) == 0:
		return FormatV1, io.EOF
	case begins(magicV1):
		_, err := r.Discard(len(magicV1))
		return FormatV1, err
	case begins(magicV3):
		_, err := r.Discard(len(magicV3))
		return FormatV3, err
	case begins(magicSQLite):
		return 0, fmt.Errorf("%w: it is a plain SQLite database", ErrNotArchive)
	case begins(magicZstd):
		return 0, fmt.Errorf("%w: it is a zstd file without an archive header", ErrNotArchive)
	case len(head) < len(magicV1) && (magicV1[:len(head)] == string(head) || magicV3[:len(head)] == string(head)):
		return 0, fmt.Errorf("%w: it ends within the header", ErrDamaged)
	default:
		return 0, fmt.Errorf("%w", ErrNotArchive)
	}
}

// unsized is the content size of a frame that does not tell it.
const unsized = -1

// frameHeader is what a zstd frame tells before its first block (RFC 8878,
// section 3.1.1.1).
type frameHeader struct {
	window   uint64 // bytes that blocks may look back
	content  int64  // bytes in all, or unsized
	checksum bool
}

// The kinds of zstd block that frameReader tells apart.
const (
	blockRLE      = 1
	blockReserved = 3
)

// frameReader passes on the bytes of one zstd frame and ends where the frame
// ends, which a decoder alone would not show: it goes on with the next frame.
// It looks at the frame's and the blocks' headers and at nothing within them.
type frameReader struct {
	r      *bufio.Reader
	header frameHeader
	// pending are header bytes that were parsed and not passed on yet.
	pending []byte
	// rest is how many bytes of the current block, or of the checksum, follow.
	rest int
	last bool // the current block is the last one
	tail bool // rest counts the checksum
	done bool
}

// newFrameReader reads the frame's header. Of an input that is empty, it returns
// io.EOF.
func newFrameReader(r *bufio.Reader) (*frameReader, error) {
	f := &frameReader{r: r}
	if _, err := r.Peek(1); errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	head, err := f.take(5)
	if err != nil {
		return nil, err
	}
	if string(head[:4]) != magicZstd {
		return nil, fmt.Errorf("%w: no zstd frame follows the header", ErrDamaged)
	}
	desc := head[4]
	if desc&0x08 != 0 {
		return nil, fmt.Errorf("%w: reserved bit set in the frame header", ErrDamaged)
	}
	single := desc&0x20 != 0
	f.header = frameHeader{content: unsized, checksum: desc&0x04 != 0}
	if !single {
		b, err := f.take(1)
		if err != nil {
			return nil, err
		}
		base := uint64(1) << (10 + b[0]>>3)
		f.header.window = base + base/8*uint64(b[0]&7)
	}
	if n := [4]int{0, 1, 2, 4}[desc&3]; n > 0 {
		id, err := f.take(n)
		if err != nil {
			return nil, err
		}
		for _, b := range id {
			if b != 0 {
				return nil, fmt.Errorf("%w: the frame wants a dictionary", ErrDamaged)
			}
		}
	}
	if err := f.readContentSize(int(desc>>6), single); err != nil {
		return nil, err
	}
	if single {
		f.header.window = uint64(f.header.content) //nolint:gosec // A size that is told is never below zero.
	}
	return f, nil
}

// readContentSize reads the field whose size the top two bits of the descriptor
// tell. A frame of a single segment always has one.
func (f *frameReader) readContentSize(code int, single bool) error {
	n := [4]int{0, 2, 4, 8}[code]
	if n == 0 && single {
		n = 1
	}
	if n == 0 {
		return nil
	}
	b, err := f.take(n)
	if err != nil {
		return err
	}
	var wide [8]byte
	copy(wide[:], b)
	size := binary.LittleEndian.Uint64(wide[:])
	if n == 2 {
		size += 256
	}
	if size > 1<<62 {
		return fmt.Errorf("%w: the frame claims %d bytes", ErrTooLarge, size)
	}
	f.header.content = int64(size)
	return nil
}

// take reads n bytes that are passed on later.
func (f *frameReader) take(n int) ([]byte, error) {
	start := len(f.pending)
	f.pending = append(f.pending, make([]byte, n)...)
	if _, err := io.ReadFull(f.r, f.pending[start:]); err != nil {
		return nil, cut(err)
	}
	return f.pending[start:], nil
}

// Read implements [io.Reader]. Of a frame that is cut short, the error is
// [ErrDamaged].
func (f *frameReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(f.pending) == 0 && f.rest == 0 {
		if f.done {
			return 0, io.EOF
		}
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if len(f.pending) > 0 {
		n := copy(p, f.pending)
		f.pending = f.pending[n:]
		return n, nil
	}
	n, err := f.r.Read(p[:min(len(p), f.rest)])
	f.rest -= n
	if n == 0 && err != nil {
		return 0, cut(err)
	}
	return n, nil
}

// next moves on to the next block, to the checksum or to the end.
func (f *frameReader) next() error {
	f.pending = f.pending[:0]
	switch {
	case f.last && f.header.checksum && !f.tail:
		f.tail = true
		f.rest = 4
		return nil
	case f.last:
		f.done = true
		return nil
	}
	b, err := f.take(3)
	if err != nil {
		return err
	}
	head := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	f.last = head&1 != 0
	f.rest = head >> 3
	switch head >> 1 & 3 {
	case blockRLE:
		f.rest = 1
	case blockReserved:
		return fmt.Errorf("%w: a block of a reserved type", ErrDamaged)
	}
	return nil
}

// cut says that a file ends too early, unless it could not be read at all.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file is truncated", ErrDamaged)
	}
	return fmt.Errorf("read archive: %w", err)
}
