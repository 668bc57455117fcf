package c1api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// A TokenError is an answer of the token endpoint that is not a token. As a gRPC
// status it is Unauthenticated, whatever the HTTP status was.
type TokenError struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Code is the OAuth error code, if the answer held one.
	Code string
	// Description says more, if there is more to say.
	Description string
	// Skew is how far this machine's clock is ahead of ConductorOne's, negative for
	// behind, where that may be why a request was refused; else 0.
	Skew time.Duration
}

// Error says what was answered.
func (e *TokenError) Error() string {
	text := fmt.Sprintf("ConductorOne gave no token (HTTP %d", e.StatusCode)
	if e.Code != "" {
		text += ", " + e.Code
	}
	text += ")"
	if e.Description != "" {
		text += ": " + e.Description
	}
	if e.Skew != 0 {
		text += fmt.Sprintf("; this machine's clock is %s %s ConductorOne's: correct the clock",
			e.Skew.Abs(), map[bool]string{true: "ahead of", false: "behind"}[e.Skew > 0])
	}
	return text
}

// GRPCStatus makes the error one that grpc passes on unchanged.
func (e *TokenError) GRPCStatus() *status.Status {
	return status.New(codes.Unauthenticated, e.Error())
}

// Temporary reports that the endpoint is in trouble itself and said nothing about
// the credentials.
func (e *TokenError) Temporary() bool {
	return e.StatusCode >= http.StatusInternalServerError ||
		e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusRequestTimeout
}

// Refused reports whether an error of a call says that ConductorOne does not
// accept the credentials. A token endpoint that is in trouble itself, though
// Unauthenticated by its code, does not say so.
func Refused(err error) bool {
	if token, ok := errors.AsType[*TokenError](err); ok {
		return !token.Temporary()
	}
	switch status.Code(err) {
	case codes.Unauthenticated, codes.PermissionDenied:
		return true
	default:
		return false
	}
}

// transportError gives an error of the way to the token endpoint the gRPC status
// that the same error of a call would have. It may quote what the other end said, so
// the credentials are taken out.
func transportError(doing string, err error, known ...secret.String) error {
	text := redact.Text(doing+": "+err.Error(), known...)
	if advice := egress.Advice(err); advice != "" {
		text += "; " + advice
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, text)
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, text)
	default:
		return status.Error(codes.Unavailable, text)
	}
}
