package c1z

import (
	"errors"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
)

// The kinds of failure that a caller may want to tell apart with [errors.Is].
// The errors themselves say more: the path, what was found and what to do.
var (
	// ErrNotFound means that the archive holds no such row or sync.
	ErrNotFound = errors.New("not found in the archive")
	// ErrNotArchive means that the file does not begin as an archive does.
	ErrNotArchive = errors.New("not a c1z archive")
	// ErrUnsupported means that the file is an archive of a variant of format 3 that
	// is not read.
	ErrUnsupported = envelope.ErrUnsupported
	// ErrOtherFormat means that the file is an archive of another format than the one
	// that is to be written, and is not replaced.
	ErrOtherFormat = errors.New("c1z archive of format 3")
	// ErrOneSync means that a sync which is not full would replace a full one, since
	// archives of format 3 hold one sync.
	ErrOneSync = errors.New("an archive of format 3 holds one sync, and a partial one would take the place of the full one")
	// ErrDamaged means that the file begins as an archive and then is cut short,
	// fails a checksum, goes on where it should end or holds no sound database.
	ErrDamaged = envelope.ErrDamaged
	// ErrTooLarge means that the archive would unpack to more than the limit.
	ErrTooLarge = envelope.ErrTooLarge
	// ErrLocked means that another run holds the lock of the archive.
	ErrLocked = errors.New("archive is in use by another run")
	// ErrDuplicate means that two rows of one sync have the same id.
	ErrDuplicate = errors.New("duplicate id")
)
