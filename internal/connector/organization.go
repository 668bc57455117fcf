package connector

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// hintOrganization is what to do about answers of another organization.
const hintOrganization = "check whether the key, or a proxy before JumpCloud, was changed while the sync ran, and run again"

// belongs fails for an object that names another organization than that of the sync.
// Many objects name none.
func (s *Source) belongs(what, id, organization string) error {
	own := s.organization.Load()
	if own == nil || organization == "" || identity.Equal(organization, own.ID) {
		return nil
	}
	return s.mixed("%s %s belongs to the organization %s", what, printable.Clip(id, 100), printable.Clip(organization, 100))
}

// adminBelongs is belongs for an administrator. One who administers several
// organizations may name another that the credential sees.
func (s *Source) adminBelongs(a *jumpcloud.Admin) error {
	if s.visible.has(a.Organization) {
		return nil
	}
	return s.belongs("administrator", a.ID, a.Organization)
}

// mixed is the error of a sync that read of two organizations.
func (s *Source) mixed(format string, args ...any) error {
	return fault.WithCode(codes.FailedPrecondition, "sync of the organization %s failed: %s: %w; %s",
		s.organization.Load().ID, fmt.Sprintf(format, args...), syncer.ErrDiscard, hintOrganization)
}

// organizations are those that a credential sees.
type organizations []Organization

func (o organizations) has(id string) bool {
	for _, org := range o {
		if identity.Equal(org.ID, id) {
			return true
		}
	}
	return false
}

// Confirm implements [syncer.Source]: it asks again which organization the credential
// leads to. It costs one request.
func (s *Source) Confirm(ctx context.Context) error {
	own := s.organization.Load()
	if own == nil {
		return nil // Nobody asked at the beginning.
	}
	now, _, err := s.find(ctx)
	switch {
	case err != nil && jumpcloud.KindOf(err) != "":
		return Coded(fmt.Errorf("confirm the organization: %w", err))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return s.mixed("%v", err)
	case !identity.Equal(now.ID, own.ID):
		return s.mixed("at its end, the credential leads to the organization %s", now.ID)
	default:
		return nil
	}
}
