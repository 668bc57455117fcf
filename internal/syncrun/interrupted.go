package syncrun

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// interruptedError is the end of a run that was asked to stop.
type interruptedError struct {
	work string // folder
	kept bool   // something is in it
}

// Error says where the work is and how to go on with it.
func (e interruptedError) Error() string {
	if !e.kept {
		return "interrupted; nothing was read"
	}
	return fmt.Sprintf("interrupted; work kept at %s; run again to resume", console.Nearby(e.work))
}

// Unwrap makes it a cancellation, whose exit code is 1.
func (interruptedError) Unwrap() error { return context.Canceled }

// ResumableError is a failure that may be over when the run is repeated.
type ResumableError struct {
	error
	work string
}

// resumable adds to a failure of the network or the server where the work is.
func resumable(err error, work string) error {
	switch fault.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return ResumableError{err, work}
	default:
		return err
	}
}

// Unwrap returns the failure.
func (e ResumableError) Unwrap() error { return e.error }

// Hints says what repeating the run does.
func (e ResumableError) Hints() []string {
	return []string{fmt.Sprintf("work kept at %s; run again to resume", console.Nearby(e.work))}
}
