package actions

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	configv1 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/config/v1"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// action is one row of the table of actions.
type action struct {
	name, display, description string
	// scope is the resource type that the action belongs to; empty for a global one.
	scope string
	types []v2.ActionType
	args  []*configv1.Field
	rules []*configv1.Constraint
	// returns are the fields of the result, beside success.
	returns []*configv1.Field
	run     func(context.Context, *invocation) (map[string]any, error)
}

// schema describes an action to ConductorOne.
func (a action) schema() *v2.BatonActionSchema {
	return &v2.BatonActionSchema{
		Name: a.name, DisplayName: a.display, Description: a.description, ResourceTypeId: a.scope, ActionType: a.types,
		Arguments: a.args, Constraints: a.rules, ReturnTypes: append([]*configv1.Field{flag("success", "Success", "Whether the action succeeded")}, a.returns...),
	}
}

// available reports whether the action can be invoked with the types that may be changed.
func (a action) available(types []string) bool {
	if a.scope == restype.Group {
		return restype.ChangesGroups(types)
	}
	return slices.Contains(types, restype.User)
}

// Schemas describe the actions that can be invoked with the types that may be changed:
// all of them, or those that belong to one resource type.
func Schemas(types []string, scope string) []*v2.BatonActionSchema {
	var list []*v2.BatonActionSchema
	for _, a := range table() {
		if a.available(types) && (scope == "" || scope == a.scope) {
			list = append(list, a.schema())
		}
	}
	return list
}

// Schema describes one action. One that does not exist is NotFound.
func Schema(types []string, name, scope string) (*v2.BatonActionSchema, error) {
	a, err := find(types, name, scope)
	if err != nil {
		return nil, err
	}
	return a.schema(), nil
}

// find is the action of a name. Without a scope it is a global one, or the only one of
// the name.
func find(types []string, name, scope string) (action, error) {
	var found []action
	known := false
	for _, a := range table() {
		if a.name != name || scope != "" && a.scope != "" && a.scope != scope {
			continue
		}
		known = true
		if a.available(types) {
			found = append(found, a)
		}
	}
	switch {
	case len(found) > 0:
		return found[0], nil
	case known:
		return action{}, fault.WithCode(codes.Unimplemented, "action %s is not enabled: it requires --%s to name %s", name, restype.ProvisionTypes, needs(name))
	case scope != "":
		return action{}, fault.WithCode(codes.NotFound, "handler for action %s not found for resource type %s", name, scope)
	default:
		return action{}, fault.WithCode(codes.NotFound, "handler for action %s not found", name)
	}
}

// needs names the types that must be changeable for an action.
func needs(name string) string {
	for _, a := range table() {
		if a.name == name && a.scope == restype.Group {
			return restype.Group + " and " + restype.User
		}
	}
	return restype.User
}

// The arguments and results of actions, as the schema has them.

func text(name, display, description string) *configv1.Field {
	return &configv1.Field{Name: name, DisplayName: display, Description: description, Field: &configv1.Field_StringField{StringField: &configv1.StringField{}}}
}

func flag(name, display, description string) *configv1.Field {
	return &configv1.Field{Name: name, DisplayName: display, Description: description, Field: &configv1.Field_BoolField{BoolField: &configv1.BoolField{}}}
}

func number(name, display, description string) *configv1.Field {
	return &configv1.Field{Name: name, DisplayName: display, Description: description, Field: &configv1.Field_IntField{IntField: &configv1.IntField{}}}
}

func mapping(name, display, description string) *configv1.Field {
	return &configv1.Field{Name: name, DisplayName: display, Description: description, Field: &configv1.Field_StringMapField{StringMapField: &configv1.StringMapField{}}}
}

func resource(name, display, description string) *configv1.Field {
	return &configv1.Field{Name: name, DisplayName: display, Description: description, Field: &configv1.Field_ResourceField{ResourceField: &configv1.ResourceField{}}}
}

func resourceID(name, display, description, resourceType string) *configv1.Field {
	return &configv1.Field{
		Name: name, DisplayName: display, Description: description,
		Field: &configv1.Field_ResourceIdField{ResourceIdField: &configv1.ResourceIdField{Rules: idRules(resourceType)}},
	}
}

func resourceIDs(name, display, description, resourceType string) *configv1.Field {
	return &configv1.Field{
		Name: name, DisplayName: display, Description: description,
		Field: &configv1.Field_ResourceIdSliceField{ResourceIdSliceField: &configv1.ResourceIdSliceField{
			Rules: &configv1.RepeatedResourceIdRules{AllowedResourceTypeIds: []string{resourceType}},
		}},
	}
}

func idRules(resourceType string) *configv1.ResourceIDRules {
	return &configv1.ResourceIDRules{AllowedResourceTypeIds: []string{resourceType}}
}

// required marks a field as one that must be given.
func required(f *configv1.Field) *configv1.Field {
	f.IsRequired = true
	return f
}

// named is a text with the length of a group's name.
func named(f *configv1.Field) *configv1.Field {
	least, most := uint64(1), uint64(maxName)
	f.GetStringField().Rules = &configv1.StringRules{MinLen: &least, MaxLen: &most}
	return f
}

// maxName is the longest name of a group, in characters.
const maxName = 255

// checkRules holds the arguments against the constraints of an action, as Baton
// connectors word it. A null value counts as absent.
func checkRules(rules []*configv1.Constraint, args map[string]any) error {
	for _, r := range rules {
		present := 0
		for _, name := range r.GetFieldNames() {
			if args[name] != nil {
				present++
			}
		}
		names := fmt.Sprintf("[%s]", join(r.GetFieldNames()))
		switch r.GetKind() {
		case configv1.ConstraintKind_CONSTRAINT_KIND_REQUIRED_TOGETHER:
			if present > 0 && present < len(r.GetFieldNames()) {
				return fault.Invalid("fields required together: %s", names)
			}
		case configv1.ConstraintKind_CONSTRAINT_KIND_MUTUALLY_EXCLUSIVE:
			if present > 1 {
				return fault.Invalid("fields are mutually exclusive: %s", names)
			}
		case configv1.ConstraintKind_CONSTRAINT_KIND_AT_LEAST_ONE:
			if present == 0 {
				return fault.Invalid("at least one required: %s", names)
			}
		case configv1.ConstraintKind_CONSTRAINT_KIND_UNSPECIFIED, configv1.ConstraintKind_CONSTRAINT_KIND_DEPENDENT_ON:
		}
	}
	return nil
}
