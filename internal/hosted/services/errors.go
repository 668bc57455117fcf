package services

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// untoldRest is how long JumpCloud is left alone when it refuses and does not say.
const untoldRest = time.Minute

// gone is a resource that does not exist, or not any more.
type gone syncer.Ref

func (g gone) Error() string { return syncer.Ref(g).String() + " does not exist" }

// GRPCStatus makes the platform skip the resource.
func (g gone) GRPCStatus() *status.Status { return status.New(codes.NotFound, g.Error()) }

// failed is the error of a call as the platform gets it: with a code that says what to do.
//
//   - Unavailable, DeadlineExceeded: the platform sends the same call again, without an end,
//     and waits as long as a RateLimitDescription says.
//   - NotFound: it leaves the resource out with a warning. Only a resource that is known to
//     be gone, or a type that does not exist, is one.
//   - Aborted: what was read could not be proven to be complete. The sync ends, and its next
//     run asks again.
//   - All others end the sync as well.
func (s *Services) failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	code := fault.Code(err)
	_, isGone := errors.AsType[gone](err)
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		code = status.FromContextError(ctx.Err()).Code()
	case errors.Is(err, paging.ErrIncomplete):
		code = codes.Aborted
	case code == codes.NotFound && !isGone && jumpcloud.IsNotFound(err):
		// A list that is not found reads as an empty one to whoever skips it.
		code = codes.FailedPrecondition
	}
	return s.status(code, fmt.Errorf("%s failed: %w", what, err))
}

// refused is the error of a change, which says by itself what failed.
func (s *Services) refused(err error) error {
	if err == nil {
		return nil
	}
	return s.status(fault.Code(err), err)
}

// status is an error with a code, its hints, and what the platform is to know of a refusal.
func (s *Services) status(code codes.Code, err error) error {
	text := fault.Advised(err).Error()
	if until := s.restAfter(err); !until.IsZero() {
		if limited, wrong := status.New(codes.Unavailable, text).WithDetails(overLimit(until)); wrong == nil {
			return limited.Err()
		}
	}
	return status.Error(code, text)
}

// restAfter notes for how long JumpCloud wants to be left alone by its refusal, and tells
// until when; zero for an error that is none.
func (s *Services) restAfter(err error) time.Time {
	var wait time.Duration
	if e, ok := errors.AsType[*jumpcloud.Error](err); ok && e.Kind == jumpcloud.KindUnavailable && (e.Status == 429 || e.RetryAfter > 0) {
		if wait = e.RetryAfter; wait <= 0 {
			wait = untoldRest
		}
	} else if r, ok := errors.AsType[resting](err); ok {
		return time.Time(r)
	} else {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = time.Now().Add(wait)
	return s.rest
}

// rested reports as an error that JumpCloud still wants to be left alone.
func (s *Services) rested() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.rest) {
		return resting(s.rest)
	}
	return nil
}

// resting is a call that came while JumpCloud wants to be left alone.
type resting time.Time

func (r resting) Error() string {
	return "JumpCloud asked for a pause until " + time.Time(r).UTC().Format(time.RFC3339)
}

// GRPCStatus makes the platform wait.
func (r resting) GRPCStatus() *status.Status { return status.New(codes.Unavailable, r.Error()) }

// overLimit tells the platform until when to wait.
func overLimit(until time.Time) *v2.RateLimitDescription {
	return &v2.RateLimitDescription{Status: v2.RateLimitDescription_STATUS_OVERLIMIT, Limit: 1, ResetAt: timestamppb.New(until)}
}
