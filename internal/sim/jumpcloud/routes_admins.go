package jcsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// BillingRole is the role that may create, change and delete administrators.
const BillingRole = "Administrator With Billing"

// owner is the administrator whose key a request carries; nil where the key belongs
// to none that the tenant knows.
func (c *call) owner() *adminNode {
	if c.cred.admin == "" {
		return nil
	}
	n, err := c.t.admin(c.cred.admin)
	if err != nil {
		return nil
	}
	return n
}

// isOwn reports whether an id is that of the administrator whose key is used.
func (c *call) isOwn(id string) bool {
	own := c.owner()
	return own != nil && own.id == id
}

// mayManage refuses writes to administrators by those without the role for it.
func (c *call) mayManage() (answer, bool) {
	own := c.owner()
	if own == nil || fold(own.RoleName) == fold(BillingRole) ||
		slices.ContainsFunc(own.RoleNames, func(s string) bool { return fold(s) == fold(BillingRole) }) {
		return answer{}, true
	}
	return c.fail(http.StatusForbidden, "only "+BillingRole+" can manage administrators"), false
}

// createAdmin makes an administrator. One with the email address of an active user
// becomes that user's administrator account.
func createAdmin(c *call) answer {
	if a, ok := c.mayManage(); !ok {
		return a
	}
	body, a, ok := c.adminBody()
	if !ok {
		return a
	}
	var v Admin
	if err := json.Unmarshal(body, &v); err != nil || v.Email == "" {
		return c.invalid("email", "required")
	}
	u := c.t.userEmails[fold(v.Email)]
	if u != nil && (u.State != StateActivated || u.AccountLocked || u.PasswordExpired) {
		return c.fail(http.StatusConflict, "the user of this email address is not active")
	}
	v.settleRoles(body)
	v.Created = time.Now().UTC().Format(wireTime)
	n, err := c.t.addAdmin(v)
	if err != nil {
		return c.refused(err)
	}
	c.t.mail("admin", n.Email)
	if u != nil {
		before := *u
		must(c.t.updateUser(u, func(w *User) {
			w.Admin = &AdminLink{ID: n.id, RoleName: n.RoleName, RoleNames: n.RoleNames}
		}))
		c.s.lag.replaced(c, &before)
	}
	c.s.lag.created(c, n)
	return one(c, http.StatusOK, n, c.tab.admins, nil)
}

// settleRoles makes roleName and roleNames agree after a write of one of them.
func (a *Admin) settleRoles(body json.RawMessage) {
	var sent map[string]json.RawMessage
	must(json.Unmarshal(body, &sent))
	_, one := sent["roleName"]
	_, several := sent["roleNames"]
	switch {
	case several && len(a.RoleNames) > 0:
		a.RoleName = a.RoleNames[0]
	case one && a.RoleNames != nil:
		a.RoleNames = []string{a.RoleName}
	}
}

func putAdmin(c *call) answer {
	n, ok := c.t.admins.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	if a, ok := c.mayManage(); !ok {
		return a
	}
	body, a, ok := c.adminBody()
	if !ok {
		return a
	}
	before := *n
	var merge error
	err := c.t.updateAdmin(n, func(v *Admin) {
		if merge = mergeJSON(v, body); merge == nil {
			v.settleRoles(body)
		}
	})
	if merge != nil {
		return c.invalid("body", merge.Error())
	}
	if err != nil {
		return c.refused(err)
	}
	c.s.lag.replaced(c, &before)
	for _, u := range c.t.linked(n) {
		must(c.t.updateUser(u, func(w *User) {
			w.Admin = &AdminLink{ID: n.id, RoleName: n.RoleName, RoleNames: n.RoleNames}
		}))
	}
	return one(c, http.StatusOK, n, c.tab.admins, nil)
}

// deleteAdmin deletes an administrator, other than the one whose key is used. A user
// who was one stays.
func deleteAdmin(c *call) answer {
	n, ok := c.t.admins.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	if a, ok := c.mayManage(); !ok {
		return a
	}
	if c.isOwn(n.id) {
		return c.fail(http.StatusForbidden, "an administrator cannot delete itself")
	}
	a := one(c, http.StatusOK, n, c.tab.admins, nil)
	c.s.lag.replaced(c, &adminNode{Admin: n.Admin, id: n.id})
	for _, u := range c.t.linked(n) {
		must(c.t.updateUser(u, func(w *User) { w.Admin = nil }))
	}
	c.t.deleteAdmin(n)
	return a
}

// mailAdmin mails an administrator, about a password or a second factor.
func mailAdmin(c *call) answer {
	n, ok := c.t.admins.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	c.t.mail("admin", n.Email)
	return c.raw(http.StatusOK, `"OK"`)
}

// linked are the users whose administrator account n is.
func (t *Tenant) linked(n *adminNode) []*userNode {
	var list []*userNode
	for _, u := range t.users.natural {
		if u.User.Admin != nil && u.User.Admin.ID == n.id {
			list = append(list, u)
		}
	}
	return list
}
