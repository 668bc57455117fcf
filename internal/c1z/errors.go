package c1z

import "errors"

// The kinds of failure that a caller may want to tell apart with [errors.Is].
// The errors themselves say more: the path, what was found and what to do.
var (
	// ErrNotFound means that the archive holds no such row or sync.
	ErrNotFound = errors.New("not found in the archive")
	// ErrNotArchive means that the file does not begin as an archive does.
	ErrNotArchive = errors.New("not a c1z archive")
	// ErrV3 means that the file is an archive of format 3, which this program
	// neither reads nor overwrites.
	ErrV3 = errors.New("c1z archive of format 3")
	// ErrDamaged means that the file begins as an archive and then is cut short,
	// fails a checksum, goes on where it should end or holds no sound database.
	ErrDamaged = errors.New("damaged archive")
	// ErrTooLarge means that the archive would unpack to more than the limit.
	ErrTooLarge = errors.New("archive too large")
	// ErrLocked means that another run holds the lock of the archive.
	ErrLocked = errors.New("archive is in use by another run")
	// ErrDuplicate means that two rows of one sync have the same id.
	ErrDuplicate = errors.New("duplicate id")
)
