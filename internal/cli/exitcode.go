package cli

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// coded is an error that carries a gRPC status.
type coded interface {
	error
	GRPCStatus() *status.Status
}

// exitFindings is the exit code of a check that found something. No gRPC code has
// this number, so that it cannot be taken for a failure.
const exitFindings = 20

// findingsError says what a check has found.
type findingsError string

func (e findingsError) Error() string { return string(e) }

// exitCode is the one place that turns an error into an exit code: the gRPC code
// that it carries anywhere (the connector gives one to each failure of JumpCloud),
// else 1 for a cancellation, 4 for a timeout and 2 for everything else. An error
// that claims to be none counts as internal. What a check found is no failure and has
// a code of its own.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if _, ok := asError[findingsError](err); ok {
		return exitFindings
	}
	if c, ok := asError[coded](err); ok {
		if code := c.GRPCStatus().Code(); code != codes.OK {
			return int(code)
		}
		return int(codes.Internal)
	}
	return int(status.FromContextError(err).Code())
}

// codeError is an error with the gRPC code that it stands for and a text of its
// own.
type codeError struct {
	error
	code codes.Code
}

// withCode makes an error with a code.
func withCode(code codes.Code, format string, args ...any) error {
	return codeError{fmt.Errorf(format, args...), code}
}

// GRPCStatus carries the code.
func (e codeError) GRPCStatus() *status.Status { return status.New(e.code, e.Error()) }

// Unwrap returns the error without its code.
func (e codeError) Unwrap() error { return e.error }

// asError finds an error of a type in err's tree, joined errors included.
func asError[T error](err error) (T, bool) {
	var target T
	ok := errors.As(err, &target)
	return target, ok
}
