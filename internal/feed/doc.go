// Package feed gives platforms the events of Directory Insights as the events of a Baton
// connector: what changed, and who used what. A cursor holds everything that is needed to go
// on, so that a feed survives every restart.
package feed
