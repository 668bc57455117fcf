// Package browser tests the pages of baton-jumpcloud explore in a real browser. It
// is a module of its own, so that what drives the browser never becomes a
// dependency of the connector.
//
// The tests build the program, let it simulate a JumpCloud organization, sync it
// twice with edits in between, and serve the archive. Everything they compare pages
// with is read from the simulated JumpCloud itself, never from the archive.
package browser
