package syncer

import (
	"context"
	"errors"
	"log/slog"
)

// Config is what [Run] works with.
type Config struct {
	// Source is read.
	Source Source
	// Store keeps what was read. A Store that an earlier process has filled is
	// resumed.
	Store Store
	// Scope is what is read; it must be the one with which the Store was filled.
	Scope Scope
	// Workers is how many pages are read at once; below 1 means 1.
	Workers int
	// Logger gets what an operator wants to know.
	Logger *slog.Logger
	// Progress, when set, is called now and then from one goroutine at a time.
	Progress func(Progress)
}

// Run reads everything that the source holds into the store: lists, principals
// that are in no list, and what Join makes of them. After it, [Build] needs no
// request. It ends soon after its context, and leaves a store that another Run
// continues. The first error ends it and names the list that could not be read.
func Run(ctx context.Context, cfg Config) error {
	return errors.ErrUnsupported
}
