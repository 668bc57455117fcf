package services

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// sdkVersion is the version of the public kit whose services these are. A platform that
// is not told one of at least 0.4.3 leaves the id of the sync out of its calls.
const sdkVersion = "v0.25.0"

// Validate tries the credential and finds out which organization it leads to.
func (s *Services) Validate(ctx context.Context, _ *v2.ConnectorServiceValidateRequest) (*v2.ConnectorServiceValidateResponse, error) {
	err := s.rested()
	if err == nil {
		_, err = s.options.newSource().Validate(ctx)
	}
	if err != nil {
		return nil, s.failed(ctx, "validate", err)
	}
	return &v2.ConnectorServiceValidateResponse{SdkVersion: sdkVersion}, nil
}

// GetMetadata describes the connector.
func (s *Services) GetMetadata(context.Context, *v2.ConnectorServiceGetMetadataRequest) (*v2.ConnectorServiceGetMetadataResponse, error) {
	return &v2.ConnectorServiceGetMetadataResponse{
		Metadata: connector.Metadata(connector.CapabilityOptions{ProvisionTypes: s.options.ProvisionTypes, Switches: s.options.Source.Switches, EventFeeds: s.options.EventFeeds}),
	}, nil
}

// Cleanup removes what was kept of a sync. There is nothing that the platform could do about
// an error.
func (s *Services) Cleanup(ctx context.Context, req *v2.ConnectorServiceCleanupRequest) (*v2.ConnectorServiceCleanupResponse, error) {
	if err := s.forget(req.GetActiveSyncId()); err != nil {
		s.options.Logger.WarnContext(ctx, "removing temporary files failed", "error", err)
	}
	return new(v2.ConnectorServiceCleanupResponse), nil
}

// has reports whether resources of a type are served.
func (s *Services) has(resourceType string) bool {
	return slices.Contains(restype.Synced(s.options.Source.Switches), resourceType) && (len(s.options.ResourceTypes) == 0 || slices.Contains(s.options.ResourceTypes, resourceType))
}

// unknownType is the error of a type that is not served.
func unknownType(resourceType string) error {
	return fault.WithCode(codes.NotFound, "unknown resource type %q", resourceType)
}

// ListResourceTypes lists all types at once.
func (s *Services) ListResourceTypes(ctx context.Context, req *v2.ResourceTypesServiceListResourceTypesRequest) (*v2.ResourceTypesServiceListResourceTypesResponse, error) {
	if req.GetPageToken() != "" {
		return nil, s.failed(ctx, "listing resource types", fault.Invalid("invalid page token: the list has one page"))
	}
	answer := new(v2.ResourceTypesServiceListResourceTypesResponse)
	for _, t := range connector.ResourceTypes(s.options.Source.Switches) {
		if s.has(t.GetId()) {
			answer.List = append(answer.List, t)
		}
	}
	return answer, nil
}

// ListResources lists the resources of a type by id. None has a parent.
func (s *Services) ListResources(ctx context.Context, req *v2.ResourcesServiceListResourcesRequest) (*v2.ResourcesServiceListResourcesResponse, error) {
	answer, err := s.listResources(ctx, req)
	return answer, s.failed(ctx, "listing resources", err)
}

func (s *Services) listResources(ctx context.Context, req *v2.ResourcesServiceListResourcesRequest) (*v2.ResourcesServiceListResourcesResponse, error) {
	answer := new(v2.ResourcesServiceListResourcesResponse)
	resourceType := req.GetResourceTypeId()
	switch {
	case !s.has(resourceType):
		return nil, unknownType(resourceType)
	case req.GetParentResourceId() != nil:
		return answer, nil
	}
	if err := s.rested(); err != nil {
		return nil, err
	}
	dir, err := s.directory(ctx, req.GetActiveSyncId())
	if err != nil {
		return nil, err
	}
	p := place{list: "resources", of: syncer.Ref{Type: resourceType}, sync: req.GetActiveSyncId(), organization: dir.org.ID}
	var after []byte
	if req.GetPageToken() != "" {
		if after, err = p.open(req.GetPageToken()); err != nil {
			return nil, err
		}
	}
	list, more, err := dir.page(resourceType, string(after), int(req.GetPageSize()), s.pageBytes)
	if err != nil {
		return nil, err
	}
	answer.List = list
	if more {
		answer.NextPageToken = p.seal([]byte(list[len(list)-1].GetId().GetResource()))
	}
	return answer, nil
}

// GetResource reads one resource as a sync of it alone does.
func (s *Services) GetResource(ctx context.Context, req *v2.ResourceGetterServiceGetResourceRequest) (*v2.ResourceGetterServiceGetResourceResponse, error) {
	r, err := s.getResource(ctx, req.GetResourceId())
	if err != nil {
		return nil, s.failed(ctx, "getting the resource", err)
	}
	return &v2.ResourceGetterServiceGetResourceResponse{Resource: r}, nil
}

func (s *Services) getResource(ctx context.Context, id *v2.ResourceId) (*v2.Resource, error) {
	switch {
	case id.GetResourceType() == "" || id.GetResource() == "":
		return nil, fault.Invalid("missing resource ID")
	case !s.has(id.GetResourceType()):
		return nil, unknownType(id.GetResourceType())
	}
	if err := s.rested(); err != nil {
		return nil, err
	}
	d := &directory{
		options: &s.options, source: s.options.newSource(), reading: make(chan struct{}, 1),
		scope: syncer.Scope{Targets: []*v2.ResourceId{id}, SkipEntitlementsAndGrants: true},
	}
	snapshot, err := d.read(ctx)
	if err != nil {
		return nil, errors.Join(err, d.remove())
	}
	r, err := snapshot.find(refOf(id))
	return r, errors.Join(err, d.remove())
}
