// Package incremental is a sync that costs what changed: a [Source] that reads everything
// but the lists of holders of which the previous archive proves to know what reading them
// would tell. It knows from Directory Insights what was touched since ([Changes]), from the
// archive what was there before, and from totals, of some lists each time, whether events
// were lost. What follows from the grants, the drop protection and the replacement of the
// archive are those of any other sync.
//
// Every doubt means reading: a list in doubt is read, and where the doubt is not about a
// list, a full sync is made.
package incremental
