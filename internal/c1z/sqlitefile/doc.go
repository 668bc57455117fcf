// Package sqlitefile writes SQLite database files in one pass.
//
// SQLite itself inserts a row wherever it belongs, and so must be ready for
// anything. Here all rows of a table come in the order of their row ids and
// nothing is read before the end, so that every page can be filled to the brim,
// appended to the file and forgotten. Keys of indexes are sorted in memory of a
// fixed size, spilled when that is full and merged at the end. The result is an
// ordinary database, the same for the same rows, as dense as VACUUM would make
// it.
//
// The format is that of https://www.sqlite.org/fileformat2.html, to whose
// sections the comments refer. Only what an archive needs is there: row-id tables
// whose first column is the row id, indexes over columns in ascending binary
// order, UTF-8, pages of 4096 bytes.
package sqlitefile
