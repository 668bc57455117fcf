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
	written, err := writeTemporary(dir, data)
	if err != nil {
		return err
	}
	if err := os.Rename(written, path); err != nil {
		return errors.Join(err, os.Remove(written))
	}
	return SyncDir(dir)
}

func writeTemporary(dir string, data []byte) (string, error) {
	file, err := os.CreateTemp(dir, Temporary+"*") // Mode 0600.
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
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
