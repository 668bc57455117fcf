// Package provision changes access in JumpCloud, as what the connector maps says it:
// membership of groups and access to applications.
//
// A change is planned (change.go, edges.go), told to the audit before and after
// (audit.go), sent and repeated where that is safe (apply.go, retry.go), and read
// back (readback.go).
package provision
