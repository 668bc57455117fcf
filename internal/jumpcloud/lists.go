package jumpcloud

import "context"

// ListUsers describes the list of all users.
func (c *Client) ListUsers() Lister[User] {
	return Lister[User]{
		Name: "users", Limit: searchLimit, Sorted: true, Fetch: c.Users,
		ID: func(u User) string { return u.ID },
	}
}

// ListAdmins describes the list of all administrators.
func (c *Client) ListAdmins() Lister[Admin] {
	return Lister[Admin]{
		Name: "administrators", Limit: listLimit, Sorted: true, Fetch: c.Admins,
		ID: func(a Admin) string { return a.ID },
	}
}

// ListRoles describes the list of all administrator roles.
func (c *Client) ListRoles() Lister[Role] {
	return Lister[Role]{
		Name: "administrator roles", Limit: listLimit, Fetch: c.Roles,
		ID: func(r Role) string { return r.ID },
	}
}

// ListOrganizations describes the list of the organisations that the credential
// sees.
func (c *Client) ListOrganizations() Lister[Organization] {
	return Lister[Organization]{
		Name: "organizations", Limit: listLimit, Fetch: c.Organizations,
		ID: func(o Organization) string { return o.ID },
	}
}

// ListUserGroups describes the list of all user groups.
func (c *Client) ListUserGroups() Lister[UserGroup] {
	return Lister[UserGroup]{
		Name: "user groups", Limit: listLimit, Sorted: true, Fetch: c.UserGroups,
		ID: func(g UserGroup) string { return g.ID },
	}
}

// ListGroupMembers describes the list of a group's direct members.
func (c *Client) ListGroupMembers(groupID string) Lister[Connection] {
	return Lister[Connection]{
		Name: "members of group " + groupID, Limit: listLimit, Holes: true, ID: Connection.key,
		Fetch: func(ctx context.Context, w Window) (Page[Connection], error) { return c.GroupMembers(ctx, groupID, w) },
	}
}

// ListApplications describes the list of all applications.
func (c *Client) ListApplications() Lister[Application] {
	return Lister[Application]{
		Name: "applications", Limit: listLimit, Sorted: true, Fetch: c.Applications,
		ID: func(a Application) string { return a.ID },
	}
}

// ListApplicationAssociations describes the list of what is bound directly to an
// application, of the given target types.
func (c *Client) ListApplicationAssociations(appID string, targets ...string) Lister[Connection] {
	return Lister[Connection]{
		Name: "associations of application " + appID, Limit: listLimit, Holes: true, ID: Connection.key,
		Fetch: func(ctx context.Context, w Window) (Page[Connection], error) {
			return c.ApplicationAssociations(ctx, appID, targets, w)
		},
	}
}

// key tells connections apart: ids are unique within a type only.
func (c Connection) key() string { return c.Type + ":" + c.ID }
