package jcsim

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rights narrow what a credential may do. The zero value may do everything.
type Rights struct {
	// ReadOnly refuses every write with 403.
	ReadOnly bool `json:"readOnly,omitempty"`
	// NoAdmins refuses the routes of administrators with 403.
	NoAdmins bool `json:"noAdmins,omitempty"`
	// Deny refuses further routes with 403.
	Deny Routes `json:"deny,omitempty"`
}

// APIKey is a key of an administrator, sent as x-api-key.
type APIKey struct {
	Key string
	// Organizations are the ids or names of those that the key sees; empty means
	// the first. A key that sees several must name one in x-org-id.
	Organizations []string
	// Admin is the email address or id of the administrator who owns the key; empty
	// means one whom the tenant does not list. Only an administrator with BillingRole
	// may change administrators, and none may delete itself.
	Admin string
	Rights
}

// ServiceAccount gets access tokens for a client id and secret.
type ServiceAccount struct {
	ClientID, ClientSecret string
	// Organization is the id or name of the one that the account belongs to; empty
	// means the first.
	Organization string
	// Lifetime is how long tokens are valid, to the second; 0 means an hour.
	Lifetime time.Duration
	// Announced is the lifetime that the token route tells, where it is not true.
	Announced time.Duration
	Rights
}

// credential is an API key or an access token and what it opens.
type credential struct {
	rights  Rights
	admin   string
	tenants []*Tenant
}

// opens lists the organizations that the credential of a request opens.
func (c *call) opens() []*Tenant {
	if c.cfg.Organization == "" {
		return c.cred.tenants
	}
	if t := findTenant(c.s.tenants, c.cfg.Organization); t != nil {
		return []*Tenant{t}
	}
	return nil
}

// several reports whether the credential must choose an organization.
func (c *call) several() bool { return len(c.opens()) != 1 }

// authority knows credentials.
type authority struct {
	keys     map[string]*credential
	accounts map[string]*account

	mu     sync.Mutex
	tokens map[string]token
}

type account struct {
	ServiceAccount
	cred *credential
}

type token struct {
	cred    *credential
	expires time.Time
}

// checkCredentials refuses keys and accounts that are empty, given twice or of
// an unknown organization.
func checkCredentials(o Options) error {
	tenants := append([]*Tenant{o.Tenant}, o.Others...)
	seen := map[string]bool{}
	for _, k := range o.Keys {
		if k.Key == "" || seen[k.Key] {
			return errors.New("an API key is empty or given twice")
		}
		seen[k.Key] = true
		for _, org := range k.Organizations {
			if findTenant(tenants, org) == nil {
				return fmt.Errorf("API key: no organization %q", org)
			}
		}
	}
	for _, a := range o.ServiceAccounts {
		if a.ClientID == "" || a.ClientSecret == "" || seen[a.ClientID] {
			return errors.New("a service account has no id or no secret, or an id is given twice")
		}
		seen[a.ClientID] = true
		if a.Organization != "" && findTenant(tenants, a.Organization) == nil {
			return fmt.Errorf("service account: no organization %q", a.Organization)
		}
	}
	return nil
}

// findTenant finds an organization by id or name.
func findTenant(tenants []*Tenant, ref string) *Tenant {
	for _, t := range tenants {
		if t != nil && (t.org.ID == ref || strings.EqualFold(t.org.Name, ref)) {
			return t
		}
	}
	return nil
}

func newAuthority(tenants []*Tenant, keys []APIKey, accounts []ServiceAccount) *authority {
	a := &authority{keys: map[string]*credential{}, accounts: map[string]*account{}, tokens: map[string]token{}}
	if len(keys) == 0 && len(accounts) == 0 {
		keys = []APIKey{{Key: DefaultKey}}
	}
	for _, k := range keys {
		c := &credential{rights: k.Rights, admin: k.Admin}
		for _, org := range k.Organizations {
			c.tenants = append(c.tenants, findTenant(tenants, org))
		}
		if c.tenants == nil {
			c.tenants = tenants[:1]
		}
		a.keys[k.Key] = c
		for _, t := range c.tenants {
			t.showKey(k)
		}
	}
	for _, sa := range accounts {
		t := tenants[0]
		if sa.Organization != "" {
			t = findTenant(tenants, sa.Organization)
		}
		if sa.Lifetime <= 0 {
			sa.Lifetime = time.Hour
		}
		if sa.Announced <= 0 {
			sa.Announced = sa.Lifetime
		}
		a.accounts[sa.ClientID] = &account{ServiceAccount: sa, cred: &credential{rights: sa.Rights, tenants: []*Tenant{t}}}
	}
	return a
}

// keyPrefix is how much of a key the record of its owner shows.
const keyPrefix = 6

// showKey puts into the record of a key's owner what it shows of the key.
func (t *Tenant) showKey(k APIKey) {
	if k.Admin == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.admin(k.Admin)
	if err != nil {
		return
	}
	must(t.updateAdmin(n, func(v *Admin) {
		v.APIKeySet, v.APIKeyPrefix = true, k.Key[:min(len(k.Key), keyPrefix)]
	}))
}

// loginPage is what a browser sees at /login.
const loginPage = "<!DOCTYPE html><html><head><title>JumpCloud</title></head><body><h1>Administrator Login</h1></body></html>"

