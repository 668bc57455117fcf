package envelope

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"

	c1zv3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/c1z/v3"
)

// The compression of an archive. Blocks of a small window are encoded side by
// side into one frame, which costs some 25 MiB of memory; readers may refuse
// windows above 8 MiB.
const (
	packLevel   = zstd.SpeedFastest
	packWindow  = 512 << 10
	packWorkers = 2
)

// NewEncoder makes what compresses archives of all formats. Reset tells it where to
// write.
func NewEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(packLevel),
		zstd.WithEncoderConcurrency(packWorkers),
		zstd.WithConcurrentBlocks(true),
		zstd.WithWindowSize(packWindow),
		zstd.WithEncoderCRC(true),
	)
}

// Pack writes an archive of the named files of a folder, each as a frame of its own,
// and returns how many bytes the files have together. The manifest says what else is
// to be known; its payload encoding is set.
func Pack(ctx context.Context, out io.Writer, dir string, names []string, manifest *c1zv3.C1ZManifestV3) (decoded int64, err error) {
	manifest.PayloadEncoding = c1zv3.PayloadEncoding_PAYLOAD_ENCODING_INDEXED_ZSTD
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(manifest)
	if err != nil {
		return 0, fmt.Errorf("encode manifest: %w", err)
	}
	if len(raw) > maxManifest {
		return 0, fmt.Errorf("%w: its manifest has %d bytes", ErrTooLarge, len(raw))
	}
	w := &packer{ctx: ctx, out: bufio.NewWriterSize(out, 1<<20)}
	w.write([]byte(Magic))
	w.write(binary.BigEndian.AppendUint32(nil, uint32(len(raw))))
	w.write(raw)
	enc, err := NewEncoder()
	if err != nil {
		return 0, err
	}
	index := &c1zv3.IndexedFrameIndex{ManifestXxh64: xxhash.Sum64(raw)}
	for _, name := range slices.Sorted(slices.Values(names)) {
		e, err := w.frame(enc, dir, name)
		if err != nil {
			return 0, err
		}
		index.Entries = append(index.Entries, e.message())
		index.TotalRawSize += e.raw
		index.TotalCompressedSize += e.packed
	}
	if err := w.index(index); err != nil {
		return 0, err
	}
	return index.GetTotalRawSize(), nil
}

// packer writes an archive. It keeps its first error.
type packer struct {
	ctx context.Context //nolint:containedctx // It lives as long as one call of Pack.
	out *bufio.Writer
	at  int64
	err error
}

func (w *packer) write(b []byte) { _, _ = w.Write(b) }

// Write counts what is written.
func (w *packer) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.out.Write(b)
	w.at += int64(n)
	w.err = err
	return n, err
}

// frame writes a file.
func (w *packer) frame(enc *zstd.Encoder, dir, name string) (e entry, err error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name))) //nolint:gosec // The names are those of a folder of ours.
	if err != nil {
		return e, fmt.Errorf("pack archive: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	stat, err := f.Stat()
	if err != nil {
		return e, fmt.Errorf("pack archive: %w", err)
	}
	e = entry{name: name, offset: w.at, raw: stat.Size()}
	if e.raw == 0 { // The encoder leaves a frame of nothing out.
		w.write([]byte("\x28\xb5\x2f\xfd\x04\x68\x01\x00\x00\x99\xe9\xd8\x51"))
		e.xxh64, e.sha256, e.packed = xxhash.Sum64(nil), sha256.Sum256(nil), w.at-e.offset
		return e, w.err
	}
	enc.ResetContentSize(w, e.raw)
	sums := newHashing()
	n, err := io.CopyBuffer(struct{ io.Writer }{enc}, &hashedReader{ctx: w.ctx, r: f, sums: sums}, make([]byte, 1<<20))
	e.xxh64, e.sha256 = sums.close()
	if err = errors.Join(err, enc.Close()); err != nil {
		return e, fmt.Errorf("pack archive: %w", err)
	}
	if n != e.raw {
		return e, fmt.Errorf("pack archive: %s changed while it was read", f.Name())
	}
	e.packed = w.at - e.offset
	return e, nil
}

// index writes the index and the footer.
func (w *packer) index(index *c1zv3.IndexedFrameIndex) error {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(index)
	if err != nil {
		return fmt.Errorf("encode index: %w", err)
	}
	if len(raw) > maxIndex || len(index.GetEntries()) > maxFiles {
		return fmt.Errorf("%w: its index has %d bytes for %d files", ErrTooLarge, len(raw), len(index.GetEntries()))
	}
	footer := binary.BigEndian.AppendUint64(nil, uint64(w.at))
	footer = binary.BigEndian.AppendUint32(footer, uint32(len(raw)))
	footer = binary.BigEndian.AppendUint64(footer, xxhash.Sum64(raw))
	w.write(raw)
	w.write(append(footer, footerMagic...))
	if w.err != nil {
		return w.err
	}
	return w.out.Flush()
}

// hashing computes both hashes of a file beside its compression.
type hashing struct {
	chunks chan []byte
	free   chan []byte
	done   chan struct{}
	xx     *xxhash.Digest
	sha    hash.Hash
}

func newHashing() *hashing {
	h := &hashing{chunks: make(chan []byte), free: make(chan []byte, 2), done: make(chan struct{}), xx: xxhash.New(), sha: sha256.New()}
	h.free <- nil
	h.free <- nil
	go func() {
		defer close(h.done)
		for b := range h.chunks {
			_, _ = h.xx.Write(b)
			_, _ = h.sha.Write(b)
			h.free <- b
		}
	}()
	return h
}

func (h *hashing) add(b []byte) {
	h.chunks <- append((<-h.free)[:0], b...)
}

// close waits for the hashes.
func (h *hashing) close() (uint64, [32]byte) {
	close(h.chunks)
	<-h.done
	return h.xx.Sum64(), [32]byte(h.sha.Sum(nil))
}

// hashedReader passes on what it reads, and ends when its context does.
type hashedReader struct {
	ctx  context.Context //nolint:containedctx // It lives as long as one call of Pack.
	r    io.Reader
	sums *hashing
}

func (r *hashedReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	if n > 0 {
		r.sums.add(p[:n])
	}
	return n, err
}
