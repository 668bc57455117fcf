package jcsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// ServiceSecret begins every secret that the simulator answers with, so that a test can
// search for it wherever it must not be.
const ServiceSecret = "jcsim-service-secret-never-store-this-" //nolint:gosec // it is the bait of tests

// serviceEndpoints are the routes of service accounts.
func serviceEndpoints() []endpoint {
	return []endpoint{
		{pattern: "GET /api/v2/service-accounts", answer: listServiceAccounts},
		{pattern: "GET /api/v2/service-accounts/{id}", answer: onServiceAccount(getServiceAccount)},
		{pattern: "POST /api/v2/service-accounts", writes: true, answer: createServiceAccount},
		{pattern: "DELETE /api/v2/service-accounts/{id}", writes: true, answer: onServiceAccount(deleteServiceAccount)},
		{pattern: "POST /api/v2/service-accounts/{id}/auth-config", writes: true, answer: onServiceAccount(addServiceCredential)},
		{pattern: "DELETE /api/v2/service-accounts/{id}/auth-config/{key}", writes: true, answer: onServiceAccount(deleteServiceCredential)},
	}
}

func listServiceAccounts(c *call) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	order, a, ok := orderOf(c, c.tab.services, c.query.Get("sort"), ",", "")
	if !ok {
		return a
	}
	return pageV1(c, selectRows(c, c.t.services, c.tab.services, nil, order), w, c.tab.services, query.Projection{})
}

func onServiceAccount(answerOf func(*call, *serviceNode) answer) func(*call) answer {
	return func(c *call) answer {
		n, ok := c.t.services.index[c.r.PathValue("id")]
		if !ok {
			return c.notFound()
		}
		return answerOf(c, n)
	}
}

// wrapped is {"serviceAccount":{…}}.
func (c *call) wrapped(status int, n *serviceNode) answer {
	b := c.tab.services.Append(append(c.buf, `{"serviceAccount":`...), n, query.Projection{})
	return answer{status: status, body: append(b, '}'), total: -1}
}

func getServiceAccount(c *call, n *serviceNode) answer { return c.wrapped(http.StatusOK, n) }

// authConfig is what a credential is made of.
type authConfig struct {
	AuthType           string    `json:"authType"`
	APIKeyConfig       *lifetime `json:"apiKeyConfig"`
	ClientSecretConfig *lifetime `json:"clientSecretConfig"`
}

type lifetime struct {
	Lifetime string `json:"lifetime"`
}

// expiry checks what a credential is made of, and says when it expires.
func (a authConfig) expiry(now time.Time) (string, error) {
	of := map[string]*lifetime{AuthAPIKey: a.APIKeyConfig, AuthClientSecret: a.ClientSecretConfig}[a.AuthType]
	if of == nil {
		return "", fmt.Errorf("authType %q without the config of its kind", a.AuthType)
	}
	number, unit, _ := strings.Cut(of.Lifetime, " ")
	days, err := strconv.Atoi(number)
	if err != nil || unit != "Days" || !slices.Contains([]int{30, 60, 90, 365}, days) {
		return "", fmt.Errorf("lifetime %q is not one of 30, 60, 90 or 365 Days", of.Lifetime)
	}
	return now.AddDate(0, 0, days).UTC().Format(wireTime), nil
}

// secretAnswer writes a credential that was just made, with its secret.
func secretAnswer(b []byte, authType, id string) []byte {
	field, name := "apiKeyConfig", "apiKey"
	if authType == AuthClientSecret {
		field, name = "clientSecretConfig", "clientSecret"
	}
	return fmt.Appendf(b, `{"authType":%q,%q:{%q:%q}}`, authType, field, name, ServiceSecret+id)
}

