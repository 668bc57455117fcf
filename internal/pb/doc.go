// Package pb holds the generated Go code of the messages in proto/, one package
// for each protobuf package below this folder. Nothing in it is written by hand
// but this file and its test.
//
// The messages are the one vocabulary of the program: the connector returns
// them, the engine moves them and the archive stores them. Their names, numbers
// and types are the interface to every other Baton program, so a test compares
// them with the table testdata/wire.txt.
//
// `make gen` writes the code anew from proto/; `make gen-check` says whether it
// is current.
package pb
