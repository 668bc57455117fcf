// Package program is what the commands share: the process they run in, their settings,
// the log, the network, the terminal, their arguments, and which files are for what.
package program
