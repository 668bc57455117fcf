package jcsim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// The ways in which a service account signs in, as API v2 names them.
const (
	AuthAPIKey       = "API_KEY"
	AuthClientSecret = "CLIENT_SECRET"
)

// partServices is the part of a tenant file.
const partServices = "service_accounts"

// maxClientSecrets is how many client secrets a service account may have at a time.
const maxClientSecrets = 2

// ServiceAccountRecord is a service account as API v2 tells it: an account of a program with an administrator role (API v2,
// /service-accounts).
type ServiceAccountRecord struct {
	// ID is 24 hex digits. Derived from the name when empty.
	ID   string `json:"objectId,omitempty"`
	Name string `json:"name"`
	// RoleName is the role; answers tell its id too, where a role of that name exists.
	RoleName string `json:"roleName,omitempty"`
	// Status is ACTIVE when empty.
	Status string `json:"status,omitempty"`
	// ExpiresAt is null on the wire when empty.
	ExpiresAt string `json:"expiresAt,omitempty"`
	// Credentials never hold a secret: that is answered once and forgotten.
	Credentials []ServiceCredential `json:"authConfigList,omitempty"`
	Wire
}

// ServiceCredential is one of the credentials of a service account.
type ServiceCredential struct {
	// ID is derived from the account and its place when empty.
	ID string `json:"id,omitempty"`
	// AuthType is API_KEY or CLIENT_SECRET.
	AuthType string `json:"authType"`
	// CreatedAt and ExpiresAt are left out of answers when empty.
	CreatedAt string `json:"createdAt,omitempty"`
	ExpiresAt string `json:"expiresAt,omitempty"`
}

// serviceNode is a service account. The account is never changed, only replaced.
type serviceNode struct {
	*ServiceAccountRecord
	id string
}

func (n *serviceNode) ident() string { return n.id }

// AddServiceAccount adds a service account and returns its id. A name that is taken is
// [ErrExists].
func (t *Tenant) AddServiceAccount(a ServiceAccountRecord) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.addServiceAccount(a)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

func (t *Tenant) addServiceAccount(a ServiceAccountRecord) (*serviceNode, error) {
	if a.Name == "" {
		return nil, errors.New("a service account needs a name")
	}
	if slices.ContainsFunc(t.services.natural, func(n *serviceNode) bool { return fold(n.Name) == fold(a.Name) }) {
		return nil, fmt.Errorf("service account %q: name %w", a.Name, ErrExists)
	}
	id, err := newID(t, t.services, a.ID, "service account", t.org.ID, a.Name)
	if err != nil {
		return nil, fmt.Errorf("service account %q: %w", a.Name, err)
	}
	a.ID = id
	if a.Status == "" {
		a.Status = "ACTIVE"
	}
	a.Credentials = slices.Clone(a.Credentials)
	for i := range a.Credentials {
		c := &a.Credentials[i]
		if c.AuthType != AuthAPIKey && c.AuthType != AuthClientSecret {
			return nil, fmt.Errorf("service account %q: authType %q is not %s or %s", a.Name, c.AuthType, AuthAPIKey, AuthClientSecret)
		}
		if c.ID == "" {
			c.ID = deriveID("service credential", id, strconv.Itoa(i))
		}
	}
	n := &serviceNode{ServiceAccountRecord: &a, id: id}
	t.services.add(n, true, t.bulk)
	t.changed("add", "service account", "", id)
	return n, nil
}

// serviceAccount finds a service account by id or name.
func (t *Tenant) serviceAccount(ref string) (*serviceNode, error) {
	if n, ok := t.services.index[ref]; ok {
		return n, nil
	}
	i := slices.IndexFunc(t.services.natural, func(n *serviceNode) bool { return fold(n.Name) == fold(ref) })
	if i < 0 {
		return nil, fmt.Errorf("service account %q: %w", ref, ErrNotFound)
	}
	return t.services.natural[i], nil
}

// UpdateServiceAccount changes a service account.
func (t *Tenant) UpdateServiceAccount(ref string, change func(*ServiceAccountRecord)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.serviceAccount(ref)
	if err == nil {
		t.changeServiceAccount(n, change)
	}
	return err
}

func (t *Tenant) changeServiceAccount(n *serviceNode, change func(*ServiceAccountRecord)) {
	a := *n.ServiceAccountRecord
	a.Credentials = slices.Clone(a.Credentials)
	change(&a)
	a.ID = n.id
	n.ServiceAccountRecord = &a
	t.changed("update", "service account", "", n.id)
}

// DeleteServiceAccount deletes a service account with its credentials.
func (t *Tenant) DeleteServiceAccount(ref string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.serviceAccount(ref)
	if err != nil {
		return err
	}
	t.services.remove(n)
	t.spent[n.id] = struct{}{}
	t.changed("delete", "service account", "", n.id)
	return nil
}

// ServiceAccounts returns the service accounts in the order of their ids. They must not be
// changed.
func (t *Tenant) ServiceAccounts() []*ServiceAccountRecord {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return collect(t.services.byID, func(n *serviceNode) *ServiceAccountRecord { return n.ServiceAccountRecord })
}

// roleIDOf is the id of the role of a service account, "" where there is no role of that
// name.
func (t *Tenant) roleIDOf(a *ServiceAccountRecord) string {
	if r, ok := t.roleNames[fold(a.RoleName)]; ok {
		return r.id
	}
	return ""
}
