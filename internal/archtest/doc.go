// Package archtest holds the tests of the program's structure: which package may
// import which, and a few habits that the compiler does not know about. Each
// rule carries its reason, and for each of them a planted violation shows that
// it can fail. It contains no other code.
//
// To add a package, add a row to layers. To let a package import another, think
// first whether the arrow may point that way; docs/ARCHITECTURE.md has the map.
package archtest
