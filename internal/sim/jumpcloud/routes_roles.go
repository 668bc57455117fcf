package jcsim

import (
	"encoding/json"
	"net/http"
)

// roleBody is what POST and PUT /api/v2/roles take. It is a full write.
func (c *call) roleBody() (Role, answer, bool) {
	var body struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Scopes      []string `json:"scopes"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return Role{}, c.invalid("body", err.Error()), false
	}
	if body.Name == "" || len(body.Scopes) == 0 {
		return Role{}, c.invalid("name", "name and scopes are required"), false
	}
	return Role{Name: body.Name, Description: body.Description, Scopes: body.Scopes}, answer{}, true
}

// customRole is the role in the path, unless every organization has it.
func (c *call) customRole() (*roleNode, answer, bool) {
	n, ok := c.t.roles.index[c.r.PathValue("id")]
	switch {
	case !ok:
		return nil, c.notFound(), false
	case n.BuiltIn:
		return nil, c.invalid("id", "built-in roles cannot be changed"), false
	default:
		return n, answer{}, true
	}
}

func createRole(c *call) answer {
	r, a, ok := c.roleBody()
	if !ok {
		return a
	}
	n, err := c.t.addRole(r)
	if err != nil {
		return c.refused(err)
	}
	return one(c, http.StatusCreated, n, c.tab.roles, nil)
}

func putRole(c *call) answer {
	n, a, ok := c.customRole()
	if !ok {
		return a
	}
	r, a, ok := c.roleBody()
	if !ok {
		return a
	}
	if err := c.t.updateRole(n, r); err != nil {
		return c.refused(err)
	}
	return one(c, http.StatusOK, n, c.tab.roles, nil)
}

// deleteRole deletes a role. Administrators keep its name.
func deleteRole(c *call) answer {
	n, a, ok := c.customRole()
	if !ok {
		return a
	}
	c.t.deleteRole(n)
	return noContent()
}
