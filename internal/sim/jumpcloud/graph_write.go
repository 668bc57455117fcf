package jcsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// operation is the body of a write to the graph.
type operation struct {
	Op   string `json:"op"`
	Type string `json:"type"`
	ID   string `json:"id"`
	// Attributes are those of an edge of a device.
	Attributes *struct {
		Sudo struct {
			Enabled bool `json:"enabled"`
		} `json:"sudo"`
	} `json:"attributes"`
}

// operation reads the body of a write to the graph and refuses types that the
// route does not take.
func (c *call) operation(types ...string) (operation, answer, bool) {
	var o operation
	if err := json.Unmarshal(c.body, &o); err != nil {
		return o, c.badRequest("the body is not an operation"), false
	}
	switch {
	case !slices.Contains([]string{"add", "remove", "update"}, o.Op):
		return o, c.badRequest("op must be add, remove or update"), false
	case !slices.Contains(types, o.Type):
		return o, c.badRequest("unsupported type"), false
	case !isID(o.ID):
		return o, c.badRequest("malformed id"), false
	}
	return o, answer{}, true
}

// writeEdge makes one write and answers as the service does: 204, 409 where the
// edge is there already, 404 where it or either end is not. Reads see it late, as
// the settings say of edge.
func (c *call) writeEdge(o operation, exists bool, edge *lagged, add, remove func() error) answer {
	var err error
	switch o.Op {
	case "add":
		err = add()
	case "remove":
		err = remove()
	default:
		if !exists {
			err = ErrNotFound
		}
	}
	if err == nil && o.Op != "update" {
		edge.added = o.Op == "add"
		c.s.lag.wrote(c, edge)
	}
	switch {
	case err == nil:
		return noContent()
	case errors.Is(err, ErrExists):
		return c.fail(http.StatusConflict, "Already Exists")
	default:
		return c.notFound()
	}
}

func writeMember(c *call) answer {
	g, a, ok := c.pathGroup()
	if !ok {
		return a
	}
	o, a, ok := c.operation(TypeUser)
	if !ok {
		return a
	}
	u, ok := c.t.users.index[o.ID]
	if !ok {
		return c.notFound()
	}
	a = c.writeEdge(o, slices.Contains(u.groups, g), &lagged{group: g, user: u},
		func() error { return c.t.addMember(g, u) }, func() error { return c.t.removeMember(g, u) })
	if a.status == http.StatusNoContent && o.Op != "update" {
		c.s.lag.undoLater(c, g, u)
	}
	return a
}

func writeAppAssociation(c *call) answer {
	n, a, ok := c.pathApp()
	if !ok {
		return a
	}
	o, a, ok := c.operation(TypeUser, TypeUserGroup)
	if !ok {
		return a
	}
	if o.Type == TypeUser {
		u, ok := c.t.users.index[o.ID]
		if !ok {
			return c.notFound()
		}
		return c.writeUserBinding(o, n, u)
	}
	g, ok := c.t.groups.index[o.ID]
	if !ok {
		return c.notFound()
	}
	return c.writeGroupBinding(o, n, g)
}

func (c *call) writeUserBinding(o operation, n *appNode, u *userNode) answer {
	return c.writeEdge(o, slices.Contains(u.apps, n), &lagged{app: n, user: u},
		func() error { return c.t.bindUser(n, u) }, func() error { return c.t.unbindUser(n, u) })
}

func (c *call) writeGroupBinding(o operation, n *appNode, g *groupNode) answer {
	return c.writeEdge(o, slices.Contains(g.apps, n), &lagged{app: n, group: g},
		func() error { return c.t.bindGroup(n, g) }, func() error { return c.t.unbindGroup(n, g) })
}
