package services

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// ListStaticEntitlements lists none: what a resource can be granted depends on it.
func (s *Services) ListStaticEntitlements(ctx context.Context, req *v2.EntitlementsServiceListStaticEntitlementsRequest) (*v2.EntitlementsServiceListStaticEntitlementsResponse, error) {
	if !s.has(req.GetResourceTypeId()) {
		return nil, s.failed(ctx, "listing static entitlements", unknownType(req.GetResourceTypeId()))
	}
	return new(v2.EntitlementsServiceListStaticEntitlementsResponse), nil
}

// ListEntitlements makes the entitlement of a resource. It takes no request where the
// resource is whole, as the platform sends it.
func (s *Services) ListEntitlements(ctx context.Context, req *v2.EntitlementsServiceListEntitlementsRequest) (*v2.EntitlementsServiceListEntitlementsResponse, error) {
	r, err := s.whole(ctx, req.GetResource(), req.GetAnnotations(), (*v2.TypeScopedEntitlements)(nil))
	if err == nil && req.GetPageToken() != "" {
		err = fault.Invalid("invalid page token: the list has one page")
	}
	if err != nil {
		return nil, s.failed(ctx, "listing entitlements", err)
	}
	answer := new(v2.EntitlementsServiceListEntitlementsResponse)
	for _, e := range connector.EntitlementsOf(r) {
		// As in an archive, the entitlement embeds its resource.
		e.Resource = r
		answer.List = append(answer.List, e)
	}
	return answer, nil
}

// whole checks the resource of a request and reads it where only its id was sent.
func (s *Services) whole(ctx context.Context, r *v2.Resource, annotations []*anypb.Any, typeScoped proto.Message) (*v2.Resource, error) {
	id := r.GetId()
	switch {
	case slices.ContainsFunc(annotations, func(a *anypb.Any) bool { return a.MessageIs(typeScoped) }):
		return nil, fault.Invalid("resources of type %q are listed one by one, not for the type as a whole", id.GetResourceType())
	case id.GetResourceType() == "" || id.GetResource() == "":
		return nil, fault.Invalid("missing resource")
	case len(id.GetResource()) > connector.MaxID:
		return nil, fault.Invalid("invalid resource ID: %d bytes, more than %d", len(id.GetResource()), connector.MaxID)
	case !s.has(id.GetResourceType()):
		return nil, unknownType(id.GetResourceType())
	case connector.IsWhole(r), !connector.IsHeld(id.GetResourceType()):
		return r, nil
	}
	return s.getResource(ctx, id)
}
