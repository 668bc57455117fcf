// Package cli is the program: its commands, and the wiring of the packages that
// do the work.
//
// There is one file a command, but for the small ones in describe.go and questions.go,
// and each command is three things: newX builds it,
// xOptions.addFlags declares the flags that are its own, and runX does what it
// says. The settings that all commands share come from [config.Load]. A command
// returns its error; [Main] prints it and turns it into the exit code, and does
// so at one place.
//
// Commands that look into archives take their lists from internal/review/tables and
// write them with internal/sheet; view.go has their flags. Commands that change something
// are in cli/changes, how archives are opened is in cli/archives, and what all commands
// share in cli/program. None of them knows how the work is done.
//
// What people and scripts see follows the other Baton connectors: the flags, the
// environment, the choice of the mode, error text bare on stderr, and exit codes
// that are gRPC codes.
package cli
