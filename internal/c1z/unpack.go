package c1z

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/klauspost/compress/zstd"
)

// The limits that apply where [Limits] leaves them open. They are those of the
// newest public reader.
const (
	defaultDecodedSize = 10 << 30
	defaultWindow      = 128 << 20
)

// The variables that Baton programs read the limits from, both in MiB.
const (
	envDecodedSize = "BATON_DECODER_MAX_DECODED_SIZE_MB"
	envWindow      = "BATON_DECODER_MAX_MEMORY_MB"
)

// Limits bound what an archive from elsewhere may cost to unpack.
type Limits struct {
	// DecodedSize is the most bytes that the database in it may have; 0 means
	// 10 GiB.
	DecodedSize int64
	// Window is the most bytes that the compression may look back, which is
	// memory; 0 means 128 MiB.
	Window int64
}

// LimitsFromEnv reads BATON_DECODER_MAX_DECODED_SIZE_MB and
// BATON_DECODER_MAX_MEMORY_MB, both in MiB, with a function like [os.Getenv].
func LimitsFromEnv(getenv func(string) string) (Limits, error) {
	var l Limits
	for name, field := range map[string]*int64{envDecodedSize: &l.DecodedSize, envWindow: &l.Window} {
		v := getenv(name)
		if v == "" {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 1 || n > 1<<40 {
			return Limits{}, fmt.Errorf("%s is %q: must be an integer of at least 1 (MiB)", name, v)
		}
		*field = n << 20
	}
	return l, nil
}

func (l Limits) withDefaults() Limits {
	if l.DecodedSize == 0 {
		l.DecodedSize = defaultDecodedSize
	}
	if l.Window == 0 {
		l.Window = defaultWindow
	}
	return l
}

// unpack copies the database of an archive to dst and returns its size. An
// archive without one, which is an empty file or the header alone, has size 0.
func unpack(ctx context.Context, src io.Reader, dst *os.File, limits Limits) (int64, error) {
	limits = limits.withDefaults()
	in := bufio.NewReaderSize(src, 256<<10)
	if _, err := readHeader(in); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		return 0, err
	}
	frame, err := newFrameReader(in)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		return 0, err
	}
	if frame.header.content > limits.DecodedSize {
		return 0, tooLarge(frame.header.content, limits.DecodedSize)
	}
	if frame.header.window > uint64(limits.Window) { //nolint:gosec // Limits are above zero.
		return 0, fmt.Errorf("%w: unpacking needs %s of memory, more than the limit of %s (%s)",
			ErrTooLarge, mib(int64(min(frame.header.window, 1<<62))), mib(limits.Window), envWindow)
	}
	size, err := inflate(ctx, frame, dst, limits)
	if err != nil {
		return 0, err
	}
	if frame.header.content != unsized && frame.header.content != size {
		return 0, fmt.Errorf("%w: it unpacks to %d bytes instead of the declared %d", ErrDamaged, size, frame.header.content)
	}
	if _, err := in.ReadByte(); err == nil {
		return 0, fmt.Errorf("%w: more bytes follow its frame", ErrDamaged)
	} else if !errors.Is(err, io.EOF) {
		return 0, cut(err)
	}
	return size, nil
}

// inflate decodes the frame into dst, looking for a database's first bytes at
// once, so that nothing else is unpacked far.
func inflate(ctx context.Context, frame *frameReader, dst io.Writer, limits Limits) (int64, error) {
	dec, err := zstd.NewReader(frame,
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderConcurrency(2),
		zstd.WithDecoderMaxWindow(uint64(max(limits.Window, zstd.MinWindowSize))),
	)
	if err != nil {
		return 0, fmt.Errorf("read archive: %w", err)
	}
	defer dec.Close()
	buf := make([]byte, 256<<10)
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := dec.Read(buf)
		if size == 0 && n > 0 && (n < len(magicSQLite) || string(buf[:len(magicSQLite)]) != magicSQLite) {
			return 0, fmt.Errorf("%w: it contains no SQLite database", ErrDamaged)
		}
		size += int64(n)
		if size > limits.DecodedSize {
			return 0, tooLarge(size, limits.DecodedSize)
		}
		if _, werr := dst.Write(buf[:n]); werr != nil {
			return 0, fmt.Errorf("unpack archive: %w", werr)
		}
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return 0, inflateError(err)
		}
	}
}

// inflateError tells damage from a file that could not be read.
func inflateError(err error) error {
	var pe *os.PathError
	if errors.Is(err, ErrDamaged) || errors.As(err, &pe) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

func tooLarge(size, limit int64) error {
	return fmt.Errorf("%w: it unpacks to at least %s, more than the limit of %s (%s)",
		ErrTooLarge, mib(size), mib(limit), envDecodedSize)
}

// mib formats a size for a message.
func mib(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }
