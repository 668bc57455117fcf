package actions

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

func groupActions() []action {
	made := []*configv1.Field{resource("resource", "Group", "The group")}
	return []action{
		{
			name: "create", display: "Create Group", description: "Creates a static group, or finds the one of the name, and adds the members.",
			scope: restype.Group, types: []v2.ActionType{v2.ActionType_ACTION_TYPE_RESOURCE_CREATE},
			args: []*configv1.Field{
				required(named(text("name", "Name", "Name of the group, unique regardless of case"))),
				text("description", "Description", "Description of a new group"),
				resourceIDs("members", "Members", "Users to add", restype.User),
			},
			returns: made, run: createGroup,
		},
		{
			name: "modify_group", display: "Modify Group", description: "Renames a group or changes its description. Everything else stays.",
			scope: restype.Group, types: []v2.ActionType{v2.ActionType_ACTION_TYPE_UNSPECIFIED},
			args: []*configv1.Field{
				required(resourceID("group_id", "Group", "The group", restype.Group)),
				named(text("name", "Name", "New name")), text("description", "Description", "New description; empty for none"),
			},
			rules:   []*configv1.Constraint{{Kind: configv1.ConstraintKind_CONSTRAINT_KIND_AT_LEAST_ONE, FieldNames: []string{"name", "description"}}},
			returns: made, run: modifyGroup,
		},
		{
			name: "delete_group", display: "Delete Group", description: "Deletes a group and everything that is bound to it.",
			scope: restype.Group, types: []v2.ActionType{v2.ActionType_ACTION_TYPE_RESOURCE_DELETE},
			args:    []*configv1.Field{required(resourceID("group_id", "Group", "The group", restype.Group))},
			returns: []*configv1.Field{text("message", "Message", "What was done")}, run: deleteGroup,
		},
	}
}

// groupName reads a name and refuses one that JumpCloud would not keep.
func (in *invocation) groupName() (*string, error) {
	name, err := in.text("name")
	if err != nil || name == nil {
		return nil, err
	}
	*name = strings.TrimSpace(*name)
	if n := utf8.RuneCountInString(*name); n < 1 || n > maxName {
		return nil, fault.Invalid("argument name must have 1 to %d characters", maxName)
	}
	return name, nil
}

func createGroup(ctx context.Context, in *invocation) (map[string]any, error) {
	name, err := in.groupName()
	if err != nil {
		return nil, err
	}
	description, err := in.text("description")
	if err != nil {
		return nil, err
	}
	members, err := in.ids("members", restype.User)
	if err != nil {
		return nil, err
	}
	if description == nil {
		description = new(string)
	}
	plan, err := in.Provisioner.PlanCreateGroup(ctx, *name, *description)
	if err != nil {
		return nil, err
	}
	if _, err := in.apply(ctx, plan); err != nil {
		return nil, err
	}
	result := map[string]any{"resource": resourceValue(restype.Group, plan.Resource.ID, plan.Resource.Name)}
	for _, id := range members {
		if in.Preview != nil && plan.Resource.ID == "" {
			continue // There is no group yet to show the members of.
		}
		join, err := in.Provisioner.PlanEdge(ctx, provision.OperationGrant, plan.Resource, provision.Named{Type: restype.User, ID: id})
		if err == nil {
			_, err = in.apply(ctx, join)
		}
		if err != nil {
			return result, fmt.Errorf("%s was created, but user %s was not added: %w; invoke it again to go on", plan.Resource, id, err)
		}
	}
	return result, nil
}

func modifyGroup(ctx context.Context, in *invocation) (map[string]any, error) {
	id, err := in.id("group_id", restype.Group)
	if err != nil {
		return nil, err
	}
	name, err := in.groupName()
	if err != nil {
		return nil, err
	}
	description, err := in.text("description")
	if err != nil {
		return nil, err
	}
	plan, err := in.Provisioner.PlanModifyGroup(ctx, id, name, description)
	if err != nil {
		return nil, err
	}
	if _, err := in.apply(ctx, plan); err != nil {
		return nil, err
	}
	shown := plan.Resource.Name
	if name != nil {
		shown = *name
	}
	return map[string]any{"resource": resourceValue(restype.Group, id, shown)}, nil
}

func deleteGroup(ctx context.Context, in *invocation) (map[string]any, error) {
	id, err := in.id("group_id", restype.Group)
	if err != nil {
		return nil, err
	}
	plan, err := in.Provisioner.PlanDeleteGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	outcome, err := in.apply(ctx, plan)
	if err != nil {
		return nil, err
	}
	return map[string]any{"message": in.message(plan, outcome)}, nil
}
