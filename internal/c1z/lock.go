package c1z

import (
	"fmt"

	"github.com/gofrs/flock"
)

// FileLock is the right to write an archive. One process holds it at a time, and
// it ends with the process at the latest.
type FileLock struct {
	lock *flock.Flock
}

// Lock takes the lock of the archive at path: a file beside it of the same name
// with ".lock" behind it, which stays when the lock is given back. Of a link, it
// is the lock of the file that the link leads to. If another run holds it, the
// error is [ErrLocked].
func Lock(path string) (*FileLock, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, err
	}
	lock := flock.New(target+".lock", flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock archive %s: %w", target, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock archive %s: %w; wait until it has ended or choose another file", target, ErrLocked)
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
