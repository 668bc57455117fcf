package jumpcloud

import (
	"context"
	"net/url"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// listLimit is the documented maximum of a list that is not a search.
const listLimit = 100

// userFields are the fields of a user that are decoded, as the API wants them in
// one string. Leaving the rest out keeps keys, addresses and telephone numbers
// off the wire.
const userFields = "_id id username email alternateEmail firstname middlename lastname displayname state suspended " +
	"account_locked password_expired totp_enabled mfa mfaEnrollment admin company costCenter department " +
	"employeeIdentifier employeeType jobTitle location manager attributes ldap_binding_user samba_service_user " +
	"external_source_type organization created"

// AlsoReadUsers has these further fields of users read from now on.
func (c *Client) AlsoReadUsers(fields ...string) { c.moreFields.Store(&fields) }

func (c *Client) userFields() string {
	more := c.moreFields.Load()
	if more == nil {
		return userFields
	}
	return strings.Join(append([]string{userFields}, *more...), " ")
}

// Users reads a window of the users, sorted by id. Up to 1,000 rows may be asked
// for; where so many are refused, or the search is and the plain list takes its
// place, a page has 100 at most.
//
// JumpCloud API v1, POST /search/systemusers and GET /systemusers.
func (c *Client) Users(ctx context.Context, w paging.Window) (paging.Page[User], error) {
	search := func(limit int) func(context.Context) (paging.Page[User], error) {
		return func(ctx context.Context) (paging.Page[User], error) {
			body := map[string]any{"fields": c.userFields(), "sort": "_id", "skip": w.Skip, "limit": limit}
			return readPage(ctx, c, call{route: routeUserSearch, body: body}, (*userRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.search, func(ctx context.Context) (paging.Page[User], error) {
		page, err := search(w.Limit)(ctx)
		if w.Limit <= listLimit || !isForm(err) {
			return page, err
		}
		return try(ctx, c.logger, &c.short.searchSize, func(context.Context) (paging.Page[User], error) { return page, err }, search(listLimit))
	}, func(ctx context.Context) (paging.Page[User], error) { return c.listUsers(ctx, w) })
}

// listUsers reads users the documented plain way.
func (c *Client) listUsers(ctx context.Context, w paging.Window) (paging.Page[User], error) {
	w.Limit = min(w.Limit, listLimit)
	read := func(fields string) func(context.Context) (paging.Page[User], error) {
		return func(ctx context.Context) (paging.Page[User], error) {
			query := queryOf(w)
			query.Set("sort", "_id")
			setUnlessEmpty(query, "fields", fields)
			return readPage(ctx, c, call{route: routeUsers, query: query}, (*userRow).model)
		}
	}
	return try(ctx, c.logger, &c.short.userFields, read(c.userFields()), read(""))
}

// User reads one user. [IsNotFound] tells when there is none.
//
// JumpCloud API v1, GET /systemusers/{id}.
func (c *Client) User(ctx context.Context, id string) (*User, error) {
	return readObject(ctx, c, routeUser, id, (*userRow).model)
}

// UserMemberOf reads a window of the groups that a user is in.
//
// JumpCloud API v2, GET /users/{id}/memberof.
func (c *Client) UserMemberOf(ctx context.Context, userID string, w paging.Window) (paging.Page[Traversal], error) {
	return readPage(ctx, c, call{route: routeMemberOf, id: userID, query: queryOf(w)}, (*traversalRow).model)
}

// UserAssociations reads a window of what is bound directly to a user, of one target
// type; at most 100 rows may be asked for. Groups are not among it.
//
// JumpCloud API v2, GET /users/{id}/associations.
func (c *Client) UserAssociations(ctx context.Context, userID, target string, w paging.Window) (paging.Page[Connection], error) {
	return readPage(ctx, c, call{route: routeUserAssociations, id: userID, query: targetsOf(w, target)}, (*connectionRow).model)
}

// queryOf gives a window as the lists' parameters.
func queryOf(w paging.Window) url.Values {
	return url.Values{"skip": {itoa(w.Skip)}, "limit": {itoa(w.Limit)}}
}

// targetsOf gives a window of associations with some types.
func targetsOf(w paging.Window, types ...string) url.Values {
	query := queryOf(w)
	query.Set("targets", strings.Join(types, ","))
	return query
}

// setUnlessEmpty sets a parameter that has a value.
func setUnlessEmpty(query url.Values, key, value string) {
	if value != "" {
		query.Set(key, value)
	}
}

// userRow is a user as sent.
type userRow struct {
	MongoID            text                 `json:"_id"`
	ID                 text                 `json:"id"`
	Username           text                 `json:"username"`
	Email              text                 `json:"email"`
	AlternateEmail     text                 `json:"alternateEmail"`
	FirstName          text                 `json:"firstname"`
	MiddleName         text                 `json:"middlename"`
	LastName           text                 `json:"lastname"`
	DisplayName        text                 `json:"displayname"`
	State              verbatim             `json:"state"`
	Suspended          Flag                 `json:"suspended"`
	Activated          Flag                 `json:"activated"`
	AccountLocked      Flag                 `json:"account_locked"`
	PasswordExpired    Flag                 `json:"password_expired"`
	TOTPEnabled        Flag                 `json:"totp_enabled"`
	MFA                maybe[mfaRow]        `json:"mfa"`
	MFAEnrollment      maybe[enrollmentRow] `json:"mfaEnrollment"`
	Admin              maybe[adminLinkRow]  `json:"admin"`
	Company            text                 `json:"company"`
	CostCenter         text                 `json:"costCenter"`
	Department         text                 `json:"department"`
	Description        text                 `json:"description"`
	EmployeeID         text                 `json:"employeeIdentifier"`
	EmployeeType       text                 `json:"employeeType"`
	JobTitle           text                 `json:"jobTitle"`
	Location           text                 `json:"location"`
	Manager            text                 `json:"manager"`
	Attributes         many[attributeRow]   `json:"attributes"`
	LDAPBindingUser    Flag                 `json:"ldap_binding_user"`
	SambaServiceUser   Flag                 `json:"samba_service_user"`
	Sudo               Flag                 `json:"sudo"`
	SSHKeys            many[sshKeyRow]      `json:"ssh_keys"`
	ExternalSourceType text                 `json:"external_source_type"`
	Restricted         many[restrictedRow]  `json:"restrictedFields"`
	Organization       text                 `json:"organization"`
	Created            stamp                `json:"created"`
}

type mfaRow struct {
	Configured     Flag  `json:"configured"`
	Exclusion      Flag  `json:"exclusion"`
	ExclusionUntil stamp `json:"exclusionUntil"`
}

type restrictedRow struct {
	Field text `json:"field"`
	Type  text `json:"type"`
}

type enrollmentRow struct {
	OverallStatus text `json:"overallStatus"`
	TOTPStatus    text `json:"totpStatus"`
	PushStatus    text `json:"pushStatus"`
}

type adminLinkRow struct {
	ID        text       `json:"id"`
	MongoID   text       `json:"_id"`
	RoleName  text       `json:"roleName"`
	RoleNames many[text] `json:"roleNames"`
}

type attributeRow struct {
	Name  text `json:"name"`
	Value text `json:"value"`
}

func (r *userRow) model() (User, bool, error) {
	id, err := idOf(r.MongoID, r.ID)
	if err != nil {
		return User{}, false, err
	}
	u := User{
		ID:                 id,
		Username:           string(r.Username),
		Email:              string(r.Email),
		AlternateEmail:     string(r.AlternateEmail),
		FirstName:          string(r.FirstName),
		MiddleName:         string(r.MiddleName),
		LastName:           string(r.LastName),
		DisplayName:        string(r.DisplayName),
		State:              string(r.State),
		Suspended:          r.Suspended,
		Activated:          r.Activated,
		AccountLocked:      r.AccountLocked,
		PasswordExpired:    r.PasswordExpired,
		TOTPEnabled:        r.TOTPEnabled,
		MFAEnrollment:      string(r.MFAEnrollment.value.OverallStatus),
		TOTPStatus:         string(r.MFAEnrollment.value.TOTPStatus),
		PushStatus:         string(r.MFAEnrollment.value.PushStatus),
		Company:            string(r.Company),
		CostCenter:         string(r.CostCenter),
		Department:         string(r.Department),
		Description:        string(r.Description),
		EmployeeID:         string(r.EmployeeID),
		EmployeeType:       string(r.EmployeeType),
		JobTitle:           string(r.JobTitle),
		Location:           string(r.Location),
		ManagerID:          string(r.Manager),
		LDAPBindingUser:    r.LDAPBindingUser,
		SambaServiceUser:   r.SambaServiceUser,
		Sudo:               r.Sudo,
		ExternalSourceType: string(r.ExternalSourceType),
		Organization:       string(r.Organization),
		Created:            r.Created.Time,
	}
	if m := r.MFA; m.ok {
		u.MFA = &MFA{Configured: m.value.Configured, Exclusion: m.value.Exclusion, ExclusionUntil: m.value.ExclusionUntil.Time}
	}
	if a := r.Admin; a.ok {
		u.Admin = &AdminLink{
			ID:        string(either(a.value.ID, a.value.MongoID)),
			RoleName:  string(a.value.RoleName),
			RoleNames: texts(a.value.RoleNames),
		}
	}
	for _, f := range r.Restricted {
		if u.Restricted == nil {
			u.Restricted = map[string]string{}
		}
		u.Restricted[string(f.Field)] = string(f.Type)
	}
	for _, k := range r.SSHKeys {
		u.SSHKeys = append(u.SSHKeys, SSHKey{ID: string(either(k.MongoID, k.ID)), Name: string(k.Name), Created: k.Created.Time})
	}
	for _, a := range r.Attributes {
		if a.Name != "" {
			u.Attributes = append(u.Attributes, Attribute{Name: string(a.Name), Value: string(a.Value)})
		}
	}
	return u, true, nil
}
