// Package c1z reads and writes Baton archives of format 1: the five bytes of a
// header, then one zstd frame that holds a SQLite database.
package c1z
