package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func TestCoded(t *testing.T) {
	t.Parallel()
	of := func(k jumpcloud.Kind) error {
		return fmt.Errorf("list users: %w", &jumpcloud.Error{Kind: k, Method: "GET", Route: "/x"})
	}
	tests := []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK},
		{of(jumpcloud.KindUnauthenticated), codes.Unauthenticated},
		{of(jumpcloud.KindPermission), codes.PermissionDenied},
		{of(jumpcloud.KindNotFound), codes.NotFound},
		{of(jumpcloud.KindConflict), codes.AlreadyExists},
		{of(jumpcloud.KindInvalid), codes.InvalidArgument},
		{of(jumpcloud.KindUnavailable), codes.Unavailable},
		{of(jumpcloud.KindTimeout), codes.DeadlineExceeded},
		{of(jumpcloud.KindUnimplemented), codes.Unimplemented},
		{of(jumpcloud.KindProtocol), codes.Unknown},
		{errors.New("anything"), codes.Unknown},
		{fmt.Errorf("wrapped: %w", fault.Invalid("no")), codes.InvalidArgument},
		{context.Canceled, codes.Unknown},
	}
	for _, tt := range tests {
		got := Coded(tt.err)
		if status.Code(got) != tt.want {
			t.Errorf("%v: code %v, want %v", tt.err, status.Code(got), tt.want)
		}
		if got != nil && got.Error() != tt.err.Error() {
			t.Errorf("the text changed to %q", got)
		}
		if !errors.Is(got, tt.err) {
			t.Errorf("%v is no longer in %v", tt.err, got)
		}
	}
	if !errors.Is(Coded(fmt.Errorf("user 1: %w", syncer.ErrNotFound)), syncer.ErrNotFound) {
		t.Error("ErrNotFound is lost")
	}
}

// Every permission that is asked for belongs to a route that the client uses.
func TestPermissionsAreThoseOfTheRoutes(t *testing.T) {
	t.Parallel()
	var known []string
	for _, r := range jumpcloud.Routes() {
		known = append(known, r.Permission)
	}
	metadata := Metadata(CapabilityOptions{ProvisionTypes: restype.Changeable(false)})
	if metadata.GetDisplayName() != DisplayName || metadata.GetHelpUrl() != HelpURL {
		t.Errorf("metadata %v", metadata)
	}
	for _, c := range metadata.GetCapabilities().GetResourceTypeCapabilities() {
		if len(c.GetPermissions().GetPermissions()) == 0 {
			t.Errorf("%s takes no permission", c.GetResourceType().GetId())
		}
		for _, p := range c.GetPermissions().GetPermissions() {
			if !slices.Contains(known, p.GetPermission()) {
				t.Errorf("%s: no route takes %q", c.GetResourceType().GetId(), p.GetPermission())
			}
		}
	}
	if !slices.Contains(known, adminsPermission) {
		t.Errorf("no route takes %q", adminsPermission)
	}
}

func TestKindsSurviveARestart(t *testing.T) {
	t.Parallel()
	for _, c := range []collection{users, admins, roles, groups, apps, members, dynamicMembers, assignments, targets} {
		for i := range 16 {
			k := kind{collection: c, resourcesOnly: i&1 != 0, noGrants: i&2 != 0, noAccounts: i&4 != 0, accountsOnly: i&8 != 0}
			if got := parseKind(k.String()); got != k {
				t.Errorf("%q is read as %+v", k, got)
			}
		}
	}
}
