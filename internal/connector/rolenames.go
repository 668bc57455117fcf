package connector

import (
	"context"
	"log/slog"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// BillingRole is the name of the role that may change administrators.
const BillingRole = "Administrator With Billing"

// RoleNames are the administrator roles of an organization by name, as a sync shows them.
// It is safe for concurrent use.
type RoleNames struct{ listed *listedRoles }

// ReadRoleNames reads the roles that JumpCloud lists.
func ReadRoleNames(ctx context.Context, client *jumpcloud.Client, logger *slog.Logger) (*RoleNames, error) {
	listed, err := NewSource(client, Options{Logger: logger}).listRoles(ctx)
	if err != nil {
		return nil, Coded(err)
	}
	return &RoleNames{listed}, nil
}

// Find returns the names of the roles that a resource ID stands for, in JumpCloud's
// spelling: none where there is no such role, several where they are shown as one.
func (r *RoleNames) Find(id string) []string {
	var names []string
	for _, role := range r.listed.roles {
		if roleID(role.Name) == id {
			names = append(names, role.Name)
		}
	}
	for _, name := range builtinRoles() {
		if len(names) == 0 && roleID(name) == id {
			names = append(names, name)
		}
	}
	return names
}

// Of returns the names of the roles that an administrator holds, and whether all of them
// are known by name.
func (r *RoleNames) Of(a *jumpcloud.Admin) (names []string, known bool) {
	names, unresolved := r.listed.resolve(a.Roles, learnRoles([]jumpcloud.Admin{*a}))
	return names, len(unresolved) == 0 && len(a.UnreadRoles) == 0
}

// SameRole reports whether two names are those of one role.
func SameRole(a, b string) bool { return identity.Equal(roleID(a), roleID(b)) }

// RoleResourceID is the resource ID of a role.
func RoleResourceID(name string) string { return roleID(name) }

// AdminName is the display name of an administrator.
func AdminName(a *jumpcloud.Admin) string {
	r, err := adminResource(a)
	if err != nil {
		return a.ID
	}
	return r.GetDisplayName()
}
