package c1z

import (
	"fmt"

	"github.com/gofrs/flock"
)

// FileLock is the right to write an archive. It is held by one process at a
// time and ends with the process at the latest.
type FileLock struct {
	lock *flock.Flock
}

// Lock takes the lock of the archive at path, which is the file of the same
// name with ".lock" behind it. The file stays when the lock is released. If
// another run holds the lock, the error is [ErrLocked].
func Lock(path string) (*FileLock, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, err
	}
	lock := flock.New(target+".lock", flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock archive %s: %w", path, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock archive %s: %w; wait for it to end or choose another file", path, ErrLocked)
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
