// Package notify tells others of what changed: a command that is run, and an address that is
// posted to.
package notify
