package jumpcloud

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// Organizations reads a window of the organizations that the credential sees; at
// most 100 rows may be asked for. The organization of the configuration plays no
// part in it.
//
// JumpCloud API v1, GET /organizations.
func (c *Client) Organizations(ctx context.Context, w paging.Window) (paging.Page[Organization], error) {
	return readPage(ctx, c, call{route: routeOrganizations, query: queryOf(w)}, (*organizationRow).model)
}

// Organization reads one organization. [IsNotFound] tells when there is none.
//
// JumpCloud API v1, GET /organizations/{id}.
func (c *Client) Organization(ctx context.Context, id string) (*Organization, error) {
	return readObject(ctx, c, routeOrganization, id, (*organizationRow).model)
}

// organizationRow is an organization as sent.
type organizationRow struct {
	MongoID     text  `json:"_id"`
	ID          text  `json:"id"`
	DisplayName text  `json:"displayName"`
	Created     stamp `json:"created"`
}

func (r *organizationRow) model() (Organization, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return Organization{}, false, err
	}
	return Organization{ID: id, DisplayName: string(r.DisplayName), Created: r.Created.Time}, true, nil
}
