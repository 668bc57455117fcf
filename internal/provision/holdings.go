package provision

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/segmentio/ksuid"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// PlanEdge plans that a principal gets or loses what it holds itself, without an archive
// that names it.
func (p *Provisioner) PlanEdge(ctx context.Context, op Operation, resource, principal Named) (*Plan, error) {
	entitlement := restype.EntitlementID(resource.Type, resource.ID)
	if resource.Type == restype.Device {
		entitlement = restype.SlugEntitlementID(resource.Type, resource.ID, connector.SlugUser)
	}
	return p.plan(ctx, Change{
		ID: ksuid.New().String(), Operation: op, Entitlement: entitlement,
		Resource: resource, Principal: principal,
	})
}

// Holdings lists what a user holds itself: the groups that it is in, the applications that are
// bound to it, and of the other types those that may be changed.
func (p *Provisioner) Holdings(ctx context.Context, userID string) ([]Named, error) {
	var held []Named
	_, err := paging.ReadAll(ctx, connector.GroupsOf(p.client, userID), func(row jumpcloud.Connection) bool {
		held = append(held, Named{Type: restype.Group, ID: row.ID})
		return true
	})
	if err != nil {
		return nil, connector.Coded(err)
	}
	for _, bound := range connector.BoundKinds() {
		if bound.Type != restype.App && !slices.Contains(p.options.Types, bound.Type) {
			continue
		}
		_, err := paging.ReadAll(ctx, paging.Lister[jumpcloud.Connection]{
			Name: bound.Graph + " bindings of user " + userID, Limit: 100, Holes: true, ID: func(row jumpcloud.Connection) string { return row.ID },
			Fetch: func(ctx context.Context, w paging.Window) (paging.Page[jumpcloud.Connection], error) {
				return p.client.UserAssociations(ctx, userID, bound.Graph, w)
			},
		}, func(row jumpcloud.Connection) bool {
			held = append(held, Named{Type: bound.Type, ID: row.ID})
			return true
		})
		if err != nil {
			return nil, connector.Coded(err)
		}
	}
	return held, nil
}

// Rule is the rule of a dynamic group, as JumpCloud has it in JSON; "" where it tells
// none.
func (p *Provisioner) Rule(ctx context.Context, groupID string) string {
	fields, err := p.client.GroupFields(ctx, groupID)
	rule, ok := fields["memberQuery"].(json.RawMessage)
	if err != nil || !ok {
		return ""
	}
	return string(rule)
}

// Reports lists the users whose manager a user is. JumpCloud has no list of them, so that
// all users are read.
func (p *Provisioner) Reports(ctx context.Context, userID string) ([]*jumpcloud.User, error) {
	var reports []*jumpcloud.User
	_, err := paging.ReadAll(ctx, paging.Lister[jumpcloud.User]{
		Name: "users", Limit: 1000, Sorted: true, Fetch: p.client.Users, ID: func(u jumpcloud.User) string { return u.ID },
	}, func(u jumpcloud.User) bool {
		if u.ManagerID == userID {
			reports = append(reports, &u)
		}
		return true
	})
	return reports, connector.Coded(err)
}
