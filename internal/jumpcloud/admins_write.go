package jumpcloud

import (
	"context"
	"strings"
)

// CreateAdmin makes an administrator. One with the email address of a user becomes the
// administrator account of that user. It is sent once: see [Error.MaybeDone].
// [IsConflict] tells that there is one, or that the user may not become one.
//
// JumpCloud API v1, POST /users, which its specification does not describe.
func (c *Client) CreateAdmin(ctx context.Context, fields Fields) error {
	return c.write(ctx, call{route: routeCreateAdmin, body: fields})
}

// UpdateAdmin changes the fields of an administrator that are given; lists are replaced
// whole.
//
// JumpCloud API v1, PUT /users/{id}.
func (c *Client) UpdateAdmin(ctx context.Context, id string, fields Fields) error {
	return c.write(ctx, call{route: routeUpdateAdmin, id: id, body: fields})
}

// DeleteAdmin deletes an administrator. A user who was one stays.
//
// JumpCloud API v1, DELETE /users/{id}.
func (c *Client) DeleteAdmin(ctx context.Context, id string) error {
	return c.write(ctx, call{route: routeDeleteAdmin, id: id})
}

// Owns tells whether the API key of the client is that of an administrator, by what the
// administrator's record shows of its key: whether there is one, and how it begins. It is
// Unset where the record does not tell. A service account is nobody's.
func (c *Client) Owns(a *Admin) Flag {
	k, isKey := c.auth.(apiKey)
	switch {
	case !isKey || a.KeySet.IsSet() && !a.KeySet.IsTrue():
		return False
	case a.KeyPrefix == "":
		return Unset
	case strings.HasPrefix(k.key.Reveal(), a.KeyPrefix):
		return True
	default:
		return False
	}
}
