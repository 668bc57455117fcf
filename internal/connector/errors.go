package connector

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// codedError gives an error the gRPC code by which baton tells kinds of failure
// apart: it becomes the exit code, and travels to ConductorOne. The text is the
// error's own.
type codedError struct {
	err  error
	code codes.Code
}

func (e *codedError) Error() string { return e.err.Error() }

func (e *codedError) Unwrap() error { return e.err }

// GRPCStatus is what [status.FromError] and [status.Code] look for.
func (e *codedError) GRPCStatus() *status.Status {
	return status.New(e.code, e.err.Error())
}

// coded gives an error from the client its code. Errors that have one already, and
// those of an ended context, are left as they are.
func coded(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	if code := codeOf(err); code != codes.Unknown {
		return &codedError{err: err, code: code}
	}
	return err
}

// codeOf follows the table by which baton connectors map HTTP answers.
func codeOf(err error) codes.Code {
	switch jumpcloud.KindOf(err) {
	case jumpcloud.KindUnauthenticated:
		return codes.Unauthenticated
	case jumpcloud.KindPermission:
		return codes.PermissionDenied
	case jumpcloud.KindNotFound:
		return codes.NotFound
	case jumpcloud.KindConflict:
		return codes.AlreadyExists
	case jumpcloud.KindInvalid:
		return codes.InvalidArgument
	case jumpcloud.KindUnavailable:
		return codes.Unavailable
	case jumpcloud.KindTimeout:
		return codes.DeadlineExceeded
	case jumpcloud.KindUnimplemented:
		return codes.Unimplemented
	default:
		return codes.Unknown
	}
}

// invalid is an error about what the caller asked for.
func invalid(format string, args ...any) error {
	return withCode(codes.InvalidArgument, format, args...)
}

func withCode(code codes.Code, format string, args ...any) error {
	return &codedError{err: fmt.Errorf(format, args...), code: code}
}
