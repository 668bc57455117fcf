package envelope

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	c1zv3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/c1z/v3"
)

// Contents is what [Unpack] found.
type Contents struct {
	Manifest *c1zv3.C1ZManifestV3
	// Size is the bytes of all files together.
	Size int64
}

// Unpack reads an archive of so many bytes and writes its files into a folder that
// exists and is empty. Files that want does not name are checked and not written.
func Unpack(ctx context.Context, archive io.ReaderAt, size int64, dir string, want func(name string) bool, limits Limits) (Contents, error) {
	h, err := readHead(archive, size)
	if err != nil {
		return Contents{}, err
	}
	u := unpacker{ctx: ctx, dir: dir, want: want, limits: limits, buf: make([]byte, 256<<10)}
	switch h.manifest.GetPayloadEncoding() {
	case c1zv3.PayloadEncoding_PAYLOAD_ENCODING_INDEXED_ZSTD:
		err = u.frames(archive, size, h)
	case c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR_ZSTD:
		err = u.tarZstd(io.NewSectionReader(archive, h.payload, size-h.payload))
	default:
		err = u.tar(io.NewSectionReader(archive, h.payload, size-h.payload))
	}
	if err != nil {
		return Contents{}, err
	}
	return Contents{Manifest: h.manifest, Size: u.written}, nil
}

// unpacker writes files of one archive.
type unpacker struct {
	ctx     context.Context //nolint:containedctx // It lives as long as one call of Unpack.
	dir     string
	want    func(string) bool
	limits  Limits
	written int64
	buf     []byte
}

// decoder makes a decoder of zstd within the limits.
func (u *unpacker) decoder(r io.Reader) (*zstd.Decoder, error) {
	dec, err := zstd.NewReader(r,
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderConcurrency(2),
		zstd.WithDecoderMaxWindow(uint64(max(u.limits.Window, zstd.MinWindowSize))),
	)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return dec, nil
}

// frames unpacks a payload with an index.
func (u *unpacker) frames(archive io.ReaderAt, size int64, h head) error {
	entries, err := readIndex(archive, size, h, u.limits)
	if err != nil {
		return err
	}
	dec, err := u.decoder(nil)
	if err != nil {
		return err
	}
	defer dec.Close()
	for _, e := range entries {
		if err := dec.Reset(bufio.NewReaderSize(io.NewSectionReader(archive, e.offset, e.packed), 256<<10)); err != nil {
			return u.zstdError(e.name, err)
		}
		xx, sha := xxhash.New(), sha256.New()
		n, err := u.file(e.name, io.TeeReader(dec, io.MultiWriter(xx, sha)), e.raw)
		if err != nil {
			return err
		}
		if n != e.raw {
			return damaged("the file %q in it has %d bytes, not %d", e.name, n, e.raw)
		}
		if xx.Sum64() != e.xxh64 || !e.noSHA256 && [32]byte(sha.Sum(nil)) != e.sha256 {
			return damaged("the hash of the file %q in it is wrong", e.name)
		}
	}
	return nil
}

// tarZstd unpacks a payload that is a tar archive in a zstd stream.
func (u *unpacker) tarZstd(payload io.Reader) error {
	dec, err := u.decoder(bufio.NewReaderSize(payload, 256<<10))
	if err != nil {
		return err
	}
	defer dec.Close()
	return u.tar(dec)
}

// tar unpacks a payload that is a tar archive.
func (u *unpacker) tar(payload io.Reader) error {
	// The headers count too, and so does what is between files.
	bounded := &boundedReader{r: payload, left: u.limits.DecodedSize + 1<<20, limits: u.limits}
	r := tar.NewReader(bufio.NewReaderSize(bounded, 64<<10))
	seen := map[string]bool{}
	for entries := 0; ; entries++ { // Folders and links too, though they are not made.
		if entries > maxFiles {
			return damaged("it holds more than %d files", maxFiles)
		}
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return u.zstdError("the list of files", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := checkName(h.Name, seen); err != nil {
			return err
		}
		if h.Mode < 0 || h.Mode > 0o777 {
			return damaged("the file %q in it has the mode %#o", h.Name, h.Mode)
		}
		if h.Size > u.limits.DecodedSize-u.written {
			return tooLarge(u.written+min(h.Size, 1<<62), u.limits)
		}
		n, err := u.file(h.Name, r, h.Size)
		if err != nil {
			return err
		}
		if n != h.Size {
			return damaged("the file %q in it is cut short", h.Name)
		}
	}
}

// file writes what r has to tell into a file of the folder, or nowhere where it is
// not wanted, and returns how much it was. More than most bytes are damage.
func (u *unpacker) file(name string, r io.Reader, most int64) (n int64, err error) {
	out := io.Discard
	if u.want(name) {
		f, err := os.OpenFile(filepath.Join(u.dir, filepath.FromSlash(name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return 0, fmt.Errorf("unpack archive: %w", err)
		}
		defer func() {
			if cerr := f.Close(); err == nil && cerr != nil {
				err = fmt.Errorf("unpack archive: %w", cerr)
			}
		}()
		out = f
	}
	for {
		if err := u.ctx.Err(); err != nil {
			return n, err
		}
		got, err := r.Read(u.buf)
		n += int64(got)
		u.written += int64(got)
		switch {
		case n > most:
			return n, damaged("the file %q in it has more than %d bytes", name, most)
		case u.written > u.limits.DecodedSize:
			return n, tooLarge(u.written, u.limits)
		}
		if _, werr := out.Write(u.buf[:got]); werr != nil {
			return n, fmt.Errorf("unpack archive: %w", werr)
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, u.zstdError(name, err)
		}
	}
}

// zstdError tells damage from a file that could not be read and from a limit.
func (u *unpacker) zstdError(name string, err error) error {
	var pe *os.PathError
	switch {
	case errors.As(err, &pe), errors.Is(err, ErrDamaged), errors.Is(err, ErrTooLarge):
		return err
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("%w: unpacking %q needs more memory than the limit of %s", ErrTooLarge, name, mib(u.limits.Window))
	}
	return damaged("%s cannot be unpacked: %v", name, err)
}

// boundedReader fails once more was read than an archive may have.
type boundedReader struct {
	r      io.Reader
	left   int64
	limits Limits
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, tooLarge(b.limits.DecodedSize+1, b.limits)
	}
	return n, err
}

func tooLarge(size int64, limits Limits) error {
	return fmt.Errorf("%w: it unpacks to at least %s, more than the limit of %s (BATON_DECODER_MAX_DECODED_SIZE_MB)",
		ErrTooLarge, mib(size), mib(limits.DecodedSize))
}
