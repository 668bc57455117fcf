// Package audit keeps the trail of changed access: who changed what, when, and
// how it ended.
//
// A change has two records under one id. The intent is written before anything is
// sent to JumpCloud, and reaches the disk before that; where it cannot be written,
// nothing is sent. The outcome is written after. An intent without an outcome is a
// change of which nobody saw the end, because the process was killed or the disk
// was full; a start says so.
//
// Every record is logged. With a file, each is a line of JSON in it too, with all
// that there is to know about the change, so that a line says everything by
// itself. Lines are only ever added, in one write each and under a lock, so that
// several processes may share a file. The file is opened for each line: one that
// was moved away by a log rotation is simply begun again.
//
// The trail names credentials and never holds them: an API key is known by its
// first characters, as in JumpCloud's own console.
package audit
