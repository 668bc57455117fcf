package jumpcloud

import (
	"context"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
)

// ServiceAccount is an account of a program, with an administrator role (JumpCloud API v2,
// /service-accounts).
type ServiceAccount struct {
	ID   string
	Name string
	// Role is nil for an account without one.
	Role         *RoleRef
	Status       string // ACTIVE, or another word; "" when absent
	ExpiresAt    time.Time
	Credentials  []Credential
	Organization string // often absent
}

// Credential is one of the credentials of a service account. Its secret is told once, to
// whoever made it, and is never decoded here.
type Credential struct {
	ID   string // "" when absent
	Type string // [AuthAPIKey], [AuthClientSecret], or another word
	// Created, Expires and LastUsed are zero where the answer does not tell.
	Created, Expires, LastUsed time.Time
}

// CredentialIDs are the IDs of the account's credentials, in their order.
func (a *ServiceAccount) CredentialIDs() []string {
	ids := make([]string, 0, len(a.Credentials))
	for _, c := range a.Credentials {
		ids = append(ids, c.ID)
	}
	return ids
}

// The ways in which a service account signs in.
const (
	AuthAPIKey       = "API_KEY"
	AuthClientSecret = "CLIENT_SECRET"
)

// SSHKey is a public key of a user, all but the key itself.
type SSHKey struct {
	ID      string // "" when absent
	Name    string
	Created time.Time
}

// ServiceAccounts reads a window of the service accounts; at most 100 rows may be asked for.
//
// JumpCloud API v2, GET /service-accounts.
func (c *Client) ServiceAccounts(ctx context.Context, w paging.Window) (paging.Page[ServiceAccount], error) {
	return readPage(ctx, c, call{route: routeServiceAccounts, query: queryOf(w)}, (*serviceAccountRow).model)
}

// ServiceAccount reads one service account. [IsNotFound] tells when there is none.
//
// JumpCloud API v2, GET /service-accounts/{id}.
func (c *Client) ServiceAccount(ctx context.Context, id string) (*ServiceAccount, error) {
	return readObject(ctx, c, routeServiceAccount, id, func(r *wrappedServiceAccount) (ServiceAccount, bool, error) {
		if r.Account != nil {
			return r.Account.model()
		}
		return r.serviceAccountRow.model()
	})
}

// wrappedServiceAccount is the answer with one service account, which is within an object.
type wrappedServiceAccount struct {
	serviceAccountRow
	Account *serviceAccountRow `json:"serviceAccount"`
}

// serviceAccountRow is a service account as sent. Secrets are not among its fields.
type serviceAccountRow struct {
	ObjectID       text                `json:"objectId"`
	ID             text                `json:"id"`
	Name           text                `json:"name"`
	RoleID         text                `json:"roleId"`
	RoleName       text                `json:"roleName"`
	Status         text                `json:"status"`
	ExpiresAt      stamp               `json:"expiresAt"`
	Credentials    many[credentialRow] `json:"authConfigList"`
	OrganizationID text                `json:"organizationObjectId"`
	Organization   text                `json:"organization"`
}

// credentialRow is a credential as sent. What its fields are called is not established.
type credentialRow struct {
	ID         text  `json:"id"`
	ObjectID   text  `json:"objectId"`
	ConfigID   text  `json:"authConfigId"`
	Type       text  `json:"authType"`
	CreatedAt  stamp `json:"createdAt"`
	Created    stamp `json:"created"`
	ExpiresAt  stamp `json:"expiresAt"`
	ExpireAt   stamp `json:"expireAt"`
	LastUsedAt stamp `json:"lastUsedAt"`
}

func (r *serviceAccountRow) model() (ServiceAccount, bool, error) {
	id, err := idOf(r.ObjectID, r.ID)
	if err != nil {
		return ServiceAccount{}, false, err
	}
	a := ServiceAccount{
		ID: id, Name: string(r.Name), Status: string(r.Status), ExpiresAt: r.ExpiresAt.Time,
		Organization: string(either(r.OrganizationID, r.Organization)),
	}
	if r.RoleID != "" || strings.TrimSpace(string(r.RoleName)) != "" {
		a.Role = &RoleRef{ID: string(r.RoleID), Name: string(r.RoleName)}
	}
	for _, c := range r.Credentials {
		a.Credentials = append(a.Credentials, Credential{
			ID: string(either(either(c.ID, c.ObjectID), c.ConfigID)), Type: string(c.Type),
			Created: firstTime(c.CreatedAt, c.Created), Expires: firstTime(c.ExpiresAt, c.ExpireAt), LastUsed: c.LastUsedAt.Time,
		})
	}
	return a, true, nil
}

// firstTime is the first of two times that is told.
func firstTime(a, b stamp) time.Time {
	if !a.IsZero() {
		return a.Time
	}
	return b.Time
}

// sshKeyRow is a public key of a user as sent, without the key.
type sshKeyRow struct {
	MongoID text  `json:"_id"`
	ID      text  `json:"id"`
	Name    text  `json:"name"`
	Created stamp `json:"create_date"`
}

// keyHashRow tells of an API key of an administrator.
type keyHashRow struct {
	Prefix    text  `json:"prefix"`
	CreatedAt stamp `json:"createdAt"`
	ExpireAt  stamp `json:"expireAt"`
}
