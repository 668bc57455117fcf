// Package report shows a sync to the person who started it: how far it is, while
// it runs on a terminal, and what came of it, at the end.
package report
