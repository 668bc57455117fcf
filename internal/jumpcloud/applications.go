package jumpcloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// ApplicationAssociations reads a window of what is bound directly to an
// application, of the given target types; at most 100 rows may be asked for. The
// rows are in no promised order and have holes, as those of [Client.GroupMembers].
//
// Where several targets in one request are refused, each is read by itself with
// the same window: the page then holds the rows of all, its total is that of the
// longest, and its mark carries the totals of all.
//
// JumpCloud API v2, GET /applications/{id}/associations.
func (c *Client) ApplicationAssociations(ctx context.Context, appID string, targets []string, w paging.Window) (paging.Page[Connection], error) {
	read := func(ctx context.Context, targets ...string) (paging.Page[Connection], error) {
		return readPage(ctx, c, call{route: routeAssociations, id: appID, query: targetsOf(w, targets...)}, (*connectionRow).model)
	}
	if len(targets) == 1 {
		return read(ctx, targets...)
	}
	return try(ctx, c.logger, &c.short.allTargets, func(ctx context.Context) (paging.Page[Connection], error) { return read(ctx, targets...) },
		func(ctx context.Context) (paging.Page[Connection], error) {
			all := paging.Page[Connection]{Total: 0}
			marks := make([]string, 0, len(targets))
			for _, target := range targets {
				page, err := read(ctx, target)
				if err != nil {
					return paging.Page[Connection]{}, err
				}
				all.Items = append(all.Items, page.Items...)
				all.Raw += page.Raw
				if page.Total < 0 || all.Total < 0 {
					all.Total = -1
				} else {
					all.Total = max(all.Total, page.Total)
					all.Counted += page.Total
				}
				marks = append(marks, itoa(page.Total))
			}
			all.Mark = strings.Join(marks, "/")
			return all, nil
		})
}

// AddAssociation binds a user or user group to an application. It is sent once:
// see [Error.MaybeDone]. [IsConflict] tells that it is bound already.
//
// JumpCloud API v2, POST /applications/{id}/associations.
func (c *Client) AddAssociation(ctx context.Context, appID, targetType, id string) error {
	return c.changeAssociation(ctx, appID, edge{"add", targetType, id})
}

// RemoveAssociation unbinds a user or user group from an application. It is sent
// once: see [Error.MaybeDone]. [IsNotFound] tells that it is not bound, or that
// one of the two does not exist.
//
// JumpCloud API v2, POST /applications/{id}/associations.
func (c *Client) RemoveAssociation(ctx context.Context, appID, targetType, id string) error {
	return c.changeAssociation(ctx, appID, edge{"remove", targetType, id})
}

func (c *Client) changeAssociation(ctx context.Context, appID string, change edge) error {
	if !slices.Contains([]string{TypeUser, TypeUserGroup}, change.Type) {
		return fmt.Errorf("a %q cannot be bound to an application: %w", change.Type, errors.ErrUnsupported)
	}
	return c.write(ctx, call{route: routeChangeAssociations, id: appID, body: change})
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
