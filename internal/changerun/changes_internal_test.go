package changerun

import (
	"context"
	"errors"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
)

// Whoever waits for the organization to be known waits no longer than it may.
func TestReadyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := NewChanges(ChangesOptions{Config: new(config.Config)})
	c.making <- struct{}{} // Somebody else is asking JumpCloud.
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := c.Ready(ctx); !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
}
