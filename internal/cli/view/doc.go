// Package view has what commands that show tables share: the flags that choose rows,
// columns, format and file, and writing them there.
package view
