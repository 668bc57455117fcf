package c1z

import (
	"errors"
	"fmt"

	"github.com/gofrs/flock"

	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// FileLock is the right to write an archive. One process holds it at a time, and
// it ends with the process at the latest.
type FileLock struct {
	lock *flock.Flock
}

// lockSuffix ends the name of the lock of an archive.
const lockSuffix = ".lock"

// Companions are the files that a sync makes beside the archive at a path.
func Companions(path string) []string { return []string{path + lockSuffix, path + temporary} }

// Lock takes the lock of the archive at path: a file beside it of the same name
// with ".lock" behind it, which stays when the lock is given back. Of a link, it
// is the lock of the file that the link leads to. A lock that is itself a link, or
// no regular file, is refused. If another run holds it, the error is [ErrLocked].
func Lock(path string) (*FileLock, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, err
	}
	lock, err := regularfile.Lock(target + lockSuffix)
	switch {
	case errors.Is(err, regularfile.ErrLocked):
		return nil, fmt.Errorf("lock archive %s: %w; wait for it to finish or choose another file", target, ErrLocked)
	case err != nil:
		return nil, fmt.Errorf("lock archive %s: %w", target, err)
	}
	return &FileLock{lock: lock}, nil
}

// Unlock gives the lock back. It may be called again.
func (l *FileLock) Unlock() error {
	if err := l.lock.Unlock(); err != nil {
		return fmt.Errorf("unlock archive: %w", err)
	}
	return nil
}
