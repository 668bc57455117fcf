package jcsim

import "fmt"

// build makes the tenant of a file.
func (p *fileParser) build(f *tenantFile) *Tenant {
	t := NewTenant(f.head.Organization)
	if !isID(t.org.ID) {
		p.fault(1, fmt.Errorf("organization: _id %q is not 24 hex digits", t.org.ID))
	}
	t.holes, t.bulk = f.head.Holes, true
	for _, r := range f.roles {
		_, err := t.addRole(r.value)
		p.check(r.line, err)
	}
	users := make([]*userNode, len(f.users))
	for i, u := range f.users {
		var err error
		users[i], err = t.addUser(u.value)
		p.check(u.line, err)
	}
	for _, a := range f.admins {
		_, err := t.addAdmin(a.value)
		p.check(a.line, err)
	}
	groups := make([]*groupNode, len(f.groups))
	for i, g := range f.groups {
		var err error
		groups[i], err = t.addGroup(g.value.Group)
		p.check(g.line, err)
	}
	apps := make([]*appNode, len(f.apps))
	for i, a := range f.apps {
		var err error
		apps[i], err = t.addApp(a.value.Application)
		p.check(a.line, err)
	}
	for _, a := range f.services {
		_, err := t.addServiceAccount(a.value)
		p.check(a.line, err)
	}
	linkBound := p.buildBound(t, f)
	if len(p.faults) > 0 {
		return t
	}
	for i, u := range f.users {
		p.check(u.line, t.linkUser(users[i]))
	}
	for i, g := range f.groups {
		p.check(g.line, t.linkGroup(groups[i], g.value))
	}
	for i, a := range f.apps {
		p.check(a.line, t.linkApp(apps[i], a.value))
	}
	linkBound()
	t.finish(false)
	return t
}

func (p *fileParser) check(line int, err error) {
	if err != nil {
		p.fault(line, err)
	}
}

// linkUser turns the names in a user's references into ids. An id of nobody is
// left as it is: a manager who was deleted leaves one.
func (t *Tenant) linkUser(n *userNode) error {
	u := *n.User
	if m, err := t.user(u.Manager); err == nil {
		u.Manager = m.id
	} else if u.Manager != "" && !isID(u.Manager) {
		return fmt.Errorf("user %q: no user %q for its manager; write a username, an email address or an id", u.Username, u.Manager)
	}
	if u.Admin != nil {
		link := *u.Admin
		if a, err := t.admin(link.ID); err == nil {
			link.ID = a.id
		} else if !isID(link.ID) {
			return fmt.Errorf("user %q: no administrator %q; write an email address or an id", u.Username, link.ID)
		}
		u.Admin = &link
	}
	n.User = &u
	return nil
}

func (t *Tenant) linkGroup(n *groupNode, f fileGroup) error {
	exempt := make([]string, len(f.Exemptions))
	for i, ref := range f.Exemptions {
		u, err := t.user(ref)
		if err != nil {
			return fmt.Errorf("group %q: exemptions: no user %q; write a username, an email address or an id", n.Name, ref)
		}
		exempt[i] = u.id
	}
	if len(exempt) > 0 {
		g := *n.Group
		g.Exemptions = exempt
		n.Group = &g
	}
	return t.linkUsers(fmt.Sprintf("group %q", n.Name), f.Members, &n.members, func(u *userNode) error { return t.addMember(n, u) })
}

func (t *Tenant) linkApp(n *appNode, f fileApp) error {
	name := fmt.Sprintf("application %q", n.label())
	err := t.linkUsers(name, f.Users, &n.users, func(u *userNode) error { return t.bindUser(n, u) })
	if err != nil {
		return err
	}
	return t.linkGroups(name, f.Groups, &n.groups, func(g *groupNode) error { return t.bindGroup(n, g) })
}

// linkUsers links the users at the ends of edges in a file to the object of that name,
// whose list takes those that are no users of the organization.
func (t *Tenant) linkUsers(name string, edges []fileEdge, list *[]*userNode, link func(*userNode) error) error {
	for _, e := range edges {
		if e.stray != alive {
			for _, id := range e.ids() {
				*list = append(*list, t.strayUser(e.stray, id))
			}
			continue
		}
		u, err := t.user(e.ref)
		if err != nil {
			return fmt.Errorf("%s: no user %q; write a username, an email address or an id of a user in this file", name, e.ref)
		}
		if err := link(u); err != nil {
			return err
		}
	}
	return nil
}

// linkGroups is [Tenant.linkUsers] for groups.
func (t *Tenant) linkGroups(name string, edges []fileEdge, list *[]*groupNode, link func(*groupNode) error) error {
	for _, e := range edges {
		if e.stray != alive {
			for _, id := range e.ids() {
				*list = append(*list, t.strayGroup(e.stray, id))
			}
			continue
		}
		g, err := t.group(e.ref)
		if err != nil {
			return fmt.Errorf("%s: no group %q; write a name or an id of a group in this file", name, e.ref)
		}
		if err := link(g); err != nil {
			return err
		}
	}
	return nil
}
