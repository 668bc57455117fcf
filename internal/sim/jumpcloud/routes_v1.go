package jcsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

func listOrganizations(c *call) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	table := c.s.tables[c.s.tenants[0]].orgs
	order, a, ok := orderOf(c, table, c.query.Get("sort"), " ", "")
	if !ok {
		return a
	}
	all := slices.Clone(c.opens())
	if !order.Empty() {
		slices.SortStableFunc(all, table.Compare(order))
	}
	return pageV1(c, rows[*Tenant]{all: all}, w, table, query.Projection{})
}

func getOrganization(c *call) answer {
	t := findTenant(c.opens(), c.r.PathValue("id"))
	if t == nil {
		return c.notFound()
	}
	return one(c, http.StatusOK, t, c.s.tables[t].orgs, nil)
}

// ident makes a tenant an [object], for the list of organizations.
func (t *Tenant) ident() string { return t.org.ID }

func (c *call) fieldsV1() []string { return strings.Fields(c.query.Get("fields")) }

func listUsers(c *call) answer {
	return listV1(c, c.t.users, c.tab.users, "", true)
}

func getUser(c *call) answer {
	n, ok := find(c, c.t.users, c.r.PathValue("id"))
	if !ok {
		return c.notFound()
	}
	return one(c, http.StatusOK, n, c.tab.users, c.fieldsV1())
}

// searchBody is the body of POST /api/search/systemusers. Clients send skip,
// limit and sort here or in the query.
type searchBody struct {
	Filter       json.RawMessage `json:"filter"`
	SearchFilter *partFilter     `json:"searchFilter"`
	Fields       words           `json:"fields"`
	Sort         words           `json:"sort"`
	Skip         *int            `json:"skip"`
	Limit        *int            `json:"limit"`
}

// partFilter is the searchFilter of a search: the terms of which one must be part of
// one of the fields, without regard to case.
type partFilter struct {
	Terms  phrases  `json:"searchTerm"`
	Fields []string `json:"fields"`
}

// partly selects the users that a searchFilter finds. The simulator looks at
// usernames and email addresses only.
func (c *call) partly(all []*userNode, f partFilter) ([]*userNode, answer, bool) {
	var some []*userNode
	for _, name := range f.Fields {
		if name != "username" && name != "email" {
			return nil, c.badRequest("the simulator searches username and email only"), false
		}
	}
	for _, n := range all {
		texts := map[string]string{"username": n.Username, "email": n.Email}
		if slices.ContainsFunc(f.Fields, func(name string) bool {
			return slices.ContainsFunc(f.Terms, func(term string) bool {
				return strings.Contains(strings.ToLower(texts[name]), strings.ToLower(term))
			})
		}) {
			some = append(some, n)
		}
	}
	return some, answer{}, true
}

// phrases is a text or a list of texts.
type phrases []string

// UnmarshalJSON implements [json.Unmarshaler].
func (p *phrases) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(p))
	}
	*p = []string{""}
	return json.Unmarshal(b, &(*p)[0])
}

// words is a text of words divided by spaces, or a list of them.
type words []string

// UnmarshalJSON implements [json.Unmarshaler].
func (w *words) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(w))
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	*w = strings.Fields(text)
	return nil
}

func searchUsers(c *call) answer {
	return search(c, c.t.users, c.tab.found, c.partly)
}

// searchDevices answers POST /api/search/systems.
func searchDevices(c *call) answer {
	return search(c, c.t.bound[partDevices], c.tab.devices, func([]*boundNode, partFilter) ([]*boundNode, answer, bool) {
		return nil, c.badRequest("the simulator does not search devices by a searchFilter"), false
	})
}

// search answers a search of API v1.
func search[N object](c *call, col *collection[N], table *query.Table[N], partly func([]N, partFilter) ([]N, answer, bool)) answer {
	var body searchBody
	if len(bytes.TrimSpace(c.body)) > 0 {
		if err := json.Unmarshal(c.body, &body); err != nil {
			return c.badRequest("the body is not a search: " + err.Error())
		}
	}
	w, a, ok := c.window(maxSearch)
	if !ok {
		return a
	}
	if body.Skip != nil {
		w.skip = max(0, *body.Skip)
	}
	if body.Limit != nil {
		w.limit = max(0, *body.Limit)
		if a, ok := c.checkLimit(&w, maxSearch); !ok {
			return a
		}
	}
	sort := strings.Join(body.Sort, " ")
	if sort == "" {
		sort = c.query.Get("sort")
	}
	order, a, ok := orderOf(c, table, sort, " ", "")
	if !ok {
		return a
	}
	filter, err := query.ParseSearch(body.Filter)
	if err != nil {
		return c.badRequest(err.Error())
	}
	found := selectRows(c, col, table, filter, order)
	if body.SearchFilter != nil {
		if found.all, a, ok = partly(found.all, *body.SearchFilter); !ok {
			return a
		}
		found.permuted = false
	}
	return pageV1(c, found, w, table, table.Project(body.Fields))
}

