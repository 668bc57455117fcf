package cli

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// coded is an error that carries a gRPC status.
type coded interface {
	error
	GRPCStatus() *status.Status
}

// exitCode is the one place that turns an error into an exit code: the gRPC code
// that it carries anywhere, else the one that fits what JumpCloud answered, else
// 1 for a cancellation, 4 for a timeout and 2 for everything else. An error that
// claims to be none counts as internal.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if c, ok := asError[coded](err); ok {
		if code := c.GRPCStatus().Code(); code != codes.OK {
			return int(code)
		}
		return int(codes.Internal)
	}
	if kind := jumpcloud.KindOf(err); kind != "" && !errors.Is(err, context.Canceled) {
		return int(codeOf(kind))
	}
	return int(status.FromContextError(err).Code())
}

// codeOf is the gRPC code for what came of a request to JumpCloud.
func codeOf(kind jumpcloud.Kind) codes.Code {
	switch kind {
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

// asError finds an error of a type in err's tree, joined errors included.
func asError[T error](err error) (T, bool) {
	var target T
	ok := errors.As(err, &target)
	return target, ok
}
