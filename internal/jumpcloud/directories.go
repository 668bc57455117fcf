package jumpcloud

import (
	"context"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// Directories reads a window of the directories, sorted by id where the tenant obeys; at
// most 100 rows may be asked for.
//
// JumpCloud API v2, GET /directories.
func (c *Client) Directories(ctx context.Context, w paging.Window) (paging.Page[Directory], error) {
	read := func(sort string) func(context.Context) (paging.Page[Directory], error) {
		return func(ctx context.Context) (paging.Page[Directory], error) {
			query := queryOf(w)
			setUnlessEmpty(query, "sort", sort)
			return readPage(ctx, c, call{route: routeDirectories, query: query}, (*directoryRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.directoryOrder, read("id"), read(""))
}

// radiusFields are the fields of a RADIUS server that are decoded. The list leaves
// sharedSecret out.
const radiusFields = "_id id name networkSourceIp mfa authIdp userLockoutAction userPasswordExpirationAction organization"

// RADIUSServers reads a window of the RADIUS servers, sorted by id where the tenant obeys;
// at most 100 rows may be asked for.
//
// JumpCloud API v1, GET /radiusservers.
func (c *Client) RADIUSServers(ctx context.Context, w paging.Window) (paging.Page[RADIUSServer], error) {
	read := func(fields, sort string) func(context.Context) (paging.Page[RADIUSServer], error) {
		return func(ctx context.Context) (paging.Page[RADIUSServer], error) {
			query := queryOf(w)
			setUnlessEmpty(query, "fields", fields)
			setUnlessEmpty(query, "sort", sort)
			return readPage(ctx, c, call{route: routeRADIUSServers, query: query}, (*radiusRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.radiusFields, read(radiusFields, "_id"),
		func(ctx context.Context) (paging.Page[RADIUSServer], error) {
			return try(ctx, c.logger, &c.short.radiusOrder, read("", "_id"), read("", ""))
		})
}

// RADIUSServer reads one RADIUS server. [IsNotFound] tells when there is none.
//
// JumpCloud API v1, GET /radiusservers/{id}.
func (c *Client) RADIUSServer(ctx context.Context, id string) (*RADIUSServer, error) {
	return readObject(ctx, c, routeRADIUSServer, id, (*radiusRow).model)
}

// directoryRow is a directory as sent.
type directoryRow struct {
	MongoID text             `json:"_id"`
	ID      text             `json:"id"`
	Name    text             `json:"name"`
	Type    text             `json:"type"`
	Domain  maybe[domainRow] `json:"defaultDomain"`
}

type domainRow struct {
	Domain text `json:"domain"`
}

func (r *directoryRow) model() (Directory, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	return Directory{ID: id, Name: string(r.Name), Type: string(r.Type), Domain: string(r.Domain.value.Domain)}, err == nil, err
}

// radiusRow is a RADIUS server as sent; sharedSecret is not among its fields.
type radiusRow struct {
	MongoID          text `json:"_id"`
	ID               text `json:"id"`
	Name             text `json:"name"`
	NetworkSourceIP  text `json:"networkSourceIp"`
	MFA              text `json:"mfa"`
	AuthIDP          text `json:"authIdp"`
	LockoutAction    text `json:"userLockoutAction"`
	ExpirationAction text `json:"userPasswordExpirationAction"`
	Organization     text `json:"organization"`
}

func (r *radiusRow) model() (RADIUSServer, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return RADIUSServer{}, false, err
	}
	return RADIUSServer{
		ID: id, Name: string(r.Name), NetworkSourceIP: string(r.NetworkSourceIP), MFA: string(r.MFA), AuthIDP: string(r.AuthIDP),
		LockoutAction: string(r.LockoutAction), ExpirationAction: string(r.ExpirationAction), Organization: string(r.Organization),
	}, true, nil
}
