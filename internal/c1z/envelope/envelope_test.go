package envelope_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
	c1zv3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/c1z/v3"
)

func limits() envelope.Limits { return envelope.Limits{DecodedSize: 1 << 20, Window: 8 << 20} }

// forged is an archive that is put together part by part.
type forged struct {
	manifest *c1zv3.C1ZManifestV3
	rawHead  []byte // what stands for the manifest, where it is set
	files    []file
	change   func(*c1zv3.IndexedFrameIndex)
	// footer changes the last bytes.
	footer func([]byte)
	tail   []byte
}

type file struct {
	name, content string
	frame         []byte // of the content, where it is not set
}

func compress(t testing.TB, content []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, zstd.WithZeroFrames(true))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return enc.EncodeAll(content, nil)
}

func good() *c1zv3.C1ZManifestV3 {
	return &c1zv3.C1ZManifestV3{Engine: "pebble3", PayloadEncoding: c1zv3.PayloadEncoding_PAYLOAD_ENCODING_INDEXED_ZSTD}
}

func (f forged) bytes(t testing.TB) []byte {
	t.Helper()
	if f.manifest == nil {
		f.manifest = good()
	}
	head := f.rawHead
	if head == nil {
		var err error
		if head, err = proto.Marshal(f.manifest); err != nil {
			t.Fatal(err)
		}
	}
	out := binary.BigEndian.AppendUint32([]byte(envelope.Magic), uint32(len(head)))
	out = append(out, head...)
	index := &c1zv3.IndexedFrameIndex{ManifestXxh64: xxhash.Sum64(head)}
	for _, file := range f.files {
		frame := file.frame
		if frame == nil {
			frame = compress(t, []byte(file.content))
		}
		sum := sha256.Sum256([]byte(file.content))
		index.Entries = append(index.Entries, &c1zv3.IndexedFrameEntry{
			Name: file.name, FrameOffset: int64(len(out)), CompressedSize: int64(len(frame)), RawSize: int64(len(file.content)),
			RawXxh64: xxhash.Sum64String(file.content), RawSha256: sum[:],
		})
		out = append(out, frame...)
	}
	if f.change != nil {
		f.change(index)
	}
	raw, err := proto.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	footer := binary.BigEndian.AppendUint64(nil, uint64(len(out)))
	footer = binary.BigEndian.AppendUint32(footer, uint32(len(raw)))
	footer = binary.BigEndian.AppendUint64(footer, xxhash.Sum64(raw))
	footer = append(footer, "C1ZIDX1\x00"...)
	if f.footer != nil {
		f.footer(footer)
	}
	return append(append(append(out, raw...), footer...), f.tail...)
}

func files() []file {
	return []file{{name: "000001.sst", content: "one"}, {name: "empty", content: ""}, {name: "sub/folder", content: strings.Repeat("x", 1000)}}
}

// tarOf makes a tar archive of headers, each with as much content as it says.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inTar is an archive whose payload is what is given.
func inTar(t testing.TB, encoding c1zv3.PayloadEncoding, payload []byte) []byte {
	t.Helper()
	head, err := proto.Marshal(&c1zv3.C1ZManifestV3{Engine: "pebble", PayloadEncoding: encoding})
	if err != nil {
		t.Fatal(err)
	}
	out := binary.BigEndian.AppendUint32([]byte(envelope.Magic), uint32(len(head)))
	return append(append(out, head...), payload...)
}

func unpack(ctx context.Context, dir string, archive []byte) (envelope.Contents, error) {
	want := func(name string) bool { return !strings.Contains(name, "/") }
	return envelope.Unpack(ctx, bytes.NewReader(archive), int64(len(archive)), dir, want, limits())
}

