package tasks

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// The limits of what a connector is asked, in bytes and rows.
const (
	maxID       = 1024
	maxCursor   = 4096
	maxEvents   = 1000
	maxTicketed = 100
)

// malformed is the error of a task that lacks a part without which it means nothing.
func malformed(what string) error {
	return status.Errorf(codes.InvalidArgument, "malformed %s task", what)
}

// limits keeps the first limit that a request breaks.
type limits struct{ err error }

func (l *limits) that(ok bool, format string, args ...any) {
	if !ok && l.err == nil {
		l.err = status.Errorf(codes.InvalidArgument, format, args...)
	}
}

func (l *limits) id(name, value string) {
	l.that(value != "" && len(value) <= maxID, "%s has %d bytes, not 1 to %d", name, len(value), maxID)
}

func (l *limits) optionalID(name, value string) {
	l.that(len(value) <= maxID, "%s has %d bytes, more than %d", name, len(value), maxID)
}

func (l *limits) resource(name string, id *v2.ResourceId) {
	l.id(name+" type", id.GetResourceType())
	l.id(name+" id", id.GetResource())
}

func (l *limits) entitlement(e *v2.Entitlement) {
	l.id("entitlement id", e.GetId())
	l.resource("entitlement resource", e.GetResource().GetId())
}
