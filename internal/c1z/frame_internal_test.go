package c1z

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// frames are zstd frames of all shapes that an encoder makes.
func frames(t testing.TB) map[string][]byte {
	t.Helper()
	text := []byte(strings.Repeat("What is a frame? ", 40_000))
	all := map[string][]byte{}
	for name, opts := range map[string][]zstd.EOption{
		"default":          nil,
		"no checksum":      {zstd.WithEncoderCRC(false)},
		"single segment":   {zstd.WithSingleSegment(true)},
		"small window":     {zstd.WithWindowSize(1 << 10), zstd.WithSingleSegment(false)},
		"no compression":   {zstd.WithNoEntropyCompression(true)},
		"best compression": {zstd.WithEncoderLevel(zstd.SpeedBestCompression)},
	} {
		enc, err := zstd.NewWriter(nil, opts...)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = enc.EncodeAll(text, nil)
		all[name+", short"] = enc.EncodeAll(text[:300], nil)
		all[name+", zeros"] = enc.EncodeAll(make([]byte, 300_000), nil)
		var b bytes.Buffer
		enc.Reset(&b)
		for _, part := range [][]byte{text[:10], text[10:100_000], text[100_000:]} {
			if _, err := enc.Write(part); err != nil {
				t.Fatal(err)
			}
			if err := enc.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
		all[name+", streamed"] = b.Bytes()
	}
	return all
}

// TestFrameReader passes frames on and finds their ends, whatever follows.
func TestFrameReader(t *testing.T) {
	t.Parallel()
	for name, frame := range frames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h zstd.Header
			if err := h.Decode(frame); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(io.MultiReader(bytes.NewReader(frame), strings.NewReader("tail")))
			f, err := newFrameReader(in)
			if err != nil {
				t.Fatal(err)
			}
			if !h.SingleSegment && f.header.window != h.WindowSize || f.header.checksum != h.HasCheckSum ||
				h.HasFCS && f.header.content != int64(h.FrameContentSize) || !h.HasFCS && f.header.content != unsized {
				t.Errorf("header %+v, want %+v", f.header, h)
			}
			got, err := io.ReadAll(iotest.OneByteReader(f))
			if err != nil || !bytes.Equal(got, frame) {
				t.Errorf("%d bytes of %d, %v", len(got), len(frame), err)
			}
			if rest, err := io.ReadAll(in); err != nil || string(rest) != "tail" {
				t.Errorf("behind it %q, %v", rest, err)
			}
			for n := range min(len(frame), 2000) {
				if f, err = newFrameReader(bufio.NewReader(bytes.NewReader(frame[:n]))); err == nil {
					_, err = io.Copy(io.Discard, f)
				}
				if n > 0 && !errors.Is(err, ErrDamaged) || n == 0 && !errors.Is(err, io.EOF) {
					t.Fatalf("cut after %d bytes: %v", n, err)
				}
			}
		})
	}
}

// FuzzFrame compares with the decoder: of input that it takes as one frame, the
// reader passes on the same bytes, and it takes no more than that.
func FuzzFrame(f *testing.F) {
	for _, frame := range frames(f) {
		if len(frame) < 2000 {
			f.Add(frame)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		in := bufio.NewReader(bytes.NewReader(input))
		r, err := newFrameReader(in)
		if err == nil && r.header.window > 1<<20 {
			return
		}
		var frame []byte
		if err == nil {
			frame, err = io.ReadAll(r)
		}
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, io.EOF) {
				t.Fatalf("no kind of error: %v", err)
			}
			frame = input
		}
		if !bytes.HasPrefix(input, frame) {
			t.Fatal("other bytes than the input's")
		}
		dec, decErr := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<20), zstd.WithDecoderMaxMemory(1<<20))
		if decErr != nil {
			t.Fatal(decErr)
		}
		defer dec.Close()
		_, decErr = dec.DecodeAll(frame, nil)
		if skippable := len(input) > 3 && input[0]&0xf0 == 0x50 && input[1] == 0x2a; err != nil && decErr == nil && len(input) > 0 && !skippable && len(input) >= 4 {
			t.Fatalf("the decoder takes what the reader refuses: %v", err)
		}
	})
}
