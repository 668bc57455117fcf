// Package envelope reads and writes the container of archives of format 3: five
// bytes, a manifest, and the files of one database directory, packed. It knows
// nothing of what is in the files. docs/FORMAT.md describes the bytes.
//
// Archives may come from anybody. Sizes are checked before memory is taken, names
// before a file is made, and a file whose hash differs is [ErrDamaged].
package envelope

import (
	"errors"
	"fmt"
)

// The kinds of failure. The errors say more.
var (
	// ErrDamaged means that the archive is cut short, fails a check or holds what no
	// archive holds.
	ErrDamaged = errors.New("damaged archive")
	// ErrTooLarge means that the archive would take more than a limit.
	ErrTooLarge = errors.New("archive too large")
	// ErrUnsupported means that the archive is of a variant that is not read.
	ErrUnsupported = errors.New("unsupported archive variant")
)

// The bytes that an archive begins with, and that one with an index ends with.
const (
	Magic       = "C1Z3\x00"
	footerMagic = "C1ZIDX1\x00"
)

// What an archive may have at most.
const (
	maxManifest = 16 << 20
	maxIndex    = 16 << 20
	maxFiles    = 100_000
	maxName     = 4096
)

// Limits bound what unpacking costs. Both are above zero.
type Limits struct {
	// DecodedSize is the most bytes that all files may have together.
	DecodedSize int64
	// Window is the most bytes that the compression may look back, which is memory.
	Window int64
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
}

// mib formats a size for a message.
func mib(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }
