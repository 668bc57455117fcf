package provision

import (
	"context"

	"github.com/segmentio/ksuid"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// PlanEdge plans that a principal gets or loses what it holds itself, without an archive
// that names it.
func (p *Provisioner) PlanEdge(ctx context.Context, op Operation, resource, principal Named) (*Plan, error) {
	return p.plan(ctx, Change{
		ID: ksuid.New().String(), Operation: op, Entitlement: restype.EntitlementID(resource.Type, resource.ID),
		Resource: resource, Principal: principal,
	})
}
