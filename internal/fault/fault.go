// Package fault gives errors what whoever ends with them needs: a gRPC code, which
// is the exit code of the process and the code of a task's result, and hints that
// say what to do.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Coded is an error that carries a gRPC status.
type Coded interface {
	error
	GRPCStatus() *status.Status
}

// Hinter is an error that knows what a user can do about it.
type Hinter interface {
	error
	Hints() []string
}

// As finds an error of a type in err's tree, joined errors included.
func As[T error](err error) (T, bool) {
	var target T
	ok := errors.As(err, &target)
	return target, ok
}

// codeError is an error with the gRPC code that it stands for and a text of its
// own.
type codeError struct {
	error
	code codes.Code
}

// WithCode makes an error with a code. Format and args are those of [fmt.Errorf].
func WithCode(code codes.Code, format string, args ...any) error {
	return codeError{fmt.Errorf(format, args...), code}
}

// Invalid is an error about what the caller asked for.
func Invalid(format string, args ...any) error {
	return WithCode(codes.InvalidArgument, format, args...)
}

// GRPCStatus carries the code.
func (e codeError) GRPCStatus() *status.Status { return status.New(e.code, e.Error()) }

// Unwrap returns the error without its code.
func (e codeError) Unwrap() error { return e.error }

// hintError is an error with sentences on what to do about it.
type hintError struct {
	error
	hints []string
}

// WithHints adds what a user can do about an error.
func WithHints(err error, hints ...string) error { return hintError{err, hints} }

// Unwrap returns the error without its hints.
func (e hintError) Unwrap() error { return e.error }

// Hints implements [Hinter].
func (e hintError) Hints() []string { return e.hints }

// Advised puts the hints of an error into its text, for whoever gets nothing but that.
func Advised(err error) error {
	if h, ok := As[Hinter](err); ok {
		return fmt.Errorf("%w (%s)", err, strings.Join(h.Hints(), "; "))
	}
	return err
}

// ExitFindings is the exit code of a check that found something. No gRPC code has
// this number, so that it cannot be taken for a failure.
const ExitFindings = 20

// Findings says what a check has found, which is no failure.
type Findings string

// Error is the text.
func (e Findings) Error() string { return string(e) }

// Code is the one place that turns an error into a code: the gRPC code that it
// carries anywhere (the connector gives one to each failure of JumpCloud), else
// Canceled, DeadlineExceeded, or Unknown for everything else. An error that claims to
// be none counts as internal.
func Code(err error) codes.Code {
	if c, ok := As[Coded](err); ok {
		if code := c.GRPCStatus().Code(); code != codes.OK {
			return code
		}
		return codes.Internal
	}
	return status.FromContextError(err).Code()
}

// ExitCode is the exit code of a process that ends with an error: the number of its
// [Code], 0 without one. What a check found has a code of its own.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if _, ok := As[Findings](err); ok {
		return ExitFindings
	}
	return int(Code(err))
}

// Interrupted is the cause of a context that ended because the process was asked
// to stop.
type Interrupted struct {
	Signal string
}

// Error names the signal.
func (i Interrupted) Error() string { return "interrupted by " + i.Signal }

// Unwrap makes it a cancellation to everybody who asks.
func (Interrupted) Unwrap() error { return context.Canceled }

// WasInterrupted reports whether a context ended because the process was asked to
// stop.
func WasInterrupted(ctx context.Context) bool {
	return errors.As(context.Cause(ctx), new(Interrupted))
}
