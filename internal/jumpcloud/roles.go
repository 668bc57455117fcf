package jumpcloud

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// Roles reads a window of the administrator roles; at most 100 rows may be asked
// for.
//
// JumpCloud API v2, GET /roles.
func (c *Client) Roles(ctx context.Context, w paging.Window) (paging.Page[Role], error) {
	return readPage(ctx, c, call{route: routeRoles, query: queryOf(w)}, (*roleRow).model)
}

// Role reads one administrator role. [IsNotFound] tells when there is none.
//
// JumpCloud API v2, GET /roles/{id}.
func (c *Client) Role(ctx context.Context, id string) (*Role, error) {
	return readObject(ctx, c, routeRole, id, (*roleRow).model)
}

// roleRow is a role as sent.
type roleRow struct {
	MongoID     text       `json:"_id"`
	ID          text       `json:"id"`
	Name        text       `json:"name"`
	Description text       `json:"description"`
	Scopes      many[text] `json:"scopes"`
	OrgID       text       `json:"organizationObjectId"`
	Org         text       `json:"organization"`
}

func (r *roleRow) model() (Role, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return Role{}, false, err
	}
	return Role{ID: id, Name: string(r.Name), Description: string(r.Description), Scopes: texts(r.Scopes), Organization: string(either(r.OrgID, r.Org))}, true, nil
}
