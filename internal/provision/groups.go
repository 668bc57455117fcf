package provision

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/segmentio/ksuid"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// groupPath is where groups are changed.
const groupPath = "/api/v2/usergroups"

// groupsAllowed refuses to change groups themselves where the settings allow changing
// their members only: that takes the types of groups and of accounts.
func (p *Provisioner) groupsAllowed(group Named) error {
	if restype.ChangesGroups(p.options.Types) {
		return nil
	}
	return fault.WithCode(codes.Unimplemented,
		"groups cannot be created, changed or deleted: changing %s requires --%s to name %s and %s", group, restype.ProvisionTypes, restype.Group, restype.User)
}

// FindGroup finds a group by its name, without regard to case; nil where there is none.
func (p *Provisioner) FindGroup(ctx context.Context, name string) (found *jumpcloud.UserGroup, err error) {
	_, err = paging.ReadAll(ctx, paging.Lister[jumpcloud.UserGroup]{
		Name: "groups", Limit: 100, Sorted: true, Fetch: p.client.UserGroups, ID: func(g jumpcloud.UserGroup) string { return g.ID },
	}, func(g jumpcloud.UserGroup) bool {
		if identity.Equal(g.Name, name) {
			found = &g
		}
		return found == nil
	})
	return found, err
}

// PlanCreateGroup creates a static group. Where one of the name exists, the plan is done
// already and [Plan.Resource] names that one.
func (p *Provisioner) PlanCreateGroup(ctx context.Context, name, description string) (*Plan, error) {
	plan := &Plan{
		Change: Change{ID: ksuid.New().String(), Operation: OperationCreate, Resource: Named{Type: restype.Group, Name: printable.Clip(name, connector.MaxDisplayName)}},
		policy: policy{look: true, verify: true},
	}
	if err := p.groupsAllowed(plan.Resource); err != nil {
		return nil, err
	}
	fields := jumpcloud.Fields{"name": name}
	if description != "" {
		fields["description"] = description
	}
	find := func(ctx context.Context) (bool, error) {
		g, err := p.FindGroup(ctx, name)
		if g != nil {
			plan.Resource.ID, plan.Resource.Name = g.ID, connector.GroupName(g)
		}
		return g != nil, err
	}
	if _, err := find(ctx); err != nil {
		return nil, connector.Coded(err)
	}
	plan.Request = request(http.MethodPost, groupPath, fields)
	plan.Fields = newFields(fields)
	plan.Undo = "delete the group"
	plan.effect = &object{
		exists:  func(context.Context) error { return nil },
		submit:  func(ctx context.Context) error { return p.client.CreateUserGroup(ctx, fields) },
		holds:   find,
		already: jumpcloud.IsConflict,
	}
	return plan, nil
}

// PlanModifyGroup changes the name and description of a group, of which nil leaves one as
// it is.
func (p *Provisioner) PlanModifyGroup(ctx context.Context, id string, name, description *string) (*Plan, error) {
	plan := &Plan{
		Change: Change{ID: ksuid.New().String(), Operation: OperationUpdate, Resource: Named{Type: restype.Group, ID: id}},
		policy: policy{look: true},
	}
	if err := p.groupsAllowed(plan.Resource); err != nil {
		return nil, err
	}
	exists := func(ctx context.Context) error {
		_, err := p.client.UserGroup(ctx, id)
		if err != nil {
			return missing(plan.Resource, err)
		}
		return nil
	}
	g, err := p.client.UserGroup(ctx, id)
	if err != nil {
		return nil, connector.Coded(missing(plan.Resource, err))
	}
	plan.Resource.Name = connector.GroupName(g)
	changes := map[string]string{}
	if name != nil {
		changes["name"] = *name
	}
	if description != nil {
		changes["description"] = *description
	}
	whole := func(ctx context.Context) (jumpcloud.Fields, error) {
		fields, err := p.client.GroupFields(ctx, id)
		if err != nil {
			return nil, err
		}
		for field, want := range changes {
			fields[field] = want
		}
		return fields, nil
	}
	fields, err := whole(ctx)
	if err != nil {
		return nil, connector.Coded(missing(plan.Resource, err))
	}
	was := map[string]string{"name": g.Name, "description": g.Description}
	for _, field := range sortedKeys(changes) {
		if changes[field] != was[field] {
			plan.Fields = append(plan.Fields, Field{field, was[field], changes[field]})
		}
	}
	plan.Request = request(http.MethodPut, groupPath+"/"+id, fields)
	plan.Undo = "modify_group with the values before"
	plan.effect = &object{
		exists: exists,
		submit: func(ctx context.Context) error {
			// What others changed since the plan was made stays as they made it.
			fields, err := whole(ctx)
			if err != nil {
				return err
			}
			return p.client.UpdateUserGroup(ctx, id, fields)
		},
		holds: func(ctx context.Context) (bool, error) {
			now, err := p.client.UserGroup(ctx, id)
			if err != nil {
				return false, err
			}
			return (name == nil || now.Name == *name) && (description == nil || now.Description == *description), nil
		},
	}
	return plan, nil
}

// PlanDeleteGroup deletes a group with all that is bound to it. One that does not exist
// is deleted already.
func (p *Provisioner) PlanDeleteGroup(ctx context.Context, id string) (*Plan, error) {
	plan := &Plan{
		Change: Change{ID: ksuid.New().String(), Operation: OperationDelete, Resource: Named{Type: restype.Group, ID: id}},
		policy: policy{look: true},
	}
	if err := p.groupsAllowed(plan.Resource); err != nil {
		return nil, err
	}
	g, err := p.client.UserGroup(ctx, id)
	switch {
	case err == nil:
		plan.Resource.Name = connector.GroupName(g)
	case !jumpcloud.IsNotFound(err):
		return nil, connector.Coded(err)
	}
	plan.Request = request(http.MethodDelete, groupPath+"/"+id, nil)
	plan.Undo = "none: a deleted group is not restored"
	plan.effect = &object{
		exists:  func(context.Context) error { return nil },
		submit:  func(ctx context.Context) error { return p.client.DeleteUserGroup(ctx, id) },
		already: jumpcloud.IsNotFound,
		holds: func(ctx context.Context) (bool, error) {
			_, err := p.client.UserGroup(ctx, id)
			return gone(err)
		},
	}
	return plan, nil
}

func sortedKeys[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }
