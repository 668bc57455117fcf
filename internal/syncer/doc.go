// Package syncer is the engine of a sync. It reads a [Source] side by side into a
// [Store], page by page, and builds an [Archive] out of the Store. It knows no
// JumpCloud and no file formats.
//
// # Life of a sync
//
// [Run] goes through phases, and the Store knows how far it is:
//
//   - reading: every open token of every list is read. A page may bring rows of
//     each kind, further tokens of its list, and new lists. All of that and the end
//     of its own token is stored at once. A list without open tokens is settled:
//     the source says from the pages' notes that it is complete, or what else is to
//     be read.
//   - looking up: principals of grants that no list contained are read one by one.
//   - joining: the source works out what only all lists together tell.
//
// [Build] then streams the rows into the archive, in an order that depends on
// nothing but the data, and expands the grants on the way (see package expand).
//
// # Guarantees
//
//   - A sync is complete or it fails. No error is merely counted.
//   - A process that is killed at any moment loses only the pages that were under
//     way. The next Run reads no page again that was stored; a Build that was
//     killed is repeated without a request.
//   - The rows and their order are the same for any number of workers.
//   - Memory does not grow with the number of grants: tokens wait in the Store,
//     grants are packed, and the build holds those of one entitlement at a time.
//   - A sync that failed because of what it read, rather than because it could not
//     read, is not resumed: the Store is marked, and the next run starts anew.
package syncer
