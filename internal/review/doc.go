// Package review answers the questions of somebody who reviews access: who has
// what, and via what. What changed between two syncs is the business of the package
// diff, and reports are that of findings.
//
// [Load] reads one sync of an archive into memory and arranges it. The [Sync] that
// it returns never changes and is safe for concurrent use. Resources and
// entitlements have places in it, [Ref] and [EntRef], which are the order of their
// names and the same at each loading of a sync; another sync has other places.
//
// A resource is an account, a group, an application or a role by the traits of its
// type, so archives of every connector are understood. What a grant names and the
// archive has no row for is kept as well, marked as missing and named by its id.
//
// A grant is direct when it has no sources or when its own entitlement is among
// them; the other sources are the entitlements that it comes through. Grants of
// groups that have not been expanded by the syncing program stay grants of the
// group.
package review
