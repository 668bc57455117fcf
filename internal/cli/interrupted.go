package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"google.golang.org/grpc/codes"
)

// interruptedError is the end of a run that was asked to stop.
type interruptedError struct {
	work string // folder
	kept bool   // something is in it
}

// Error says where the work is and how to go on with it.
func (e interruptedError) Error() string {
	if !e.kept {
		return "interrupted; nothing was read yet"
	}
	return fmt.Sprintf("interrupted; work kept at %s; run again to resume", nearby(e.work))
}

// Unwrap makes it a cancellation, whose exit code is 1.
func (interruptedError) Unwrap() error { return context.Canceled }

// resumableError is a failure that may be over when the run is repeated.
type resumableError struct {
	error
	work string
}

// resumable adds to a failure of the network or the server where the work is.
func resumable(err error, work string) error {
	switch codes.Code(exitCode(err)) { //nolint:gosec // Exit codes are small.
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return resumableError{err, work}
	default:
		return err
	}
}

// Unwrap returns the failure.
func (e resumableError) Unwrap() error { return e.error }

// Hints says what repeating the run does.
func (e resumableError) Hints() []string {
	return []string{fmt.Sprintf("what was read is kept at %s; running again goes on from there", nearby(e.work))}
}

// nearby is a path as short as it can be written from the working directory.
func nearby(path string) string {
	base, err := filepath.Abs(".")
	if err != nil || base == filepath.Dir(base) {
		return path
	}
	if rel, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
