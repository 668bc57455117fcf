package c1z

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// resolve returns the path of the file that an archive is written to. A link is
// written through, so that it stays a link; one that leads nowhere or to
// anything but a regular file is refused.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find archive %s: %w", path, err)
	}
	info, err := os.Lstat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return abs, checkFolder(abs)
	}
	if err != nil {
		return "", fmt.Errorf("find archive: %w", err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := filepath.EvalSymlinks(abs)
		if err != nil {
			return "", fmt.Errorf("archive %s is a dangling link; remove it or choose another file: %w", path, err)
		}
		abs = target
		if info, err = os.Stat(abs); err != nil {
			return "", fmt.Errorf("find archive: %w", err)
		}
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("archive %s: %w: it is %s; choose another file", path, ErrNotArchive, regularfile.Kind(info.Mode()))
	}
	return abs, nil
}

// checkFolder says early that a new file could not be made.
func checkFolder(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("archive %s: directory does not exist; create it or choose another file: %w", path, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("archive %s: %s is not a directory; choose another file", path, dir)
	}
	return nil
}

// replacement is a new content of a file, written beside it.
type replacement struct {
	*os.File
	target string
}

// temporary ends the name of a file that is to replace another.
const temporary = ".tmp"

// newReplacement makes the file target+".tmp", which only its owner can read,
// and removes one that an earlier run left there.
func newReplacement(target string) (*replacement, error) {
	name := target + temporary
	if err := removeReplacement(target); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // It is beside the archive that was chosen.
	if err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	return &replacement{File: f, target: target}, nil
}

// removeReplacement removes the file that a run which died was going to replace
// another with.
func removeReplacement(target string) error {
	name := target + temporary
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // There is none.
	}
	if err := os.Remove(name); err != nil {
		return fmt.Errorf("remove files of an earlier run: %w", err)
	}
	return nil
}

// commit puts the new content in place, for good: it is on the disk before the
// name is, and the name before commit returns.
func (r *replacement) commit() error {
	if err := atomicfile.Commit(r.File, r.target); err != nil {
		return fmt.Errorf("put archive in place: %w", err)
	}
	// Not every file system lets a folder be opened or synced; the archive is in place
	// all the same.
	_ = atomicfile.SyncDir(filepath.Dir(r.target))
	return nil
}

// discard removes the new content.
func (r *replacement) discard() error {
	return errors.Join(r.Close(), os.Remove(r.Name()))
}
