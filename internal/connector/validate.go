package connector

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// Organization is the tenant that a sync, grant or revoke is about.
type Organization struct {
	ID   string
	Name string // "" when JumpCloud does not tell
}

// String shows the organization to a person: its name and, in brackets, its id.
func (o Organization) String() string {
	if o.Name == "" {
		return o.ID
	}
	return o.Name + " (" + o.ID + ")"
}

// maxOrganizationPages bounds how many pages of organizations are read.
const maxOrganizationPages = 1000

// shownOrganizations bounds how many organizations a message lists.
const shownOrganizations = 50

// Validate finds out which organization the credential leads to, which shows too
// that it is accepted. It costs one request.
//
// A credential that sees several organizations needs [Options.OrgID]: JumpCloud
// would otherwise refuse every list, or take one of them silently. Where JumpCloud
// does not list organizations to the credential, the given id is trusted.
//
// From then on, requests name this organization, and what is read must be of it.
func (s *Source) Validate(ctx context.Context) (Organization, error) {
	org, seen, err := s.find(ctx)
	if err != nil {
		return Organization{}, err
	}
	s.organization.Store(&org)
	s.visible = seen
	s.client.Select(org.ID)
	return org, nil
}

// find finds out which organization the credential leads to, and which it sees.
func (s *Source) find(ctx context.Context) (Organization, organizations, error) {
	seen, err := s.organizations(ctx)
	wanted := s.options.OrgID
	switch {
	case err != nil && jumpcloud.IsUnserved(err) && wanted != "":
		return Organization{ID: wanted}, seen, nil
	case err != nil && jumpcloud.IsUnserved(err):
		return Organization{}, nil, Coded(fmt.Errorf("determine the organization: %w; if you know the ID of the organization, name it with --org-id", err))
	case err != nil:
		return Organization{}, nil, Coded(fmt.Errorf("determine the organization: %w", err))
	case len(seen) == 0 && wanted != "":
		return Organization{ID: wanted}, seen, nil
	case len(seen) == 0:
		return Organization{}, nil, fault.WithCode(codes.FailedPrecondition,
			"JumpCloud lists no organization for this credential; set --org-id")
	case wanted == "" && len(seen) == 1:
		return seen[0], seen, nil
	case wanted == "":
		return Organization{}, nil, fault.WithCode(codes.FailedPrecondition,
			"this credential has access to %d organizations; choose one with --org-id:%s", len(seen), listed(seen))
	}
	for _, o := range seen {
		if identity.Equal(o.ID, wanted) {
			return o, seen, nil
		}
	}
	return Organization{}, nil, fault.Invalid(
		"this credential has no access to the organization %s set with --org-id; it has access to:%s", wanted, listed(seen))
}

// organizations reads the list to its end: a few rows, and nothing is lost where it
// changes meanwhile. A page on which nothing is new ends it too, since a server that
// does not skip sends the same one for ever.
func (s *Source) organizations(ctx context.Context) (organizations, error) {
	var seen organizations
	known := map[string]bool{}
	for skip, pages := 0, 0; pages < maxOrganizationPages; pages++ {
		page, err := s.client.Organizations(ctx, paging.Window{Skip: skip, Limit: rowsPerPage})
		if err != nil {
			return nil, err
		}
		before := len(seen)
		for _, o := range page.Items {
			if !known[o.ID] {
				known[o.ID] = true
				seen = append(seen, Organization{ID: o.ID, Name: printable.Clip(o.DisplayName, MaxDisplayName)})
			}
		}
		skip += page.Raw
		if len(seen) == before || skip >= page.Total && page.Total >= 0 {
			return seen, nil
		}
	}
	return nil, fmt.Errorf("the list of organizations does not end within %d pages", maxOrganizationPages)
}

// listed writes organizations one a line.
func listed(organizations []Organization) string {
	var b strings.Builder
	for i, o := range organizations {
		if i == shownOrganizations {
			fmt.Fprintf(&b, "\n  and %d more", len(organizations)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s  %s", o.ID, printable.Clip(o.Name, 200))
	}
	return b.String()
}
