package jcsim

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// boundPaths are the kinds of the graph by the words that their paths begin with.
func boundPaths() map[string]string {
	return map[string]string{
		"gsuites": TypeGSuite, "office365s": TypeOffice365, "ldapservers": TypeLDAPServer,
		"activedirectories": TypeActiveDirectory, "radiusservers": TypeRADIUSServer,
		"systems": TypeDevice, "systemgroups": TypeDeviceGroup,
	}
}

// boundEndpoints are the routes of objects that users and groups are bound to.
func boundEndpoints() []endpoint {
	list := []endpoint{
		{pattern: "GET /api/v2/directories", answer: func(c *call) answer { return listV2(c, c.t.bound[partDirectories], c.tab.directories) }},
		{pattern: "GET /api/radiusservers", answer: func(c *call) answer { return listV1(c, c.t.bound[partRADIUS], c.tab.radius, "", true) }},
		{pattern: "GET /api/radiusservers/{id}", answer: getRADIUSServer},
		{pattern: "GET /api/systems", answer: func(c *call) answer { return listV1(c, c.t.bound[partDevices], c.tab.devices, "", true) }},
		{pattern: "POST /api/search/systems", answer: searchDevices},
		{pattern: "GET /api/systems/{id}", answer: getDevice},
		{pattern: "GET /api/v2/systemgroups", answer: func(c *call) answer { return listV2(c, c.t.bound[partDeviceGroups], c.tab.deviceGroups) }},
		{pattern: "GET /api/v2/systemgroups/{id}", answer: getDeviceGroup},
		{pattern: "GET /api/v2/systemgroups/{id}/members", answer: listDeviceMembers},
	}
	for path, kind := range boundPaths() {
		at := "/api/v2/" + path + "/{id}/"
		list = append(list,
			endpoint{pattern: "GET " + at + "associations", answer: func(c *call) answer { return listBindings(c, kind) }},
			endpoint{pattern: "POST " + at + "associations", writes: true, answer: func(c *call) answer { return writeBinding(c, kind) }},
			endpoint{pattern: "GET " + at + "users", answer: func(c *call) answer { return traverseBoundUsers(c, kind) }},
			endpoint{pattern: "GET " + at + "usergroups", answer: func(c *call) answer { return traverseBoundGroups(c, kind) }},
		)
	}
	return list
}

func getRADIUSServer(c *call) answer {
	n, ok := c.t.bound[partRADIUS].index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	return one(c, http.StatusOK, n, c.tab.radius, c.fieldsV1())
}

func getDevice(c *call) answer {
	n, ok := c.t.bound[partDevices].index[c.r.PathValue("id")]
	if !ok {
		return c.notFound()
	}
	return one(c, http.StatusOK, n, c.tab.devices, c.fieldsV1())
}

func getDeviceGroup(c *call) answer {
	n, a, ok := c.pathBound(TypeDeviceGroup)
	if !ok {
		return a
	}
	return one(c, http.StatusOK, n, c.tab.deviceGroups, c.fieldsV2())
}

func listDeviceMembers(c *call) answer {
	n, a, ok := c.pathBound(TypeDeviceGroup)
	if !ok {
		return a
	}
	return c.connections(len(n.devices), func(i int) vertex { return n.devices[i] })
}

// pathBound finds the object in the path.
func (c *call) pathBound(kind string) (*boundNode, answer, bool) {
	part, _ := partOf(kind)
	return pathIn(c, func(id string) (*boundNode, bool) {
		n, ok := c.t.bound[part].index[id]
		return n, ok && n.graph == kind
	})
}

func listBindings(c *call, kind string) answer {
	n, a, ok := c.pathBound(kind)
	if !ok {
		return a
	}
	sudo := func(v vertex) string {
		if on, said := n.sudo[v]; said {
			return fmt.Sprintf(`{"sudo":{"enabled":%t,"withoutPassword":false}}`, on)
		}
		return ""
	}
	return c.bothTargets(func() []*userNode { return c.boundUsers(n) }, func() []*groupNode { return c.boundGroups(n) },
		func(count int, at func(int) vertex) answer { return c.attributed(count, at, sudo) })
}

