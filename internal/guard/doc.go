// Package guard detects a sync with a large drop.
//
// A sync is complete or it fails, and still it can be wrong: a credential whose
// rights were cut shows fewer objects, and so does an organization in which somebody
// deleted the wrong group. Whoever reads the archive takes what is missing for
// access that was revoked. So a [Watch] stands between the engine and the archive,
// compares what passes with an earlier sync, and tells the [Loss]: the resources of
// each type and the grants that the earlier sync had and the new one has not. It
// goes by ids, so that objects which were all replaced by others are a loss too,
// even if their number is the same. [Limits] judge a loss, and [Loss.Code] names it.
//
// The package knows nothing of files: a [Baseline] lists the earlier sync.
package guard
