package jcsim

import (
	"encoding/json"
	"net/http"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// listRoles answers GET /api/v2/roles, one of the lists of API v2 that are
// wrapped like those of v1.
func listRoles(c *call) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	order, a, ok := orderOf(c, c.tab.roles, c.query.Get("sort"), ",", "")
	if !ok {
		return a
	}
	return pageV1(c, selectRows(c, c.t.roles, c.tab.roles, nil, order), w, c.tab.roles, query.Projection{})
}

func getRole(c *call) answer {
	n, ok := c.t.roles.index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	return one(c, http.StatusOK, n, c.tab.roles, nil)
}

func listGroups(c *call) answer { return listV2(c, c.t.groups, c.tab.groups) }

// pathGroup finds the group in the path: malformed ids are 400 in the graph,
// unknown ones 404.
func (c *call) pathGroup() (*groupNode, answer, bool) {
	return pathObject(c, c.t.groups)
}

func (c *call) pathUser() (*userNode, answer, bool) { return pathObject(c, c.t.users) }

func (c *call) pathApp() (*appNode, answer, bool) { return pathObject(c, c.t.apps) }

func pathObject[N object](c *call, col *collection[N]) (N, answer, bool) {
	return pathIn(c, func(id string) (N, bool) { n, ok := col.index[id]; return n, ok })
}

// pathFound is the object in the path as reads show it.
func pathFound[N object](c *call, col *collection[N]) (N, answer, bool) {
	return pathIn(c, func(id string) (N, bool) { return find(c, col, id) })
}

func pathIn[N object](c *call, in func(id string) (N, bool)) (n N, a answer, ok bool) {
	id := c.r.PathValue("id")
	if !isID(id) {
		return n, c.badRequest("malformed id"), false
	}
	if n, ok = in(id); ok {
		return n, answer{}, true
	}
	if c.cfg.EmptyForMissing.Has(c.route) {
		return n, answer{status: http.StatusOK, body: append(c.buf, "[]"...), total: 0}, false
	}
	return n, c.notFound(), false
}

func getGroup(c *call) answer {
	n, a, ok := pathFound(c, c.t.groups)
	if !ok {
		return a
	}
	return one(c, http.StatusOK, n, c.tab.groups, c.fieldsV2())
}

// groupBody is what POST and PUT /usergroups take.
type groupBody struct {
	Name             string          `json:"name"`
	Email            string          `json:"email"`
	Description      string          `json:"description"`
	Attributes       json.RawMessage `json:"attributes"`
	MembershipMethod string          `json:"membershipMethod"`
	MemberQuery      *struct {
		Filters []Condition `json:"filters"`
	} `json:"memberQuery"`
	Exemptions []struct {
		ID string `json:"id"`
	} `json:"memberQueryExemptions"`
}

// groupEdit reads a write to a group. It is a full write: what the body leaves
// out is reset.
func (c *call) groupEdit() (Group, answer, bool) {
	var body groupBody
	if err := json.Unmarshal(c.body, &body); err != nil {
		return Group{}, c.invalid("body", err.Error()), false
	}
	if body.Name == "" {
		return Group{}, c.invalid("name", "required"), false
	}
	g := Group{
		Name: body.Name, Email: body.Email, Description: body.Description, MembershipMethod: body.MembershipMethod,
	}
	if string(body.Attributes) != "null" {
		g.Attributes = body.Attributes
	}
	if body.MemberQuery != nil {
		g.Rule = body.MemberQuery.Filters
	}
	for _, e := range body.Exemptions {
		g.Exemptions = append(g.Exemptions, e.ID)
	}
	return g, answer{}, true
}

func createGroup(c *call) answer {
	g, a, ok := c.groupEdit()
	if !ok {
		return a
	}
	n, err := c.t.addGroup(g)
	if err != nil {
		return c.refused(err)
	}
	c.s.lag.created(c, n)
	return one(c, http.StatusCreated, n, c.tab.groups, nil)
}

func putGroup(c *call) answer {
	n, a, ok := c.pathGroup()
	if !ok {
		return a
	}
	g, a, ok := c.groupEdit()
	if !ok {
		return a
	}
	before := *n
	if err := c.t.updateGroup(n, func(old *Group) { *old = g }); err != nil {
		return c.refused(err)
	}
	c.s.lag.replaced(c, &before)
	return one(c, http.StatusOK, n, c.tab.groups, nil)
}

func deleteGroup(c *call) answer {
	n, a, ok := c.pathGroup()
	if !ok {
		return a
	}
	a = one(c, http.StatusOK, n, c.tab.groups, nil)
	c.s.lag.replaced(c, &groupNode{Group: n.Group, id: n.id})
	c.t.deleteGroup(n)
	return a
}
