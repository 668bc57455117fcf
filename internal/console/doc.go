// Package console is where a command writes to the person who started it: the log,
// a terminal, how far a sync is while it runs, and what came of it at the end.
package console
