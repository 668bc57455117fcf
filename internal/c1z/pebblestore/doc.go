// Package pebblestore reads and writes the database of an archive of format 3: a
// closed Pebble directory that holds one sync. It knows the keys and the records, and
// turns records into c1.connector.v2 messages and back; how the directory is packed is
// the business of package envelope. docs/FORMAT.md describes the keys.
//
// A [Store] opens a directory read-only and trusts nothing in it: Pebble only sees
// files with names of its own, blocks that would unpack to too much are refused, a
// panic of Pebble is damage, and a record that is not what its key says is damage. The
// indexes of the database are not trusted: a list by principal reads all grants.
//
// A [Builder] sorts what it is given and writes tables in the order of their keys,
// which Pebble takes over as they are. Nothing goes through a memtable.
package pebblestore

import (
	"fmt"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/envelope"
)

// What a record may have at most, in bytes: the limits of messages on the wire, as for
// archives of format 1.
const (
	maxID          = 1 << 10
	maxKey         = 4 << 10
	maxName        = 1 << 10
	maxDescription = 4 << 10
	maxValue       = 4 << 20
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{envelope.ErrDamaged}, args...)...)
}
