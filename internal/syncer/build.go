package syncer

import (
	"context"
	"errors"
	"log/slog"

	"github.com/conductorone/baton-jumpcloud/internal/expand"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Archive takes the rows of a finished sync in their final order. The engine
// calls it from one goroutine at a time. An implementation may keep the messages,
// which share parts among each other, but must not change them; the slices are
// the engine's again when a call returns.
type Archive interface {
	PutResourceTypes(ctx context.Context, types ...*v2.ResourceType) error
	PutResources(ctx context.Context, resources ...*v2.Resource) error
	PutEntitlements(ctx context.Context, entitlements ...*v2.Entitlement) error
	PutGrants(ctx context.Context, grants ...*v2.Grant) error
}

// BuildConfig is what [Build] works with.
type BuildConfig struct {
	// Store was filled by [Run].
	Store Store
	// Archive takes the rows.
	Archive Archive
	// Expand are the settings of the expansion.
	Expand expand.Options
	// Name, when set, tells the display name of a principal that a partial sync
	// has not stored; empty when unknown.
	Name func(ctx context.Context, ref Ref) (string, error)
	// Logger gets what an operator wants to know.
	Logger *slog.Logger
	// Progress, when set, is called now and then from one goroutine at a time.
	Progress func(Progress)
}

// Build streams a sync that is read to its end into an archive, in an order that
// depends on the data only: resource types by id; resources by type and id;
// entitlements by id; grants entitlement by entitlement (those that no grant
// flows into first, then by how many steps away from them, then by id) and
// within one by the principal's type and id. It sends no request, so that it can
// be repeated after a crash.
func Build(ctx context.Context, cfg BuildConfig) (Summary, error) {
	return Summary{}, errors.ErrUnsupported
}
