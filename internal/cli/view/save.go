package view

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// archiveMagic is how archives of every format begin.
const archiveMagic = "C1Z"

// CheckSave refuses a file that must not be replaced by a table, before the work is
// done.
func CheckSave(path string) error {
	if isArchiveName(path) {
		return fmt.Errorf("--save %s: name of an archive; choose another", path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkSaveFolder(path)
	}
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fault.WithHints(
			fmt.Errorf("--save: %w", &regularfile.KindError{Path: path, Mode: info.Mode()}),
			"name another file, or omit --save and redirect the output: --output csv | ...",
		)
	}
	f, err := regularfile.Open(path)
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	defer f.Close()
	head := make([]byte, len(archiveMagic))
	if n, _ := io.ReadFull(f, head); string(head[:n]) == archiveMagic {
		return fmt.Errorf("--save %s: archives are never replaced; choose another file", path)
	}
	return nil
}

// isArchiveName reports whether a file is an archive by its name, or one that a sync
// makes beside an archive.
func isArchiveName(path string) bool {
	const extension = ".c1z"
	path = strings.ToLower(path)
	return slices.ContainsFunc(append(c1z.Companions(extension), extension), func(end string) bool { return strings.HasSuffix(path, end) })
}

func checkSaveFolder(path string) error {
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("--save %s: directory does not exist; create it or choose another", path)
	}
	return nil
}

// SaveFile puts a file in place when all of it is written and on the disk. Only its
// owner can read it, whoever could read the one before. Of a link it is the file
// that the link leads to.
func SaveFile(path string, write func(io.Writer) error) error {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = path, nil
	}
	if err != nil {
		return fmt.Errorf("save: %w", err)
	}
	sweepSaves(target)
	f, release, err := createSave(target)
	if err != nil {
		return fmt.Errorf("save: %w", err)
	}
	defer release()
	err = write(f)
	if err == nil {
		// It may have become an archive while we wrote.
		err = CheckSave(path)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := atomicfile.Commit(f, target); err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	// Not every file system lets a folder be synced; the file is in place all the same.
	_ = atomicfile.SyncDir(filepath.Dir(target))
	return nil
}

// savePattern matches the files that are to take the place of a target.
func savePattern(target string) string { return "." + filepath.Base(target) + ".*.tmp" }

// createSave makes a file of mode 0600 beside a target, and a lock that tells others
// that it is being written.
func createSave(target string) (_ *os.File, release func(), err error) {
	for {
		f, err := os.CreateTemp(filepath.Dir(target), savePattern(target))
		if err != nil {
			return nil, nil, err
		}
		if runtime.GOOS == "windows" {
			return f, func() {}, nil // A lock there keeps the writer out too.
		}
		lock, err := regularfile.Lock(f.Name())
		if err != nil && !errors.Is(err, regularfile.ErrLocked) {
			return f, func() {}, nil // What cannot be locked is not swept either.
		}
		if err == nil {
			ours, statErr := f.Stat()
			if held, err := lock.Stat(); err == nil && statErr == nil && os.SameFile(ours, held) {
				return f, func() { _ = lock.Close() }, nil
			}
			_ = lock.Close()
		}
		// Another process removed it before it was locked.
		_ = errors.Join(f.Close(), os.Remove(f.Name()))
	}
}

// sweepSaves removes what killed commands wrote beside a target.
func sweepSaves(target string) {
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil || runtime.GOOS == "windows" {
		return
	}
	head, tail, _ := strings.Cut(savePattern(target), "*")
	for _, entry := range entries {
		random, ok := strings.CutPrefix(entry.Name(), head)
		if !ok || strings.TrimLeft(random, "0123456789") != tail {
			continue
		}
		path := filepath.Join(filepath.Dir(target), entry.Name())
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || !regularfile.OwnedByUs(info) {
			continue
		}
		if lock, err := regularfile.Lock(path); err == nil {
			_ = errors.Join(os.Remove(path), lock.Close())
		}
	}
}

// pipe is the standard output of a command. Its reader may leave when it has seen
// enough, as head does, which is no error of the command. It may also not read on, as a
// pager does; the command can be stopped then too.
type pipe struct {
	ctx    context.Context //nolint:containedctx // an io.Writer is given none
	w      io.Writer
	closed bool
}

func (p *pipe) Write(b []byte) (int, error) {
	type outcome struct {
		n   int
		err error
	}
	// Nothing can end a write that waits for a reader but the reader. When the command
	// is stopped, the write is left behind, and ends with the process.
	done := make(chan outcome, 1)
	own := bytes.Clone(b) // The caller's may change once it has been told of a stop.
	go func() {
		n, err := p.w.Write(own)
		done <- outcome{n, err}
	}()
	select {
	case <-p.ctx.Done():
		return 0, context.Cause(p.ctx)
	case o := <-done:
		if errors.Is(o.err, syscall.EPIPE) {
			p.closed = true
		}
		return o.n, o.err
	}
}