func writeBinding(c *call, kind string) (a answer) {
	n, a, ok := c.pathBound(kind)
	if !ok {
		return a
	}
	o, a, ok := c.operation(TypeUser, TypeUserGroup)
	if !ok {
		return a
	}
	u, isUser := c.t.users.index[o.ID]
	g, isGroup := c.t.groups.index[o.ID]
	if o.Type == TypeUser {
		g = nil
	} else {
		u = nil
	}
	// An edge of a device says in its attributes who is administrator.
	defer func() {
		if device := kind == TypeDevice || kind == TypeDeviceGroup; a.status == http.StatusNoContent && device && o.Attributes != nil && o.Op != "remove" {
			must(c.t.setSudo(n, u, g, o.Attributes.Sudo.Enabled))
		}
	}()
	switch {
	case o.Type == TypeUser && isUser:
		return c.writeEdge(o, slices.Contains(u.bound, n), &lagged{bound: n, user: u},
			func() error { return c.t.bindTo(n, u, nil, true) }, func() error { return c.t.bindTo(n, u, nil, false) })
	case o.Type == TypeUserGroup && isGroup:
		return c.writeEdge(o, slices.Contains(g.bound, n), &lagged{bound: n, group: g},
			func() error { return c.t.bindTo(n, nil, g, true) }, func() error { return c.t.bindTo(n, nil, g, false) })
	default:
		return c.notFound()
	}
}

func traverseBoundUsers(c *call, kind string) answer {
	n, a, ok := c.pathBound(kind)
	if !ok {
		return a
	}
	// Who is bound to a group of devices reaches each device in it.
	type way struct {
		over   path
		of     *boundNode
		groups []*groupNode
	}
	ways := []way{{of: n, groups: c.boundGroups(n)}}
	users, groups := c.boundUsers(n), ways[0].groups
	for _, g := range n.within {
		if g.fate == alive {
			ways = append(ways, way{path{g}, g, c.boundGroups(g)})
			users, groups = slices.Concat(users, c.boundUsers(g)), slices.Concat(groups, c.boundGroups(g))
		}
	}
	return traverse(c, union(users, groups, c.members), func(u *userNode) []path {
		var paths []path
		for _, w := range ways {
			if slices.Contains(c.boundOfUser(u), w.of) {
				paths = append(paths, append(slices.Clone(w.over), u))
			}
			for _, g := range c.groupsOf(u) {
				if slices.Contains(w.groups, g) {
					paths = append(paths, append(slices.Clone(w.over), g, u))
				}
			}
		}
		return paths
	})
}

func traverseBoundGroups(c *call, kind string) answer {
	n, a, ok := c.pathBound(kind)
	if !ok {
		return a
	}
	return traverse(c, c.boundGroups(n), direct)
}

// ofKinds are the objects of the named kinds.
func ofKinds(list []*boundNode, kinds []string) []*boundNode {
	var some []*boundNode
	for _, n := range list {
		if slices.Contains(kinds, n.graph) {
			some = append(some, n)
		}
	}
	return some
}

func (c *call) boundUsers(n *boundNode) []*userNode {
	return view(c, n.users, func(w *lagged) (*userNode, bool) { return w.user, w.bound == n && w.user != nil })
}

func (c *call) boundGroups(n *boundNode) []*groupNode {
	return view(c, n.groups, func(w *lagged) (*groupNode, bool) { return w.group, w.bound == n && w.group != nil })
}

func (c *call) boundOfUser(u *userNode) []*boundNode {
	return view(c, u.bound, func(w *lagged) (*boundNode, bool) { return w.bound, w.bound != nil && w.user == u })
}

func (c *call) boundOfGroup(g *groupNode) []*boundNode {
	return view(c, g.bound, func(w *lagged) (*boundNode, bool) { return w.bound, w.bound != nil && w.group == g })
}

// directoryTable has the fields of a directory in the documents of API v2.
func directoryTable() *query.Table[*boundNode] {
	of := func(n *boundNode) *Directory { return n.value.(*Directory) } //nolint:forcetypeassert // the list holds directories only
	return query.NewTable([]string{"id"}, func(n *boundNode) *query.Override { return of(n).Wire.override() },
		text("id", func(n *boundNode) string { return n.id }),
		text("name", func(n *boundNode) string { return n.name }),
		text("type", func(n *boundNode) string { return n.graph }),
		structured("defaultDomain", func(b []byte, n *boundNode) []byte {
			if of(n).Domain == "" {
				return b
			}
			return append(query.AppendString(append(b, `{"id":"1","domain":`...), of(n).Domain), '}')
		}),
		structured("oAuthStatus", always[*boundNode](`{}`)),
	)
}