// userFields are the fields that PUT /systemusers/{id} takes, by the documents of
// 2026, and passwordless_sudo and recoveryEmail, which live clients set without being
// documented; others are ignored. createFields are those that only POST takes.
func userFields() []string {
	return []string{
		"account_locked", "addresses", "alternateEmail", "attributes", "company", "costCenter", "department", "description",
		"displayname", "email", "employeeIdentifier", "employeeType", "enable_user_portal_multifactor", "external_dn",
		"external_source_type", "externally_managed", "firstname", "jobTitle", "lastname", "ldap_binding_user", "location",
		"managedAppleId", "manager", "mfa", "middlename", "password_never_expires", "passwordless_sudo", "phoneNumbers",
		"recoveryEmail", "samba_service_user",
		"state", "sudo", "suspended", "unix_guid", "unix_uid", "username",
	}
}

func createFields() []string { return []string{"activated"} }

// userEdit reads the body of a write to a user. States that conflict are refused,
// as JumpCloud's own module expects.
func (c *call) userEdit(fields []string, states ...string) (json.RawMessage, answer, bool) {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &body); err != nil {
		return nil, c.invalid("body", "is not a JSON object"), false
	}
	for name := range body {
		if !slices.Contains(fields, name) {
			delete(body, name)
		}
	}
	var state struct {
		State     *string `json:"state"`
		Suspended *bool   `json:"suspended"`
	}
	kept, err := json.Marshal(body)
	must(err)
	if err := json.Unmarshal(kept, &state); err != nil {
		return nil, c.invalid("state", "state must be a string and suspended a boolean"), false
	}
	if state.State != nil {
		if !slices.Contains(states, *state.State) {
			return nil, c.invalid("state", "must be one of "+strings.Join(states, ", ")), false
		}
		if state.Suspended != nil && *state.Suspended != (*state.State == StateSuspended) {
			return nil, c.invalid("state", "conflicting state and suspended fields"), false
		}
	}
	return kept, answer{}, true
}

// mint gives the parts of a user new ids, as every write does.
func (c *call) mint(u *User) {
	u.Addresses, u.PhoneNumbers, u.Attributes = slices.Clone(u.Addresses), slices.Clone(u.PhoneNumbers), slices.Clone(u.Attributes)
	for i := range u.Attributes {
		u.Attributes[i].ID = c.partID("attribute", u.Username, i)
	}
	for i := range u.Addresses {
		u.Addresses[i].ID = c.partID("address", u.Username, i)
	}
	for i := range u.PhoneNumbers {
		u.PhoneNumbers[i].ID = c.partID("phone", u.Username, i)
	}
}

func (c *call) partID(kind, owner string, i int) string {
	return deriveID(kind, owner, strconv.Itoa(i), strconv.Itoa(c.n))
}

func createUser(c *call) answer {
	body, a, ok := c.userEdit(append(userFields(), createFields()...), StateStaged, StateActivated, StateSuspended)
	if !ok {
		return a
	}
	password, a, ok := c.takePassword(nil)
	if !ok {
		return a
	}
	var u User
	if err := json.Unmarshal(body, &u); err != nil {
		return c.invalid("body", err.Error())
	}
	switch {
	case u.Username == "":
		return c.invalid("username", "required")
	case u.Email == "":
		return c.invalid("email", "required")
	}
	u.Created, u.CreationSource = time.Now().UTC().Format(wireTime), "jumpcloud:api"
	c.mint(&u)
	n, err := c.t.addUser(u)
	if err != nil {
		return c.refused(err)
	}
	c.t.setPassword(n, password)
	if n.State == StateActivated && !n.Activated {
		c.t.mail("activation", n.AlternateEmail, n.Email)
	}
	c.s.lag.created(c, n)
	return one(c, http.StatusOK, n, c.tab.users, nil)
}

