package connector

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Coded gives an error from the client its gRPC code, by which baton tells kinds of
// failure apart: it becomes the exit code, and travels to ConductorOne. Errors that
// have one already, and those of an ended context, are left as they are.
func Coded(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	if code := codeOf(err); code != codes.Unknown {
		return fault.WithCode(code, "%w", err)
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

// IsNotFound reports whether JumpCloud does not find an object, or a list of all such objects
// does not have it.
func IsNotFound(err error) bool {
	return jumpcloud.IsNotFound(err) || errors.Is(err, syncer.ErrNotFound)
}