// TestUnpack reads archives of all encodings and writes the files that are wanted.
func TestUnpack(t *testing.T) {
	t.Parallel()
	plain := tarOf(t, tar.Header{Name: "dir", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "000001.sst", Typeflag: tar.TypeReg, Mode: 0o644, Size: 3},
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd", Mode: 0o777})
	for name, archive := range map[string][]byte{
		"indexed":             forged{files: files()}.bytes(t),
		"without hashes":      forged{files: files(), change: func(x *c1zv3.IndexedFrameIndex) { x.ManifestXxh64 = 0; x.Entries[0].RawSha256 = make([]byte, 32) }}.bytes(t),
		"unknown fields":      forged{rawHead: append(mustMarshal(t, good()), 0xaa, 0x06, 0x01, 'x'), files: files()}.bytes(t),
		"tar":                 inTar(t, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR, plain),
		"tar in zstd":         inTar(t, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR_ZSTD, compress(t, plain)),
		"tar without its end": inTar(t, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR, plain[:len(plain)-1024]),
		"bytes behind a tar":  inTar(t, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR, append(bytes.Clone(plain), "more"...)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			got, err := unpack(t.Context(), dir, archive)
			if err != nil || got.Manifest.GetEngine() == "" || got.Size < 3 {
				t.Fatalf("%+v, %v", got, err)
			}
			content, err := os.ReadFile(filepath.Join(dir, "000001.sst"))
			if err != nil || len(content) != 3 {
				t.Errorf("%q, %v", content, err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) > 2 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
}

func mustMarshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUnpackRefuses archives that are cut, changed or made to do harm.
func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	whole := forged{files: files()}.bytes(t)
	named := func(name string) []byte { return forged{files: []file{{name: name, content: "x"}}}.bytes(t) }
	entry := func(change func(*c1zv3.IndexedFrameEntry)) []byte {
		return forged{files: files(), change: func(x *c1zv3.IndexedFrameIndex) { change(x.Entries[0]) }}.bytes(t)
	}
	tarZstd := c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR_ZSTD
	plainTar := c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR
	regular := func(name string, size, mode int64) []byte {
		return inTar(t, plainTar, tarOf(t, tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: size}))
	}
	flipped := bytes.Clone(whole)
	flipped[len(envelope.Magic)+4+len(mustMarshal(t, good()))+10] ^= 1
	for name, test := range map[string]struct {
		archive []byte
		is      error
		says    string
	}{
		"magic alone":          {[]byte(envelope.Magic), envelope.ErrDamaged, "cut short within its first bytes"},
		"half a manifest":      {whole[:12], envelope.ErrDamaged, "cut short within its manifest"},
		"a huge manifest":      {binary.BigEndian.AppendUint32([]byte(envelope.Magic), 16<<20+1), envelope.ErrDamaged, "its manifest claims 16777217 bytes"},
		"no manifest":          {forged{rawHead: []byte{}, files: files()}.bytes(t), envelope.ErrDamaged, "its manifest names no engine"},
		"garbage for manifest": {forged{rawHead: []byte("\xff\xff\xff"), files: files()}.bytes(t), envelope.ErrDamaged, "its manifest cannot be read"},
		"wrong wire type": {
			forged{rawHead: protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7), files: files()}.bytes(t),
			envelope.ErrDamaged, "field engine of its manifest has the wrong type",
		},
		"another engine":     {forged{manifest: &c1zv3.C1ZManifestV3{Engine: "rocks", PayloadEncoding: 5}, files: files()}.bytes(t), envelope.ErrUnsupported, `its engine is "rocks"`},
		"no encoding":        {forged{manifest: &c1zv3.C1ZManifestV3{Engine: "pebble"}, files: files()}.bytes(t), envelope.ErrUnsupported, "its payload encoding is 0"},
		"reserved encoding":  {forged{manifest: &c1zv3.C1ZManifestV3{Engine: "pebble", PayloadEncoding: 3}, files: files()}.bytes(t), envelope.ErrUnsupported, "its payload encoding is 3"},
		"a byte less":        {whole[:len(whole)-1], envelope.ErrDamaged, "its footer is missing"},
		"a byte more":        {append(bytes.Clone(whole), 0), envelope.ErrDamaged, "its footer is missing"},
		"cut to its head":    {whole[:40], envelope.ErrDamaged, "its footer is missing"},
		"index offset":       {forged{files: files(), footer: func(b []byte) { b[7]++ }}.bytes(t), envelope.ErrDamaged, "its index does not fit the file"},
		"index length":       {forged{files: files(), footer: func(b []byte) { b[8] = 0xff }}.bytes(t), envelope.ErrDamaged, "its index claims"},
		"index hash":         {forged{files: files(), footer: func(b []byte) { b[12] ^= 1 }}.bytes(t), envelope.ErrDamaged, "the hash of its index is wrong"},
		"manifest hash":      {forged{files: files(), change: func(x *c1zv3.IndexedFrameIndex) { x.ManifestXxh64++ }}.bytes(t), envelope.ErrDamaged, "the hash of its manifest is wrong"},
		"frame changed":      {flipped, envelope.ErrDamaged, "000001.sst"},
		"xxh64":              {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawXxh64++ }), envelope.ErrDamaged, `the hash of the file "000001.sst" in it is wrong`},
		"sha256":             {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawSha256[0]++ }), envelope.ErrDamaged, `the hash of the file "000001.sst" in it is wrong`},
		"short sha256":       {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawSha256 = e.RawSha256[:31] }), envelope.ErrDamaged, "has 31 bytes, not 32"},
		"no sha256":          {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawSha256 = nil }), envelope.ErrDamaged, "has 0 bytes, not 32"},
		"size below zero":    {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawSize = -1 }), envelope.ErrDamaged, "out of bounds"},
		"size too small":     {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawSize = 2 }), envelope.ErrDamaged, "more than 2 bytes"},
		"size too large":     {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawSize = 4 }), envelope.ErrDamaged, "has 3 bytes, not 4"},
		"claims a lot":       {entry(func(e *c1zv3.IndexedFrameEntry) { e.RawSize = 1 << 62 }), envelope.ErrTooLarge, "BATON_DECODER_MAX_DECODED_SIZE_MB"},
		"frame of nothing":   {entry(func(e *c1zv3.IndexedFrameEntry) { e.CompressedSize = 0 }), envelope.ErrDamaged, "out of bounds"},
		"frame in the head":  {entry(func(e *c1zv3.IndexedFrameEntry) { e.FrameOffset = 0 }), envelope.ErrDamaged, "out of bounds"},
		"frame in the index": {entry(func(e *c1zv3.IndexedFrameEntry) { e.CompressedSize = 1 << 40 }), envelope.ErrDamaged, "out of bounds"},
		"frame overflows":    {entry(func(e *c1zv3.IndexedFrameEntry) { e.FrameOffset = 1<<63 - 1 }), envelope.ErrDamaged, "out of bounds"},
		"twice":              {forged{files: append(files(), files()[0])}.bytes(t), envelope.ErrDamaged, "twice"},
		"no name":            {named(""), envelope.ErrDamaged, "no name of a file"},
		"above":              {named("../000001.sst"), envelope.ErrDamaged, "no name of a file"},
		"above, hidden":      {named("a/../../000001.sst"), envelope.ErrDamaged, "no name of a file"},
		"absolute":           {named("/tmp/000001.sst"), envelope.ErrDamaged, "no name of a file"},
		"backslash":          {named(`..\000001.sst`), envelope.ErrDamaged, "no name of a file"},
		"zero":               {named("000001.sst\x00"), envelope.ErrDamaged, "no name of a file"},
		"long name":          {named(strings.Repeat("a", 4097)), envelope.ErrDamaged, "no name of a file"},
		"bomb": {
			forged{files: []file{{name: "000001.sst", content: "x", frame: compress(t, make([]byte, 64<<20))}}}.bytes(t),
			envelope.ErrDamaged, "more than 1 bytes",
		},
		"window": {
			forged{files: []file{{name: "000001.sst", content: "x", frame: []byte("\x28\xb5\x2f\xfd\x04\xa8\x09\x00\x00x")}}}.bytes(t),
			envelope.ErrTooLarge, "more memory",
		},
		"tar: above":         {regular("../x", 1, 0o644), envelope.ErrDamaged, "no name of a file"},
		"tar: mode":          {regular("x", 1, 0o4755), envelope.ErrDamaged, "has the mode 04755"},
		"tar: large":         {regular("x", 2<<20, 0o644), envelope.ErrTooLarge, "BATON_DECODER_MAX_DECODED_SIZE_MB"},
		"tar: cut":           {regular("x", 5000, 0o644)[:3000], envelope.ErrDamaged, "cannot be unpacked"},
		"tar: zstd cut":      {inTar(t, tarZstd, compress(t, tarOf(t, tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 90000}))[:20]), envelope.ErrDamaged, "cannot be unpacked"},
		"tar: zstd bomb":     {inTar(t, tarZstd, compress(t, make([]byte, 64<<20))), nil, ""},
		"tar: zstd of tails": {inTar(t, tarZstd, compress(t, tarOf(t, manyFolders()...))), envelope.ErrTooLarge, "BATON_DECODER_MAX_DECODED_SIZE_MB"},
		"tar: no zstd":       {inTar(t, tarZstd, []byte("hello, this is no frame")), envelope.ErrDamaged, "cannot be unpacked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outer := t.TempDir()
			dir := filepath.Join(outer, "in")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := unpack(t.Context(), dir, test.archive)
			if !errors.Is(err, test.is) || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %v: %s", err, test.is, test.says)
			}
			if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
				t.Errorf("beside the folder: %v, %v", entries, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := unpack(ctx, t.TempDir(), whole); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// manyFolders take more room than all files may.
func manyFolders() []tar.Header {
	headers := make([]tar.Header, 5000)
	for i := range headers {
		headers[i] = tar.Header{Name: "d", Typeflag: tar.TypeDir, Mode: 0o755}
	}
	return headers
}

// TestPack writes an archive that Unpack reads, with the files in the order of their
// names.
func TestPack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	content := map[string]string{"b.sst": strings.Repeat("abc", 1<<20/4), "a.sst": "", "c.sst": "c"}
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	decoded, err := envelope.Pack(t.Context(), &out, dir, []string{"b.sst", "a.sst", "c.sst"}, &c1zv3.C1ZManifestV3{Engine: "pebble3"})
	if err != nil || decoded != int64(len(content["b.sst"])+1) {
		t.Fatalf("%d, %v", decoded, err)
	}
	into := t.TempDir()
	got, err := unpack(t.Context(), into, out.Bytes())
	if err != nil || got.Size != decoded {
		t.Fatalf("%+v, %v", got, err)
	}
	for name, text := range content {
		if b, err := os.ReadFile(filepath.Join(into, name)); err != nil || string(b) != text {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := envelope.Pack(ctx, &out, dir, []string{"c.sst"}, good()); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if _, err := envelope.Pack(t.Context(), &out, dir, []string{"none"}, good()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestUnpackCounts what is in a tar archive, folders too, which take no room.
func TestUnpackCounts(t *testing.T) {
	t.Parallel()
	folders := make([]tar.Header, 100_001)
	for i := range folders {
		folders[i] = tar.Header{Name: "a/", Typeflag: tar.TypeDir}
	}
	archive := inTar(t, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR_ZSTD, compress(t, tarOf(t, folders...)))
	want := func(string) bool { return true }
	_, err := envelope.Unpack(t.Context(), bytes.NewReader(archive), int64(len(archive)), t.TempDir(), want, envelope.Limits{DecodedSize: 1 << 30, Window: 8 << 20})
	if !errors.Is(err, envelope.ErrDamaged) || !strings.Contains(err.Error(), "more than 100000 files") {
		t.Errorf("got %v", err)
	}
}

// FuzzUnpack looks for archives that take more than they may or end in a panic.
func FuzzUnpack(f *testing.F) {
	f.Add(forged{files: files()}.bytes(f))
	f.Add(inTar(f, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR, tarOf(f, tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 3})))
	f.Add(inTar(f, c1zv3.PayloadEncoding_PAYLOAD_ENCODING_TAR_ZSTD, compress(f, tarOf(f, tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 3}))))
	f.Fuzz(func(t *testing.T, archive []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		got, err := unpack(t.Context(), dir, archive)
		if err == nil && got.Size > limits().DecodedSize {
			t.Errorf("unpacked %d bytes", got.Size)
		}
		if err != nil && !errors.Is(err, envelope.ErrDamaged) && !errors.Is(err, envelope.ErrTooLarge) && !errors.Is(err, envelope.ErrUnsupported) {
			t.Errorf("an error of no kind: %v", err)
		}
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
			t.Errorf("beside the folder: %v, %v", entries, err)
		}
	})
}
