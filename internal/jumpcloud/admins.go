package jumpcloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// Admins reads a window of the administrators; at most 100 rows may be asked for.
// They come sorted by id where the tenant obeys.
//
// JumpCloud API v1, GET /users, which its specification does not describe.
func (c *Client) Admins(ctx context.Context, w paging.Window) (paging.Page[Admin], error) {
	read := func(sort string) func(context.Context) (paging.Page[Admin], error) {
		return func(ctx context.Context) (paging.Page[Admin], error) {
			query := queryOf(w)
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
	MongoID      text              `json:"_id"`
	ID           text              `json:"id"`
	Email        text              `json:"email"`
	FirstName    text              `json:"firstname"`
	LastName     text              `json:"lastname"`
	Role         roleField         `json:"role"`
	RoleName     roleField         `json:"roleName"`
	Roles        roleField         `json:"roles"`
	RoleNames    roleField         `json:"roleNames"`
	Suspended    Flag              `json:"suspended"`
	TOTPEnrolled Flag              `json:"totpEnrolled"`
	Organization text              `json:"organization"`
	Created      stamp             `json:"created"`
	KeySet       Flag              `json:"apiKeySet"`
	KeyAllowed   Flag              `json:"apiKeyAllowed"`
	KeyUpdated   stamp             `json:"apiKeyUpdatedAt"`
	KeyHash      maybe[keyHashRow] `json:"apiKeyHash"`
	// RoleNamesElse and RolesElse are what fields of other spellings name, such as
	// role_name and roleIds, and Unread the fields that may name roles and are not read.
	RoleNamesElse roleField `json:"-"`
	RolesElse     roleField `json:"-"`
	Unread        []string  `json:"-"`
	Several       bool      `json:"-"`
}

// UnmarshalJSON implements [json.Unmarshaler]. No field that may name a role is passed
// over.
func (r *adminRow) UnmarshalJSON(b []byte) error {
	type known adminRow
	row := new(known)
	if err := json.Unmarshal(b, row); err != nil {
		return err
	}
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&fields); err != nil {
		return err
	}
	*r = adminRow(*row)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v, key := fields[name], roleKey(name)
		if _, list := v.([]any); list && namesRoles(key) {
			r.Several = true
		}
		switch {
		case !strings.Contains(key, "role") || isKnownRoleField(name):
			continue
		case isNothing(v) || v == true:
			continue // A flag names no role.
		case key == "rolename" || key == "rolenames":
			r.RoleNamesElse.add(v)
		case namesRoles(key):
			r.RolesElse.add(v)
		default:
			r.Unread = append(r.Unread, name)
		}
	}
	return nil
}

// isKnownRoleField reports whether a field is read as one of those that JumpCloud
// describes, which JSON takes in any case.
func isKnownRoleField(name string) bool {
	switch identity.Fold(name) {
	case "role", "rolename", "roles", "rolenames":
		return true
	default:
		return false
	}
}

func (r *adminRow) model() (Admin, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return Admin{}, false, err
	}
	roles, err := rolesOf(r.RoleName, r.Role, r.RoleNames, r.Roles)
	if err := cmp.Or(err, r.RoleNamesElse.err, r.RolesElse.err); err != nil {
		return Admin{}, false, fmt.Errorf("administrator %s: %w", id, err)
	}
	return Admin{
		ID:           id,
		Email:        string(r.Email),
		FirstName:    string(r.FirstName),
		LastName:     string(r.LastName),
		Roles:        append(roles, joined(r.RoleNamesElse.refs, r.RolesElse.refs, false)...), // of which no names are known to go with ids
		UnreadRoles:  r.Unread,
		Several:      r.Several,
		KeySet:       r.KeySet,
		KeyPrefix:    string(r.KeyHash.value.Prefix),
		KeyAllowed:   r.KeyAllowed,
		KeyCreated:   firstTime(r.KeyHash.value.CreatedAt, r.KeyUpdated),
		KeyExpires:   r.KeyHash.value.ExpireAt.Time,
		KeyDescribed: r.KeyHash.ok,
		Suspended:    r.Suspended,
		TOTPEnrolled: r.TOTPEnrolled,
		Organization: string(r.Organization),
		Created:      r.Created.Time,
	}, true, nil
}
