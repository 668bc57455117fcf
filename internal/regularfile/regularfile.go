// Package regularfile opens files whose names come from outside and refuses whatever
// is none: opening a named pipe waits until somebody opens its other end, reading a
// device may never end, and no signal ends either. Nothing here waits.
//
// The error for something else than a regular file is a [KindError]; all others are
// those of package os.
package regularfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// KindError says that a path leads to something that is no regular file.
type KindError struct {
	Path string
	Mode fs.FileMode
}

// Error says what the path leads to instead.
func (e *KindError) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file", e.Path, Kind(e.Mode))
}

// Kind names a kind of file in words.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

// Open opens a file for reading. Links are followed.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// OpenFile opens a file as [os.OpenFile] does. With [NoFollow] among the flags, a
// symbolic link is refused too.
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	// Looking first keeps devices and the writers of pipes from noticing that somebody
	// opened them.
	if err := Check(path, flag); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, SystemFlags(flag), perm) //nolint:gosec // Who runs the program chooses the file.
	if err != nil {
		return nil, err
	}
	// What was opened may be another file than the one looked at.
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &KindError{path, info.Mode()}
	}
	if err != nil {
		_ = f.Close() // Nothing was written.
		return nil, err
	}
	return f, nil
}

// Check refuses a path that OpenFile would refuse with the same flags, and nothing
// else: a file that is missing, for example, is no error.
func Check(path string, flag int) error {
	look := os.Stat
	if flag&NoFollow != 0 {
		look = os.Lstat
	}
	if info, err := look(path); err == nil && !info.Mode().IsRegular() {
		return &KindError{path, info.Mode()}
	}
	return nil
}

// Read reads a file that has at most limit bytes; a larger one is an error.
func Read(path string, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // Closing what was only read has nothing to tell.
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, info, err
}
