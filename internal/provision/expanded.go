package provision

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// refuseExpanded refuses to revoke a grant that a group confers: there is no edge
// of its own to take away. The message names the groups, and the commands that
// would end the access instead.
func (p *Provisioner) refuseExpanded(ctx context.Context, change Change, grant *v2.Grant) error {
	bound := map[string]string{restype.App: jumpcloud.TypeApplication, restype.RADIUSServer: jumpcloud.TypeRADIUSServer, restype.Directory: "", restype.Device: jumpcloud.TypeDevice}
	graph, ok := bound[change.Resource.Type]
	if !ok || change.Principal.Type != restype.User || !isExpanded(grant) {
		return nil
	}
	if change.Resource.ID == restype.AdministrationAppID {
		return nil // Its grants cannot be changed either, for a reason of their own.
	}
	groups, devices := sourceGroups(grant, restype.Group), sourceGroups(grant, restype.DeviceGroup)
	if len(groups) == 0 && len(devices) > 0 {
		for i, d := range devices {
			if g, err := p.client.DeviceGroup(ctx, d.ID); err == nil {
				devices[i].Name = connector.DeviceGroupName(g)
			}
		}
		return fault.WithCode(codes.FailedPrecondition, "%s has no direct access to %s: it is inherited via %s; end the binding to it in JumpCloud",
			change.Principal, change.Resource, names(devices))
	}
	if len(groups) == 0 {
		groups = p.remaining(ctx, change, graph)
	}
	if len(groups) == 0 {
		return fault.WithCode(codes.FailedPrecondition,
			"%s has no direct access to %s: it is inherited via an unknown group; sync again", change.Principal, change.Resource)
	}
	var instead strings.Builder
	for i := range groups {
		instead.WriteString("\n  " + p.instead(ctx, &groups[i], change.Principal))
	}
	confer := "grants it; to end it, remove the user from the group:"
	if len(groups) > 1 {
		confer = "grant it; to end it, remove the user from all of them:"
	}
	return fault.WithCode(codes.FailedPrecondition, "%s has no direct access to %s: %s %s%s",
		change.Principal, change.Resource, names(groups), confer, instead.String())
}

// instead says how a user is taken out of a group, and completes the group's name
// where it can be read.
func (p *Provisioner) instead(ctx context.Context, group *Named, user Named) string {
	g, err := p.client.UserGroup(ctx, group.ID)
	if err == nil {
		group.Name = connector.GroupName(g)
		if connector.IsDynamic(g) {
			return fmt.Sprintf("(%s is dynamic: change its rule or the user's attributes)", group)
		}
	}
	return cmp.Or(p.options.Command, "baton-jumpcloud") + " --revoke-grant " + restype.GrantID(restype.Group, group.ID, restype.User, user.ID)
}

// isExpanded reports whether a grant came from expansion alone: its sources do not
// include its own entitlement, or it says no more than that it cannot be changed.
func isExpanded(grant *v2.Grant) bool {
	sources := grant.GetSources().GetSources()
	if len(sources) > 0 {
		_, direct := sources[grant.GetEntitlement().GetId()]
		return !direct
	}
	for _, a := range grant.GetAnnotations() {
		if a.MessageIs((*v2.GrantImmutable)(nil)) {
			return true
		}
	}
	return false
}

// sourceGroups are the groups of a type that a grant names as its sources.
func sourceGroups(grant *v2.Grant, groupType string) []Named {
	var groups []Named
	for _, id := range slices.Sorted(maps.Keys(grant.GetSources().GetSources())) {
		if group, ok := strings.CutPrefix(id, groupType+":"); ok {
			group, _, _ = strings.Cut(group, ":")
			groups = append(groups, Named{Type: groupType, ID: group})
		}
	}
	return groups
}