// deviceTable has the fields of a device that the documents of API v1 name and clients read.
func deviceTable(t *Tenant) *query.Table[*boundNode] {
	of := func(n *boundNode) *Device { return n.value.(*Device) } //nolint:forcetypeassert // the list holds devices only
	return query.NewTable([]string{"_id"}, func(n *boundNode) *query.Override { return of(n).Wire.override() },
		text("_id", func(n *boundNode) string { return n.id }),
		text("id", func(n *boundNode) string { return n.id }),
		flag("active", func(*boundNode) bool { return true }),
		text("displayName", func(n *boundNode) string { return n.name }),
		text("hostname", func(n *boundNode) string { return of(n).Hostname }),
		text("os", func(n *boundNode) string { return of(n).OS }),
		text("osFamily", func(n *boundNode) string { return of(n).OSFamily }),
		text("version", func(n *boundNode) string { return of(n).Version }),
		text("serialNumber", func(n *boundNode) string { return of(n).SerialNumber }),
		orAbsent("hwVendor", func(n *boundNode) string { return of(n).HWVendor }),
		text("agentVersion", func(*boundNode) string { return "2.40.0" }),
		structured("fde", func(b []byte, n *boundNode) []byte {
			if of(n).Encrypted == nil {
				return b
			}
			return append(b, fmt.Sprintf(`{"active":%t,"keyPresent":%t}`, *of(n).Encrypted, *of(n).Encrypted)...)
		}),
		structured("primarySystemUser", func(b []byte, n *boundNode) []byte {
			if of(n).PrimaryUser == "" {
				return append(b, "null"...)
			}
			return append(query.AppendString(append(b, `{"id":`...), of(n).PrimaryUser), '}')
		}),
		orNull("lastContact", func(n *boundNode) string { return of(n).LastContact }),
		text("created", func(n *boundNode) string { return of(n).Created }),
		text("organization", func(*boundNode) string { return t.org.ID }),
	)
}

// deviceGroupTable has the fields of a device group in the documents of API v2.
func deviceGroupTable(t *Tenant) *query.Table[*boundNode] {
	of := func(n *boundNode) *DeviceGroup { return n.value.(*DeviceGroup) } //nolint:forcetypeassert // the list holds device groups only
	return query.NewTable([]string{"id", "type"}, func(n *boundNode) *query.Override { return of(n).Wire.override() },
		text("id", func(n *boundNode) string { return n.id }),
		text("name", func(n *boundNode) string { return n.name }),
		query.Field[*boundNode]{Name: "type", Get: func(*boundNode) query.Value { return query.String(TypeDeviceGroup) }},
		text("description", func(n *boundNode) string { return of(n).Description }),
		text("membershipMethod", func(n *boundNode) string { return of(n).MembershipMethod }),
		text("organizationObjectId", func(*boundNode) string { return t.org.ID }),
	)
}

// radiusTable has the fields of a RADIUS server in the documents of API v1.
func radiusTable(t *Tenant) *query.Table[*boundNode] {
	of := func(n *boundNode) *RADIUSServer { return n.value.(*RADIUSServer) } //nolint:forcetypeassert // the list holds servers only
	return query.NewTable([]string{"_id"}, func(n *boundNode) *query.Override { return of(n).Wire.override() },
		text("_id", func(n *boundNode) string { return n.id }),
		text("id", func(n *boundNode) string { return n.id }),
		text("name", func(n *boundNode) string { return n.name }),
		text("networkSourceIp", func(n *boundNode) string { return of(n).NetworkSourceIP }),
		orAbsent("mfa", func(n *boundNode) string { return of(n).MFA }),
		text("authIdp", func(*boundNode) string { return "JUMPCLOUD" }),
		text("sharedSecret", func(n *boundNode) string { return of(n).SharedSecret }),
		orAbsent("userLockoutAction", func(n *boundNode) string { return of(n).UserLockoutAction }),
		orAbsent("userPasswordExpirationAction", func(n *boundNode) string { return of(n).UserPasswordExpirationAction }),
		text("organization", func(*boundNode) string { return t.org.ID }),
	)
}
