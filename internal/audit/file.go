package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

const (
	// permissions are those of the file: what was changed for whom is nobody else's
	// business.
	permissions fs.FileMode = 0o600
	// lockWait is how long another process may hold the file. A line takes
	// milliseconds.
	lockWait = 10 * time.Second
	// lockPoll is how often the lock is tried for.
	lockPoll = 5 * time.Millisecond
	// maxReopens bounds how often the file may be replaced while it is opened.
	maxReopens = 5
)

// errReplaced means that the path leads to another file than the one opened.
var errReplaced = errors.New("the file was replaced while it was being opened")

// appendTo adds a line to the file at path and waits until it is on the disk.
func appendTo(ctx context.Context, path string, line []byte) error {
	return withFile(ctx, path, func(f *os.File, size int64) error {
		if err := appendLine(f, size, line); err != nil {
			return err
		}
		if size == 0 {
			return atomicfile.SyncDir(filepath.Dir(path))
		}
		return nil
	})
}

// withFile opens the file under its lock, making it if there is none.
func withFile(ctx context.Context, path string, use func(f *os.File, size int64) error) error {
	err := errReplaced
	for n := 0; errors.Is(err, errReplaced) && n < maxReopens; n++ {
		err = withOpened(ctx, path, use)
	}
	return err
}

func withOpened(ctx context.Context, path string, use func(f *os.File, size int64) error) (err error) {
	// Looking first keeps devices and pipes from noticing that they were opened.
	if info, err := os.Lstat(path); err == nil {
		if err := judge(info); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, regularfile.SystemFlags(os.O_RDWR|os.O_APPEND|os.O_CREATE|regularfile.NoFollow), permissions) //nolint:gosec // Who runs the program chooses the file.
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lock, err := lockFile(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	// What was opened may be another file than the one looked at.
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := judge(info); err != nil {
		return err
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(info, now) {
		return errReplaced
	}
	if err := checkContent(f); err != nil {
		return err
	}
	return use(f, info.Size())
}

// lockFile waits for the right to write the file.
func lockFile(ctx context.Context, path string) (*flock.Flock, error) {
	limited, cancel := context.WithTimeoutCause(ctx, lockWait, fmt.Errorf("locked by another process for %s", lockWait))
	defer cancel()
	lock := flock.New(lockPath(path), flock.SetFlag(regularfile.SystemFlags(os.O_RDWR|os.O_CREATE|regularfile.NoFollow)), flock.SetPermissions(permissions))
	held, err := lock.TryLockContext(limited, lockPoll)
	switch {
	case held:
		return lock, nil
	case limited.Err() != nil:
		return nil, context.Cause(limited)
	default:
		return nil, fmt.Errorf("lock it: %w", err)
	}
}

// judge refuses a file that should not be written to, or could be read by others.
func judge(info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return errors.New("symbolic links are not followed; name the target file")
	case info.IsDir():
		return errors.New("is a directory; name a file")
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is %s, not a regular file: name another one", regularfile.Kind(info.Mode()))
	case !regularfile.OwnedByUs(info):
		return errors.New("owned by another user; name another file or run as its owner")
	case tooOpen(info):
		return fmt.Errorf("accessible to other users (mode %04o); check its contents, then run chmod 600", info.Mode().Perm())
	case linked(info):
		return errors.New("has more than one hard link; remove the other link or name another file")
	}
	return nil
}

// medium is the part of a file that lines are added to.
type medium interface {
	io.Writer
	io.ReaderAt
	Truncate(size int64) error
	Sync() error
}

// appendLine adds a line in one write. A line that an earlier process did not
// finish is ended first, so that it spoils no other; one of ours that does not get
// to the disk is taken back.
func appendLine(m medium, size int64, line []byte) error {
	if size > 0 {
		last := make([]byte, 1)
		if _, err := m.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err := m.Write(line)
	if err == nil {
		err = m.Sync()
	}
	if err != nil {
		return errors.Join(err, m.Truncate(size))
	}
	return nil
}
