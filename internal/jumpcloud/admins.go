package jumpcloud

import (
	"context"
	"fmt"
)

// Admins reads a window of the administrators; at most 100 rows may be asked for.
// They come sorted by id where the tenant obeys.
//
// JumpCloud API v1, GET /users, which its specification does not describe.
func (c *Client) Admins(ctx context.Context, w Window) (Page[Admin], error) {
	read := func(sort string) func(context.Context) (Page[Admin], error) {
		return func(ctx context.Context) (Page[Admin], error) {
			query := w.query()
			setUnlessEmpty(query, "sort", sort)
			return readPage(ctx, c, call{route: routeAdmins, query: query}, (*adminRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.adminOrder, read("_id"), read(""))
}

// Admin reads one administrator. [IsNotFound] tells when there is none.
//
// JumpCloud API v1, GET /users/{id}, which its specification does not describe.
func (c *Client) Admin(ctx context.Context, id string) (*Admin, error) {
	return readObject(ctx, c, routeAdmin, id, (*adminRow).model)
}

// adminRow is an administrator as sent.
type adminRow struct {
	MongoID      text      `json:"_id"`
	ID           text      `json:"id"`
	Email        text      `json:"email"`
	FirstName    text      `json:"firstname"`
	LastName     text      `json:"lastname"`
	Role         roleField `json:"role"`
	RoleName     roleField `json:"roleName"`
	Roles        roleField `json:"roles"`
	RoleNames    roleField `json:"roleNames"`
	Suspended    Flag      `json:"suspended"`
	TOTPEnrolled Flag      `json:"totpEnrolled"`
	Organization text      `json:"organization"`
	Created      stamp     `json:"created"`
}

func (r *adminRow) model() (Admin, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return Admin{}, false, err
	}
	roles, err := rolesOf(r.RoleName, r.Role, r.RoleNames, r.Roles)
	if err != nil {
		return Admin{}, false, fmt.Errorf("administrator %s: %w", id, err)
	}
	return Admin{
		ID:           id,
		Email:        string(r.Email),
		FirstName:    string(r.FirstName),
		LastName:     string(r.LastName),
		Roles:        roles,
		Suspended:    r.Suspended,
		TOTPEnrolled: r.TOTPEnrolled,
		Organization: string(r.Organization),
		Created:      r.Created.Time,
	}, true, nil
}
