package jcsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// vertex is an object of the graph.
type vertex interface {
	ident() string
	kind() string
	state() fate
	attributes() json.RawMessage
}

func (n *userNode) kind() string  { return TypeUser }
func (n *groupNode) kind() string { return TypeUserGroup }
func (n *appNode) kind() string   { return TypeApplication }

func (n *userNode) state() fate  { return n.fate }
func (n *groupNode) state() fate { return n.fate }
func (n *appNode) state() fate   { return n.fate }

func (n *userNode) attributes() json.RawMessage  { return nil }
func (n *groupNode) attributes() json.RawMessage { return n.Group.Attributes }
func (n *appNode) attributes() json.RawMessage   { return nil }

// appendVertex appends {"attributes":…,"id":…,"type":…}.
func appendVertex(b []byte, v vertex) []byte {
	b = appendRaw(append(b, `{"attributes":`...), v.attributes(), "null")
	b = append(append(b, `,"id":"`...), v.ident()...) // hex digits need no escapes
	b = append(append(b, `","type":"`...), v.kind()...)
	return append(b, `"}`...)
}

// appendConnection appends a GraphConnection. As in recorded answers, from is
// left out.
func appendConnection(b []byte, to vertex) []byte {
	b = appendVertex(append(b, `{"attributes":null,"to":`...), to)
	return append(b, '}')
}

// connections answers with n edges in the way of the service: the total counts
// dangling ones, the window is cut with them in it, and then they are left out.
func (c *call) connections(n int, at func(int) vertex) answer {
	return c.attributed(n, at, nil)
}

// attributed is the same with attributes of the edges, as JSON; nil for none.
func (c *call) attributed(n int, at func(int) vertex, attributes func(vertex) string) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	mix := c.cfg.Permute.Has(c.route) && n > 1
	var order walk
	if mix {
		order = c.shuffle(n)
	}
	b := append(c.buf, '[')
	empty := len(b)
	from, to := w.of(n)
	for i := from; i < to; i++ {
		at0 := i
		if mix {
			at0 = order.at(i)
		}
		v := at(at0)
		gone := v.state() == dangling
		if gone && !c.cfg.NullRows || c.hides(v.ident()) {
			continue
		}
		if len(b) > empty {
			b = append(b, ',')
		}
		if gone {
			b = append(b, "null"...)
			continue
		}
		if of := attributes; of != nil && of(v) != "" {
			b = append(appendVertex(append(append(append(b, `{"attributes":`...), of(v)...), `,"to":`...), v), '}')
			continue
		}
		b = appendConnection(b, v)
	}
	return answer{status: http.StatusOK, body: append(b, ']'), total: c.headerTotal(n)}
}

// path is a way through the graph to an object.
type path []vertex

// traversed is the table of what filters and sorts may name on traversals.
func traversed() *query.Table[vertex] {
	return query.NewTable(nil, nil,
		query.Field[vertex]{Name: "object_id", Get: func(v vertex) query.Value { return query.String(v.ident()) }},
		query.Field[vertex]{Name: "id", Get: func(v vertex) query.Value { return query.String(v.ident()) }},
		query.Field[vertex]{Name: "type", Get: func(v vertex) query.Value { return query.String(v.kind()) }},
	)
}

// traverse answers with the existing objects of a list and the ways to each.
func traverse[N interface {
	comparable
	vertex
}](c *call, found []N, paths func(N) []path,
) answer {
	w, a, ok := c.window(maxLimit)
	if !ok {
		return a
	}
	filter, err := query.ParseV2(c.query["filter"])
	if err != nil {
		return c.badRequest(err.Error())
	}
	table := traversed()
	test := table.Matcher(filter)
	if len(filter) > 0 || slices.ContainsFunc(found, func(n N) bool { return n.state() == dangling }) {
		found = slices.Clone(found)
		found = slices.DeleteFunc(found, func(n N) bool { return n.state() == dangling || !test(n) })
	}
	order, a, ok := orderOf(c, table, c.query.Get("sort"), ",", "")
	if !ok {
		return a
	}
	r := rows[N]{all: found}
	if order.Empty() {
		r = permuted(c, found)
	} else {
		compare := table.Compare(order)
		r.all = slices.Clone(found)
		slices.SortStableFunc(r.all, func(a, b N) int { return compare(a, b) })
	}
	b := append(c.buf, '[')
	empty := len(b)
	from, to := w.of(len(found))
	for i := from; i < to; i++ {
		n := r.at(i)
		if c.hides(n.ident()) {
			continue
		}
		if len(b) > empty {
			b = append(b, ',')
		}
		b = appendTraversal(b, n, paths(n))
	}
	return answer{status: http.StatusOK, body: append(b, ']'), total: c.headerTotal(len(found))}
}

