// Package archives opens archives for commands, and finds whom and what their arguments
// name in them.
package archives