func createServiceAccount(c *call) answer {
	var body struct {
		Name       string     `json:"name"`
		RoleID     string     `json:"roleId"`
		AuthConfig authConfig `json:"authConfig"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return c.invalid("body", err.Error())
	}
	role, ok := c.t.roles.index[body.RoleID]
	if !ok {
		return c.invalid("roleId", "unknown role")
	}
	now := time.Now()
	expires, err := body.AuthConfig.expiry(now)
	if err != nil {
		return c.invalid("authConfig", err.Error())
	}
	n, err := c.t.addServiceAccount(ServiceAccountRecord{
		Name: body.Name, RoleName: role.Name, ExpiresAt: expires,
		Credentials: []ServiceCredential{{AuthType: body.AuthConfig.AuthType, CreatedAt: now.UTC().Format(wireTime), ExpiresAt: expires}},
	})
	if err != nil {
		return c.refused(err)
	}
	b := fmt.Appendf(c.buf, `{"serviceAccount":{"objectId":%q,"name":`, n.id)
	b = append(query.AppendString(b, n.Name), `,"authConfigList":[`...)
	b = append(secretAnswer(b, body.AuthConfig.AuthType, n.Credentials[0].ID), "]}}"...)
	return answer{status: http.StatusCreated, body: b, total: -1}
}

func deleteServiceAccount(c *call, n *serviceNode) answer {
	c.t.services.remove(n)
	c.t.spent[n.id] = struct{}{}
	c.t.changed("delete", "service account", "", n.id)
	return c.raw(http.StatusOK, "{}")
}

// addServiceCredential takes the bare object, as JumpCloud's own client sends it. The answer
// does not tell the id.
func addServiceCredential(c *call, n *serviceNode) answer {
	var body authConfig
	if err := json.Unmarshal(c.body, &body); err != nil {
		return c.invalid("body", err.Error())
	}
	now := time.Now()
	expires, err := body.expiry(now)
	if err != nil {
		return c.invalid("authType", err.Error())
	}
	secrets := 0
	for _, have := range n.Credentials {
		if have.AuthType == AuthClientSecret {
			secrets++
		}
	}
	if body.AuthType == AuthClientSecret && secrets >= maxClientSecrets {
		return c.invalid("authType", "at most 2 client secrets are allowed")
	}
	id := deriveID("service credential", n.id, strconv.FormatUint(c.t.version, 10))
	c.t.changeServiceAccount(n, func(a *ServiceAccountRecord) {
		a.Credentials = append(a.Credentials, ServiceCredential{ID: id, AuthType: body.AuthType, CreatedAt: now.UTC().Format(wireTime), ExpiresAt: expires})
		a.ExpiresAt = max(a.ExpiresAt, expires)
	})
	b := secretAnswer(append(c.buf, `{"authConfig":`...), body.AuthType, id)
	return answer{status: http.StatusOK, body: append(b, '}'), total: -1}
}

func deleteServiceCredential(c *call, n *serviceNode) answer {
	i := slices.IndexFunc(n.Credentials, func(have ServiceCredential) bool { return have.ID == c.r.PathValue("key") })
	if i < 0 {
		return c.notFound()
	}
	c.t.changeServiceAccount(n, func(a *ServiceAccountRecord) { a.Credentials = slices.Delete(a.Credentials, i, i+1) })
	return c.raw(http.StatusOK, "{}")
}

// serviceTable has the fields of a service account as JumpCloud's own client found them.
func serviceTable(t *Tenant) *query.Table[*serviceNode] {
	type s = *serviceNode
	return query.NewTable([]string{"objectId"}, func(v s) *query.Override { return v.Wire.override() },
		text("objectId", func(v s) string { return v.id }),
		text("name", func(v s) string { return v.Name }),
		orAbsent("roleId", func(v s) string { return t.roleIDOf(v.ServiceAccountRecord) }),
		orAbsent("roleName", func(v s) string { return v.RoleName }),
		text("status", func(v s) string { return v.Status }),
		orNull("expiresAt", func(v s) string { return v.ExpiresAt }),
		structured("authConfigList", func(b []byte, v s) []byte {
			if len(v.Credentials) == 0 {
				return append(b, "[]"...)
			}
			return appendJSON(b, v.Credentials)
		}),
	)
}
