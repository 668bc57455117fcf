// Package tempdir makes folders for temporary files that say who has access to what:
// unpacked archives and large tables. A process that is killed cannot remove its
// folder, so later ones do. A lock in each folder, which ends with its process, tells
// whether the process is alive.
package tempdir

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gofrs/flock"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

const (
	// pattern matches the names of the folders.
	pattern = "baton-jumpcloud-tmp-*"
	// lockName is the lock in each folder.
	lockName = "lock"
	// abandoned ends the name of a folder that is being removed, so that no process can
	// lock it any more.
	abandoned = "-abandoned"
	// maxTries bounds how often other processes may be in the way of making or removing
	// a folder.
	maxTries = 10
)

// Dir is a folder that only its owner can open. It is safe for concurrent use.
type Dir struct {
	path string
	lock *flock.Flock // nil where the file system has no locks
}

// New makes a folder in parent, and first removes abandoned ones there. An empty parent
// is the operating system's folder for temporary files.
func New(parent string) (*Dir, error) {
	Sweep(parent)
	for range maxTries {
		d, err := create(parent)
		if err != nil {
			return nil, fmt.Errorf("make a temporary folder: %w", err)
		}
		if d != nil {
			return d, nil
		}
	}
	return nil, errors.New("make a temporary folder: other processes keep removing it")
}

// create makes a folder and locks it. The result is nil where another process removed
// the folder in between.
func create(parent string) (*Dir, error) {
	path, err := os.MkdirTemp(parent, pattern) // Mode 0700.
	if err != nil {
		return nil, err
	}
	lock, err := regularfile.Lock(filepath.Join(path, lockName))
	switch {
	case errors.Is(err, regularfile.ErrLocked), errors.Is(err, os.ErrNotExist):
		return nil, nil //nolint:nilnil // There is none, and that is no error.
	case err != nil:
		return &Dir{path: path}, nil //nolint:nilerr // What cannot be locked is not swept either.
	}
	d := &Dir{path: path, lock: lock}
	if !d.owns() {
		return nil, lock.Close()
	}
	return d, nil
}

// owns reports whether the lock is the one that its folder holds now.
func (d *Dir) owns() bool {
	held, err := d.lock.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(filepath.Join(d.path, lockName))
	return err == nil && os.SameFile(held, now)
}

// Path is the folder.
func (d *Dir) Path() string { return d.path }

// Close removes the folder with everything in it. It may be called again.
func (d *Dir) Close() error {
	// The lock goes first: some systems keep a file that is open.
	var err error
	if d.lock != nil {
		err = d.lock.Close()
	}
	if err := errors.Join(err, removeAll(d.path)); err != nil {
		return fmt.Errorf("remove temporary files: %w", err)
	}
	return nil
}

// removeAll is [os.RemoveAll] while other processes look whether the folder's is alive,
// which may put a lock there again.
func removeAll(path string) (err error) {
	for range maxTries {
		if err = os.RemoveAll(path); err == nil {
			return nil
		}
	}
	return err
}

// Sweep removes the folders in parent that this user's processes left when they were
// killed. What cannot be removed stays for the next time.
func Sweep(parent string) {
	parent = cmp.Or(parent, os.TempDir())
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if match, err := filepath.Match(pattern, entry.Name()); err != nil || !match {
			continue
		}
		path := filepath.Join(parent, entry.Name())
		// A symbolic link is none of ours, and nothing in a folder of somebody else.
		if info, err := os.Lstat(path); err == nil && info.IsDir() && regularfile.OwnedByUs(info) {
			sweep(path)
		}
	}
}

// sweep removes a folder unless its process is alive.
func sweep(path string) {
	lock, err := regularfile.Lock(filepath.Join(path, lockName))
	if err != nil {
		return
	}
	d := &Dir{path: path, lock: lock}
	switch {
	case !d.owns():
		_ = lock.Close() // Another process was faster.
		return
	case runtime.GOOS != "windows": // Windows renames no folder with an open file.
		// Under another name no process can lock what is about to go.
		d.path += abandoned
		if err := os.Rename(path, d.path); err != nil {
			_ = lock.Close()
			return
		}
	}
	_ = d.Close()
}
