// Package campaign is an access review as a process: the items to be decided, the
// decisions, what was carried out, and the proof of all of it.
//
// A review is a file of its own, made from one sync of an archive, which it never writes.
// Its items never change. What happens to them is a [Log] of events that is only added to:
// each event has the hash of the event that precedes it, so that a later edit shows. The
// state of an item is what its events say. A decision that was reported is on the disk.
//
// Carrying a revoke out is the business of a [Revoker], and asking for settings and
// showing results that of commands and pages.
package campaign
