package jumpcloud

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// applicationFields are the fields of an application that are decoded. The list
// leaves config out, which can hold private keys.
const applicationFields = "_id id name displayName displayLabel active ssoUrl sso logo learnMore organization"

// Applications reads a window of the applications, sorted by id where the tenant
// obeys; at most 100 rows may be asked for.
//
// JumpCloud API v1, GET /applications.
func (c *Client) Applications(ctx context.Context, w paging.Window) (paging.Page[Application], error) {
	read := func(fields, sort string) func(context.Context) (paging.Page[Application], error) {
		return func(ctx context.Context) (paging.Page[Application], error) {
			query := queryOf(w)
			setUnlessEmpty(query, "fields", fields)
			setUnlessEmpty(query, "sort", sort)
			return readPage(ctx, c, call{route: routeApplications, query: query}, (*applicationRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.appFields, read(applicationFields, "_id"),
		func(ctx context.Context) (paging.Page[Application], error) {
			return try(ctx, c.logger, &c.short.appOrder, read("", "_id"), read("", ""))
		})
}

// Application reads one application. [IsNotFound] tells when there is none.
//
// JumpCloud API v1, GET /applications/{id}.
func (c *Client) Application(ctx context.Context, id string) (*Application, error) {
	return readObject(ctx, c, routeApplication, id, (*applicationRow).model)
}

// applicationRow is an application as sent; config is not among its fields.
type applicationRow struct {
	MongoID      text           `json:"_id"`
	ID           text           `json:"id"`
	Name         text           `json:"name"`
	DisplayName  text           `json:"displayName"`
	DisplayLabel text           `json:"displayLabel"`
	Active       Flag           `json:"active"`
	SSOURL       text           `json:"ssoUrl"`
	SSO          maybe[ssoRow]  `json:"sso"`
	Logo         maybe[logoRow] `json:"logo"`
	LearnMore    text           `json:"learnMore"`
	Organization text           `json:"organization"`
}

type ssoRow struct {
	Type   text `json:"type"`
	Hidden Flag `json:"hidden"`
}

type logoRow struct {
	URL text `json:"url"`
}

func (r *applicationRow) model() (Application, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return Application{}, false, err
	}
	return Application{
		ID:           id,
		Name:         string(r.Name),
		DisplayName:  string(r.DisplayName),
		DisplayLabel: string(r.DisplayLabel),
		Active:       r.Active,
		SSOURL:       string(r.SSOURL),
		SSOType:      string(r.SSO.value.Type),
		Hidden:       r.SSO.value.Hidden,
		LogoURL:      string(r.Logo.value.URL),
		LearnMore:    string(r.LearnMore),
		Organization: string(r.Organization),
	}, true, nil
}
