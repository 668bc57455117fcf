package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// okStatus is an error that says it is none.
type okStatus struct{ error }

func (okStatus) GRPCStatus() *status.Status { return status.New(codes.OK, "") }

func TestExitCode(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	refused := status.Error(codes.PermissionDenied, "no")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"plain", plain, 2},
		{"canceled", context.Canceled, 1},
		{"interrupted", fmt.Errorf("sync: %w", Interrupted{"SIGTERM"}), 1},
		{"deadline", fmt.Errorf("wait: %w", context.DeadlineExceeded), 4},
		{"status", refused, 7},
		{"wrapped status", fmt.Errorf("grant: %w", refused), 7},
		{"joined status", errors.Join(plain, fmt.Errorf("grant: %w", refused)), 7},
		{"status that is none", okStatus{plain}, 13},
		{"settings", config.Problems{{Text: "bad"}}, 2},
		{"settings not served", config.Problems{{Text: "bad"}, {Text: "later", Code: codes.Unimplemented}}, 12},
		{"no credential", config.Problems{{Text: "key", Code: codes.Unauthenticated}}, 16},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(tt.err); got != tt.want {
				t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
			}
		})
	}
}
