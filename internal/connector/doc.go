// Package connector turns JumpCloud into Baton's model: it decides which objects
// of an organization become resources, entitlements and grants, and under which
// ids.
//
// There are four resource types. A user is an account: of a directory user, or
// of an administrator, whom JumpCloud keeps apart. A group confers membership, an
// app access, a role the rights of an administrator. The mapping (users.go,
// admins.go, groups.go, apps.go, roles.go) is pure: the same object gives the
// same message, byte for byte, so that an archive can be compared. [Source] reads
// the lists for the sync engine.
//
// Ids are a promise. Reviews and automations outside are keyed on them, so no
// release may change how one is formed.
package connector
