package jumpcloud

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// UserGroups reads a window of the user groups, sorted by id where the tenant
// obeys; at most 100 rows may be asked for.
//
// JumpCloud API v2, GET /usergroups.
func (c *Client) UserGroups(ctx context.Context, w paging.Window) (paging.Page[UserGroup], error) {
	read := func(sort string) func(context.Context) (paging.Page[UserGroup], error) {
		return func(ctx context.Context) (paging.Page[UserGroup], error) {
			query := queryOf(w)
			setUnlessEmpty(query, "sort", sort)
			return readPage(ctx, c, call{route: routeUserGroups, query: query}, (*groupRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.groupOrder, read("id"), read(""))
}

// UserGroup reads one user group. [IsNotFound] tells when there is none.
//
// JumpCloud API v2, GET /usergroups/{id}.
func (c *Client) UserGroup(ctx context.Context, id string) (*UserGroup, error) {
	return readObject(ctx, c, routeUserGroup, id, (*groupRow).model)
}

// GroupMembers reads a window of the direct members of a group; at most 100 rows
// may be asked for. The rows are in no promised order, and members that were
// deleted leave holes: they count in the window and the total, but are not sent.
//
// JumpCloud API v2, GET /usergroups/{id}/members.
func (c *Client) GroupMembers(ctx context.Context, groupID string, w paging.Window) (paging.Page[Connection], error) {
	return readPage(ctx, c, call{route: routeGroupMembers, id: groupID, query: queryOf(w)}, (*connectionRow).model)
}

// UserGroupAssociations reads a window of what is bound directly to a user group, of
// one target type; at most 100 rows may be asked for.
//
// JumpCloud API v2, GET /usergroups/{id}/associations.
func (c *Client) UserGroupAssociations(ctx context.Context, groupID, target string, w paging.Window) (paging.Page[Connection], error) {
	return readPage(ctx, c, call{route: routeGroupAssociations, id: groupID, query: targetsOf(w, target)}, (*connectionRow).model)
}

// AddGroupMember makes a user a member of a group. It is sent once: see
// [Error.MaybeDone]. [IsConflict] tells that the user is a member already. On a
// dynamic group the rule may undo the change.
//
// JumpCloud API v2, POST /usergroups/{id}/members.
func (c *Client) AddGroupMember(ctx context.Context, groupID, userID string) error {
	return c.write(ctx, call{route: routeChangeMembers, id: groupID, body: edge{"add", TypeUser, userID}})
}

// RemoveGroupMember takes a user out of a group. It is sent once: see
// [Error.MaybeDone]. [IsNotFound] tells that the user is not a member, or that the
// group or user does not exist.
//
// JumpCloud API v2, POST /usergroups/{id}/members.
func (c *Client) RemoveGroupMember(ctx context.Context, groupID, userID string) error {
	return c.write(ctx, call{route: routeChangeMembers, id: groupID, body: edge{"remove", TypeUser, userID}})
}

// edge is the body of a change of the graph.
type edge struct {
	Op   string `json:"op"` // add or remove
	Type string `json:"type"`
	ID   string `json:"id"`
}

// groupRow is a user group as sent.
type groupRow struct {
	MongoID          text `json:"_id"`
	ID               text `json:"id"`
	Name             text `json:"name"`
	Description      text `json:"description"`
	Email            text `json:"email"`
	Type             text `json:"type"`
	MembershipMethod text `json:"membershipMethod"`
	OrganizationID   text `json:"organizationObjectId"`
	Organization     text `json:"organization"`

	Attributes maybe[groupAttributes] `json:"attributes"`
}

// groupAttributes are the attributes of a group as sent, of any of which anything may be
// something else.
type groupAttributes struct {
	sudoAttributes

	LDAPGroups  many[namedRow] `json:"ldapGroups"`
	POSIXGroups many[namedRow] `json:"posixGroups"`
	RADIUS      maybe[struct {
		Reply many[namedRow] `json:"reply"`
	}] `json:"radius"`
	Samba Flag `json:"sambaEnabled"`
}

type namedRow struct {
	Name  text `json:"name"`
	Value text `json:"value"`
}

func (a *groupAttributes) model() GroupAttributes {
	named := func(rows many[namedRow]) (names []string) {
		for _, r := range rows {
			names = append(names, string(r.Name))
		}
		return names
	}
	m := GroupAttributes{
		Sudo: a.Sudo.value.Enabled, SudoWithoutPassword: a.Sudo.value.WithoutPassword,
		LDAPGroups: named(a.LDAPGroups), POSIXGroups: named(a.POSIXGroups), Samba: a.Samba,
	}
	for _, r := range a.RADIUS.value.Reply {
		m.RADIUSReply = append(m.RADIUSReply, Attribute{Name: string(r.Name), Value: string(r.Value)})
	}
	return m
}

func (r *groupRow) model() (UserGroup, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return UserGroup{}, false, err
	}
	return UserGroup{
		ID:               id,
		Name:             string(r.Name),
		Description:      string(r.Description),
		Email:            string(r.Email),
		Type:             string(r.Type),
		MembershipMethod: string(r.MembershipMethod),
		Organization:     string(either(r.OrganizationID, r.Organization)),
		Confers:          r.Attributes.value.model(),
	}, true, nil
}

// endRow is one end of an edge.
type endRow struct {
	ID   text `json:"id"`
	Type text `json:"type"`
}

// connectionRow is an edge as sent. An edge that leads nowhere is a hole.
type connectionRow struct {
	To maybe[endRow] `json:"to"`
}

func (r *connectionRow) model() (Connection, bool, error) {
	if !r.To.ok {
		return Connection{}, false, nil
	}
	id, err := idOf("", r.To.value.ID)
	return Connection{Type: string(r.To.value.Type), ID: id}, err == nil, err
}

// traversalRow is an object with its paths as sent.
type traversalRow struct {
	ID    text                      `json:"id"`
	Type  text                      `json:"type"`
	Paths many[many[connectionRow]] `json:"paths"`
}

func (r *traversalRow) model() (Traversal, bool, error) {
	id, err := idOf("", r.ID)
	if err != nil {
		return Traversal{}, false, err
	}
	t := Traversal{Type: string(r.Type), ID: id}
	for _, path := range r.Paths {
		hops := make([]Connection, 0, len(path))
		for _, hop := range path {
			hops = append(hops, Connection{Type: string(hop.To.value.Type), ID: string(hop.To.value.ID)})
		}
		t.Paths = append(t.Paths, hops)
	}
	return t, true, nil
}