func htmlPage(status int, page string) answer {
	return answer{status: status, contentType: "text/html; charset=utf-8", body: []byte(page), total: -1}
}

// authenticate finds the credential and the organization of a request. Where it
// reports false the answer is the refusal.
func (c *call) authenticate(e endpoint) (answer, bool) {
	key, bearer := c.r.Header.Get("x-api-key"), c.r.Header.Get("Authorization")
	switch {
	case key != "":
		c.cred = c.s.auth.keys[key]
	case bearer != "":
		c.cred = c.s.auth.token(bearer)
	default:
		a := htmlPage(http.StatusFound, "Found. Redirecting to /login")
		a.location = "/login"
		return a, false
	}
	if c.cred == nil && key == "" {
		return c.fail(http.StatusUnauthorized, "access token is invalid or expired"), false
	}
	if c.cred == nil {
		return c.raw(http.StatusUnauthorized, `{"error":"Unauthorized","message":"Unauthorized: api key user not found"}`), false
	}
	if a, ok := c.organization(e); !ok {
		return a, false
	}
	if status := c.cfg.refusal(e); status != 0 {
		return c.fail(status, http.StatusText(status)), false
	}
	if r := c.cred.rights; r.ReadOnly && e.writes || r.NoAdmins && e.admins || r.Deny.Has(c.route) {
		return c.fail(http.StatusForbidden, "the role of this key does not permit "+c.route), false
	}
	return answer{}, true
}

// refusal is the status with which the settings refuse a route, or 0.
func (cfg *config) refusal(e endpoint) int {
	switch {
	case e.admins:
		return cfg.RefuseAdmins
	case strings.HasPrefix(e.pattern, "POST /api/search/"):
		return cfg.RefuseSearch
	case strings.HasPrefix(e.pattern, "GET /api/v2/roles"):
		return cfg.RefuseRoles
	default:
		return 0
	}
}

// organization applies the rules of the x-org-id header.
func (c *call) organization(e endpoint) (answer, bool) {
	header, inPath := c.r.Header.Get("x-org-id"), ""
	if e.global {
		inPath = c.r.PathValue("id")
	}
	if c.cfg.IgnoreOrg {
		header = ""
	}
	switch {
	case header != "" && c.cfg.RefuseOrg.Has(c.route):
		return c.fail(http.StatusForbidden, "x-org-id is not supported on this route"), false
	case header != "" && !isID(header):
		return c.fail(http.StatusBadRequest, "x-org-id is malformed"), false
	case header != "" && inPath != "" && header != inPath:
		return c.fail(http.StatusBadRequest, "x-org-id does not match the organization in the path"), false
	case header != "" && e.global && inPath == "" && c.several():
		return c.fail(http.StatusForbidden, "x-org-id is not supported on this route"), false
	case header != "":
		c.t = findTenant(c.opens(), header)
		if c.t == nil {
			return c.fail(http.StatusNotFound, "organization not found"), false
		}
	case e.global:
	case c.several():
		return c.raw(http.StatusUnauthorized, `{"message":"Unauthorized: no organization selected"}`), false
	default:
		c.t = c.opens()[0]
	}
	return answer{}, true
}

// token finds the credential of an Authorization header.
func (a *authority) token(header string) *credential {
	value, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.tokens[value]
	if !ok || !time.Now().Before(t.expires) {
		delete(a.tokens, value)
		return nil
	}
	return t.cred
}

// RevokeTokens makes all access tokens invalid that were given so far.
func (s *Server) RevokeTokens() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	clear(s.auth.tokens)
}

// issueToken answers POST /oauth2/token: client credentials by HTTP Basic only,
// as the sources call for, with the scope api.
func issueToken(c *call) answer {
	refuse := func(status int, code, description string) answer {
		body, err := json.Marshal(map[string]string{"error": code, "error_description": description})
		must(err)
		return c.raw(status, string(body))
	}
	id, secret, ok := c.r.BasicAuth()
	if !ok {
		return refuse(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	// RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
	if plain, err := url.QueryUnescape(id); err == nil {
		id = plain
	}
	if plain, err := url.QueryUnescape(secret); err == nil {
		secret = plain
	}
	known, ok := c.s.auth.accounts[id]
	if !ok || subtle.ConstantTimeCompare([]byte(known.ClientSecret), []byte(secret)) != 1 {
		return refuse(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil || form.Get("grant_type") != "client_credentials" {
		return refuse(http.StatusBadRequest, "unsupported_grant_type", "The grant type must be client_credentials")
	}
	if scope := form.Get("scope"); scope != "" && !slices.Contains(strings.Fields(scope), "api") {
		return refuse(http.StatusBadRequest, "invalid_scope", "The scope must be api")
	}
	random := make([]byte, 24)
	_, _ = rand.Read(random) // never fails
	value := "jcsim." + base64.RawURLEncoding.EncodeToString(random)
	c.s.auth.mu.Lock()
	c.s.auth.tokens[value] = token{cred: known.cred, expires: time.Now().Add(known.Lifetime)}
	c.s.auth.mu.Unlock()
	return c.raw(http.StatusOK, fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":%d,"scope":"api"}`,
		value, int(known.Announced.Seconds())))
}
