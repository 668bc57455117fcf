package c1api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1api"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

func metadata() *v2.ConnectorMetadata { return &v2.ConnectorMetadata{DisplayName: "Acme"} }

func TestGreetingIsRepeatedWithDoublingPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		begun := time.Now()
		err := c1api.UntilGreeted(t.Context(), slog.New(slog.DiscardHandler), func(context.Context) error {
			at = append(at, time.Since(begun))
			if len(at) < 13 {
				return status.Error(codes.Unavailable, "down")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var want []time.Duration
		pause, sum := time.Second, time.Duration(0)
		for range 13 {
			want = append(want, sum)
			sum += pause
			pause = min(2*pause, 5*time.Minute)
		}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("times of the greetings (-want +got):\n%s", diff)
		}
	})
}

func TestGreetingGivesUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err   error
		final bool
	}{
		{status.Error(codes.Unauthenticated, "x"), true},
		{status.Error(codes.PermissionDenied, "x"), true},
		{status.Error(codes.InvalidArgument, "x"), true},
		{status.Error(codes.Unimplemented, "x"), true},
		{status.Error(codes.FailedPrecondition, "x"), true},
		{status.Error(codes.NotFound, "x"), true},
		{&c1api.TokenError{StatusCode: 401}, true},
		{fmt.Errorf("wrapped: %w", status.Error(codes.NotFound, "x")), true},
		{&c1api.TokenError{StatusCode: 503}, false},
		{status.Error(codes.Unavailable, "x"), false},
		{status.Error(codes.DeadlineExceeded, "x"), false},
		{status.Error(codes.Internal, "x"), false},
		{errors.New("x"), false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				calls := 0
				err := c1api.UntilGreeted(ctx, slog.New(slog.DiscardHandler), func(context.Context) error {
					calls++
					return tt.err
				})
				if tt.final && (calls != 1 || !errors.Is(err, tt.err)) {
					t.Errorf("%d calls, error %v", calls, err)
				}
				if !tt.final && (calls < 10 || ctx.Err() == nil || err == nil) {
					t.Errorf("%d calls in an hour, error %v", calls, err)
				}
			})
		})
	}
}

func TestGreetingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		time.AfterFunc(100*time.Second, cancel)
		err := c1api.UntilGreeted(ctx, slog.New(slog.DiscardHandler), func(context.Context) error { return errors.New("down") })
		if err == nil || time.Since(begun) != 100*time.Second {
			t.Errorf("ended after %v with %v", time.Since(begun), err)
		}
	})
}