// appendTraversal appends a GraphObjectWithPaths. The compiled attributes are
// those of the last hop of the paths that has any.
func appendTraversal(b []byte, v vertex, paths []path) []byte {
	var compiled json.RawMessage
	for _, p := range paths {
		for _, hop := range p {
			if attrs := hop.attributes(); len(attrs) > 0 {
				compiled = attrs
			}
		}
	}
	b = append(append(b, `{"id":"`...), v.ident()...)
	b = append(append(b, `","type":"`...), v.kind()...)
	b = appendRaw(append(b, `","compiledAttributes":`...), compiled, "null")
	b = append(b, `,"paths":[`...)
	for i, p := range paths {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, hop := range p {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendConnection(b, hop)
		}
		b = append(b, ']')
	}
	return append(b, "]}"...)
}

// direct is the one path of an edge.
func direct[N vertex](n N) []path { return []path{{n}} }

func listMembers(c *call) answer {
	g, a, ok := c.pathGroup()
	if !ok {
		return a
	}
	members := c.members(g)
	return c.connections(len(members), func(i int) vertex { return members[i] })
}

func listMembership(c *call) answer {
	g, a, ok := c.pathGroup()
	if !ok {
		return a
	}
	return traverse(c, c.members(g), direct)
}

func listMemberOf(c *call) answer {
	u, a, ok := c.pathUser()
	if !ok {
		return a
	}
	return traverse(c, c.groupsOf(u), direct)
}

// The targets that associations know, by the documents; the simulator has none
// of some kinds.
func knownTargets() []string {
	return []string{
		"active_directory", TypeApplication, "command", "g_suite", "idp_routing_policy", "ldap_server", "office_365",
		"password_manager_item", "policy", "policy_group", "radius_server", "software_app", "system", "system_group", TypeUser, TypeUserGroup,
	}
}

// targets reads the targets parameter, which is required.
func (c *call) targets() ([]string, answer, bool) {
	var list []string
	for _, param := range c.query["targets"] {
		for name := range strings.SplitSeq(param, ",") {
			if !slices.Contains(knownTargets(), name) {
				return nil, c.badRequest(`request parameter "targets" has an unknown type`), false
			}
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	if len(list) == 0 {
		return nil, c.badRequest(`request parameter "targets" is required`), false
	}
	if status := c.cfg.RefuseTargets; status != 0 && len(list) > 1 {
		return nil, c.fail(status, "more than one target is not supported"), false
	}
	return list, answer{}, true
}

func listAppAssociations(c *call) answer {
	n, a, ok := c.pathApp()
	if !ok {
		return a
	}
	return c.bothTargets(func() []*userNode { return c.appUsers(n) }, func() []*groupNode { return c.appGroups(n) }, c.connections)
}

// bothTargets answers with the groups and users at the far ends, as far as they are asked
// for, groups first.
func (c *call) bothTargets(allUsers func() []*userNode, allGroups func() []*groupNode, list func(n int, at func(int) vertex) answer) answer {
	targets, a, ok := c.targets()
	if !ok {
		return a
	}
	var users []*userNode
	var groups []*groupNode
	if slices.Contains(targets, TypeUser) {
		users = allUsers()
	}
	if slices.Contains(targets, TypeUserGroup) {
		groups = allGroups()
	}
	return list(len(groups)+len(users), func(i int) vertex {
		if i < len(groups) {
			return groups[i]
		}
		return users[i-len(groups)]
	})
}

func listGroupAssociations(c *call) answer {
	g, a, ok := c.pathGroup()
	if !ok {
		return a
	}
	targets, a, ok := c.targets()
	if !ok {
		return a
	}
	return c.ownEdges(targets, func() []*appNode { return c.appsOfGroup(g) }, func() []*boundNode { return c.boundOfGroup(g) })
}

func listUserAssociations(c *call) answer {
	u, a, ok := c.pathUser()
	if !ok {
		return a
	}
	targets, a, ok := c.targets()
	if !ok {
		return a
	}
	return c.ownEdges(targets, func() []*appNode { return c.appsOfUser(u) }, func() []*boundNode { return c.boundOfUser(u) })
}

// ownEdges answers with what a user or group is bound to.
func (c *call) ownEdges(targets []string, apps func() []*appNode, bound func() []*boundNode) answer {
	var list []*appNode
	if slices.Contains(targets, TypeApplication) {
		list = apps()
	}
	others := ofKinds(bound(), targets)
	return c.connections(len(list)+len(others), func(i int) vertex {
		if i < len(list) {
			return list[i]
		}
		return others[i-len(list)]
	})
}

func traverseAppUsers(c *call) answer {
	n, a, ok := c.pathApp()
	if !ok {
		return a
	}
	groups := c.appGroups(n)
	var users []*userNode
	if c.s.lag.quiet() {
		users = c.t.effectiveUsers(n)
	} else {
		users = union(c.appUsers(n), groups, c.members)
	}
	boundTo := map[*groupNode]bool{}
	for _, g := range groups {
		boundTo[g] = true
	}
	return traverse(c, users, func(u *userNode) []path {
		var paths []path
		if slices.Contains(c.appsOfUser(u), n) {
			paths = direct(u)
		}
		for _, g := range c.groupsOf(u) {
			if boundTo[g] {
				paths = append(paths, path{g, u})
			}
		}
		return paths
	})
}

func traverseAppGroups(c *call) answer {
	n, a, ok := c.pathApp()
	if !ok {
		return a
	}
	return traverse(c, c.appGroups(n), direct)
}