// refused is the answer to a write that the tenant refused: 400 with details,
// the only refusal that the documents know for users.
func (c *call) refused(err error) answer {
	if errors.Is(err, ErrExists) && c.v2() {
		return c.fail(http.StatusConflict, "Already Exists")
	}
	return c.invalid("body", err.Error())
}

func putUser(c *call) answer {
	n, ok := c.t.users.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	body, a, ok := c.userEdit(userFields(), StateActivated, StateSuspended)
	if !ok {
		return a
	}
	password, a, ok := c.takePassword(n)
	if !ok {
		return a
	}
	var sent map[string]json.RawMessage
	must(json.Unmarshal(body, &sent))
	for _, r := range n.RestrictedFields {
		if _, ok := sent[r.Field]; ok {
			return c.invalid(r.Field, "is managed by "+r.Type)
		}
	}
	before := *n
	var merge error
	err := c.t.updateUser(n, func(u *User) {
		old := *u
		if merge = mergeJSON(u, body); merge != nil {
			*u = old
			return
		}
		if !u.PortalMFA && old.PortalMFA && u.MFA != nil {
			u.MFA = &MFA{Configured: u.MFA.Configured}
		}
		c.mint(u)
	})
	if merge != nil {
		return c.invalid("body", merge.Error())
	}
	if err != nil {
		return c.refused(err)
	}
	c.t.setPassword(n, password)
	c.s.lag.replaced(c, &before)
	return one(c, http.StatusOK, n, c.tab.users, nil)
}

// deleteUser deletes a user. One who manages others needs cascade_manager: null
// leaves them without a manager, an id gives them that one.
func deleteUser(c *call) answer {
	n, ok := c.t.users.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	if reports := c.t.reports(n); len(reports) > 0 {
		heir := c.query.Get("cascade_manager")
		switch {
		case heir == "":
			return c.fail(http.StatusConflict, "the user manages others; pass cascade_manager")
		case heir == "null":
			heir = ""
		case c.t.users.index[heir] == nil || heir == n.id:
			return c.invalid("cascade_manager", "no such user")
		}
		for _, r := range reports {
			before := *r
			must(c.t.updateUser(r, func(u *User) { u.Manager = heir }))
			c.s.lag.replaced(c, &before)
		}
	}
	if n.User.Admin != nil && c.isOwn(n.User.Admin.ID) {
		return c.fail(http.StatusForbidden, "an administrator cannot delete itself")
	}
	a := one(c, http.StatusOK, n, c.tab.users, nil)
	c.s.lag.replaced(c, &userNode{User: n.User, id: n.id})
	c.t.deleteUser(n)
	return a
}

func listApplications(c *call) answer {
	return listV1(c, c.t.apps, c.tab.apps, "name", true)
}

func getApplication(c *call) answer {
	n, ok := c.t.apps.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	return one(c, http.StatusOK, n, c.tab.apps, c.fieldsV1())
}

// listAdmins answers GET /api/users. No filter works on it, as JumpCloud's module
// remarks.
func listAdmins(c *call) answer { return listV1(c, c.t.admins, c.tab.admins, "", false) }

func getAdmin(c *call) answer {
	n, ok := find(c, c.t.admins, c.r.PathValue("id"))
	if !ok {
		return c.notFound()
	}
	return one(c, http.StatusOK, n, c.tab.admins, c.fieldsV1())
}

// adminBody reads the fields that POST and PUT /users take.
func (c *call) adminBody() (json.RawMessage, answer, bool) {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &body); err != nil {
		return nil, c.invalid("body", "is not a JSON object"), false
	}
	known := []string{"email", "firstname", "lastname", "enableMultiFactor", "apiKeyAllowed", "roleName", "roleNames"}
	for name := range body {
		if !slices.Contains(known, name) || name == "roleNames" && c.cfg.SingleRole {
			delete(body, name)
		}
	}
	kept, err := json.Marshal(body)
	must(err)
	var a Admin
	if err := json.Unmarshal(kept, &a); err != nil {
		return nil, c.invalid("body", err.Error()), false
	}
	for _, name := range append([]string{a.RoleName}, a.RoleNames...) {
		if _, ok := c.t.roleNames[fold(name)]; !ok && name != "" {
			return nil, c.invalid("roleName", "no such role"), false
		}
	}
	return kept, answer{}, true
}
