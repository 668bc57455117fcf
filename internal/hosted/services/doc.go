// Package services serves the connector to a platform that runs the sync itself: the
// services of c1.connector.v2, one call at a time, each call by whatever process the
// platform chooses.
//
// What is served is what the engine of this module would write into an archive. Resources
// and what administrators hold come from a [directory], which the engine reads and proves
// as a whole; the holders of a group or application are one list, which is read and proven
// in one call. Therefore no proof is ever spread over processes: a page token names a place
// in something that is complete, and whoever gets it can go on there.
// docs/adr/0011-hosted-lists-are-proven-in-one-process.md has the reasons.
//
// The files: services.go registers the services; directory.go reads the directory and
// snapshot.go serves it; holders.go reads one list; token.go is the page tokens; errors.go
// what a failure tells the platform. resources.go, entitlements.go, grants.go and
// changes.go answer the calls.
package services
