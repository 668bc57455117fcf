package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errNoAuthorization is the answer to a call that carries no credential.
var errNoAuthorization = status.Error(codes.Unauthenticated, "missing authorization header")

// The beginnings of the texts of errors that bring no status.
const (
	textCanceled  = "canceled: "
	textDeadline  = "deadline exceeded: "
	textTransient = "transient network error: "
	textUnknown   = "unknown error: "
)

// statusOf is the status of a failed call. An error that is or wraps a status keeps its
// code and details, under the whole text. The platform tries again what is Unavailable or
// DeadlineExceeded.
func statusOf(err error) *status.Status {
	if s, ok := status.FromError(err); ok && s.Code() != codes.OK {
		return s
	}
	code, text := codes.Unknown, textUnknown
	switch {
	case errors.Is(err, context.Canceled):
		code, text = codes.Canceled, textCanceled
	case errors.Is(err, context.DeadlineExceeded):
		code, text = codes.DeadlineExceeded, textDeadline
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		code, text = codes.Unavailable, textTransient
	case timedOut(err):
		code, text = codes.DeadlineExceeded, textDeadline
	case isTemporary(err), mentionsNetwork(err):
		code, text = codes.Unavailable, textTransient
	}
	return status.New(code, text+err.Error())
}

func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func isTemporary(err error) bool {
	var e *url.Error
	return errors.As(err, &e) && e.Temporary()
}

// mentionsNetwork knows errors of the network of which only the text is left.
func mentionsNetwork(err error) bool {
	text := err.Error()
	return slices.ContainsFunc([]string{
		"connection reset by peer", "broken pipe", "connection refused", "http2: client connection lost", "i/o timeout",
		"connection timed out", "TLS handshake timeout", "no such host", "unexpected EOF",
	}, func(part string) bool { return strings.Contains(text, part) })
}
