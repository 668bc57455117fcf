package regularfile

import (
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"
)

// ErrLocked means that another process holds a lock.
var ErrLocked = errors.New("another process holds the lock")

// Lock takes the lock that the file at path is, without waiting for it, and makes
// the file, which its owner alone can open. A symbolic link is refused as well as
// what is no regular file: the lock would be somewhere else. Where another process
// holds it, the error is [ErrLocked]. The lock ends with the process at the latest.
func Lock(path string) (*flock.Flock, error) {
	const flags = os.O_RDWR | os.O_CREATE | NoFollow
	if err := Check(path, flags); err != nil {
		return nil, fmt.Errorf("%w; remove it", err)
	}
	lock := flock.New(path, flock.SetFlag(SystemFlags(flags)), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err == nil && !held {
		err = ErrLocked
	}
	if err == nil {
		// What was opened may be another file than the one looked at.
		var info os.FileInfo
		if info, err = lock.Stat(); err == nil && !info.Mode().IsRegular() {
			err = &KindError{path, info.Mode()}
		}
	}
	if err != nil {
		_ = lock.Close() // Nothing is held that closing could fail to give up.
		return nil, err
	}
	return lock, nil
}
