// Package c1z reads and writes Baton archives, and is the port in front of their
// formats: whoever uses a [Reader] or a [Writer] does not know which one it is.
//
// An archive of format 1 is one file: a header of five bytes, then one zstd frame,
// which holds a SQLite database. The database holds syncs, each of which is what one
// run of a connector read: resource types, resources, entitlements and grants,
// stored as c1.connector.v2 messages beside the columns that they are looked up
// by. An archive of format 3 holds one sync in a Pebble database, whose files
// package envelope packs and package pebblestore reads and writes. docs/FORMAT.md
// describes the bytes of both.
//
// A [Writer] builds a new database in a work folder and puts it in place of the
// archive in one step, so that the old archive is whole until the new one is. It
// adds no row to a file that exists: older syncs that are kept are copied. The
// database is thrown away when the build dies, so it needs no journal, and
// package sqlitefile can write it in one pass. SQLite looks at the result.
//
// A [Reader] unpacks an archive into a private file and opens that read-only. It
// takes archives of every Baton program since the first, and trusts none of
// them: what is unpacked is bounded, a schema that could run anything is
// refused, and whatever SQLite finds wrong is [ErrDamaged].
//
// Nothing here locks. Whoever replaces an archive holds [Lock] from before it
// reads the old one until after [Writer.Finish]; readers need no lock, because a
// file that they opened stays what it was.
package c1z
