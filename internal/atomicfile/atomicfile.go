// Package atomicfile writes small files in one step that survives a crash and a
// loss of power: a reader finds the old content or the new one.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// Temporary begins the names of files that are being written. What a process that
// was killed left under such a name can be removed.
const Temporary = ".writing-"

// Write replaces the content of a file, or makes it with mode 0600. Several may
// write at once: the last one counts.
func Write(path string, data []byte) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, Temporary+"*") // Mode 0600.
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err := Commit(file, path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// Commit puts a file that was written in the place of another, beside which it lies,
// when its content is on the disk. It closes the file, and removes it where that fails.
// The name lasts from [SyncDir] on.
func Commit(file *os.File, target string) error {
	err := errors.Join(file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// SyncDir makes the names in a folder last. Windows has no such call and needs none.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // The caller's own folder.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
