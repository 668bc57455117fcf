package jumpcloud

import (
	"context"
	"encoding/json"
	"net/http"
)

// CreateUserGroup makes a group. It is sent once: see [Error.MaybeDone]. [IsConflict]
// tells that the name is taken, without regard to case.
//
// JumpCloud API v2, POST /usergroups.
func (c *Client) CreateUserGroup(ctx context.Context, fields Fields) error {
	return c.write(ctx, call{route: routeCreateGroup, body: fields})
}

// GroupFields reads all that a write of a group must repeat: what it leaves out may be
// reset.
//
// JumpCloud API v2, GET /usergroups/{id}.
func (c *Client) GroupFields(ctx context.Context, id string) (Fields, error) {
	var all map[string]json.RawMessage
	err := c.read(ctx, call{route: routeUserGroup, id: id}, func(_ http.Header, dec *json.Decoder) error {
		if err := dec.Decode(&all); err != nil {
			return err
		}
		if all == nil {
			return errNull
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	fields := Fields{}
	for _, name := range []string{
		"name", "description", "email", "attributes", "membershipMethod", "memberQuery", "memberQueryExemptions", "memberSuggestionsNotify",
	} {
		if v, ok := all[name]; ok && string(v) != "null" {
			fields[name] = v
		}
	}
	return fields, nil
}

// UpdateUserGroup writes all fields of a group.
//
// JumpCloud API v2, PUT /usergroups/{id}.
func (c *Client) UpdateUserGroup(ctx context.Context, id string, fields Fields) error {
	return c.write(ctx, call{route: routeUpdateGroup, id: id, body: fields})
}

// DeleteUserGroup deletes a group, and everything that is bound to it from it.
//
// JumpCloud API v2, DELETE /usergroups/{id}.
func (c *Client) DeleteUserGroup(ctx context.Context, id string) error {
	return c.write(ctx, call{route: routeDeleteGroup, id: id})
}
